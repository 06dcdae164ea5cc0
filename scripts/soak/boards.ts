/**
 * A study over four boards of which one, and sometimes two, get into trouble at random moments, are left out, replaced or
 * cloned, while the coordinator is killed now and then: the others have their recommendation in the end, what is missing is
 * missing for the right reason, nothing is shown that nobody measured, and what is missing is measured later.
 */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { metricsOf } from '@edgetune/shared/domain/measurement-metrics.ts';
import { idsOf } from '@edgetune/shared/domain/study-device.ts';
import { mulberry32 } from '@edgetune/shared/math/generators.ts';
import type { StudyDetail } from '@edgetune/shared/protocol/http.ts';
import { hastyClock } from './hasty-clock.ts';
import { MemoryAgent } from './memory-agents.ts';
import type { SoakPart } from './parts.ts';
import { createWorld, type World } from './worlds.ts';

const PROFILES = ['raspberry-pi-4', 'jetson-orin-nano', 'raspberry-pi-5', 'jetson-nano'];
const [SPARE, COPY] = ['jetson-xavier-nx', 'raspberry-pi-3b-plus'];
const MOST_KILLS = 2;
const ENDED = ['succeeded', 'failed'];

/** How the study searches; of each run the next. */
const KINDS = [
  { name: 'onefold', yaml: '' },
  { name: 'deterministic', yaml: 'deterministic: true' },
  { name: 'hyperpower', yaml: 'constraints: [latency.p50 <= 10 s]', mode: 'hyperpower' },
  { name: 'with a target', yaml: '', target: 'target: [accuracy >= 0.6, latency.p50 <= 10 s]' },
];
type Kind = (typeof KINDS)[number];

const study = (seed: number, { yaml, mode = 'onefold', target = '' }: Kind) => `name: troubled
workload: image-classifier
dataset: {format: synthetic-images}
devices: [board-0, board-1, board-2, board-3]
objectives: [maximize accuracy, minimize latency.p50]
space:
  model: {width: {type: ordinal, values: [4, 6, 8, 12]}, depth: {type: int, min: 1, max: 4}}
  training: {learningRate: {type: float, min: 0.001, max: 0.1, scale: log}}
  inference: {batchSize: {type: ordinal, values: [1, 2]}, threads: {type: ordinal, values: [1, 2]}}
budget: {minEpochs: 1, maxEpochs: 4, minDataFraction: 1, reductionFactor: 2}
tuner: {seed: ${seed}, mode: ${mode}}
stop: {trials: 10${target ? `, ${target}` : ''}}
recommend: 2
${yaml}
`;

interface Trouble {
  name: string;
  /** Why the board is missing from the recommendation; null: it is not. */
  words: RegExp | null;
  begin(run: Run, agent: MemoryAgent): void | Promise<void>;
}

const failing = (agent: MemoryAgent, message: string, times: number) => {
  let left = times;
  agent.trouble = () => {
    if (left-- > 0) throw new Error(message);
  };
};
const LOST = 'the job was lost 3 times; the last time its agent went away';
const FULL = 'the disk of this board is full';
const LEFT_OUT: Trouble = {
  name: 'is left out',
  words: /the study goes on without board-\d, as you have said/,
  begin: async (run, { name }) => void (await run.world.studies.leaveOut(run.id, name)),
};
const REPLACED: Trouble = {
  name: 'gives its place to another',
  words: null,
  begin: async (run, { name }) => void (await run.world.studies.replace(run.id, name, 'spare')),
};

const TROUBLES: readonly Trouble[] = [
  {
    name: 'drops for a moment',
    words: null,
    begin: ({ random }, agent) => failing(agent, 'socket hang up', 1 + Math.floor(random() * 4)),
  },
  {
    name: 'browns out and comes back',
    words: null,
    begin: ({ random }, agent) => failing(agent, LOST, 1 + Math.floor(random() * 4)),
  },
  {
    name: 'browns out again and again',
    words: /board-\d: the job was lost 3 times/,
    begin: (_, agent) => failing(agent, LOST, Infinity),
  },
  {
    name: 'has a full disk',
    words: /board-\d: the disk of this board is full/,
    begin: (_, agent) => failing(agent, FULL, Infinity),
  },
  {
    name: 'goes away',
    words: /board-\d is offline: start its agent/,
    begin: (_, agent) => {
      agent.disconnect();
      agent.isAway = true;
    },
  },
  {
    name: 'is removed',
    words: /board-\d was removed from the fleet: add it again under this name/,
    begin: ({ world }, { name }) => world.fleet.remove(name),
  },
  {
    name: 'is removed and added again',
    words: null,
    begin: async ({ world }, agent) => {
      await world.fleet.remove(agent.name);
      await world.add(agent);
    },
  },
  { name: 'is cloned', words: null, begin: (run, agent) => run.startCopyOf(agent) },
  LEFT_OUT,
  REPLACED,
];

export const boards: SoakPart = {
  name: 'boards',
  description:
    'a study over four boards that drop, fill up, brown out, go away, are removed, cloned, left out and replaced at random moments',
  runs: 50,
  whyNot: () => null,
  async run(seed) {
    const folder = mkdtempSync(join(tmpdir(), 'edgetune-soak-'));
    const next = mulberry32(seed);
    const run = new Run(seed, folder, () => next() / 2 ** 32);
    try {
      return await run.run();
    } finally {
      await run.world?.close();
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

class Run {
  id = '';
  world!: World;
  readonly random: () => number;
  readonly #seed: number;
  readonly #kind: Kind;
  readonly #folder: string;
  #directory: string;
  readonly #agents = new Set<MemoryAgent>();
  readonly #happened: string[] = [];
  /** Of boards that got into trouble, by name: how it stands with them. */
  readonly #troubles = new Map<string, Trouble>();
  #kills = 0;

  constructor(seed: number, folder: string, random: () => number) {
    this.random = random;
    this.#seed = seed;
    this.#kind = KINDS[seed % KINDS.length] as Kind;
    this.#folder = folder;
    this.#directory = join(folder, '0');
  }

  async run(): Promise<string> {
    for (const [name, profile] of [...PROFILES.entries(), ['spare', SPARE] as const])
      this.#agents.add(this.#agent(typeof name === 'number' ? `board-${name}` : name, profile as string));
    await this.#open();
    for (const agent of this.#agents) await this.world.add(agent);
    this.id = (await this.world.studies.create(study(this.#seed, this.#kind))).id;
    const first = await this.#untilOver(this.#plan());
    this.#judge(first);
    if (first.unmeasured.length > 0) {
      // Who is still in trouble is missing once more, and is not waited for.
      await this.world.studies.resume(this.id);
      this.#judge(await this.#untilOver(new Map()));
      await this.#heal();
      await this.world.studies.resume(this.id);
      this.#judge(await this.#untilOver(new Map()));
    }
    const happened = this.#happened.join('; ') || 'no trouble before its end';
    return `${this.#kind.name}: ${happened}; ${first.unmeasured.length} missing, measured later`;
  }

  #agent(name: string, profile: string): MemoryAgent {
    return new MemoryAgent({ name, profile, random: this.random });
  }

  async #open(): Promise<void> {
    const options = { directory: this.#directory, agents: this.#agents, clock: hastyClock(), random: this.random };
    this.world = await createWorld(options);
  }

  startCopyOf(agent: MemoryAgent): void {
    const copy = this.#agent(`copy of ${agent.name}`, COPY as string);
    copy.startAsCopyOf(agent, this.world.line);
    this.#agents.add(copy);
  }

  /** By the number of the event at which it happens. Every board has its turn, by the seed; in one of three runs another, too. */
  #plan(): Map<number, () => unknown> {
    const indices = [this.#seed % 4, ...(this.#seed % 3 === 0 ? [(this.#seed + 1) % 4] : [])];
    const plan = new Map<number, () => unknown>();
    for (const [which, index] of indices.entries()) {
      const trouble = TROUBLES[(this.#seed + 3 * which) % TROUBLES.length] as Trouble;
      plan.set(2 + Math.floor(this.random() * 150), () => this.#begin(`board-${index}`, trouble));
    }
    for (let kills = Math.floor(this.random() * (MOST_KILLS + 1)); kills > 0; kills--)
      plan.set(2 + Math.floor(this.random() * 150), () => this.#kill());
    return plan;
  }

  async #begin(name: string, trouble: Trouble): Promise<void> {
    const agent = [...this.#agents].find((each) => each.name === name) as MemoryAgent;
    this.#happened.push(`${name} ${trouble.name}`);
    this.#troubles.set(name, trouble);
    await trouble.begin(this, agent);
  }

  /** Nothing but what is on the disk is left of the coordinator, and it is started again. */
  async #kill(): Promise<void> {
    this.#happened.push('the coordinator is killed');
    const died = this.#directory;
    this.#directory = join(this.#folder, String(++this.#kills));
    cpSync(died, this.#directory, { recursive: true });
    for (const agent of this.#agents) agent.disconnect();
    await this.world.close();
    rmSync(join(this.#directory, 'coordinator.lock'), { force: true });
    await this.#open();
    this.world.studies.start();
  }

  /** A person mends what no study could be finished with: boards that a deterministic one would wait for without an end. */
  async #decide(): Promise<void> {
    for (const [name, { words }] of [...this.#troubles]) {
      if (words === null || words === LEFT_OUT.words) continue;
      const isSpare = !this.world.studies
        .find(this.id)
        ?.deviceViews.some(({ deviceId }) => deviceId === this.#spareId());
      const way = Math.floor(this.random() * (isSpare ? 3 : 2));
      if (way === 0) await this.#begin(name, LEFT_OUT);
      else if (way === 2) await this.#begin(name, REPLACED);
      else await this.#healed(name);
    }
  }

  #spareId(): string | null | undefined {
    return [...this.#agents].find(({ name }) => name === 'spare')?.deviceId;
  }

  async #heal(): Promise<void> {
    for (const name of this.#troubles.keys()) await this.#healed(name);
  }

  async #healed(name: string): Promise<void> {
    if (this.#troubles.get(name) === LEFT_OUT || this.#troubles.get(name) === REPLACED) return;
    this.#happened.push(`${name} is mended`);
    this.#troubles.delete(name);
    const agent = [...this.#agents].find((each) => each.name === name) as MemoryAgent;
    Object.assign(agent, { trouble: () => {}, isAway: false });
    if (agent.deviceId === null) await this.world.add(agent);
    else agent.connect();
  }

  /** What is planned happens at its event, one after the other. */
  async #untilOver(plan: Map<number, () => unknown>): Promise<StudyDetail> {
    for (let seen = 0; ; ) {
      const { isOver, happens } = await this.#nextMoment(seen, plan);
      seen = happens?.at ?? seen;
      if (isOver) break;
      plan.delete(seen);
      await happens?.what();
      const { state } = this.world.studies.find(this.id) as StudyDetail;
      if (ENDED.includes(state)) break;
      // It may have begun to wait while this happened.
      if (state === 'waiting' && this.#kind.name === 'deterministic') await this.#decide();
    }
    // The run has ended in the turn after its last event.
    await new Promise(setImmediate);
    const detail = this.world.studies.find(this.id) as StudyDetail;
    if (detail.state === 'succeeded') return detail;
    throw new Error(`${this.#happened.join('; ')}: the study ${detail.state}: ${detail.reason}`);
  }

  #nextMoment(from: number, plan: Map<number, () => unknown>) {
    interface Moment {
      isOver: boolean;
      happens?: { at: number; what(): unknown };
    }
    return new Promise<Moment>((resolve) => {
      let seen = from;
      const { studies } = this.world;
      const settle = (moment: Moment) => {
        end();
        resolve(moment);
      };
      const end = studies.subscribe(this.id, ({ body }) => {
        seen++;
        const what = plan.get(seen);
        const isWaiting = body.type === 'study-state' && body.state === 'waiting';
        if (body.type === 'study-state' && ENDED.includes(body.state)) settle({ isOver: true });
        else if (what) settle({ isOver: false, happens: { at: seen, what } });
        else if (isWaiting && this.#kind.name === 'deterministic')
          settle({ isOver: false, happens: { at: seen, what: () => this.#decide() } });
      });
    });
  }

  /** @throws {Error} where a healthy board is missing, another one for the wrong reason, or a number is invented */
  #judge({ recommendation, trialViews, devices, deviceViews }: StudyDetail): void {
    const fail = (what: string) => {
      throw new Error(`${this.#kind.name}: ${this.#happened.join('; ')}: ${what}`);
    };
    const models = recommendation?.models ?? [];
    if (models.length === 0) fail('nothing is recommended');
    for (const { trialId, devices: measured, missing } of models)
      for (const name of devices) {
        const reason = missing.find(({ device }) => device === name)?.reason;
        const is = measured.some(({ device }) => device === name);
        if (is === (reason !== undefined)) fail(`of trial ${trialId} ${name} is ${is ? 'both' : 'neither'}`);
        const words = this.#troubles.get(name)?.words ?? null;
        if (reason !== undefined && !words?.test(reason)) fail(`${name} is missing: ${reason}`);
      }
    const left = trialViews.filter(({ predicted }) => predicted.length > 0);
    if (left.length > 0) fail(`trials ${left.map(({ trialId }) => trialId).join(', ')} have predictions still`);
    const measured = this.#measured();
    for (const { trialId, metrics } of trialViews)
      for (const [key, value] of Object.entries(metrics)) {
        const [name, device] = key.split('@') as [string, string | undefined];
        const view = deviceViews.find((each) => each.device === device);
        if (!view) continue;
        if (view.standing === 'left-out') fail(`trial ${trialId} shows ${key}, which is left out`);
        const isMeasured = idsOf(view).some((id) => measured.has(`${trialId} ${id} ${name} ${value}`));
        if (!isMeasured) fail(`trial ${trialId} shows ${value} as ${key}, which ${device} has not measured for it`);
      }
  }

  /** What boards have said, each as "trial device metric value". */
  #measured(): Set<string> {
    const said = new Set<string>();
    for (const { body } of this.world.studies.events(this.id, 0, 1_000_000)) {
      if (body.type !== 'measured') continue;
      const { trialId, measurement } = body;
      if (measurement.deviceClass.includes(COPY_MODEL))
        throw new Error(`a copy's measurement counts: ${measurement.id}`);
      for (const [name, value] of Object.entries(metricsOf(measurement)))
        said.add(`${trialId} ${measurement.deviceId} ${name} ${value}`);
    }
    return said;
  }
}

/** With which the device class of a copy begins. */
const COPY_MODEL = new MemoryAgent({ name: 'copy', profile: COPY as string, random: () => 0 }).describe().model;
