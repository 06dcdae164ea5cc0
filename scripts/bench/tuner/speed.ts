/** How long one ask and its tell take after so many finished trials, and what a finished trial keeps in memory. */
import type { Parameter } from '@edgetune/shared/domain/search-space.ts';
import { budgetLadderSchema, tunerSettingsSchema } from '@edgetune/shared/domain/study.ts';
import { keyedRandom } from '@edgetune/shared/math/random.ts';
import { createTuner } from '../../../coordinator/tuner/create-tuner.ts';
import type { Ask, Tuner } from '../../../coordinator/tuner/tuner.ts';

/** Twelve parameters of all kinds. */
export const MIXED_TWELVE: Parameter[] = [
  ...['a', 'b', 'c'].map(
    (name): Parameter => ({ name, level: 'training', type: 'float', min: 0, max: 1, scale: 'linear' }),
  ),
  ...['d', 'e'].map((name): Parameter => ({ name, level: 'training', type: 'float', min: 1e-5, max: 1, scale: 'log' })),
  ...['f', 'g'].map((name): Parameter => ({ name, level: 'model', type: 'int', min: 1, max: 64, scale: 'linear' })),
  { name: 'h', level: 'model', type: 'int', min: 8, max: 512, scale: 'log' },
  ...['i', 'j'].map(
    (name): Parameter => ({ name, level: 'model', type: 'categorical', choices: ['p', 'q', 'r', 's'] }),
  ),
  { name: 'k', level: 'system', type: 'ordinal', values: [1, 2, 4, 8] },
  { name: 'l', level: 'training', type: 'boolean' },
];

const METRICS = ['loss', 'trainingTime', 'trainingEnergy'];

export interface SpeedResult {
  medianMs: number;
  p99Ms: number;
  bytesPerTrial: number;
}

/** Trials played before anything is measured: the first ones make the program's code be compiled, which is no trial's memory. */
const WARM_UP = 500;

/** Runs `trials` trials to the end of their only rung, then measures ask and tell over `repeats` more. */
export function measureSpeed(trials: number, objectives: number, repeats = 200): SpeedResult {
  const collect = globalThis.gc;
  if (!collect)
    throw new Error('memory is measured with --expose-gc: node --expose-gc scripts/run.js scripts/bench/tuner.ts');
  played(WARM_UP, objectives);
  collect();
  const before = process.memoryUsage().heapUsed;
  const { tuner, uniform } = played(trials, objectives);
  collect();
  const bytesPerTrial = (process.memoryUsage().heapUsed - before) / trials;
  const times = Array.from({ length: repeats }, () => {
    const start = performance.now();
    answered(tuner, uniform);
    return performance.now() - start;
  }).sort((a, b) => a - b);
  return { medianMs: times[repeats >> 1] as number, p99Ms: times[Math.floor(repeats * 0.99)] as number, bytesPerTrial };
}

/** A tuner that has seen so many trials. */
function played(trials: number, objectives: number): { tuner: Tuner; uniform(): number } {
  const tuner = createTuner({
    parameters: MIXED_TWELVE,
    objectives: METRICS.slice(0, objectives).map((metric) => ({ metric, direction: 'minimize', aggregate: 'worst' })),
    constraints: [],
    devices: [],
    ladder: budgetLadderSchema.parse({ minEpochs: 1, maxEpochs: 27, minDataFraction: 1 }),
    settings: tunerSettingsSchema.parse({ seed: 3 }),
    maxTrials: trials * 10,
    synchronous: false,
  });
  const { uniform } = keyedRandom(12);
  for (let finished = 0; finished < trials; ) if (answered(tuner, uniform).rung === 0) finished++;
  return { tuner, uniform };
}

function answered(tuner: Tuner, uniform: () => number): Ask {
  const ask = tuner.ask() as Ask;
  const { a, b, h } = ask.candidate as Record<string, number>;
  const loss = ((a as number) - 0.3) ** 2 + (b as number) + uniform() / 10;
  const metrics = {
    loss,
    trainingTime: (h as number) * (1 - (b as number) / 2),
    trainingEnergy: (h as number) / 50 + 1 - (a as number),
  };
  tuner.tell({
    trialId: ask.trialId,
    rung: ask.rung,
    status: 'ok',
    metrics,
    violation: 0,
    cost: { seconds: 1, joules: 1 },
  });
  return ask;
}
