import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type BoardProfile, boardProfileSchema, parseBoardProfile } from '@edgetune/shared/costmodel/board-profile.ts';
import { BOARD_PROFILES, boardProfileNamed } from '@edgetune/shared/costmodel/board-profiles.ts';
import { backendFor, predict, UnsupportedConfigError } from '@edgetune/shared/costmodel/predict.ts';
import type { Term } from '@edgetune/shared/costmodel/terms.ts';
import { type InferenceConfig, inferenceConfigSchema } from '@edgetune/shared/domain/inference-config.ts';
import { analyseModel } from '@edgetune/shared/onnx/analyse.ts';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { buildOnnx } from '../../support/onnx-builder.ts';
import { type NetworkShape, network } from '../../support/random-network.ts';

const shapes: fc.Arbitrary<NetworkShape> = fc.record({
  imageSize: fc.integer({ min: 8, max: 64 }),
  channels: fc.integer({ min: 4, max: 48 }),
  depth: fc.integer({ min: 1, max: 4 }),
  kernel: fc.constantFrom(1 as const, 3 as const, 5 as const),
  pool: fc.boolean(),
});
const profiles = fc.constantFrom(...BOARD_PROFILES);
const config = (change: Partial<InferenceConfig> = {}) =>
  inferenceConfigSchema.parse({ batchSize: 1, threads: 1, ...change });
const costOf = (shape: NetworkShape, profile = boardProfileNamed('raspberry-pi-5'), batchSize = 1) =>
  predict(profile, analyseModel(network(shape), { batchSize }), config({ batchSize }));

/** The board with a cache that holds everything: then no cost grows faster than the work. */
const allCached = (profile: BoardProfile): BoardProfile => ({ ...profile, cacheBytes: 2 ** 40 });
/**
 * How many times more a run may cost because its activations outgrow the cache: of what kernels pay per megabyte of
 * activations anyway, none pays less than the price of pools and sums or of convolutions, and beyond the cache a
 * megabyte costs `bytes.spill` on top.
 */
function mostSpill(profile: BoardProfile): number {
  const { coefficients } = backendFor(profile, config());
  const price = (term: Term) => coefficients[term] ?? 0;
  return 1 + price('bytes.spill') / Math.min(price('bytes.convolution'), price('bytes.elementwise'));
}
/** Costs more than others when it grows: 4 × 1.71 times for twice the size, 14 × 1.97 times for a batch of 14. */
const ABOUT_TO_SPILL: NetworkShape = { imageSize: 63, channels: 48, depth: 1, kernel: 1, pool: false };

test('doubling height and width costs between 1 and 4 times, near 4 where work dominates, more where it leaves the cache', () => {
  fc.assert(
    fc.property(shapes, profiles, (shape, profile) => {
      const doubled = { ...shape, imageSize: 2 * shape.imageSize };
      const ratio = costOf(doubled, profile).latencyMs / costOf(shape, profile).latencyMs;
      assert.ok(ratio > 1 && ratio <= 4 * mostSpill(profile), `${ratio}`);
      const cached = allCached(profile);
      const ratioCached = costOf(doubled, cached).latencyMs / costOf(shape, cached).latencyMs;
      assert.ok(ratioCached > 1 && ratioCached <= 4 + 1e-9, `${ratioCached}`);
    }),
    { numRuns: 60, examples: [[ABOUT_TO_SPILL, boardProfileNamed('raspberry-pi-4')]] },
  );
  const large: NetworkShape = { imageSize: 112, channels: 64, depth: 3, kernel: 3, pool: false };
  assert.ok(costOf({ ...large, imageSize: 224 }).latencyMs / costOf(large).latencyMs > 3.9);
});

test('latency is linear in the pixels while everything is cached: a fixed part, and a part per pixel', () => {
  fc.assert(
    fc.property(shapes, profiles, (shape, profile) => {
      // Sizes at which every layer's output is a multiple of the smallest one's.
      const at = (factor: number) =>
        costOf({ ...shape, imageSize: 16 * factor, pool: false }, allCached(profile)).latencyMs;
      const [one, two, three] = [at(1), at(2), at(3)];
      const perPixel = (two - one) / 3;
      assert.ok(Math.abs(three - (one + 8 * perPixel)) < 0.02 * three, `${[one, two, three]}`);
      assert.ok(one - perPixel > 0, 'a network of no pixels still costs its kernels');
    }),
    { numRuns: 60 },
  );
});

test('doubling the channels costs between 1 and 4 times, or more where twice the activations leave the cache', () => {
  fc.assert(
    fc.property(shapes, profiles, (shape, profile) => {
      const doubled = { ...shape, channels: 2 * shape.channels };
      const ratio = costOf(doubled, profile).latencyMs / costOf(shape, profile).latencyMs;
      assert.ok(ratio > 1 && ratio <= Math.max(4, 2 * mostSpill(profile)) + 1e-9, `${ratio}`);
      const cached = allCached(profile);
      const ratioCached = costOf(doubled, cached).latencyMs / costOf(shape, cached).latencyMs;
      assert.ok(ratioCached > 1 && ratioCached <= 4 + 1e-9, `${ratioCached}`);
    }),
    { numRuns: 60 },
  );
});

test('a batch costs more than one sample, and less than as many runs while everything is cached', () => {
  fc.assert(
    fc.property(shapes, profiles, fc.integer({ min: 2, max: 16 }), (shape, profile, batch) => {
      const ratio = costOf(shape, profile, batch).latencyMs / costOf(shape, profile).latencyMs;
      assert.ok(ratio > 1 && ratio < batch * mostSpill(profile), `${ratio} for ${batch}`);
      const cached = allCached(profile);
      const ratioCached = costOf(shape, cached, batch).latencyMs / costOf(shape, cached).latencyMs;
      assert.ok(ratioCached > 1 && ratioCached < batch, `${ratioCached} for ${batch}`);
    }),
    { numRuns: 60, examples: [[ABOUT_TO_SPILL, boardProfileNamed('raspberry-pi-4'), 14]] },
  );
});

test('a sample of a larger batch never costs less than the work that no batch saves', () => {
  fc.assert(
    fc.property(shapes, profiles, fc.integer({ min: 2, max: 8 }), (shape, profile, batch) => {
      const perSample = (size: number) => costOf(shape, allCached(profile), size).latencyMs / size;
      assert.ok(perSample(2 * batch) <= perSample(batch) + 1e-12);
      assert.ok(perSample(2 * batch) > 0.5 * perSample(batch));
    }),
    { numRuns: 40 },
  );
});

test('the kernels and the fixed cost of a run add up, and energy is power times time', () => {
  const { latencyMs, perKernel, powerW, energyJ, netEnergyJ } = costOf({
    imageSize: 32,
    channels: 16,
    depth: 2,
    kernel: 3,
    pool: true,
  });
  const kernels = perKernel.reduce((sum, kernel) => sum + kernel.latencyMs, 0);
  assert.ok(kernels < latencyMs && kernels > 0.9 * latencyMs);
  assert.ok(Math.abs(energyJ - (powerW * latencyMs) / 1000) < 1e-9);
  assert.ok(netEnergyJ < energyJ);
});

test('more threads help less and less, and can hurt', () => {
  const analysis = analyseModel(network({ imageSize: 64, channels: 32, depth: 4, kernel: 3, pool: true }), {
    batchSize: 1,
  });
  const at = (profile: string, threads: number) =>
    predict(boardProfileNamed(profile), analysis, config({ threads })).latencyMs;
  for (const { name, cores } of BOARD_PROFILES)
    assert.ok(at(name, 1) / at(name, 2) < 2 && at(name, 1) > at(name, Math.max(2, cores - 1)), name);
  assert.ok(at('raspberry-pi-3b-plus', 4) > at('raspberry-pi-3b-plus', 3));
});

test('the clock that saves most energy above idle is not the fastest one', () => {
  const profile = boardProfileNamed('raspberry-pi-5');
  const analysis = analyseModel(network({ imageSize: 64, channels: 32, depth: 4, kernel: 3, pool: true }), {
    batchSize: 1,
  });
  const runs = profile.settableClocksKHz.map((clockKHz) => predict(profile, analysis, config({ clockKHz })));
  const [slowest, fastest] = [runs[0], runs.at(-1)];
  assert.ok(slowest && fastest);
  assert.ok(fastest.latencyMs < slowest.latencyMs);
  assert.ok(slowest.netEnergyJ < fastest.netEnergyJ);
});

test('a config that the board does not have is refused with what it has', () => {
  const analysis = analyseModel(network({ imageSize: 8, channels: 4, depth: 1, kernel: 1, pool: false }), {
    batchSize: 1,
  });
  const refuse = (change: Partial<InferenceConfig>, message: RegExp, powerMode?: string) =>
    assert.throws(
      () => predict(boardProfileNamed('raspberry-pi-4'), analysis, config(change), { powerMode }),
      (error: Error) => error instanceof UnsupportedConfigError && message.test(error.message),
    );
  refuse({ threads: 5 }, /5 threads, but .* has 4 cores/);
  refuse({ precision: 'float16' }, /no float16; it has float32, int8/);
  refuse({ executionProvider: 'cuda', runner: 'onnxruntime-python' }, /it runs cpu by/);
  refuse({}, /no power mode "turbo"/, 'turbo');
});

test('every profile has a source for each part and survives being written as YAML', () => {
  for (const profile of BOARD_PROFILES) {
    for (const part of ['coefficients', 'threads', 'memory', 'thermal', 'noise'])
      assert.ok(profile.sources[part], `${profile.name}: ${part}`);
    assert.deepEqual(parseBoardProfile(stringify(profile)), boardProfileSchema.parse(profile));
  }
  assert.throws(() => parseBoardProfile('name: x\ncores: 0'), /cores/);
  assert.throws(() => boardProfileNamed('toaster'), /no board profile "toaster": use one of raspberry-pi-3b-plus/);
});

test('a graph in 8 bits is predicted by the speed of integer kernels, with a wider interval', () => {
  const quantise = (from: string, to: string) => ({
    opType: 'QuantizeLinear',
    inputs: [from, 's', 'z'],
    outputs: [to],
  });
  const dequantise = (from: string, to: string) => ({
    opType: 'DequantizeLinear',
    inputs: [from, 's', 'z'],
    outputs: [to],
  });
  const convolution = (data: string, weight: string, to: string) => ({
    opType: 'Conv',
    inputs: [data, weight],
    outputs: [to],
    ints: { kernel_shape: [3, 3], pads: [1, 1, 1, 1] },
  });
  const inputs = [{ name: 'x', shape: ['batch', 64, 32, 32] }];
  const dims = [64, 64, 3, 3];
  const analysed = (model: Parameters<typeof buildOnnx>[0]) => analyseModel(buildOnnx(model), { batchSize: 1 });
  const float = analysed({
    inputs,
    outputs: ['y'],
    initializers: [{ name: 'w', dims }],
    nodes: [convolution('x', 'w', 'y')],
  });
  const int8 = analysed({
    inputs,
    outputs: ['y'],
    initializers: [
      { name: 's', dims: [] },
      { name: 'z', dims: [], dataType: 2 },
      { name: 'zw', dims: [], dataType: 3 },
      { name: 'w', dims, dataType: 3 },
    ],
    nodes: [
      quantise('x', 'xq'),
      dequantise('xq', 'xd'),
      { opType: 'DequantizeLinear', inputs: ['w', 's', 'zw'], outputs: ['wd'] },
      convolution('xd', 'wd', 'c'),
      quantise('c', 'q'),
      dequantise('q', 'y'),
    ],
  });
  const pi = boardProfileNamed('raspberry-pi-5');
  const [slow, fast] = [predict(pi, float, config()), predict(pi, int8, config({ precision: 'int8' }))];
  const speed = slow.latencyMs / fast.latencyMs;
  assert.ok(speed > 1.5 && speed < 4, `${speed} times as fast`);
  assert.ok(fast.memoryBytes < slow.memoryBytes - 2 * 64 * 64 * 9, 'weights of a byte each');
  const width = ({ uncertainty: { latencyMs } }: typeof slow) => (latencyMs?.[1] ?? 0) / (latencyMs?.[0] ?? 1);
  assert.ok(width(fast) > width(slow));
  assert.throws(() => predict(pi, float, config({ precision: 'int8' })), UnsupportedConfigError);
  assert.throws(() => predict(pi, int8, config()), UnsupportedConfigError);
});
