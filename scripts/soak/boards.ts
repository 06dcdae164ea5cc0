/**
 * A study over four boards of which one, and sometimes two, get into trouble at random moments: the others have their
 * recommendation in the end, what is missing is missing for the right reason, nothing is shown that nobody measured, and
 * what is missing is measured later.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mulberry32 } from '@edgetune/shared/math/generators.ts';
import type { StudyDetail } from '@edgetune/shared/protocol/http.ts';
import { JobFailedError } from '../../coordinator/fleet/fleet.ts';
import { hastyClock } from './hasty-clock.ts';
import type { SoakPart } from './parts.ts';
import { createWorld, type Member, type World } from './worlds.ts';

const PROFILES = ['raspberry-pi-4', 'jetson-orin-nano', 'raspberry-pi-5', 'jetson-nano'];

const study = (seed: number) => `name: troubled
workload: image-classifier
dataset: {format: synthetic-images}
devices: [board-0, board-1, board-2, board-3]
objectives: [maximize accuracy, minimize latency.p50]
space:
  model: {width: {type: ordinal, values: [4, 6, 8, 12]}, depth: {type: int, min: 1, max: 4}}
  training: {learningRate: {type: float, min: 0.001, max: 0.1, scale: log}}
  inference: {batchSize: {type: ordinal, values: [1, 2]}, threads: {type: ordinal, values: [1, 2]}}
budget: {minEpochs: 1, maxEpochs: 4, minDataFraction: 1, reductionFactor: 2}
tuner: {seed: ${seed}}
stop: {trials: 10}
recommend: 2
`;

interface Trouble {
  name: string;
  /** Why the board is missing from the recommendation; null: it need not be. */
  words: RegExp | null;
  begin(member: Member, members: Member[], random: () => number): void;
}

const failing = (member: Member, message: string, times: number) => {
  let left = times;
  member.trouble = () => {
    if (left-- > 0) throw new JobFailedError('failed', message);
  };
};
/** More than anybody tries in one study. */
const FOR_EVER = Infinity;
const few = (random: () => number) => 1 + Math.floor(random() * 4);

const TROUBLES: readonly Trouble[] = [
  {
    name: 'drops for a moment',
    words: null,
    begin: (member, _, random) => failing(member, 'socket hang up', few(random)),
  },
  {
    name: 'browns out and comes back',
    words: null,
    begin: (member, _, random) =>
      failing(member, 'the job was lost 3 times; the last time its agent went away', few(random)),
  },
  {
    name: 'browns out again and again',
    words: /board-\d: the job was lost 3 times/,
    begin: (member) => failing(member, 'the job was lost 3 times; the last time its agent went away', FOR_EVER),
  },
  {
    name: 'has a full disk',
    words: /board-\d: the disk of this board is full/,
    begin: (member) => failing(member, 'the disk of this board is full', FOR_EVER),
  },
  {
    name: 'goes away',
    words: /board-\d is offline: start its agent/,
    begin: (member) => {
      member.presence = 'offline';
    },
  },
  {
    name: 'is removed',
    words: /board-\d was removed from the fleet: add it again under this name/,
    begin: (member, members) => void members.splice(members.indexOf(member), 1),
  },
  {
    name: 'is removed and added again',
    words: null,
    begin: (member, members) =>
      void members.splice(members.indexOf(member), 1, { ...member, id: `${member.id}-again` }),
  },
];

export const boards: SoakPart = {
  name: 'boards',
  description: 'a study over four boards that drop, fill up, brown out, go away and are removed at random moments',
  runs: 50,
  whyNot: () => null,
  async run(seed) {
    const directory = mkdtempSync(join(tmpdir(), 'edgetune-soak-'));
    const next = mulberry32(seed);
    const random = () => next() / 2 ** 32;
    const members = PROFILES.map(
      (profile, index): Member => ({
        ...{ id: `d-${index}`, name: `board-${index}`, profile, presence: 'online', trouble: () => {} },
      }),
    );
    const world = createWorld({ directory, members, clock: hastyClock(), random });
    try {
      return await new Run(seed, world, members, random).run();
    } finally {
      await world.close();
      rmSync(directory, { recursive: true, force: true });
    }
  },
};

class Run {
  readonly #seed: number;
  readonly #world: World;
  readonly #members: Member[];
  readonly #random: () => number;
  readonly #happened: string[] = [];

  constructor(seed: number, world: World, members: Member[], random: () => number) {
    this.#seed = seed;
    this.#world = world;
    this.#members = members;
    this.#random = random;
  }

  async run(): Promise<string> {
    const { studies } = this.#world;
    const { id } = await studies.create(study(this.#seed));
    const troubled = this.#plan();
    let seen = 0;
    const end = studies.subscribe(id, () => {
      seen++;
      for (const plan of troubled) if (plan.at === seen) this.#begin(plan);
    });
    const first = await this.#untilOver(id);
    end();
    const begun = troubled.filter(({ at }) => at <= seen);
    this.#judge(first, begun);
    if (first.unmeasured.length > 0) {
      // Who is still in trouble is missing once more, and is not waited for.
      await studies.resume(id);
      this.#judge(await this.#untilOver(id), begun);
      this.#heal();
      await studies.resume(id);
      this.#judge(await this.#untilOver(id), []);
    }
    return `${this.#happened.join('; ') || 'no trouble before its end'}: ${first.unmeasured.length} missing, measured later`;
  }

  /** Every board has its turn, by the seed; in one of three runs another one, too. */
  #plan() {
    const boards = [this.#seed % 4, ...(this.#seed % 3 === 0 ? [(this.#seed + 1) % 4] : [])];
    return boards.map((index, which) => ({
      name: `board-${index}`,
      trouble: TROUBLES[(this.#seed + 3 * which) % TROUBLES.length] as Trouble,
      at: 2 + Math.floor(this.#random() * 150),
    }));
  }

  #begin({ name, trouble }: { name: string; trouble: Trouble }): void {
    const member = this.#members.find((each) => each.name === name);
    if (!member) return;
    this.#happened.push(`${name} ${trouble.name}`);
    trouble.begin(member, this.#members, this.#random);
    this.#world.changed();
  }

  #heal(): void {
    for (const [index, profile] of PROFILES.entries()) {
      const name = `board-${index}`;
      const known = this.#members.find((member) => member.name === name);
      if (known) Object.assign(known, { presence: 'online', trouble: () => {} });
      else this.#members.push({ id: `d-${index}-again`, name, profile, presence: 'online', trouble: () => {} });
    }
    this.#world.changed();
  }

  #untilOver(id: string): Promise<StudyDetail> {
    const { studies } = this.#world;
    return new Promise((resolve, reject) => {
      const end = studies.subscribe(id, ({ body }) => {
        if (body.type !== 'study-state' || !['succeeded', 'failed'].includes(body.state)) return;
        end();
        // The run has ended in the turn after its last event.
        setImmediate(() => {
          const detail = studies.find(id) as StudyDetail;
          if (detail.state === 'succeeded') resolve(detail);
          else reject(new Error(`${this.#happened.join('; ')}: the study ${detail.state}: ${detail.reason}`));
        });
      });
    });
  }

  /** @throws {Error} where a healthy board is missing, another one for the wrong reason, or a number is invented */
  #judge({ recommendation, trialViews, devices }: StudyDetail, troubled: { name: string; trouble: Trouble }[]): void {
    const fail = (what: string) => {
      throw new Error(`${this.#happened.join('; ')}: ${what}`);
    };
    const models = recommendation?.models ?? [];
    if (models.length === 0) fail('nothing is recommended');
    for (const { trialId, devices: measured, missing } of models)
      for (const name of devices) {
        const reason = missing.find(({ device }) => device === name)?.reason;
        const is = measured.some(({ device }) => device === name);
        if (is === (reason !== undefined)) fail(`of trial ${trialId} ${name} is ${is ? 'both' : 'neither'}`);
        const words = troubled.find((each) => each.name === name)?.trouble.words ?? null;
        if (reason !== undefined && !words?.test(reason)) fail(`${name} is missing: ${reason}`);
      }
    const left = trialViews.filter(({ predicted }) => predicted.length > 0);
    if (left.length > 0) fail(`trials ${left.map(({ trialId }) => trialId).join(', ')} have predictions still`);
  }
}
