/** Thread scaling of a board, fitted to the speed-ups of some networks and tested on others. */
import type { BoardProfile } from '@edgetune/shared/costmodel/board-profile.ts';
import { predict } from '@edgetune/shared/costmodel/predict.ts';
import { inferenceConfigSchema } from '@edgetune/shared/domain/inference-config.ts';
import type { RunnableModel } from '@edgetune/shared/onnx/analyse.ts';
import type { ZooRow } from './zoo-rows.ts';

export interface SpeedUp {
  network: string;
  analysis: RunnableModel;
  threads: number;
  /** Latency on one thread over latency on `threads`. */
  measured: number;
}

/** Every network's speed-up at every number of threads above one. */
export function speedUps(rows: readonly ZooRow[]): SpeedUp[] {
  const alone = new Map(rows.filter(({ config }) => config.threads === 1).map((row) => [row.network, row.latencyMs]));
  return rows.flatMap(({ network, analysis, config: { threads }, latencyMs }) => {
    const one = alone.get(network);
    return one === undefined || threads === 1 ? [] : [{ network, analysis, threads, measured: one / latencyMs }];
  });
}

export function predictedSpeedUp(profile: BoardProfile, { analysis, threads }: SpeedUp): number {
  const at = (count: number) =>
    predict(profile, analysis, inferenceConfigSchema.parse({ batchSize: 1, threads: count })).latencyMs;
  return at(1) / at(threads);
}

export interface Scaling {
  exponent: number;
  memoryThreads: number;
  /** Microseconds to wake and join one more thread, per kernel. */
  syncUs: number;
}

export function withScaling(profile: BoardProfile, { exponent, memoryThreads, syncUs }: Scaling): BoardProfile {
  const [cpu, ...rest] = profile.backends;
  if (!cpu?.threads) throw new RangeError(`${profile.name} has no CPU backend first`);
  const threads = { ...cpu.threads, exponent, memoryThreads };
  const coefficients = { ...cpu.coefficients, sync: syncUs };
  return { ...profile, backends: [{ ...cpu, threads, coefficients }, ...rest] };
}

const STEPS = 24;
/** A thread is not woken in less than a microsecond, and no operating system takes longer than this. */
const SYNC_US = [1, 2, 3, 5, 8, 12, 18, 27, 40, 60];

/** The scaling of least squared logarithmic error, by coordinate descent: the loss bends once along each of the three. */
export function fitScaling(profile: BoardProfile, rows: readonly SpeedUp[]): Scaling {
  const loss = (scaling: Scaling) => {
    const changed = withScaling(profile, scaling);
    return rows.reduce((sum, row) => sum + Math.log(predictedSpeedUp(changed, row) / row.measured) ** 2, 0);
  };
  const mostThreads = Math.max(...rows.map(({ threads }) => threads));
  const changes: Partial<Scaling>[] = [...Array(STEPS + 1).keys()].flatMap((step) => [
    { exponent: 0.2 + (0.8 * step) / STEPS },
    { memoryThreads: 1 + ((mostThreads - 1) * step) / STEPS },
  ]);
  changes.push(...SYNC_US.map((syncUs) => ({ syncUs })));
  let best: Scaling = { exponent: 0.8, memoryThreads: Math.min(1.5, mostThreads), syncUs: 5 };
  let least = loss(best);
  for (let improved = true; improved; ) {
    improved = false;
    for (const change of changes) {
      const candidate = { ...best, ...change };
      const value = loss(candidate);
      if (value < least - 1e-6) [best, least, improved] = [candidate, value, true];
    }
  }
  return best;
}

export interface HeldOut extends SpeedUp {
  predicted: number;
}

/** Predicts each of the named networks (all where none are named) from the scaling that the other networks show. */
export function leaveOneOut(profile: BoardProfile, rows: readonly SpeedUp[], networks?: readonly string[]): HeldOut[] {
  const names = networks ?? [...new Set(rows.map(({ network }) => network))];
  return names.flatMap((name) => {
    const scaling = fitScaling(
      profile,
      rows.filter(({ network }) => network !== name),
    );
    const fitted = withScaling(profile, scaling);
    const held = rows.filter(({ network }) => network === name);
    return held.map((row) => ({ ...row, predicted: predictedSpeedUp(fitted, row) }));
  });
}
