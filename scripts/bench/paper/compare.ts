/** Plays one problem in all modes, and makes the rows of the table. */
import { WATTS_PER_BUSY_CORE } from '../../../coordinator/training/training-energy.ts';
import type { BenchRow } from '../support.ts';
import { bootstrap, type Interval, median, medianAt } from './statistics.ts';
import { joulesOf, MODES, type Mode, type Outcome, type Problem, runStudy } from './study.ts';

/** A timed run that has trained so many times as long as the run that fixed A, without reaching A, is given up. */
const PATIENCE = 4;
const UNLIMITED_TRIALS = 100_000;

export interface Comparison {
  problem: Problem;
  /** The accuracy to reach: the median that `accuracy-only` reaches. */
  accuracy: number;
  outcomes: Record<Mode, Outcome[]>;
}

export async function compare(problem: Problem, seeds: readonly number[]): Promise<Comparison> {
  const whole: Outcome[] = [];
  for (const seed of seeds)
    whole.push(await runStudy(problem, 'accuracy-only', seed, { target: null, trials: problem.trials, timeS: null }));
  const accuracy = median(whole.map((outcome) => outcome.accuracy));
  const timeS = PATIENCE * median(whole.map(({ cpuSeconds }) => cpuSeconds));
  const outcomes = {} as Record<Mode, Outcome[]>;
  for (const mode of MODES) {
    outcomes[mode] = [];
    for (const seed of seeds) {
      const until = { target: accuracy, trials: mode === TOP_K ? problem.trials : UNLIMITED_TRIALS, timeS };
      outcomes[mode].push(await runStudy(problem, mode, seed, until));
    }
    console.log(JSON.stringify(rowOf({ problem, accuracy, outcomes }, mode)));
  }
  return { problem, accuracy, outcomes };
}

/** It cannot go on for ever: who is promoted is settled when all have had their epoch. */
const TOP_K: Mode = 'top-k-after-one-epoch';

const BASELINE: Mode = 'accuracy-only';
/** More or fewer watts a core than published. */
const SENSITIVITY = [0.5, 1.5];

const digits = (value: number) => (Math.abs(value) >= 1000 ? value.toFixed(0) : String(Number(value.toPrecision(3))));
const range = ([low, high]: Interval) => `${digits(low)}…${digits(high)}`;

const seedsOf = ([first]: readonly Comparison[]) => first?.outcomes[BASELINE].length ?? 0;

/** A mode's median ÷ the baseline's, as the geometric mean over the problems, which weighs every problem alike. */
function ratioOf(comparisons: readonly Comparison[], mode: Mode, value: (outcome: Outcome) => number): string {
  const seeds = seedsOf(comparisons);
  const pairs = comparisons.map(({ outcomes }) => [outcomes[mode].map(value), outcomes[BASELINE].map(value)] as const);
  const at = (drawn: readonly number[]) => {
    const logs = pairs.map(([ours, theirs]) => Math.log(medianAt(ours, drawn) / medianAt(theirs, drawn)));
    return Math.exp(logs.reduce((sum, log) => sum + log, 0) / logs.length);
  };
  return `${digits(at(Array.from({ length: seeds }, (_, index) => index)))} (${range(bootstrap(seeds, at))})`;
}

/** A mode over all problems. */
export function overallRow(comparisons: readonly Comparison[], mode: Mode): BenchRow {
  const ratio = (value: (outcome: Outcome) => number) => ratioOf(comparisons, mode, value);
  const reached = comparisons.map(
    ({ accuracy, outcomes }) => outcomes[mode].filter((outcome) => outcome.accuracy >= accuracy).length,
  );
  return {
    mode,
    problems: comparisons.length,
    'reached A': `${reached.reduce((sum, count) => sum + count, 0)}/${seedsOf(comparisons) * comparisons.length}`,
    'time ÷ accuracy-only': ratio(({ seconds }) => seconds),
    'energy ÷': ratio((outcome) => joulesOf(outcome)),
    'latency ÷': ratio(({ latencyMs }) => latencyMs),
    'energy a sample ÷': ratio(({ inferenceJ }) => inferenceJ),
  };
}

export function rowOf(comparison: Comparison, mode: Mode): BenchRow {
  const { problem, accuracy, outcomes } = comparison;
  const of = outcomes[mode];
  const base = outcomes[BASELINE];
  const indices = of.map((_, index) => index);
  const cell = (value: (outcome: Outcome) => number) => {
    const values = of.map(value);
    return `${digits(median(values))} (${range(bootstrap(of.length, (drawn) => medianAt(values, drawn)))})`;
  };
  const ratio = (value: (outcome: Outcome) => number) => ratioOf([comparison], mode, value);
  const difference = (value: (outcome: Outcome) => number) => {
    const [ours, theirs] = [of.map(value), base.map(value)];
    const at = (drawn: readonly number[]) => 100 * (medianAt(ours, drawn) - medianAt(theirs, drawn));
    return `${digits(at(indices))} (${range(bootstrap(of.length, at))})`;
  };
  const sensitivity = SENSITIVITY.map((factor) => {
    const joules = (outcome: Outcome) => joulesOf(outcome, factor * WATTS_PER_BUSY_CORE);
    return digits(median(of.map(joules)) / median(base.map(joules)));
  });
  return {
    problem: problem.name,
    'A, %': digits(100 * accuracy),
    mode,
    'reached A': `${of.filter((outcome) => outcome.accuracy >= accuracy).length}/${of.length}`,
    'time, s': cell(({ seconds }) => seconds),
    'energy, J': cell((outcome) => joulesOf(outcome)),
    'CPU, s': cell(({ cpuSeconds }) => cpuSeconds),
    'boards, J': cell(({ deviceJoules }) => deviceJoules),
    'accuracy, %': cell((outcome) => 100 * outcome.accuracy),
    'test, %': problem.source === 'trained here' ? cell((outcome) => 100 * outcome.testAccuracy) : null,
    'latency, ms': cell(({ latencyMs }) => latencyMs),
    'energy a sample, mJ': cell(({ inferenceJ }) => 1000 * inferenceJ),
    'time ÷ accuracy-only': ratio(({ seconds }) => seconds),
    'energy ÷': ratio((outcome) => joulesOf(outcome)),
    'energy ÷ at half, at 1.5 × the watts': sensitivity.join(', '),
    'accuracy −, points': difference((outcome) => outcome.accuracy),
    'latency ÷': ratio(({ latencyMs }) => latencyMs),
    'energy a sample ÷': ratio(({ inferenceJ }) => inferenceJ),
  };
}
