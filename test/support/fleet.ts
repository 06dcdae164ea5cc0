/** A fleet on a real embedded broker and a real store, and agents that speak the protocol and nothing else. */

import type { TestContext } from 'node:test';
import type { BoardDescription, DeviceView } from '@edgetune/shared/domain/device.ts';
import type { Measurement, StoredMeasurement } from '@edgetune/shared/domain/measurement.ts';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import { type Job, type JobState, type MeasureRequest, measureRequestSchema } from '@edgetune/shared/protocol/job.ts';
import {
  type CommandMessage,
  commandMessageSchema,
  type HelloMessage,
  type JobUpdateMessage,
} from '@edgetune/shared/protocol/messages.ts';
import { topics } from '@edgetune/shared/protocol/topics.ts';
import mqtt, { type MqttClient } from 'mqtt';
import { connectBroker } from '../../coordinator/broker/connect-broker.ts';
import { type EmbeddedBroker, startBroker } from '../../coordinator/broker/embedded-broker.ts';
import type { Clock } from '../../coordinator/fleet/clock.ts';
import { createFleet, type ManagedFleet } from '../../coordinator/fleet/create-fleet.ts';
import type { HostLease } from '../../coordinator/fleet/fleet.ts';
import { openStore, type Store } from '../../coordinator/store/store.ts';
import { makeIdentity, type TestIdentity } from './identity.ts';
import { measurement } from './measurement.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { until, within } from './waiting.ts';

export const MACHINE_ID = 'machine-of-the-coordinator';

export interface FleetUnderTest {
  fleet: ManagedFleet;
  broker: EmbeddedBroker;
  store: Store;
  client: MqttClient;
  log: string[];
  late: StoredMeasurement[];
  identity: TestIdentity;
}

export async function startFleet(
  t: TestContext,
  options: { clock?: Clock; hostLease?: HostLease; dataDirectory?: string; identity?: TestIdentity } = {},
): Promise<FleetUnderTest & { stop(): Promise<void> }> {
  const log: string[] = [];
  const late: StoredMeasurement[] = [];
  const { identity = makeIdentity() } = options;
  const store = openStore(options.dataDirectory ?? temporaryFolder(t));
  let fleet: ManagedFleet | null = null;
  const broker = await startBroker({
    host: '127.0.0.1',
    port: 0,
    hasDevice: (id) => fleet?.hasDevice(id) ?? false,
    verifyCredential: (id, credential) => fleet?.verifyCredential(id, credential) ?? false,
    onStranger: (id) => fleet?.heardStranger(id),
    log: plainLogger((message) => log.push(message)),
  });
  fleet = createFleet({
    devices: store.devices,
    jobs: store.jobs,
    hostLease: options.hostLease ?? { acquire: async () => () => {} },
    identity,
    machineId: MACHINE_ID,
    log: plainLogger((message) => log.push(message)),
    onMeasurement: (measurement) => {
      late.push(measurement);
      return store.measurements.save(measurement);
    },
    disconnect: (id) => broker.disconnect(id),
    ...(options.clock ? { clock: options.clock } : {}),
  });
  const client = await connectBroker(
    { url: broker.url, ...broker.coordinator },
    plainLogger((message) => log.push(message)),
  );
  await fleet.start(client);
  let stopped = false;
  const stop = async () => {
    if (stopped) return;
    stopped = true;
    await fleet.stop();
    client.end(true);
    await broker.close();
    store.close();
  };
  t.after(stop);
  return { fleet, broker, store, client, log, late, identity, stop };
}

/** An agent of which the test decides every word. */
export class FakeAgent {
  readonly deviceId: string;
  readonly received: CommandMessage[] = [];
  sessionId = '';
  client!: MqttClient;
  readonly #listeners = new Set<() => void>();

  constructor(deviceId: string) {
    this.deviceId = deviceId;
  }

  /** Connects as the protocol says: subscribe, status online (retained, with a will), hello. */
  async connect(
    url: string,
    credential: string,
    {
      sessionId = `session-${Math.random()}`,
      jobs = [] as HelloMessage['jobs'],
      board = boardDescription(),
      hello = true,
    } = {},
  ): Promise<this> {
    this.sessionId = sessionId;
    const connecting = mqtt.connectAsync(url, {
      clientId: this.deviceId,
      username: this.deviceId,
      password: credential,
      protocolVersion: 4,
      reconnectPeriod: 0,
      will: { topic: topics.status(this.deviceId), payload: Buffer.from(this.status('offline')), qos: 1, retain: true },
    });
    this.client = await within(`${this.deviceId} to connect`, connecting);
    this.client.on('error', () => {});
    this.client.on('message', (_topic, payload) => {
      this.received.push(commandMessageSchema.parse(JSON.parse(payload.toString())));
      for (const listener of this.#listeners) listener();
    });
    const subscribed = this.client.subscribeAsync(topics.command(this.deviceId), { qos: 1 });
    await within(`${this.deviceId} to subscribe`, subscribed);
    await this.publish(topics.status(this.deviceId), this.status('online'), true);
    if (hello) await this.hello({ jobs, board });
    return this;
  }

  async hello({ jobs = [] as HelloMessage['jobs'], board = boardDescription() } = {}): Promise<void> {
    const { deviceId, sessionId } = this;
    const message: HelloMessage = { protocol: 1, sessionId, deviceId, board, jobs };
    await this.publish(topics.hello(deviceId), JSON.stringify(message));
  }

  /** Says it, and waits until the broker has taken it. */
  async publish(topic: string, payload: string | Buffer, retain = false): Promise<void> {
    await within(
      `the broker to take what is said on ${topic}`,
      this.client.publishAsync(topic, payload, { qos: 1, retain }),
    );
  }

  status(state: 'online' | 'offline'): string {
    return JSON.stringify({ protocol: 1, sessionId: this.sessionId, state, at: new Date().toISOString() });
  }

  async update(job: Job, state: JobUpdateMessage['state'], change: Partial<JobUpdateMessage> = {}): Promise<string> {
    const { jobId, attempt, leaseToken } = job;
    const message: JobUpdateMessage = {
      protocol: 1,
      updateId: `u-${Math.random()}`,
      jobId,
      attempt,
      leaseToken,
      state,
      reason: null,
      measurement: state === 'succeeded' ? measurementFor(job.request) : null,
      at: new Date().toISOString(),
      ...change,
    };
    await this.publish(topics.jobUpdate(this.deviceId), JSON.stringify(message));
    return message.updateId;
  }

  /** Waits for a command that matches, among those received already too. */
  async command<T extends CommandMessage['type']>(
    type: T,
    matches: (command: Extract<CommandMessage, { type: T }>) => boolean = () => true,
  ): Promise<Extract<CommandMessage, { type: T }>> {
    type Wanted = Extract<CommandMessage, { type: T }>;
    const find = () => this.received.find((command) => command.type === type && matches(command as Wanted));
    await until(`the command "${type}" to reach ${this.deviceId}`, find, {
      changes: (listener) => {
        this.#listeners.add(listener);
        return () => this.#listeners.delete(listener);
      },
    });
    return find() as Wanted;
  }

  async job(matches: (job: Job) => boolean = () => true): Promise<Job> {
    return (await this.command('job', ({ job }) => matches(job))).job;
  }

  /** The connection breaks: the broker publishes the will. */
  vanish(): void {
    this.client.stream.destroy();
    this.client.end(true);
  }
}

/** `fleet.measure`, whose answer is there in time. */
export function measureOn(
  fleet: Pick<ManagedFleet, 'measure'>,
  ...args: Parameters<ManagedFleet['measure']>
): Promise<StoredMeasurement> {
  return within(`the answer to a job of ${args[0]}`, fleet.measure(...args));
}

/** Adds a device, joins it, and connects an agent for it. */
export async function joinDevice(
  { fleet, broker }: FleetUnderTest,
  name: string,
  board: BoardDescription = boardDescription(),
): Promise<{ agent: FakeAgent; credential: string; deviceId: string }> {
  const { token } = await fleet.addDevice(name);
  const { deviceId, credential } = await fleet.enroll({ token, board });
  const agent = await new FakeAgent(deviceId).connect(broker.url, credential, { board });
  await untilPresence(fleet, name, 'online');
  return { agent, credential, deviceId };
}

/** Waits, change by change, until the condition on the fleet holds. */
export function untilFleet(
  fleet: Pick<ManagedFleet, 'subscribe'>,
  what: string,
  condition: () => unknown,
  seconds?: number,
): Promise<void> {
  const changes = (listener: () => void) => fleet.subscribe(listener);
  return until(what, condition, { changes, ...(seconds === undefined ? {} : { seconds }) });
}

export function untilPresence(fleet: ManagedFleet, name: string, presence: DeviceView['presence']): Promise<void> {
  return untilFleet(fleet, `${name} to be ${presence}`, () => fleet.device(name)?.presence === presence);
}

export function untilJob({ store }: FleetUnderTest, jobId: string, state: JobState): Promise<void> {
  return until(`job ${jobId} to be ${state}`, () => store.jobs.get(jobId)?.state === state, { everyTurn: true });
}

export function boardDescription(change: Partial<BoardDescription> = {}): BoardDescription {
  return {
    model: 'Raspberry Pi 5 Model B Rev 1.0',
    cpuModel: 'Cortex-A76',
    architecture: 'arm64',
    physicalCores: 4,
    logicalCores: 4,
    memoryBytes: 8 * 2 ** 30,
    os: 'Debian 12',
    kernel: '6.6',
    minClockKHz: 1_500_000,
    maxClockKHz: 2_400_000,
    settableClocksKHz: [],
    governor: 'ondemand',
    temperatureC: 40,
    powerMode: null,
    powerMeter: null,
    runtimes: [
      { runner: 'onnxruntime-node', version: '1.30.0', executionProviders: ['cpu'], precisions: ['float32', 'int8'] },
    ],
    nodeVersion: '20.20.2',
    agentVersion: '0.1.0',
    machineId: 'machine-of-the-board',
    simulated: null,
    ...change,
  };
}

export function measureRequest(change: Partial<MeasureRequest> = {}): MeasureRequest {
  return measureRequestSchema.parse({
    kind: 'measure',
    modelSha256: 'a'.repeat(64),
    modelBytes: 1000,
    signature: 'signature-a',
    config: { batchSize: 1, threads: 1 },
    scenario: { kind: 'single-stream' },
    stopRule: {},
    ...change,
  });
}

export function measurementFor(request: MeasureRequest, change: Partial<Measurement> = {}): Measurement {
  const { signature, modelSha256, config, scenario } = request;
  return measurement({ signature, modelSha256, config, scenario, deviceClass: 'as the agent thinks', ...change });
}

export function measureOptions(change: Partial<{ studyId: string | null; signal: AbortSignal }> = {}) {
  return { studyId: 'study-1', signal: new AbortController().signal, ...change };
}
