/**
 * What fitted profiles say of sizes and families that they have not seen: the mean error beside the base's, and the share of
 * measurements in the stated 95 % intervals, over 10 to 600 rows.
 */
import type { BoardProfile } from '@edgetune/shared/costmodel/board-profile.ts';
import { boardProfileNamed } from '@edgetune/shared/costmodel/board-profiles.ts';
import { fitProfile } from '@edgetune/shared/costmodel/fit-profile.ts';
import { familyOf } from '@edgetune/shared/costmodel/network-family.ts';
import { predict } from '@edgetune/shared/costmodel/predict.ts';
import { raspberryPi5Start } from '@edgetune/shared/costmodel/profiles/raspberry-pi-5.ts';
import { keyedRandom, type Random, shuffle } from '@edgetune/shared/math/random.ts';
import { nanoBase, nanoGpuBase, xavierBase } from './comparisons.ts';
import { raspberryPi4Rows, raspberryPi5Rows } from './measured-rows.ts';
import { mlperfRows, nanoRows, yoloRows, type ZooRow } from './zoo-rows.ts';

export interface HeldOutSet {
  what: string;
  base: BoardProfile;
  rows: readonly ZooRow[];
}

export interface HeldOutCase {
  set: string;
  /** Rows that were asked for; a choice of sizes or families may have fewer. */
  wanted: number;
  /** What the rows of the fit leave out. */
  leaves: 'sizes' | 'families' | 'architectures';
  /** Rows of the fit. */
  fitted: number;
  tested: number;
  mape: number;
  baseMape: number;
  /** Mean error that the profile publishes. */
  published: number;
  /** Share of the tested rows in their 95 % interval, and its mean width: the upper end over the prediction. */
  coverage: number;
  upperOver: number;
}

export const ROW_COUNTS = [10, 30, 60, 200, 600];
const REPEATS = 3;
/** A random choice of sizes or families that has fewer rows than this share of those wanted is not a case. */
const LEAST_SHARE = 0.6;

const asZoo = (rows: ReturnType<typeof raspberryPi5Rows>): ZooRow[] =>
  rows.map((row) => ({ ...row, network: 'nasbench201', imageSize: 32, latencyMs: row.latencyMs as number }));

/** Measurements with a base that has seen none of them, and with the profiles as shipped, which have seen some. */
export function heldOutSets(): HeldOutSet[] {
  const pi4 = boardProfileNamed('raspberry-pi-4');
  const pi5Yolo = yoloRows('pi5_ort_latency');
  return [
    { what: 'Pi 5, YOLO', base: raspberryPi5Start, rows: pi5Yolo },
    { what: 'Pi 5 as shipped, YOLO', base: boardProfileNamed('raspberry-pi-5'), rows: pi5Yolo },
    { what: 'Pi 4 as shipped, YOLO', base: pi4, rows: yoloRows('pi4_ort_latency') },
    { what: 'Pi 4 as shipped, TensorFlow Lite', base: pi4, rows: mlperfRows('rpi4-tflite-v2.7.1-ruy', 4) },
    { what: 'Jetson Nano', base: nanoBase(), rows: nanoRows('cpu') },
    { what: 'Jetson Nano, GPU', base: nanoGpuBase(), rows: nanoRows('gpu') },
    {
      what: 'AGX Xavier, TensorFlow Lite',
      base: xavierBase(),
      rows: mlperfRows('xavier-power.0-fan.cool-tflite-v2.5.0-ruy', 8),
    },
    { what: 'Pi 5, NAS-Bench-201', base: raspberryPi5Start, rows: asZoo(raspberryPi5Rows()) },
    { what: 'Pi 4 as shipped, NAS-Bench-201 in TensorFlow Lite', base: pi4, rows: asZoo(raspberryPi4Rows()) },
  ];
}

function caseOf(
  { what, base }: HeldOutSet,
  leaves: HeldOutCase['leaves'],
  wanted: number,
  fit: ZooRow[],
  test: ZooRow[],
): HeldOutCase {
  const { profile, crossValidated } = fitProfile(base, fit);
  const results = test.map(({ analysis, config, latencyMs }) => {
    const { latencyMs: predicted, uncertainty } = predict(profile, analysis, config);
    const [low, high] = uncertainty.latencyMs ?? [0, Number.POSITIVE_INFINITY];
    const unfitted = predict(base, analysis, config).latencyMs;
    return {
      error: Math.abs(predicted / latencyMs - 1),
      baseError: Math.abs(unfitted / latencyMs - 1),
      inside: latencyMs >= low && latencyMs <= high ? 1 : 0,
      upperOver: high / predicted,
    };
  });
  const meanOf = (value: (result: (typeof results)[number]) => number) =>
    results.reduce((sum, result) => sum + value(result), 0) / results.length;
  return {
    set: what,
    wanted,
    leaves,
    fitted: fit.length,
    tested: test.length,
    mape: meanOf(({ error }) => error),
    baseMape: meanOf(({ baseError }) => baseError),
    published: crossValidated.latencyMape ?? Number.NaN,
    coverage: meanOf(({ inside }) => inside),
    upperOver: meanOf(({ upperOver }) => upperOver),
  };
}

/** Groups by which rows are left out: an input size, or a family as the fit tells families apart. */
const KEYS = {
  sizes: ({ imageSize }: ZooRow) => `${imageSize}`,
  families: ({ analysis }: ZooRow) => familyOf(analysis).join(),
} as const;
/** How many groups are fitted to. */
const GROUP_COUNTS = { sizes: [1, 2, 3], families: [1, 2, 4] } as const;

function shuffled<T>(values: readonly T[], random: Random): T[] {
  return Array.from(shuffle(Int32Array.from(values.keys()), random), (index) => values[index] as T);
}

/** Every case of a set: seeded, so that a run can be repeated. */
export function heldOutCases(set: HeldOutSet): HeldOutCase[] {
  const cases: HeldOutCase[] = [];
  for (const [at, count] of ROW_COUNTS.entries())
    for (let repeat = 0; repeat < REPEATS; repeat += 1) {
      for (const leaves of ['sizes', 'families'] as const) {
        const groups = [...new Set(set.rows.map(KEYS[leaves]))];
        for (const kept of GROUP_COUNTS[leaves]) {
          if (groups.length <= kept) continue;
          const random = keyedRandom(at, repeat, kept);
          const chosen = new Set(shuffled(groups, random).slice(0, kept));
          const pool = set.rows.filter((row) => chosen.has(KEYS[leaves](row)));
          if (pool.length < LEAST_SHARE * count) continue;
          const test = set.rows.filter((row) => !chosen.has(KEYS[leaves](row)));
          const fit = shuffled(pool, random).slice(0, count);
          if (fit.length >= 3) cases.push(caseOf(set, leaves, count, fit, test));
        }
      }
      if (new Set(set.rows.map(KEYS.sizes)).size > 1 || set.rows.length < count * 1.25) continue;
      const order = shuffled(set.rows, keyedRandom(at, repeat));
      cases.push(caseOf(set, 'architectures', count, order.slice(0, count), order.slice(count)));
    }
  return cases;
}

/** The bars: share of held-out measurements in the 95 % interval, and mean error over the base's. */
export const COVERAGE_BAR = 0.9;
export const ERROR_BAR = 1.2;

export interface HeldOutSummary {
  what: string;
  cases: number;
  mape: number;
  baseMape: number;
  published: number;
  coverage: number;
  upperOver: number;
  isMet: boolean;
}

export function summaryOf(what: string, cases: readonly HeldOutCase[]): HeldOutSummary {
  const meanOf = (value: (each: HeldOutCase) => number) =>
    cases.reduce((sum, each) => sum + value(each), 0) / cases.length;
  const [mape, baseMape] = [meanOf((each) => each.mape), meanOf((each) => each.baseMape)];
  const coverage = meanOf((each) => each.coverage);
  return {
    what,
    cases: cases.length,
    mape,
    baseMape,
    published: meanOf((each) => each.published),
    coverage,
    upperOver: meanOf((each) => each.upperOver),
    isMet: coverage >= COVERAGE_BAR && mape <= ERROR_BAR * baseMape,
  };
}
