/**
 * Boards whose agents speak the protocol over a wire in memory, to a real fleet: nothing but the network and the time that
 * measuring takes is left out. They outlive the coordinator, as boards do.
 */
import { EventEmitter } from 'node:events';
import { boardProfileNamed } from '@edgetune/shared/costmodel/board-profiles.ts';
import type { BoardDescription } from '@edgetune/shared/domain/device.ts';
import type { Job } from '@edgetune/shared/protocol/job.ts';
import type { CommandMessage, JobUpdateMessage } from '@edgetune/shared/protocol/messages.ts';
import { parseTopic, topics } from '@edgetune/shared/protocol/topics.ts';
import { createSimulatedBoard, type SimulatedBoard } from '../../agent/simulated/simulated-board.ts';

/** What an agent finds of its coordinator. */
export interface Line {
  wire: Wire;
  blobs: { get(sha256: string): Promise<Uint8Array> };
}

type Fence = Pick<Job, 'jobId' | 'attempt' | 'leaseToken'>;
type Update = Pick<JobUpdateMessage, 'state' | 'reason' | 'measurement' | 'board'>;

/** The coordinator's session with its broker: says to agents what is published for them, at once. */
export class Wire extends EventEmitter {
  readonly connected = true;
  readonly #agents: ReadonlySet<MemoryAgent>;
  constructor(agents: ReadonlySet<MemoryAgent>) {
    super();
    this.#agents = agents;
  }

  async subscribeAsync(): Promise<void> {}

  async publishAsync(topic: string, payload: string): Promise<void> {
    const { deviceId } = parseTopic(topic) ?? {};
    for (const agent of this.#agents) if (agent.deviceId === deviceId) agent.hear(JSON.parse(payload));
  }

  say(topic: string, message: object): void {
    this.emit('message', topic, Buffer.from(JSON.stringify(message)), { retain: false });
  }
}

export interface MemoryAgentOptions {
  name: string;
  profile: string;
  /** From 0 to 1. */
  random: () => number;
}

export class MemoryAgent {
  readonly name: string;
  readonly profile: string;
  /** Null: it has not joined. */
  deviceId: string | null = null;
  /** It has no supply, or no network: it cannot be connected. */
  isAway = false;
  /** Called before and after each measurement: throws what the job fails with. */
  trouble: () => void = () => {};
  readonly #random: () => number;
  readonly #board: SimulatedBoard;
  #line: Line | null = null;
  #sessions = 0;
  #updates = 0;
  #isConnected = false;
  /** Jobs that it holds, by id, and ends them. */
  readonly #journal = new Map<string, { job: Job; controller: AbortController }>();
  /** What it has reported and was not acknowledged. */
  readonly #outbox = new Map<string, object>();

  constructor({ name, profile, random }: MemoryAgentOptions) {
    this.name = name;
    this.profile = profile;
    this.#random = random;
    this.#board = createSimulatedBoard({ profile: boardProfileNamed(profile), timeScale: 0 });
  }

  describe(): BoardDescription {
    return { ...this.#board.describe(), hardware: `serial of ${this.name}` };
  }

  get isConnected(): boolean {
    return this.#isConnected;
  }

  /** Logs in, and says who it is and what it holds; what was not acknowledged is said again. */
  connect(line: Line | null = this.#line): void {
    this.#line = line;
    if (!line || this.deviceId === null || this.isAway) return;
    this.#sessions++;
    this.#isConnected = true;
    this.#status('online');
    this.#hello();
    for (const message of [...this.#outbox.values()]) line.wire.say(topics.jobUpdate(this.deviceId), message);
  }

  disconnect(): void {
    if (this.#isConnected) this.#status('offline');
    this.#isConnected = false;
  }

  /** It joins anew: what it held for its former id is forgotten. */
  joined(deviceId: string): void {
    this.#forget();
    this.deviceId = deviceId;
  }

  hear(command: CommandMessage): void {
    if (!this.#isConnected) return;
    if (command.type === 'job' && !this.#journal.has(command.job.jobId)) void this.#work(command.job);
    if (command.type === 'cancel') this.#cancel(command);
    if (command.type === 'greet') this.#hello();
    if (command.type === 'acknowledge') for (const id of command.updateIds) this.#outbox.delete(id);
    if (command.type === 'shared-credential' && command.refused && command.sessionId === this.#session)
      this.disconnect();
    if (command.type === 'removed') {
      this.disconnect();
      this.#forget();
      this.deviceId = null;
    }
  }

  /** Was started from a copy of another's card: it has that one's id, and finds its jobs in the journal. */
  startAsCopyOf(other: MemoryAgent, line: Line): void {
    this.deviceId = other.deviceId;
    other.disconnect();
    this.connect(line);
    for (const { job } of other.#journal.values()) void this.#work(job);
    // The broker lets in who comes, and ends the session of who was there.
    this.disconnect();
    other.connect();
  }

  async #work(job: Job): Promise<void> {
    const { request } = job;
    const controller = new AbortController();
    this.#journal.set(job.jobId, { job, controller });
    const nothing = { reason: null, measurement: null };
    this.#report(job, { state: 'accepted', ...nothing });
    try {
      await aWhile(this.#random);
      this.trouble();
      this.#report(job, { state: 'running', ...nothing });
      const bytes = await (this.#line as Line).blobs.get(request.modelSha256);
      const measurement = await this.#board.measure(request, bytes, controller.signal);
      await aWhile(this.#random);
      this.trouble();
      controller.signal.throwIfAborted();
      this.#end(job, { state: 'succeeded', reason: null, measurement, board: this.describe() });
    } catch (error) {
      const state = controller.signal.aborted ? 'cancelled' : 'failed';
      this.#end(job, { state, reason: (error as Error).message, measurement: null });
    }
  }

  #cancel(command: Fence & { reason: string }): void {
    const held = this.#journal.get(command.jobId);
    if (held) held.controller.abort(new Error(command.reason));
    else this.#report(command, { state: 'cancelled', reason: command.reason, measurement: null });
  }

  #end(job: Fence, update: Update): void {
    // Who has joined anew meanwhile holds nothing any more.
    if (this.#journal.delete(job.jobId)) this.#report(job, update);
  }

  #report(job: Fence, update: Update): void {
    if (this.deviceId === null) return;
    const updateId = `u-${this.name}-${++this.#updates}`;
    const message = { protocol: 1, updateId, ...fenceOf(job), ...update, at: new Date().toISOString() };
    this.#outbox.set(updateId, message);
    if (this.#isConnected) (this.#line as Line).wire.say(topics.jobUpdate(this.deviceId), message);
  }

  #forget(): void {
    this.#journal.clear();
    this.#outbox.clear();
  }

  get #session(): string {
    return `session-${this.#sessions}-of-${this.name}`;
  }

  #status(state: 'online' | 'offline'): void {
    const message = { protocol: 1, sessionId: this.#session, state, at: new Date().toISOString() };
    (this.#line as Line).wire.say(topics.status(this.deviceId as string), message);
  }

  #hello(): void {
    const [deviceId, jobs] = [this.deviceId as string, [...this.#journal.values()].map(({ job }) => fenceOf(job))];
    const message = { protocol: 1, sessionId: this.#session, deviceId, board: this.describe(), jobs };
    (this.#line as Line).wire.say(topics.hello(deviceId), message);
  }
}

const fenceOf = ({ jobId, attempt, leaseToken }: Fence): Fence => ({ jobId, attempt, leaseToken });

/** So many turns of the event loop, more or less: who comes first is left to chance. */
export async function aWhile(random: () => number): Promise<void> {
  for (let turns = Math.floor(random() * 4); turns >= 0; turns--) await new Promise(setImmediate);
}
