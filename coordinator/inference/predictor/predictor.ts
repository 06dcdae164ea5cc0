/**
 * Predicts a device's metrics from measurements of it alone: a Gaussian process over the logarithm of each metric, in
 * coordinates of fused kernels and inference config. It never reads a simulated board's profile.
 */
import type { InferenceConfig } from '@edgetune/shared/domain/inference-config.ts';
import { studentQuantile95 } from '@edgetune/shared/math/student-t.ts';
import { type CoordinateSystem, coordinateSystem, expectedSlopes } from './coordinates.ts';
import { fitGaussianProcess, type GaussianProcess, type Kernel, type Posterior } from './gaussian-process.ts';

/** A measured value of one metric. `group`: the architecture. */
export interface Example {
  group: string;
  architecture: readonly number[];
  config: InferenceConfig;
  value: number;
  /** Set where the board was of another device class: a power mode, clock limits or system of before. */
  otherClass?: string;
}

export interface Predictor {
  /** Mean and standard deviation of the natural logarithm of the metric. */
  predict(architecture: readonly number[], config: InferenceConfig): Posterior;
  /** Architectures that it has learned from on this very device class. */
  architectures: number;
}

/** With fewer examples the evidence cannot tell kernels apart: a middling one is used. */
const FEW_EXAMPLES = 6;
const MIDDLING = { amplitude: 0.25, reach: 1.5, noise: 0.03 };
const CHOICES = [0.08, 0.2, 0.5].flatMap((amplitude) =>
  [0.8, 1.5, 3].flatMap((reach) => [0.01, 0.05, 0.2].map((noise) => ({ amplitude, reach, noise }))),
);

/** Learns one metric of a device with `cores` cores. @param examples at least one; values positive */
export function learn(metric: string, examples: readonly Example[], cores: number): Predictor {
  const slopes = expectedSlopes(metric);
  const system = coordinateSystem(
    examples.map(({ config }) => config),
    cores,
    [...new Set(examples.flatMap(({ otherClass }) => otherClass ?? []))].sort(),
  );
  const raw = examples.map(({ architecture, config, otherClass }) => system.pointOf(architecture, config, otherClass));
  const centre = system.coordinates.map(
    (_, at) => raw.reduce((sum, point) => sum + (point[at] as number), 0) / raw.length,
  );
  const expected = (point: readonly number[]) =>
    Math.LN2 * [0, 1, 2, system.macsAt].reduce((sum, at, i) => sum + (slopes[i] as number) * (point[at] as number), 0);
  const centred = (point: readonly number[]) => point.map((value, at) => value - (centre[at] as number));
  const points = raw.map(centred);
  const offsets = points.map((point, index) => Math.log((examples[index] as Example).value) - expected(point));
  const level = offsets.reduce((sum, offset) => sum + offset, 0) / offsets.length;
  const targets = offsets.map((offset) => offset - level);
  const groups = examples.map(({ group }) => group);
  const architectures = new Set(groups).size;
  const process = bestFit(system, points, targets);
  const inflation = inflationOf(process, groups, architectures);
  const ofThisClass = examples.filter(({ otherClass }) => otherClass === undefined);
  return {
    architectures: new Set(ofThisClass.map(({ group }) => group)).size,
    predict: (architecture, config) => {
      const point = centred(system.pointOf(architecture, config));
      const { mean, deviation } = process.predict(point);
      return { mean: mean + expected(point) + level, deviation: deviation * inflation };
    },
  };
}

function kernelOf({ coordinates }: CoordinateSystem, { amplitude, reach, noise }: typeof MIDDLING): Kernel {
  return {
    constant: 0.5,
    slopes: coordinates.map(({ slope }) => slope),
    amplitude,
    lengths: coordinates.map(({ length }) => length * reach),
    noise,
  };
}

/** The kernel with the greatest evidence (type-II maximum likelihood on a small grid). */
function bestFit(system: CoordinateSystem, points: readonly number[][], targets: readonly number[]): GaussianProcess {
  const choices = points.length < FEW_EXAMPLES ? [MIDDLING] : CHOICES;
  return choices
    .map((choice) => fitGaussianProcess(points, targets, kernelOf(system, choice)))
    .reduce((best, each) => (each.logEvidence > best.logEvidence ? each : best));
}

/** With fewer measurements of an architecture or two, their residuals say nothing of the deviations. */
const FEWEST_RESIDUALS = 5;

/**
 * Leaving each architecture out, or each measurement while there are only one or two architectures, shows whether the
 * deviations are honest; where they were too small they grow. They never shrink: that cost a wrong refusal of the gate.
 */
function inflationOf(process: GaussianProcess, groups: readonly string[], architectures: number): number {
  const isFew = architectures < 3;
  if (isFew && groups.length < FEWEST_RESIDUALS) return 1;
  const residuals = process.leaveOutResiduals(isFew ? groups.map((_, index) => `${index}`) : groups);
  const meanSquare = residuals.reduce((sum, residual) => sum + residual * residual, 0) / residuals.length;
  return Math.max(1, Math.sqrt(meanSquare));
}

/** Two-sided 95 % quantile of Student's t: the deviation itself is estimated, from as many architectures as there are. */
export function quantile95(architectures: number): number {
  return studentQuantile95(architectures - 1);
}
