/**
 * The coordinator on a small disk that fills at random moments of a study: it goes on when there is space, and nothing that
 * it acknowledged is lost: events that a page was shown, measurements that agents may forget, results that a program told.
 */
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { StudyEvent } from '@edgetune/shared/domain/study-event.ts';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import { mulberry32 } from '@edgetune/shared/math/generators.ts';
import Libsql from 'libsql';
import { type Client, createClient } from '../../coordinator/cli/client.ts';
import { openStore } from '../../coordinator/store/store.ts';
import type { SoakPart } from './parts.ts';
import { freePort, type RunningProcess, startProcess, until } from './processes.ts';
import { mountSmallDisk, type SmallDisk, whyNoSmallDisk } from './small-disk.ts';

const DISK_MEGABYTES = 24;
/** How often it fills in a run. */
const FILLS = 4;
const DEVICES = { pi: 'raspberry-pi-4', orin: 'jetson-orin-nano' };
const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
const ENDED = ['succeeded', 'failed', 'stopped'];

const STUDY = `name: on a small disk
workload: image-classifier
dataset: {format: synthetic-images, classes: 3, samples: 600, imageSize: 8, channels: 1}
devices: [${Object.keys(DEVICES).join(', ')}]
space:
  model: {width: {type: ordinal, values: [4, 6]}, depth: {type: constant, value: 1}, block: {type: categorical, choices: [residual, separable]}}
  training: {learningRate: {type: float, min: 0.003, max: 0.03, scale: log}, batchSizeTraining: {type: constant, value: 32}}
  inference: {batchSize: {type: ordinal, values: [1, 2]}, threads: {type: ordinal, values: [1, 2]}, precision: {type: categorical, choices: [float32, int8]}}
budget: {minEpochs: 1, maxEpochs: 4, minDataFraction: 0.5, maxDataFraction: 1, reductionFactor: 2}
stop: {trials: 5}
recommend: 1
`;

const TUNER = {
  space: { training: { rate: { type: 'float', min: 1e-5, max: 1, scale: 'log' } } },
  objectives: ['maximize accuracy'],
  budget: { minEpochs: 1, maxEpochs: 1 },
  stop: { trials: 1000 },
};

export const fullDisk: SoakPart = {
  name: 'full-disk',
  description: 'a study, and a program that tells a tuner, on a disk that fills at random moments',
  runs: 50,
  whyNot: whyNoSmallDisk,
  async run(seed) {
    const folder = mkdtempSync(join(tmpdir(), 'edgetune-soak-'));
    const disk = mountSmallDisk(join(folder, 'disk'), DISK_MEGABYTES);
    const run = new Run(seed, folder, disk);
    const clear = () => {
      run.endAll();
      disk.unmount();
      rmSync(folder, { recursive: true, force: true });
    };
    const interrupted = () => {
      clear();
      process.exit(1);
    };
    for (const signal of SIGNALS) process.once(signal, interrupted);
    try {
      return await run.run();
    } catch (error) {
      throw new Error(`${(error as Error).message}\nThe coordinator said last:\n${run.lastWords()}`, { cause: error });
    } finally {
      for (const signal of SIGNALS) process.off(signal, interrupted);
      clear();
    }
  },
};

class Run {
  readonly #random: () => number;
  readonly #folder: string;
  readonly #disk: SmallDisk;
  readonly #restarts: boolean;
  readonly #agents: ChildProcess[] = [];
  readonly #seen: StudyEvent[] = [];
  /** Trials of the tuner whose result was answered with `ok`. */
  readonly #told = new Set<number>();
  readonly #over = new AbortController();
  #ports = { http: 0, mqtt: 0 };
  #coordinator: RunningProcess | null = null;
  #said = '';

  constructor(seed: number, folder: string, disk: SmallDisk) {
    const next = mulberry32(seed);
    this.#random = () => next() / 2 ** 32;
    this.#folder = folder;
    this.#disk = disk;
    // In every third run the coordinator ends while the disk is full.
    this.#restarts = seed % 3 === 0;
  }

  async run(): Promise<string> {
    this.#ports = { http: await freePort(), mqtt: await freePort() };
    await this.#startCoordinator();
    const client = createClient({ server: this.#server });
    await this.#joinAgents(client);
    const { id } = await client.createStudy(STUDY);
    const following = this.#follow(client, id);
    const tuner = await this.#createTuner();
    const telling = this.#tell(tuner);
    const fills = await this.#fillAgainAndAgain(client, id);
    await until('the study to end', async () => ENDED.includes((await this.#study(client, id)).state), 120);
    const study = await client.study(id);
    if (study.state !== 'succeeded') throw new Error(`the study ${study.state}: ${study.reason}`);
    if (study.trials.failed > 0) throw new Error(`${study.trials.failed} trials failed`);
    await until('its last event', () => this.#seen.at(-1)?.seq === study.lastSeq, 10);
    this.#over.abort();
    await Promise.all([following, telling]);
    await this.#end();
    this.#compare(id, tuner);
    const pauses = this.#output().match(/writes wait for it/g)?.length ?? 0;
    return `filled ${fills} times, waited for space ${pauses} times, ${this.#seen.length} events, ${this.#told.size} results told`;
  }

  endAll(): void {
    this.#over.abort();
    for (const child of [...this.#agents, ...(this.#coordinator ? [this.#coordinator.child] : [])])
      child.kill('SIGKILL');
  }

  lastWords(): string {
    return this.#output().split('\n').slice(-25).join('\n');
  }

  get #server(): string {
    return `http://127.0.0.1:${this.#ports.http}`;
  }

  #output(): string {
    return this.#said + (this.#coordinator?.output() ?? '');
  }

  async #startCoordinator(): Promise<void> {
    const { http, mqtt } = this.#ports;
    const flags = ['serve', '--data-dir', join(this.#disk.path, 'data'), '--port', `${http}`, '--mqtt-port', `${mqtt}`];
    const started = startProcess('coordinator/bin/edgetune.js', [...flags, '--training-cores', '2']);
    this.#coordinator = started;
    await until(
      'the coordinator to start',
      () => this.#isRunning() && started.output().includes('EdgeTune is at'),
      120,
    );
  }

  async #end(): Promise<void> {
    // A few seconds, whatever the disk takes.
    const code = await (this.#coordinator as RunningProcess).end(15);
    this.#said = this.#output();
    this.#coordinator = null;
    if (code !== '0') throw new Error(`the coordinator ended with ${code}`);
    if (/fault of EdgeTune/.test(this.#said)) throw new Error('the coordinator speaks of a fault of its own');
  }

  /** @throws {Error} where it has ended by itself */
  #isRunning(): true {
    const ended = this.#coordinator?.ended() ?? null;
    if (ended !== null) throw new Error(`the coordinator ended by itself (${ended})`);
    return true;
  }

  async #joinAgents(client: Client): Promise<void> {
    for (const [name, profile] of Object.entries(DEVICES)) {
      const { token } = await client.addDevice(name);
      const flags = ['run', '--server', this.#server, '--token', token, '--data-dir', join(this.#folder, name)];
      this.#agents.push(startProcess('agent/bin/edgetune-agent.js', [...flags, '--simulate', profile]).child);
    }
    const online = async () => (await client.devices()).every(({ presence }) => presence === 'online');
    await until('the devices to be online', online, 120);
  }

  async #follow(client: Client, id: string): Promise<void> {
    const { signal } = this.#over;
    try {
      for await (const event of client.followStudy(id, signal)) this.#seen.push(event);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  async #post(path: string, body: object): Promise<string> {
    const response = await fetch(`${this.#server}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: this.#over.signal,
    });
    if (!response.ok) throw new Error(`${path}: ${response.status}`);
    return response.text();
  }

  async #createTuner(): Promise<string> {
    return (JSON.parse(await this.#post('/api/tuners', TUNER)) as { id: string }).id;
  }

  /** Asks and tells, until it is over; what is refused, or not answered, may be lost, and nothing else. */
  async #tell(tuner: string): Promise<void> {
    while (!this.#over.signal.aborted) {
      try {
        const { trial, rung } = JSON.parse(await this.#post(`/api/tuners/${tuner}`, { ask: {} }));
        const metrics = { accuracy: this.#told.size / 1000 };
        const answer = JSON.parse(await this.#post(`/api/tuners/${tuner}`, { tell: { trial, rung, metrics } }));
        if (answer.ok) this.#told.add(trial);
      } catch {
        // A full disk refuses what is asked; a coordinator that ends answers nothing.
      }
      await sleep(50);
    }
  }

  async #study(client: Client, id: string) {
    this.#isRunning();
    const found = (await client.studies()).studies.find((each) => each.id === id);
    if (!found) throw new Error('the study is in no list');
    return found;
  }

  /** @returns how often */
  async #fillAgainAndAgain(client: Client, id: string): Promise<number> {
    const isOver = async () => ENDED.includes((await this.#study(client, id)).state);
    for (let fills = 0; fills < FILLS; fills++) {
      const from = this.#seen.length + 1 + Math.floor(this.#random() * 60);
      await until('more events', async () => this.#seen.length >= from || (await isOver()), 120);
      if (await isOver()) return fills;
      this.#disk.fill(this.#random() * 100_000);
      await sleep(300 + this.#random() * 2500);
      this.#isRunning();
      const { status } = await client.health();
      if (status !== 'ok') throw new Error(`the coordinator is ${status}`);
      const isRestart = this.#restarts && fills === 1;
      if (isRestart) await this.#end();
      this.#disk.free();
      if (isRestart) await this.#startCoordinator();
    }
    return FILLS;
  }

  /** @throws {Error} where something that was acknowledged is not there */
  #compare(id: string, tuner: string): void {
    const data = join(this.#disk.path, 'data');
    const store = openStore(data, { log: plainLogger(() => {}) });
    try {
      const events = store.studies.events(id);
      if (!isDeepStrictEqual(this.#seen, events))
        throw new Error(`${this.#seen.length} events were shown, and ${events.length} others are there`);
      for (const { body } of events)
        if (body.type === 'measured' && store.measurements.get(body.measurement.id) === null)
          throw new Error(`the measurement ${body.measurement.id} is not in the history`);
      const trained = events.flatMap(({ body }) =>
        body.type === 'training-finished' ? [`trial ${body.trialId}, rung ${body.rung}`] : [],
      );
      const twice = trained.filter((rung, index) => trained.indexOf(rung) !== index);
      if (twice.length > 0) throw new Error(`trained twice: ${twice.join('; ')}`);
      const journal = new Set(
        store.tuners.entries(tuner).flatMap((entry) => ('tell' in entry ? [entry.tell.trial] : [])),
      );
      const lost = [...this.#told].filter((trial) => !journal.has(trial));
      if (lost.length > 0) throw new Error(`results that were told are lost: trials ${lost.join(', ')}`);
    } finally {
      store.close();
    }
    const database = new Libsql(join(data, 'edgetune.db'));
    const lost = database
      .prepare(
        "SELECT id FROM jobs WHERE state = 'succeeded' AND NOT EXISTS (SELECT 1 FROM measurements AS m WHERE m.id = 'm-' || jobs.id || '-' || jobs.attempt)",
      )
      .all();
    database.close();
    if (lost.length > 0) throw new Error(`${lost.length} jobs succeeded, and their measurements are not there`);
  }
}
