/** The architectures of a calibration: they run, are what their names say, and differ. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { analyseModel } from '@edgetune/shared/onnx/analyse.ts';
import { readOnnx } from '@edgetune/shared/onnx/read-onnx.ts';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { CALIBRATION_POOL } from '../../../coordinator/export/calibration-pool.ts';

const built = (name: string) => {
  const found = CALIBRATION_POOL.find((each) => each.name === name);
  assert.ok(found, `${name} is in the pool`);
  return found.build();
};
const macsOf = (name: string) => analyseModel(built(name), { batchSize: 1 }).macs;

it('three kinds of image networks, temporal and dense ones, each once', () => {
  const kinds = (pattern: RegExp) => CALIBRATION_POOL.filter(({ name }) => pattern.test(name)).length;
  assert.deepEqual([kinds(/^residual/), kinds(/^separable/), kinds(/^plain/)], [12, 12, 12]);
  assert.deepEqual([kinds(/^temporal/), kinds(/^dense/)], [4, 8]);
  assert.equal(CALIBRATION_POOL.length, 48);
  assert.equal(new Set(CALIBRATION_POOL.map(({ name }) => name)).size, 48);
});

it('residual blocks: two convolutions and a shortcut, of which the second and third stage halve the image', () => {
  const stem = 16 * 16 * 8 * (3 * 9);
  const block = (size: number, from: number, to: number) => size * size * to * (from * 9 + to * 9 + from);
  assert.equal(
    macsOf('residual 16x16, width 8, depth 1'),
    stem + block(16, 8, 8) + block(8, 8, 16) + block(4, 16, 32) + 32 * 10,
  );
  const second = block(16, 8, 8) + block(8, 16, 16) + block(4, 32, 32);
  assert.equal(
    macsOf('residual 16x16, width 8, depth 2'),
    stem + block(16, 8, 8) + block(8, 8, 16) + block(4, 16, 32) + second + 32 * 10,
  );
});

it('separable blocks: one filter a channel, then single elements', () => {
  const block = (size: number, from: number, to: number) => size * size * from * (9 + to);
  assert.equal(
    macsOf('separable 16x16, width 8, depth 1'),
    16 * 16 * 8 * 27 + block(16, 8, 8) + block(8, 8, 16) + block(4, 16, 32) + 32 * 10,
  );
});

it('plain blocks: 5 × 5 on the whole image, and a pool behind the second and third', () => {
  const block = (size: number, from: number, to: number) => size * size * to * from * 25;
  assert.equal(
    macsOf('plain 16x16, width 8, depth 1'),
    16 * 16 * 8 * 27 + block(16, 8, 8) + block(16, 8, 16) + block(8, 16, 32) + 32 * 10,
  );
});

it('temporal networks: along 98 steps of 40 numbers, which each of three blocks halves', () => {
  const macs = 98 * 16 * 40 * 3 + 49 * 16 * 16 * 9 + 25 * 32 * 16 * 9 + 13 * 48 * 32 * 9 + 48 * 10;
  assert.equal(macsOf('temporal, width 16, kernel 9'), macs);
});

it('dense networks: as many layers as their depth, and a classifier', () => {
  assert.equal(macsOf('dense 256, width 128, depth 1'), 256 * 128 + 128 * 10);
  assert.equal(macsOf('dense 256, width 128, depth 3'), 256 * 128 + 2 * 128 * 128 + 128 * 10);
});

it('each of a kind runs in ONNX Runtime, on several samples, to ten numbers that differ', async () => {
  for (const name of [
    'residual 16x16, width 8, depth 1',
    'separable 16x16, width 8, depth 2',
    'plain 16x16, width 8, depth 1',
    'temporal, width 16, kernel 3',
    'dense 256, width 128, depth 3',
  ]) {
    const bytes = built(name);
    const dims = readOnnx(bytes).inputs[0]?.shape?.slice(1) as number[];
    const count = 2 * dims.reduce((product, size) => product * size, 1);
    const session = await InferenceSession.create(bytes, { logSeverityLevel: 4 });
    const data = Float32Array.from({ length: count }, (_, index) => (index % 7) - 3);
    const [output] = Object.values(await session.run({ input: new Tensor('float32', data, [2, ...dims]) }));
    await session.release();
    assert.deepEqual(output?.dims, [2, 10], name);
    assert.ok(new Set(output?.data as Float32Array).size >= 10, `${name}: ${output?.data}`);
  }
});

it('built again it is the same file, with weights that are small and no zeros', () => {
  const name = 'residual 16x16, width 8, depth 1';
  assert.deepEqual(built(name), built(name));
  const weights = [...readOnnx(built(name)).initializers.values()].flatMap((tensor) => tensor.read() as number[]);
  assert.ok(weights.every((value) => value !== 0 && Math.abs(value) <= 0.05));
  assert.ok(Math.max(...weights) > 0.045 && Math.min(...weights) < -0.045);
  assert.ok(Math.abs(weights.reduce((sum, value) => sum + value, 0) / weights.length) < 0.005);
});
