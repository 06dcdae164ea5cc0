/** The fleet over MQTT: what agents say becomes presence, boards and results; jobs and acknowledgements go to them. */
import { type DeviceView, deviceClassOf } from '@edgetune/shared/domain/device.ts';
import type { StoredMeasurement } from '@edgetune/shared/domain/measurement.ts';
import { mistakesInLine } from '@edgetune/shared/domain/schema-mistakes.ts';
import { sharedCredentialCure, sharedCredentialText } from '@edgetune/shared/domain/shared-credential.ts';
import type { Logger } from '@edgetune/shared/log/logger.ts';
import { missingFeature } from '@edgetune/shared/protocol/agent-features.ts';
import type { CoordinatorIdentity } from '@edgetune/shared/protocol/coordinator-identity.ts';
import type { EnrollRequest, StrangerView } from '@edgetune/shared/protocol/http.ts';
import type { MeasureRequest } from '@edgetune/shared/protocol/job.ts';
import {
  type CommandMessage,
  type HelloMessage,
  helloMessageSchema,
  statusMessageSchema,
} from '@edgetune/shared/protocol/messages.ts';
import type { Proof } from '@edgetune/shared/protocol/signed.ts';
import { COORDINATOR_SUBSCRIPTIONS, parseTopic, type TopicKind, topics } from '@edgetune/shared/protocol/topics.ts';
import type { MqttClient } from 'mqtt';
import type { z } from 'zod';
import { quietLog } from '../broker/quiet-log.ts';
import { tellAll } from '../lifecycle/tell-all.ts';
import type { AgentRelease } from './agent-release.ts';
import { offerFor, updateRefusal } from './agent-update.ts';
import { type Clock, systemClock } from './clock.ts';
import { CommandSender } from './command-sender.ts';
import { DeviceJobs } from './device-jobs.ts';
import { DeviceRegistry } from './device-registry.ts';
import type { DeviceRecord, DeviceRepository } from './device-repository.ts';
import { type Fleet, type HostLease, JobFailedError, type MeasureOptions } from './fleet.ts';
import type { FleetIdentity } from './fleet-identity.ts';
import { FreshDescriptions } from './fresh-descriptions.ts';
import { JobReports, storedAs } from './job-reports.ts';
import type { JobJournal, JobRepository } from './job-repository.ts';
import { ABSENT, afterHello, afterStatus, type PresenceState } from './presence.ts';
import { SharedCredentials } from './shared-credentials.ts';
import { Strangers } from './strangers.ts';

export interface FleetOptions {
  devices: DeviceRepository;
  jobs: JobRepository;
  hostLease: HostLease;
  /** As whom boards know this coordinator. */
  identity: FleetIdentity;
  /** Whatever boards hear is this coordinator's: it comes over TLS, and its own broker. */
  isEncrypted?: boolean;
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
  /** As whom it knows this coordinator from now on. */
  coordinator: CoordinatorIdentity;
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
  /** Somebody wants to log in as a device that is not in the fleet. */
  heardStranger(deviceId: string): void;
  verifyCredential(deviceId: string, credential: string): boolean;
  /** In this coordinator's own word, that it has removed a device; null: it has not. */
  proofOfRemoval(deviceId: string): Proof | null;
}

/** What could not be sent by then is said again at the next start. */
const STOP_GRACE_MS = 5000;
const JOB_LIFE_MS = 30 * 24 * 60 * 60 * 1000;

interface LiveDevice {
  presence: PresenceState;
  lastSeenAt: string | null;
  jobs: DeviceJobs;
  agentUpdate: DeviceView['agentUpdate'];
}

export function createFleet(options: FleetOptions): ManagedFleet {
  return new MqttFleet(options);
}

class MqttFleet implements ManagedFleet {
  readonly #options: FleetOptions;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #registry: DeviceRegistry;
  readonly #commands: CommandSender;
  readonly #reports: JobReports;
  readonly #journal: JobJournal;
  readonly #live = new Map<string, LiveDevice>();
  readonly #listeners = new Set<Parameters<Fleet['subscribe']>[0]>();
  readonly #strangers: Strangers;
  readonly #descriptions: FreshDescriptions;
  readonly #credentials: SharedCredentials;
  #mqtt: MqttClient | null = null;

  constructor(options: FleetOptions) {
    const { clock = systemClock, devices, jobs, onMeasurement } = options;
    this.#options = options;
    this.#clock = clock;
    this.#log = quietLog(options.log, clock.now);
    this.#registry = new DeviceRegistry(devices, clock.now);
    this.#credentials = new SharedCredentials(clock.now);
    this.#strangers = new Strangers({
      coordinatorId: options.identity.coordinator.id,
      log: this.#log,
      timestamp: () => this.#timestamp(),
      onChange: (strangers) => this.#tell({ type: 'strangers', strangers }),
    });
    this.#commands = new CommandSender(jobs, this.#log);
    this.#descriptions = new FreshDescriptions({
      clock,
      ask: (deviceId) => void this.#commands.send(deviceId, { type: 'greet' }),
    });
    this.#journal = {
      insert: (record) => this.#noted(jobs.insert(record)),
      update: (id, change) => this.#noted(jobs.update(id, change)),
    };
    this.#reports = new JobReports({
      jobs,
      clock,
      log: this.#log,
      tell: (deviceId, update) => this.#device(deviceId).jobs.update(update),
      onMeasurement,
      send: (deviceId, command) => void this.#commands.send(deviceId, command),
    });
  }

  devices(): DeviceView[] {
    return this.#registry.list().map((record) => this.#view(record));
  }

  device(name: string): DeviceView | null {
    const record = this.#registry.find(name);
    return record && this.#view(record);
  }

  async described(deviceId: string): Promise<DeviceView | null> {
    const record = this.#registry.get(deviceId);
    if (!record) return null;
    const { presence, jobs } = this.#device(deviceId);
    const isAsked = presence.online && presence.ready && record.board?.simulated === null && jobs.running === 0;
    const isKnown = !isAsked || (await this.#descriptions.ask(deviceId));
    const now = this.#registry.get(deviceId);
    if (!now || isKnown || !this.#device(deviceId).presence.online) return now && this.#view(now);
    this.#log.warn(`${now.name} does not say what it is now: nothing that was measured on it earlier is reused`, {
      deviceId,
    });
    return { ...this.#view(now), deviceClass: null };
  }

  async measure(deviceId: string, request: MeasureRequest, options: MeasureOptions): Promise<StoredMeasurement> {
    const record = this.#registry.get(deviceId);
    if (!record) throw new JobFailedError('cancelled', `device ${deviceId} is not in the fleet any more`);
    const missing = record.board && missingFeature(record.board, request);
    if (missing) throw new JobFailedError('rejected', `${record.name}: ${missing}`);
    const { job, measurement } = await this.#device(deviceId).jobs.measure(request, options);
    return storedAs(this.#registry.get(deviceId) ?? record, job, measurement);
  }

  subscribe(listener: Parameters<Fleet['subscribe']>[0]): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async start(client: MqttClient): Promise<void> {
    this.#mqtt = client;
    this.#commands.start(client);
    this.#noted(this.#options.jobs.prune(new Date(this.#clock.now() - JOB_LIFE_MS).toISOString()));
    client.on('message', (topic, payload, packet) => {
      try {
        this.#receive(topic, payload, packet.retain);
      } catch (error) {
        this.#log.error(`a message on ${topic} could not be handled`, { error });
      }
    });
    const reason = 'the coordinator was restarted';
    for (const { id: jobId, deviceId, attempt, leaseToken } of this.#options.jobs.unfinished()) {
      this.#journal.update(jobId, { state: 'cancelled', reason, updatedAt: this.#timestamp() });
      void this.#commands.send(deviceId, { type: 'cancel', jobId, attempt, leaseToken, reason });
    }
    await client.subscribeAsync([...COORDINATOR_SUBSCRIPTIONS], { qos: 1 });
  }

  async stop(): Promise<void> {
    for (const { jobs } of this.#live.values()) jobs.close('the coordinator was stopped');
    this.#reports.close();
    this.#descriptions.close();
    if (this.#mqtt?.connected) await atMost(STOP_GRACE_MS, this.#commands.sent(), this.#clock);
    this.#commands.stop();
    this.#mqtt?.removeAllListeners('message');
    this.#mqtt = null;
  }

  async addDevice(name: string): Promise<AddedDevice> {
    const { device, token } = await this.#registry.add(name);
    this.#changed(device.id);
    return { device: this.#view(device), ...token };
  }

  async renewToken(name: string): Promise<AddedDevice> {
    const { device, token } = await this.#registry.renewToken(name);
    return { device: this.#view(device), ...token };
  }

  async enroll({ token, board }: EnrollRequest): Promise<Enrolment> {
    const { device, credential } = await this.#registry.join(token, board);
    this.#options.disconnect?.(device.id);
    this.#strangers.forget(board.machineId);
    for (const id of this.#credentials.joined(device.id, board)) this.#changed(id);
    this.#changed(device.id);
    return { deviceId: device.id, name: device.name, credential, coordinator: this.#options.identity.coordinator };
  }

  async rename(name: string, newName: string): Promise<DeviceView> {
    const device = await this.#registry.rename(name, newName);
    this.#changed(device.id);
    return this.#view(device);
  }

  async remove(name: string): Promise<void> {
    const { id } = await this.#registry.remove(name);
    this.#live.get(id)?.jobs.close(`the device ${name} was removed from the fleet`);
    // What waits for the store may take its time: the agent is to hear it before its session ends.
    const told = this.#commands.send(id, this.#removal(id));
    this.#live.delete(id);
    this.#descriptions.gone(id);
    this.#credentials.forget(id);
    this.#tell({ type: 'device-removed', id });
    await told;
    await this.#mqtt?.publishAsync(topics.status(id), '', { qos: 1, retain: true });
    this.#options.disconnect?.(id);
  }

  hasDevice(deviceId: string): boolean {
    return this.#registry.get(deviceId) !== null;
  }

  verifyCredential(deviceId: string, credential: string): boolean {
    return this.#registry.verifyCredential(deviceId, credential);
  }

  strangers(): StrangerView[] {
    return this.#strangers.list();
  }

  heardStranger(deviceId: string): void {
    // Whose row cannot be read is a member all the same; who was removed here is known.
    const { devices } = this.#options;
    if (!devices.has(deviceId) && !devices.wasRemoved(deviceId)) this.#strangers.heard(deviceId);
  }

  /** In this coordinator's own word: boards of another are not removed by it. */
  #removal(deviceId: string): CommandMessage {
    return { type: 'removed', proof: this.#proofOf(deviceId) };
  }

  #proofOf(deviceId: string): Proof {
    return this.#options.identity.sign({ kind: 'removal', deviceId, at: this.#timestamp() });
  }

  /** For a board that a broker does not let in any more; null: no such device was removed here. */
  proofOfRemoval(deviceId: string): Proof | null {
    return this.#options.devices.wasRemoved(deviceId) ? this.#proofOf(deviceId) : null;
  }

  #tell(change: Parameters<Parameters<Fleet['subscribe']>[0]>[0]): void {
    tellAll(this.#listeners, change, (error) =>
      this.#log.error('what happens in the fleet could not be told', { error }),
    );
  }

  #timestamp(): string {
    return new Date(this.#clock.now()).toISOString();
  }

  #noted(written: Promise<unknown>): void {
    written.catch((error) => this.#log.error('what happened in the fleet could not be written', { error }));
  }

  #device(deviceId: string): LiveDevice {
    const known = this.#live.get(deviceId);
    if (known) return known;
    const jobs = new DeviceJobs({
      deviceId,
      journal: this.#journal,
      clock: this.#clock,
      send: (command) => void this.#commands.send(deviceId, command),
      hostLease: () => (this.#isOnCoordinatorHost(this.#registry.get(deviceId)) ? this.#options.hostLease : null),
      onChange: () => this.#changed(deviceId),
      onFault: (error) => this.#log.error('a job of the fleet has met a fault of EdgeTune', { error, deviceId }),
    });
    const device = { presence: ABSENT, lastSeenAt: null, jobs, agentUpdate: undefined };
    this.#live.set(deviceId, device);
    return device;
  }

  #isOnCoordinatorHost(record: DeviceRecord | null): boolean {
    return (
      record?.board != null && record.board.simulated === null && record.board.machineId === this.#options.machineId
    );
  }

  #view(record: DeviceRecord): DeviceView {
    const { presence, lastSeenAt, jobs, agentUpdate } = this.#device(record.id);
    const present = jobs.running > 0 ? 'busy' : 'online';
    const sharedCredential = this.#credentials.shared(record.id);
    return {
      id: record.id,
      name: record.name,
      presence: record.joinedAt === null ? 'pending' : presence.online ? present : 'offline',
      board: record.board,
      deviceClass: record.board && deviceClassOf(record.board),
      addedAt: record.addedAt,
      lastSeenAt: lastSeenAt ?? record.lastSeenAt,
      onCoordinatorHost: this.#isOnCoordinatorHost(record),
      runningJobs: jobs.running,
      queuedJobs: jobs.queued,
      ...(agentUpdate ? { agentUpdate } : {}),
      ...(sharedCredential ? { sharedCredential } : {}),
    };
  }

  #changed(deviceId: string): void {
    const record = this.#registry.get(deviceId);
    if (!record) return;
    this.#tell({ type: 'device', device: this.#view(record) });
  }

  #receive(topic: string, payload: Buffer, retained: boolean): void {
    const parsed = parseTopic(topic);
    // An empty retained message is our own, with which a status is cleared.
    if (!parsed || payload.length === 0) return;
    const { deviceId, kind } = parsed;
    const record = this.#registry.get(deviceId);
    if (!record) {
      this.#receiveStranger(deviceId, kind, parseJson(payload), retained);
      return;
    }
    this.#device(deviceId).lastSeenAt = this.#timestamp();
    const message = parseJson(payload);
    if (kind === 'status') this.#receiveStatus(record, message, retained);
    else if (kind === 'hello') this.#receiveHello(record, message);
    // Not acknowledged: it stays with the board that said it.
    else if (!this.#credentials.isRefusedSpeaking(deviceId)) this.#reports.receive(record, message);
  }

  /** Who was removed here while it was away hears that now. Of anybody else nothing is known, and nothing asked. */
  #receiveStranger(deviceId: string, kind: TopicKind, message: unknown, retained: boolean): void {
    const { devices, identity } = this.#options;
    // Whose row cannot be read is a member all the same: its board keeps what it has until that is mended.
    if (devices.has(deviceId)) return;
    const isThere = kind === 'status' && retained && statusMessageSchema.safeParse(message).data?.state === 'online';
    // It said hello before this coordinator listened.
    if (isThere) void this.#commands.send(deviceId, { type: 'greet' });
    if (kind !== 'hello') return;
    if (devices.wasRemoved(deviceId)) {
      void this.#commands.send(deviceId, this.#removal(deviceId));
      return;
    }
    this.#strangers.heard(deviceId, message);
    void this.#commands.send(deviceId, { type: 'unknown', coordinator: identity.coordinator.id });
  }

  #receiveStatus(record: DeviceRecord, message: unknown, retained: boolean): void {
    const parsed = statusMessageSchema.safeParse(message);
    if (!parsed.success) {
      this.#log.warn(unreadable(record, 'status', parsed.error), { deviceId: record.id });
      return;
    }
    // The broker kept it for us: what its agent has said since then was said to nobody.
    if (retained && parsed.data.state === 'online') void this.#commands.send(record.id, { type: 'greet' });
    if (!this.#credentials.heardStatus(record.id, parsed.data.sessionId, parsed.data.state)) return;
    const device = this.#device(record.id);
    const before = device.presence;
    device.presence = afterStatus(before, parsed.data, retained);
    if (device.presence === before) return;
    if (!device.presence.online) {
      device.jobs.disconnected();
      this.#descriptions.gone(record.id);
      if (before.online) this.#noted(this.#registry.heard(record.id, { lastSeenAt: this.#timestamp() }));
    } else if (device.presence.ready && !before.ready) device.jobs.connected(null);
    else if (!device.presence.ready && before.ready) device.jobs.disconnected();
    this.#changed(record.id);
  }

  #receiveHello(record: DeviceRecord, message: unknown): void {
    const parsed = helloMessageSchema.safeParse(message);
    if (!parsed.success) {
      this.#log.warn(unreadable(record, 'hello', parsed.error), { deviceId: record.id });
      return;
    }
    const { sessionId, deviceId, board, jobs, update } = parsed.data;
    if (deviceId !== record.id) {
      this.#log.warn(`${record.name}: its hello names another device, ${deviceId}: ignored`, { deviceId: record.id });
      return;
    }
    if (!this.#isWelcome(record, parsed.data)) return;
    this.#tellOfOtherIdentity(record, parsed.data.coordinator?.id);
    this.#noted(this.#registry.heard(record.id, { board, lastSeenAt: this.#timestamp() }));
    const device = this.#device(record.id);
    device.presence = afterHello(sessionId);
    device.jobs.connected(jobs);
    this.#descriptions.heard(record.id);
    device.agentUpdate = update && { offered: null, failed: update.failed };
    this.#changed(record.id);
    if (update && this.#options.agentRelease)
      this.#offerUpdate(record, parsed.data, update, this.#options.agentRelease).catch((error: Error) =>
        this.#log.warn(`${record.name} was offered no newer agent`, { error, deviceId: record.id }),
      );
  }

  /** Whether it is the board that the device is: of two that share a credential one is refused, and both are told. */
  #isWelcome(record: DeviceRecord, hello: HelloMessage): boolean {
    const { id: deviceId, name } = record;
    const { sessionId } = hello;
    const judgement = this.#credentials.judge(deviceId, record.board, hello);
    const shared = this.#credentials.shared(deviceId);
    if (judgement.kind === 'replaces')
      this.#log.warn(`${name} is another board now: ${judgement.second} has taken the place of ${judgement.first}`, {
        deviceId,
      });
    if (judgement.kind !== 'refused') {
      if (shared) {
        const { first, second } = shared;
        void this.#commands.send(deviceId, {
          type: 'shared-credential',
          sessionId,
          refused: false,
          name,
          first,
          second,
        });
      }
      return true;
    }
    const { first, second } = judgement;
    this.#log.warn(`${sharedCredentialText(name, judgement)}. To mend it, ${sharedCredentialCure(name)}`, { deviceId });
    void this.#commands.send(deviceId, { type: 'shared-credential', sessionId, refused: true, name, first, second });
    const device = this.#device(deviceId);
    device.presence = ABSENT;
    device.jobs.disconnected();
    this.#changed(deviceId);
    return false;
  }

  /** As where the database was copied without the identity: the board is a member, and believes neither update nor removal. */
  #tellOfOtherIdentity({ id: deviceId, name }: DeviceRecord, known: string | undefined): void {
    const { id } = this.#options.identity.coordinator;
    if (known === undefined || known === id) return;
    this.#log.warn(
      `${name} has joined the coordinator ${known}, and this is ${id}: it takes no update and no removal from here. Put the identity of ${known} back (edgetune restore), or paste the line of "edgetune device add ${name} --renew" on it`,
      { deviceId },
    );
  }

  async #offerUpdate(
    record: DeviceRecord,
    { board, coordinator }: HelloMessage,
    update: NonNullable<HelloMessage['update']>,
    release: AgentRelease,
  ): Promise<void> {
    const { identity, isEncrypted = false } = this.#options;
    const offer = await offerFor(board.agentVersion, update, release, identity);
    const device = this.#live.get(record.id);
    if (!offer || !device) return;
    const refused = updateRefusal(coordinator, identity.coordinator, isEncrypted);
    if (refused !== null) {
      device.agentUpdate = { offered: null, failed: update.failed, refused };
      this.#log.warn(`${record.name} is not offered agent ${offer.version}: ${refused}`, { deviceId: record.id });
      this.#changed(record.id);
      return;
    }
    device.agentUpdate = { offered: offer.version, failed: update.failed };
    void this.#commands.send(record.id, { type: 'update', offer });
    this.#changed(record.id);
  }
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
