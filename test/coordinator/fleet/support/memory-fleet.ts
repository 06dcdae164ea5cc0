/** A fleet without broker, store and time: what is said to it is heard at once, and all that it says is in a list. */
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { BoardDescription, DeviceView } from '@edgetune/shared/domain/device.ts';
import type { StoredMeasurement } from '@edgetune/shared/domain/measurement.ts';
import { loggerTo, sentenceOf } from '@edgetune/shared/log/logger.ts';
import type { Job, JobState, MeasureRequest } from '@edgetune/shared/protocol/job.ts';
import type { CommandMessage, HelloMessage, JobUpdateMessage } from '@edgetune/shared/protocol/messages.ts';
import { topics } from '@edgetune/shared/protocol/topics.ts';
import type { MqttClient } from 'mqtt';
import { createFleet, type FleetOptions, type ManagedFleet } from '../../../../coordinator/fleet/create-fleet.ts';
import type {
  DeviceRecord,
  DeviceRepository,
  JoinTokenRecord,
} from '../../../../coordinator/fleet/device-repository.ts';
import type { JobRecord, JobRepository } from '../../../../coordinator/fleet/job-repository.ts';
import { boardDescription, measurementFor, measureRequest } from '../../../support/fleet.ts';
import { makeIdentity, type TestIdentity } from '../../../support/identity.ts';
import { TestClock } from '../../../support/test-clock.ts';
import { turn } from '../../../support/waiting.ts';

type CommandOf<T extends CommandMessage['type']> = Extract<CommandMessage, { type: T }>;

/** What outlives the coordinator. */
export class MemoryStore {
  readonly deviceRows = new Map<string, DeviceRecord>();
  readonly removed = new Set<string>();
  /** Ids of devices whose rows are damaged. */
  readonly unreadable = new Set<string>();
  readonly tokens = new Map<string, JoinTokenRecord>();
  readonly jobRows = new Map<string, JobRecord>();
  readonly pruned: string[] = [];
  readonly measurements: StoredMeasurement[] = [];

  readonly devices: DeviceRepository = {
    list: () => [...this.deviceRows.values()].filter(({ id }) => !this.unreadable.has(id)),
    has: (id) => this.deviceRows.has(id),
    insert: async (record) => void this.deviceRows.set(record.id, { ...record }),
    update: async (id, change) => void Object.assign(this.deviceRows.get(id) as DeviceRecord, change),
    note: async (id, change) => void Object.assign(this.deviceRows.get(id) as DeviceRecord, change()),
    remove: async ({ id }) => {
      this.deviceRows.delete(id);
      this.removed.add(id);
    },
    wasRemoved: (id) => this.removed.has(id),
    insertToken: async (token) => {
      for (const [hash, other] of this.tokens) if (other.deviceId === token.deviceId) this.tokens.delete(hash);
      this.tokens.set(token.tokenHash, token);
    },
    token: (hash) => this.tokens.get(hash) ?? null,
    join: async (hash, { id, ...change }) => {
      Object.assign(this.tokens.get(hash) as JoinTokenRecord, { usedAt: change.joinedAt });
      Object.assign(this.deviceRows.get(id) as DeviceRecord, change);
    },
  };

  readonly jobs: JobRepository = {
    insert: async (record) => void this.jobRows.set(record.id, { ...record }),
    update: async (id, change) => void Object.assign(this.jobRows.get(id) as JobRecord, change),
    get: (id) => this.jobRows.get(id) ?? null,
    unfinished: () =>
      [...this.jobRows.values()].filter(({ state }) => ['queued', 'sent', 'accepted', 'running'].includes(state)),
    prune: async (before) => this.pruned.push(before),
    written: () => null,
    failures: () => 0,
  };
}

/** The coordinator's own session: publishes into a list. */
class MemoryClient extends EventEmitter {
  connected = true;
  readonly published: { topic: string; payload: string; options: { qos: number; retain?: boolean } }[] = [];
  readonly subscribed: string[] = [];
  /** Why nothing can be published; null: it can. */
  failure: Error | null = null;
  readonly publishAsync = async (topic: string, payload: string, options: { qos: number; retain?: boolean }) => {
    if (this.failure) throw this.failure;
    this.published.push({ topic, payload, options });
  };
  readonly subscribeAsync = async (filters: string[], options: { qos: number }) =>
    void this.subscribed.push(...filters.map((filter) => `${filter} at QoS ${options.qos}`));
}

export interface MemoryFleet {
  fleet: ManagedFleet;
  client: MemoryClient;
  clock: TestClock;
  store: MemoryStore;
  identity: TestIdentity;
  log: string[];
  changes: DeviceView[];
  /** Joins under this name and connects: status, then hello. */
  join(name: string, board?: BoardDescription): Promise<MemoryAgent>;
}

export async function memoryFleet(
  options: Partial<FleetOptions> & { store?: MemoryStore; clock?: TestClock } = {},
): Promise<MemoryFleet> {
  const { store = new MemoryStore(), clock = new TestClock(), ...rest } = options;
  const identity = makeIdentity();
  const log: string[] = [];
  const client = new MemoryClient();
  const fleet = createFleet({
    devices: store.devices,
    jobs: store.jobs,
    hostLease: { acquire: async () => () => {} },
    identity,
    machineId: 'machine-of-the-coordinator',
    log: loggerTo((record) => record.level !== 'debug' && log.push(`${record.level}: ${sentenceOf(record)}`)),
    onMeasurement: async (measurement) => void store.measurements.push(measurement),
    clock,
    ...rest,
  });
  const changes: DeviceView[] = [];
  fleet.subscribe((change) => change.type === 'device' && changes.push(change.device));
  await fleet.start(client as unknown as MqttClient);
  const join = async (name: string, board = boardDescription()) => {
    const { token } = await fleet.addDevice(name);
    const { deviceId } = await fleet.enroll({ token, board });
    const agent = new MemoryAgent(deviceId, client, board);
    agent.status('online');
    agent.hello();
    return agent;
  };
  return { fleet, client, clock, store, identity, log, changes, join };
}

/** An agent of which the test decides every word. */
export class MemoryAgent {
  readonly deviceId: string;
  readonly client: MemoryClient;
  board: BoardDescription;
  sessionId = 'session-1';
  #updates = 0;

  constructor(deviceId: string, client: MemoryClient, board = boardDescription()) {
    this.deviceId = deviceId;
    this.client = client;
    this.board = board;
  }

  say(topic: string, message: unknown, { retain = false, from = this.client } = {}): void {
    const payload = Buffer.from(typeof message === 'string' ? message : JSON.stringify(message));
    from.emit('message', topic, payload, { retain });
  }

  status(state: 'online' | 'offline', { retain = false, sessionId = this.sessionId } = {}): void {
    const message = { protocol: 1, sessionId, state, at: '2026-01-01T00:00:00.000Z' };
    this.say(topics.status(this.deviceId), message, { retain });
  }

  hello(
    jobs: HelloMessage['jobs'] = [],
    update?: HelloMessage['update'],
    coordinator?: HelloMessage['coordinator'],
  ): void {
    const { deviceId, sessionId, board } = this;
    const message = { protocol: 1, sessionId, deviceId, board, jobs, coordinator, ...(update ? { update } : {}) };
    this.say(topics.hello(deviceId), message);
  }

  /** The connection breaks and is back under another session, in which the agent says what it holds. */
  reconnect(jobs: HelloMessage['jobs']): void {
    this.status('offline');
    this.sessionId = `${this.sessionId}+`;
    this.status('online');
    this.hello(jobs);
  }

  /** @returns the id of the update */
  update(job: Job, state: JobUpdateMessage['state'], change: Partial<JobUpdateMessage> = {}): string {
    const { jobId, attempt, leaseToken } = job;
    const message: JobUpdateMessage = {
      protocol: 1,
      updateId: `u-${++this.#updates}-of-${this.deviceId}`,
      jobId,
      attempt,
      leaseToken,
      state,
      reason: null,
      measurement: state === 'succeeded' ? measurementFor(job.request) : null,
      at: '2026-01-01T00:00:00.000Z',
      ...change,
    };
    this.say(topics.jobUpdate(this.deviceId), message);
    return message.updateId;
  }

  /** All that it was told of one kind, oldest first. */
  told<T extends CommandMessage['type']>(type: T): CommandOf<T>[] {
    return this.client.published
      .filter(({ topic }) => topic === topics.command(this.deviceId))
      .map(({ payload }) => JSON.parse(payload) as CommandMessage)
      .filter((command): command is CommandOf<T> => command.type === type);
  }

  /** The jobs that it was sent, oldest first. */
  jobs(): Job[] {
    return this.told('job').map(({ job }) => job);
  }

  /** The job that it was sent last. */
  job(): Job {
    const job = this.jobs().at(-1);
    assert.ok(job, `${this.deviceId} was sent a job`);
    return job;
  }

  acknowledged(): string[] {
    return this.told('acknowledge').flatMap(({ updateIds }) => updateIds);
  }
}

export const fence = ({ jobId, attempt, leaseToken }: HelloMessage['jobs'][number]) => ({
  jobId,
  attempt,
  leaseToken,
});

/** A job in the making: its states so far, and how it ends. */
export interface Asked {
  states: JobState[];
  /** Null while nobody has answered. */
  ended: () => Promise<{ measurement: StoredMeasurement } | { error: Error & { state?: string } } | null>;
  abort(reason: string): void;
}

export function ask(
  { fleet }: Pick<MemoryFleet, 'fleet'>,
  { deviceId }: { deviceId: string },
  request: MeasureRequest = measureRequest(),
  studyId: string | null = 'study-1',
): Asked {
  const controller = new AbortController();
  const states: JobState[] = [];
  const onStateChange = (state: JobState) => void states.push(state);
  const answer = fleet.measure(deviceId, request, { studyId, signal: controller.signal, onStateChange }).then(
    (measurement) => ({ measurement }),
    (error: Error) => ({ error }),
  );
  return {
    states,
    // Whatever has been said is answered when the microtasks have run.
    ended: () => Promise.race([answer, turn().then(() => null)]),
    abort: (reason) => controller.abort(new Error(reason)),
  };
}
