/**
 * The predictor against Gaussian processes that were worked out with mpmath 1.3 in 30 digits: R&W algorithm 2.1 with an
 * inverse instead of a factor, each group left out by fitting anew without it.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type InferenceConfig, inferenceConfigSchema } from '@edgetune/shared/domain/inference-config.ts';
import { type Example, learn, quantile95 } from '../../../../coordinator/inference/predictor/predictor.ts';

const CORES = 4;
const [A1, A2, A3] = [
  [20, 16, 14, 3, 0.25, 0.5],
  [23, 18, 17, 4, 0.75, 0],
  [26, 19, 15, 5, 0, 0.125],
] as const;
const config = (batchSize: number, threads: number, change: Partial<InferenceConfig> = {}) =>
  inferenceConfigSchema.parse({ batchSize, threads, ...change });
const example = (group: string, architecture: readonly number[], value: number, at: InferenceConfig): Example => ({
  group,
  architecture,
  config: at,
  value,
});

/** Along every coordinate something differs. */
const DIFFERENT = [
  example('g1', A1, 10, config(1, 1)),
  example('g1', A1, 18, config(4, 2, { clockKHz: 1_500_000, precision: 'int8' })),
  example('g2', A2, 25, config(2, 4, { clockKHz: 600_000, executionProvider: 'cuda', runner: 'onnxruntime-python' })),
  example('g2', A2, 7, config(1, 2, { precision: 'float16', executionProvider: 'tensorrt', runner: 'trtexec' })),
];
const OWN = (
  [
    [1, 1, 10],
    [2, 1, 30],
    [4, 2, 29],
    [8, 4, 41],
    [1, 2, 4],
  ] as const
).map(([batch, threads, value]) => example('g1', A1, value, config(batch, threads)));
/** Three architectures by turns. */
const GRID = [
  [1, 1],
  [2, 1],
  [4, 2],
  [8, 2],
  [1, 4],
  [2, 4],
  [4, 1],
  [8, 1],
  [16, 4],
  [16, 1],
] as const;
const byTurns = (values: readonly number[]) =>
  values.map((value, index) => {
    const [batch, threads] = GRID[index] as readonly [number, number];
    return example(`g${index % 3}`, [A1, A2, A3][index % 3] as readonly number[], value, config(batch, threads));
  });
const REGULAR = [11.6, 82.6, 392, 38, 16.2, 136, 31.3, 262, 979, 107];

const QUERIES: [readonly number[], InferenceConfig][] = [
  [A1, config(2, 3)],
  [A3, config(16, 4, { clockKHz: 1_200_000, precision: 'int8', executionProvider: 'cuda', runner: 'trtexec' })],
  [
    A2,
    config(3, 2, {
      clockKHz: 900_000,
      precision: 'float16',
      executionProvider: 'tensorrt',
      runner: 'onnxruntime-python',
    }),
  ],
];

function agrees(metric: string, examples: readonly Example[], expected: readonly (readonly [number, number])[]): void {
  const predictor = learn(metric, examples, CORES);
  for (const [index, [architecture, at]] of QUERIES.entries()) {
    const { mean, deviation } = predictor.predict(architecture, at);
    const [expectedMean, expectedDeviation] = expected[index] as readonly [number, number];
    assert.ok(Math.abs(mean - expectedMean) < 1e-7, `mean ${index}: ${mean} is not ${expectedMean}`);
    assert.ok(
      Math.abs(deviation - expectedDeviation) < 1e-7,
      `deviation ${index}: ${deviation}, not ${expectedDeviation}`,
    );
  }
}

describe('the predictor', () => {
  const deviations = [0.52025120984, 1.8893129626, 1.16917849] as const;
  for (const [metric, ...means] of [
    ['latency.p99', 2.2526622947, 5.6182866744, 3.2594184344],
    ['throughput', 3.0795332056, 2.0141768004, 2.4620801149],
    ['energy', 2.2794613582, 4.6056336585, 2.4834213122],
    ['power', 2.8063272301, 3.2148619758, 2.4170046028],
    ['memory', 2.5754086167, 3.9891417979, 2.717829415],
  ] as const)
    it(`expects of ${metric} what grows and shrinks it, and corrects that by four measurements`, () => {
      agrees(
        metric,
        DIFFERENT,
        means.map((mean, index) => [mean, deviations[index] as number]),
      );
    });

  it('tells runners apart whatever they are called, and gives two that it never saw the same chances', () => {
    const renamed = (at: InferenceConfig): InferenceConfig => ({
      ...at,
      runner: { 'onnxruntime-python': 'a-new-one', trtexec: 'another' }[at.runner] ?? at.runner,
    });
    const [known, unknown] = [DIFFERENT, DIFFERENT.map((each) => ({ ...each, config: renamed(each.config) }))].map(
      (examples) => learn('latency.p99', examples, CORES),
    );
    for (const [architecture, at] of QUERIES)
      assert.deepEqual(unknown?.predict(architecture, renamed(at)), known?.predict(architecture, at));
    const by = (runner: string) => known?.predict(A1, config(1, 1, { runner }));
    assert.deepEqual(by('never-seen'), by('nor-this'));
    assert.notDeepEqual(by('never-seen'), by('trtexec'));
  });

  it('doubts five measurements of one architecture as they doubt each other', () => {
    agrees('latency.p99', OWN, [
      [1.8492149807, 0.11550985831],
      [7.5618399827, 4.700096164],
      [4.5825186329, 3.5546575003],
    ]);
  });

  it('takes the kernel with the greatest evidence: noisy, middling or bent', () => {
    agrees('latency.p99', byTurns([8.13, 90.7, 328, 34.9, 16.6, 124, 42.9, 284, 989, 97.8]), [
      [2.0371605178, 0.27843985207],
      [6.621297604, 1.7524233496],
      [4.3781825666, 1.7505602815],
    ]);
    agrees('latency.p99', byTurns(REGULAR), [
      [2.2267509732, 0.14450489654],
      [6.6880685923, 1.7460385555],
      [4.3482646108, 1.7452023283],
    ]);
    agrees('latency.p99', byTurns([7.48, 54.3, 558, 30.5, 29.9, 143, 42, 456, 1600, 120]), [
      [1.8963136303, 0.54752080127],
      [7.2015205224, 1.8361381597],
      [4.6335062916, 1.8275329059],
    ]);
  });

  it('doubts three architectures as each is unlike the other two', () => {
    agrees('latency.p99', byTurns(REGULAR.map((value, index) => (index % 3 === 2 ? value * 20 : value))), [
      [2.2255042494, 0.211105848],
      [9.670618101, 2.5507713492],
      [4.3712434429, 2.5495497126],
    ]);
  });

  it('counts architectures, not measurements', () => {
    assert.equal(learn('memory', OWN, CORES).architectures, 1);
    assert.equal(learn('memory', DIFFERENT, CORES).architectures, 2);
  });
});

it('the quantile of t is that of A&S 26.7.5, to the second order', () => {
  // z = 1.959963984540; of one architecture as of two.
  for (const [architectures, expected] of [
    [1, 7.1547338306],
    [2, 7.1547338306],
    [3, 3.8517242536],
    [6, 2.5473181752],
    [31, 2.0421758018],
  ] as const)
    assert.ok(Math.abs(quantile95(architectures) - expected) < 1e-8, `${architectures}: ${quantile95(architectures)}`);
});

describe('what was measured while the board was of another class', () => {
  /** Three times slower in the other one. */
  const slow = byTurns(REGULAR.map((value) => 3 * value)).map((each) => ({ ...each, otherClass: '15W' }));
  const now = byTurns(REGULAR).slice(0, 4);
  const [wanted] = byTurns(REGULAR).slice(8);

  const errorOf = (examples: readonly Example[]) => {
    const { mean } = learn('latency.p50', examples, CORES).predict(wanted?.architecture ?? [], config(16, 4));
    return Math.abs(mean - Math.log(979));
  };

  it('says how architectures differ, and with a few of this class by what the classes do', () => {
    assert.ok(errorOf([...now, ...slow]) < 0.15, `${errorOf([...now, ...slow])}`);
    assert.ok(errorOf([...now, ...slow]) < errorOf(now) / 2, `${errorOf(now)}`);
    const asOne = slow.map(({ otherClass: _, ...each }) => each);
    assert.ok(errorOf([...now, ...slow]) < errorOf([...now, ...asOne]) / 2, 'unmarked it would mislead');
  });

  it('is no ground for a narrow interval nor for a refusal while there is nothing of this class', () => {
    const { predict, architectures } = learn('latency.p50', slow, CORES);
    assert.equal(architectures, 0);
    assert.ok(2 * predict(A1, config(1, 1)).deviation > Math.log(3));
    assert.equal(learn('latency.p50', [...now, ...slow], CORES).architectures, 3);
  });
});
