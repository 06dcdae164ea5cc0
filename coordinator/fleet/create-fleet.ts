/** The fleet over MQTT: what agents say becomes presence, boards and results; jobs and acknowledgements go to them. */
import { setImmediate } from 'node:timers/promises';
import { type DeviceView, deviceClassOf } from '@edgetune/shared/domain/device.ts';
import type { Measurement, StoredMeasurement } from '@edgetune/shared/domain/measurement.ts';
import { mistakesInLine } from '@edgetune/shared/domain/schema-mistakes.ts';
import type { Logger } from '@edgetune/shared/log/logger.ts';
import { missingFeature } from '@edgetune/shared/protocol/agent-features.ts';
import type { EnrollRequest } from '@edgetune/shared/protocol/http.ts';
import {
  type CommandMessage,
  type HelloMessage,
  helloMessageSchema,
  type JobUpdateMessage,
  jobUpdateMessageSchema,
  PROTOCOL_VERSION,
  statusMessageSchema,
} from '@edgetune/shared/protocol/messages.ts';
import { COORDINATOR_SUBSCRIPTIONS, parseTopic, topics } from '@edgetune/shared/protocol/topics.ts';
import type { MqttClient } from 'mqtt';
import { z } from 'zod';
import { quietLog } from '../broker/quiet-log.ts';
import type { AgentRelease } from './agent-release.ts';
import { offerFor } from './agent-update.ts';
import { type Clock, systemClock } from './clock.ts';
import { DeviceJobs, resultProblem } from './device-jobs.ts';
import { DeviceRegistry } from './device-registry.ts';
import type { DeviceRecord, DeviceRepository } from './device-repository.ts';
import { type Fleet, type HostLease, JobFailedError } from './fleet.ts';
import type { JobJournal, JobRecord, JobRepository } from './job-repository.ts';
import { ABSENT, afterHello, afterStatus, type PresenceState } from './presence.ts';
import { RecentSet } from './recent-set.ts';

export interface FleetOptions {
  devices: DeviceRepository;
  jobs: JobRepository;
  hostLease: HostLease;
  /** Hash of this machine's id, as an agent on it reports. */
  machineId: string;
  log: Logger;
  /**
   * A valid result that nobody waits for any longer (its job was cancelled, or the coordinator restarted). Its agent may
   * forget it when this resolves.
   */
  onMeasurement(measurement: StoredMeasurement): Promise<void>;
  /** Ends the MQTT sessions of a device whose credential is void (the embedded broker can; another may not). */
  disconnect?(deviceId: string): void;
  /** The agent that installed agents are offered where it is newer than theirs. */
  agentRelease?: AgentRelease;
  clock?: Clock;
}

/** What joining gives a board. */
export interface Enrolment {
  deviceId: string;
  name: string;
  credential: string;
}

export interface AddedDevice {
  device: DeviceView;
  token: string;
  expiresAt: string;
}

export interface ManagedFleet extends Fleet {
  /** Listens to the devices. Jobs of an earlier run of the coordinator are cancelled: whoever wants them asks again. */
  start(mqtt: MqttClient): Promise<void>;
  /** Ends all jobs as cancelled. The MQTT client is the caller's to end. */
  stop(): Promise<void>;
  /**
   * Reserves a name and makes a join token: single use, one hour. For a name whose device has not joined yet, a new
   * token replaces the old one. @throws {FleetError}
   */
  addDevice(name: string): Promise<AddedDevice>;
  /** A new token for a device of the fleet; its credential holds until the token is used. @throws {FleetError} */
  renewToken(name: string): Promise<AddedDevice>;
  /** An agent trades its token for a credential. @throws {FleetError} */
  enroll(request: EnrollRequest): Promise<Enrolment>;
  /** @throws {FleetError} */
  rename(name: string, newName: string): Promise<DeviceView>;
  /** Tells the agent, voids its credential, ends its jobs. Its measurements stay. @throws {FleetError} */
  remove(name: string): Promise<void>;
  hasDevice(deviceId: string): boolean;
  verifyCredential(deviceId: string, credential: string): boolean;
}

/** What could not be sent by then is said again at the next start. */
const STOP_GRACE_MS = 5000;
const JOB_LIFE_MS = 30 * 24 * 60 * 60 * 1000;

/** Of an update that this version cannot read: enough to answer it. */
const unreadableUpdateSchema = z.object({ updateId: z.string().min(1) });
const fenceSchema = jobUpdateMessageSchema.pick({ jobId: true, attempt: true, leaseToken: true });

interface LiveDevice {
  presence: PresenceState;
  lastSeenAt: string | null;
  jobs: DeviceJobs;
  agentUpdate: DeviceView['agentUpdate'];
}

export function createFleet(options: FleetOptions): ManagedFleet {
  const { clock = systemClock, machineId } = options;
  const log = quietLog(options.log, clock.now);
  const registry = new DeviceRegistry(options.devices, clock.now);
  const live = new Map<string, LiveDevice>();
  const listeners = new Set<Parameters<Fleet['subscribe']>[0]>();
  const delivered = new RecentSet(10_000);
  const sending = new Set<Promise<unknown>>();
  /** Until when messages wait for those before them. */
  let held: Promise<unknown> | null = null;
  let mqtt: MqttClient | null = null;

  const timestamp = () => new Date(clock.now()).toISOString();

  const noted = (written: Promise<unknown>) =>
    void written.catch((error) => log.error('what happened in the fleet could not be written', { error }));
  const journal: JobJournal = {
    insert: (record) => noted(options.jobs.insert(record)),
    update: (id, change) => noted(options.jobs.update(id, change)),
  };

  function liveDevice(deviceId: string): LiveDevice {
    const known = live.get(deviceId);
    if (known) return known;
    const jobs = new DeviceJobs({
      deviceId,
      journal,
      clock,
      send: (command) => send(deviceId, command),
      hostLease: () => (isOnCoordinatorHost(registry.get(deviceId)) ? options.hostLease : null),
      onChange: () => changed(deviceId),
    });
    const device = { presence: ABSENT, lastSeenAt: null, jobs, agentUpdate: undefined };
    live.set(deviceId, device);
    return device;
  }

  function isOnCoordinatorHost(record: DeviceRecord | null): boolean {
    return record?.board != null && record.board.simulated === null && record.board.machineId === machineId;
  }

  function view(record: DeviceRecord): DeviceView {
    const { presence, lastSeenAt, jobs, agentUpdate } = liveDevice(record.id);
    const present = jobs.running > 0 ? 'busy' : 'online';
    return {
      id: record.id,
      name: record.name,
      presence: record.joinedAt === null ? 'pending' : presence.online ? present : 'offline',
      board: record.board,
      deviceClass: record.board && deviceClassOf(record.board),
      addedAt: record.addedAt,
      lastSeenAt: lastSeenAt ?? record.lastSeenAt,
      onCoordinatorHost: isOnCoordinatorHost(record),
      runningJobs: jobs.running,
      queuedJobs: jobs.queued,
      ...(agentUpdate ? { agentUpdate } : {}),
    };
  }

  function changed(deviceId: string): void {
    const record = registry.get(deviceId);
    if (!record) return;
    const device = view(record);
    for (const listener of listeners) listener({ type: 'device', device });
  }

  /** Messages leave in order, when everything that they follow from is written. */
  function send(deviceId: string, command: CommandMessage): void {
    const client = mqtt;
    if (!client) return;
    const publish = () => client.publishAsync(topics.command(deviceId), JSON.stringify(command), { qos: 1 });
    const written = options.jobs.written();
    const free = held || written ? Promise.all([held, written]) : null;
    const sent = (free ? free.then(publish) : publish())
      .catch((error: Error) => log.warn(`a message for ${deviceId} was not sent`, { error, deviceId }))
      .finally(() => sending.delete(sent));
    sending.add(sent);
    held = free;
    void free?.then(() => {
      if (held === free) held = null;
    });
  }

  function receive(topic: string, payload: Buffer, retained: boolean): void {
    const parsed = parseTopic(topic);
    // An empty retained message is our own, with which a status is cleared.
    if (!parsed || payload.length === 0) return;
    const { deviceId, kind } = parsed;
    const record = registry.get(deviceId);
    if (!record) {
      if (kind === 'hello') send(deviceId, { type: 'removed' });
      return;
    }
    liveDevice(deviceId).lastSeenAt = timestamp();
    const message = parseJson(payload);
    if (kind === 'status') receiveStatus(record, message, retained);
    else if (kind === 'hello') receiveHello(record, message);
    else receiveUpdate(record, message);
  }

  function receiveStatus(record: DeviceRecord, message: unknown, retained: boolean): void {
    const parsed = statusMessageSchema.safeParse(message);
    if (!parsed.success) {
      log.warn(unreadable(record, 'status', parsed.error), { deviceId: record.id });
      return;
    }
    const device = liveDevice(record.id);
    const before = device.presence;
    device.presence = afterStatus(before, parsed.data, retained);
    if (device.presence === before) return;
    if (!device.presence.online) {
      device.jobs.disconnected();
      if (before.online) noted(registry.heard(record.id, { lastSeenAt: timestamp() }));
    } else if (device.presence.ready && !before.ready) device.jobs.connected(null);
    else if (!device.presence.ready && before.ready) device.jobs.disconnected();
    changed(record.id);
  }

  function receiveHello(record: DeviceRecord, message: unknown): void {
    const parsed = helloMessageSchema.safeParse(message);
    if (!parsed.success) {
      log.warn(unreadable(record, 'hello', parsed.error), { deviceId: record.id });
      return;
    }
    const { sessionId, deviceId, board, jobs, update } = parsed.data;
    if (deviceId !== record.id) {
      log.warn(`${record.name}: its hello names another device, ${deviceId}: ignored`, { deviceId: record.id });
      return;
    }
    noted(registry.heard(record.id, { board, lastSeenAt: timestamp() }));
    const device = liveDevice(record.id);
    device.presence = afterHello(sessionId);
    device.jobs.connected(jobs);
    device.agentUpdate = update && { offered: null, failed: update.failed };
    changed(record.id);
    if (update && options.agentRelease)
      offerUpdate(record, board.agentVersion, update, options.agentRelease).catch((error: Error) =>
        log.warn(`${record.name} was offered no newer agent`, { error, deviceId: record.id }),
      );
  }

  async function offerUpdate(
    record: DeviceRecord,
    version: string,
    update: NonNullable<HelloMessage['update']>,
    release: AgentRelease,
  ): Promise<void> {
    const offer = await offerFor(version, update, release);
    const device = live.get(record.id);
    if (!offer || !device) return;
    device.agentUpdate = { offered: offer.version, failed: update.failed };
    send(record.id, { type: 'update', offer });
    changed(record.id);
  }

  function receiveUpdate(record: DeviceRecord, message: unknown): void {
    const parsed = jobUpdateMessageSchema.safeParse(message);
    const update = parsed.success ? withDeviceClass(record, parsed.data) : refusedUpdate(message, parsed.error);
    if (!parsed.success) log.warn(unreadable(record, 'job-update', parsed.error), { deviceId: record.id });
    const failuresBefore = options.jobs.failures();
    const applied = update ? apply(record, update) : Promise.resolve();
    const id = unreadableUpdateSchema.safeParse(message);
    const acknowledge = async () => {
      // Whoever got the result has given it to the store when the microtasks have run: in a turn of its own this waits
      // until it is written. Only then may the agent forget it.
      await Promise.all([applied, setImmediate()]);
      await options.jobs.written();
      if (options.jobs.failures() !== failuresBefore) throw new Error('the store could not write everything');
      if (id.success) send(record.id, { type: 'acknowledge', updateIds: [id.data.updateId] });
    };
    acknowledge().catch((error) => {
      if (update?.measurement) delivered.delete(runOf(update));
      const deviceId = record.id;
      log.error(`a report of ${record.name} is not acknowledged, so that it comes again`, { error, deviceId });
    });
  }

  async function apply(record: DeviceRecord, update: JobUpdateMessage): Promise<void> {
    const { jobId, attempt, state, measurement } = update;
    log.debug(`${record.name}: job ${jobId} ${state}`, { deviceId: record.id, jobId, attempt });
    const isAnswer = liveDevice(record.id).jobs.update(update);
    if (state !== 'succeeded' || !measurement) return;
    if (isAnswer) delivered.add(runOf(update));
    else if (!delivered.has(runOf(update))) await keepLateResult(record, update, measurement);
  }

  /** Nothing that was measured is lost: a result that comes too late for its job still enriches the history. */
  async function keepLateResult(
    record: DeviceRecord,
    update: JobUpdateMessage,
    measurement: Measurement,
  ): Promise<void> {
    const { jobId, attempt } = update;
    const job = options.jobs.get(jobId);
    const problem = job && (fenceProblem(job, record, update) ?? resultProblem(job, measurement));
    if (problem) {
      log.warn(`${record.name}: a late result of job ${jobId} was dropped: ${problem}`, { deviceId: record.id, jobId });
      return;
    }
    delivered.add(runOf(update));
    await options.onMeasurement(stored(record, { id: jobId, attempt, studyId: job?.studyId ?? null }, measurement));
  }

  return {
    devices: () => registry.list().map(view),
    device(name) {
      const record = registry.find(name);
      return record && view(record);
    },
    async measure(deviceId, request, measureOptions) {
      const record = registry.get(deviceId);
      if (!record) throw new JobFailedError('rejected', `device ${deviceId} is not in the fleet any more`);
      const missing = record.board && missingFeature(record.board, request);
      if (missing) throw new JobFailedError('rejected', `${record.name}: ${missing}`);
      const { job, measurement } = await liveDevice(deviceId).jobs.measure(request, measureOptions);
      return stored(registry.get(deviceId) ?? record, job, measurement);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async start(client) {
      mqtt = client;
      noted(options.jobs.prune(new Date(clock.now() - JOB_LIFE_MS).toISOString()));
      client.on('message', (topic, payload, packet) => {
        try {
          receive(topic, payload, packet.retain);
        } catch (error) {
          log.error(`a message on ${topic} could not be handled`, { error });
        }
      });
      const reason = 'the coordinator was restarted';
      for (const { id: jobId, deviceId, attempt, leaseToken } of options.jobs.unfinished()) {
        journal.update(jobId, { state: 'cancelled', reason, updatedAt: timestamp() });
        send(deviceId, { type: 'cancel', jobId, attempt, leaseToken, reason });
      }
      await client.subscribeAsync([...COORDINATOR_SUBSCRIPTIONS], { qos: 1 });
    },
    async stop() {
      for (const { jobs } of live.values()) jobs.close('the coordinator was stopped');
      if (mqtt?.connected) await atMost(STOP_GRACE_MS, Promise.all(sending), clock);
      mqtt?.removeAllListeners('message');
      mqtt = null;
    },
    async addDevice(name) {
      const { device, token } = await registry.add(name);
      changed(device.id);
      return { device: view(device), ...token };
    },
    async renewToken(name) {
      const { device, token } = await registry.renewToken(name);
      return { device: view(device), ...token };
    },
    async enroll({ token, board }) {
      const { device, credential } = await registry.join(token, board);
      options.disconnect?.(device.id);
      changed(device.id);
      return { deviceId: device.id, name: device.name, credential };
    },
    async rename(name, newName) {
      const device = await registry.rename(name, newName);
      changed(device.id);
      return view(device);
    },
    async remove(name) {
      const { id } = await registry.remove(name);
      live.get(id)?.jobs.close(`the device ${name} was removed from the fleet`);
      send(id, { type: 'removed' });
      live.delete(id);
      for (const listener of listeners) listener({ type: 'device-removed', id });
      await mqtt?.publishAsync(topics.status(id), '', { qos: 1, retain: true });
      options.disconnect?.(id);
    },
    hasDevice: (deviceId) => registry.get(deviceId) !== null,
    verifyCredential: (deviceId, credential) => registry.verifyCredential(deviceId, credential),
  };
}

function runOf({ jobId, attempt }: Pick<JobUpdateMessage, 'jobId' | 'attempt'>): string {
  return `${jobId}/${attempt}`;
}

/** The coordinator knows the class from the board's hello: no device writes into the history of another class. */
function withDeviceClass({ board }: DeviceRecord, update: JobUpdateMessage): JobUpdateMessage {
  if (!board || !update.measurement) return update;
  return { ...update, measurement: { ...update.measurement, deviceClass: deviceClassOf(board) } };
}

/** Why this device cannot have run this job under this fence; null: it can. Of earlier attempts no token is kept. */
function fenceProblem(job: JobRecord, { id }: DeviceRecord, update: JobUpdateMessage): string | null {
  if (job.deviceId !== id) return 'the job is another device’s';
  if (update.attempt > job.attempt) return `attempt ${update.attempt} was never made`;
  const isForeign = update.attempt === job.attempt && update.leaseToken !== job.leaseToken;
  return isForeign ? 'its lease token is not the one of that attempt' : null;
}

/** The history has a run's result once, however often it is delivered: by the same id. */
function stored(
  { id: deviceId, name: deviceName }: DeviceRecord,
  { id, attempt, studyId }: Pick<JobRecord, 'id' | 'attempt' | 'studyId'>,
  measurement: Measurement,
): StoredMeasurement {
  return { ...measurement, id: `m-${id}-${attempt}`, deviceId, deviceName, studyId };
}

/** An update that cannot be read, but says whose it is, ends its job: else that would be waited for in vain. */
function refusedUpdate(message: unknown, error: z.ZodError): JobUpdateMessage | null {
  const fence = fenceSchema.safeParse(message);
  if (!fence.success) return null;
  return {
    protocol: PROTOCOL_VERSION,
    updateId: 'unreadable',
    ...fence.data,
    state: 'failed',
    reason: `the agent's report could not be read (${mistakesInLine(error)}): is it of the same version as the coordinator?`,
    measurement: null,
    at: new Date().toISOString(),
  };
}

function unreadable(record: DeviceRecord, kind: string, error: z.ZodError): string {
  return `${record.name}: its ${kind} could not be read and was ignored: ${mistakesInLine(error)}`;
}

/** Waits for work, but no longer than this. */
async function atMost(ms: number, work: Promise<unknown>, clock: Clock): Promise<void> {
  let stopTimer = () => {};
  const timeUp = new Promise<void>((resolve) => {
    stopTimer = clock.after(ms, resolve);
  });
  await Promise.race([work, timeUp]);
  stopTimer();
}

/** Undefined where the payload is no JSON: no schema takes it. */
function parseJson(payload: Buffer): unknown {
  try {
    return JSON.parse(payload.toString('utf8'));
  } catch {
    return undefined;
  }
}
