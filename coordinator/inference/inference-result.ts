/** What a search has found, in the words of the inference server. */
import type { StoredMeasurement } from '@edgetune/shared/domain/measurement.ts';
import { metricsOf } from '@edgetune/shared/domain/measurement-metrics.ts';
import type { InferenceResult } from './inference-server.ts';
import type { Known } from './known-measurements.ts';
import { nonDominated } from './measurement-front.ts';
import { bestFirst, type Goals, violationOn } from './search/config-score.ts';

/** The best of what was measured; null where nothing was. */
export function bestOf(all: readonly Known[], goals: Goals): StoredMeasurement | null {
  const measured = all.map(({ measurement }) => measurement).filter(({ outcome }) => outcome === 'ok');
  return bestFirst(goals, measured)[0] ?? null;
}

/** @param reason why nothing could be measured, if nothing could */
export function resultOf(all: Known[], goals: Goals, reason: string | null): InferenceResult {
  const measured = all.map(({ measurement }) => measurement).filter(({ outcome }) => outcome === 'ok');
  const best = bestOf(all, goals);
  const violation = best ? violationOn(best, goals.limits) : Infinity;
  return {
    best,
    feasible: violation === 0,
    violation,
    all,
    front: nonDominated(measured),
    reason: violation === 0 ? null : best ? shortfall(best, goals) : (reason ?? 'nothing could be measured'),
  };
}

/** The device can do none of the configs that are asked for. */
export function impossible(reason: string): InferenceResult {
  return { best: null, feasible: false, violation: Infinity, all: [], front: [], reason };
}

/** The prediction alone refuses the architecture. @param violation the least that is expected @param all without metrics */
export function refused(deviceName: string, violation: number, possible: number, all: Known[]): InferenceResult {
  return {
    best: null,
    feasible: false,
    violation,
    all,
    front: [],
    reason: `predicted from other architectures on ${deviceName}: every inference config violates a constraint, with its whole 95 % interval`,
    possible,
    refusedByPrediction: true,
  };
}

/** Which constraints even the best config violates, with its values. */
function shortfall(best: StoredMeasurement, { limits }: Goals): string {
  const metrics = metricsOf(best);
  const broken = limits.filter((limit) => violationOn(best, [limit]) > 0);
  const values = broken.map(
    ({ metric, operator, limit }) =>
      `${metric} is ${metrics[metric]?.toPrecision(3) ?? 'not measured'}, not ${operator} ${limit}`,
  );
  return `even the best inference config: ${values.join('; ')}`;
}
