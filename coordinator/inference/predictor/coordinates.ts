/** Architectures and inference configs as coordinates in which the logarithm of a metric is nearly linear. */
import { type InferenceConfig, inferenceConfigSchema } from '@edgetune/shared/domain/inference-config.ts';
import type { ModelAnalysis } from '@edgetune/shared/onnx/analyse.ts';
import type { FusedKernel } from '@edgetune/shared/onnx/fuse-kernels.ts';

/** What a coordinate is: how much a metric's slope along it may vary, and how far a bend reaches. */
interface Coordinate {
  slope: number;
  length: number;
}

/** One that is 0 or 1: all that two marks have in common is that they are different. */
const MARK: Coordinate = { slope: 1, length: 1 };

const CONFIG: readonly Coordinate[] = [
  { slope: 0.3, length: 2 }, // log2 batch
  { slope: 0.3, length: 1 }, // log2 threads
  { slope: 0.3, length: 1 }, // log2 clock
  { slope: 0.2, length: 1 }, // all cores busy: the operating system competes
  ...[MARK, MARK], // precision
  ...[MARK, MARK], // execution provider
];
const ARCHITECTURE: readonly Coordinate[] = [
  { slope: 0.4, length: 3 }, // log2 MACs
  { slope: 0.4, length: 3 }, // log2 activation bytes
  { slope: 0.3, length: 3 }, // log2 weight bytes
  { slope: 0.3, length: 3 }, // log2 kernels
  { slope: 0.5, length: 0.5 }, // share of depthwise work
  { slope: 0.5, length: 0.5 }, // share of matrix products
  { slope: 0.5, length: 0.5 }, // share of work in integers: a file that is called int8 may compute in float
];
/** The runner that is used where nobody names one. */
const USUAL_RUNNER = inferenceConfigSchema.shape.runner.parse(undefined);

export interface CoordinateSystem {
  readonly coordinates: readonly Coordinate[];
  /** Place of the MACs among them. */
  readonly macsAt: number;
  /** @param otherClass of the board when it was another device class than the one that is predicted for */
  pointOf(architecture: readonly number[], config: InferenceConfig, otherClass?: string): number[];
}

/**
 * The coordinates in which measurements of a device with `cores` cores are compared. Runners are told apart by their names
 * alone: of those but the usual one, each that was measured has a mark of its own, and all others have one together. So has
 * each other device class: by what it differs, measurements of both show; until there are some, it may be several times.
 */
export function coordinateSystem(
  measured: readonly InferenceConfig[],
  cores: number,
  otherClasses: readonly string[] = [],
): CoordinateSystem {
  const runners = [...new Set(measured.map(({ runner }) => runner))].filter((name) => name !== USUAL_RUNNER).sort();
  const marksOf = (runner: string) => [
    ...runners.map((name) => flag(runner === name)),
    flag(runner !== USUAL_RUNNER && !runners.includes(runner)),
  ];
  return {
    coordinates: [...CONFIG, ...runners.map(() => MARK), MARK, ...ARCHITECTURE, ...otherClasses.map(() => MARK)],
    macsAt: CONFIG.length + runners.length + 1,
    pointOf: (architecture, config, otherClass) => [
      ...configCoordinates(config, cores),
      ...marksOf(config.runner),
      // Studies of before keep architectures without what is counted since.
      ...ARCHITECTURE.map((_, at) => architecture[at] ?? 0),
      ...otherClasses.map((name) => flag(name === otherClass)),
    ],
  };
}

const flag = (on: boolean) => (on ? 1 : 0);

/** Coordinates of an architecture, from the fused kernels of one sample. */
export function architectureCoordinates(analysis: Pick<ModelAnalysis, 'kernels' | 'macs' | 'weightBytes'>): number[] {
  const { kernels, macs, weightBytes } = analysis;
  const share = (isOne: (kernel: FusedKernel) => boolean) =>
    kernels.reduce((sum, kernel) => sum + (isOne(kernel) ? kernel.macs * kernel.repeats : 0), 0) / Math.max(1, macs);
  const bytes = kernels.reduce(
    (sum, { inputBytes, outputBytes, repeats }) => sum + (inputBytes + outputBytes) * repeats,
    0,
  );
  const working = kernels.reduce((sum, { kind, repeats }) => sum + (kind === 'view' ? 0 : repeats), 0);
  return [
    ...[macs, bytes, weightBytes, working].map((value) => Math.log2(1 + value)),
    share(({ kind }) => kind === 'depthwise'),
    share(({ kind }) => kind === 'matmul' || kind === 'recurrent'),
    share(({ quantised }) => quantised),
  ];
}

/** Coordinates of an architecture of which nothing is known. */
export const NO_ARCHITECTURE: readonly number[] = ARCHITECTURE.map(() => 0);

function configCoordinates(config: InferenceConfig, cores: number): number[] {
  return [
    Math.log2(config.batchSize),
    Math.log2(config.threads),
    config.clockKHz === null ? 0 : Math.log2(config.clockKHz / 1e6),
    flag(config.threads >= cores && cores > 1),
    flag(config.precision === 'float16'),
    flag(config.precision === 'int8'),
    flag(config.executionProvider === 'cuda'),
    flag(config.executionProvider === 'tensorrt'),
  ];
}

/**
 * What is expected of a metric before anything is measured: the slope of its logarithm (base 2) along batch, threads,
 * clock and MACs. Orders of magnitude only — work grows with the batch, cores and clock divide it — which the
 * measurements of a device then correct.
 */
export function expectedSlopes(metric: string): [batch: number, threads: number, clock: number, macs: number] {
  if (metric.startsWith('latency.')) return [0.9, -0.6, -0.8, 0.7];
  if (metric === 'throughput') return [0.1, 0.6, 0.8, -0.7];
  if (metric === 'energy') return [-0.1, -0.1, 0.3, 0.7];
  if (metric === 'power') return [0, 0.4, 0.6, 0];
  return [0.3, 0, 0, 0.2];
}
