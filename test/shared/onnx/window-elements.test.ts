/** What is read for each element that is written, by operators that choose where they read. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { analyseModel } from '@edgetune/shared/onnx/analyse.ts';
import { buildOnnx, int64Tensor, type ModelSpec, type NodeSpec } from '../../support/onnx-builder.ts';
import { accepted, node } from './support.ts';

/** Of the one kernel of a node. */
function windowOf(one: NodeSpec, shapes: number[][], rest: Partial<ModelSpec> = {}): number | undefined {
  const inputs = shapes.map((shape, index) => ({ name: `x${index}`, shape }));
  const bytes = buildOnnx({ opset: 20, nodes: [one], inputs, outputs: ['y'], ...rest });
  const { kernels } = accepted(() => analyseModel(bytes, { batchSize: 1 }));
  assert.deepEqual(
    kernels.map(({ kind }) => kind),
    ['pool'],
  );
  return kernels[0]?.windowElements;
}

it('GridSample weighs neighbours along every axis', () => {
  const sampled = (mode: string, shapes: number[][]) =>
    windowOf(node('GridSample', ['x0', 'x1'], 'y', { strings: { mode } }), shapes);
  const flat = [
    [1, 3, 8, 8],
    [1, 4, 4, 2],
  ];
  assert.deepEqual(
    ['nearest', 'linear', 'cubic'].map((mode) => sampled(mode, flat)),
    [1, 4, 16],
  );
  assert.equal(
    sampled('linear', [
      [1, 3, 8, 8, 8],
      [1, 4, 4, 4, 3],
    ]),
    8,
  );
});

it('RoiAlign interpolates its samples, NonMaxSuppression compares boxes, transforms take as many steps as the length has bits', () => {
  const roi = node('RoiAlign', ['x0', 'x1', 'which'], 'y', { int: { sampling_ratio: 3 } });
  const which = { initializers: [int64Tensor('which', [0, 0])] };
  const image = [
    [1, 3, 8, 8],
    [2, 4],
  ];
  assert.equal(windowOf(roi, image, which), 4 * 9);
  const boxes = [
    [1, 300, 4],
    [1, 2, 300],
  ];
  const keep = { initializers: [{ ...int64Tensor('most', [5]), dims: [] }] };
  assert.equal(windowOf(node('NonMaxSuppression', ['x0', 'x1', 'most'], 'y'), boxes, keep), 100);
  assert.equal(windowOf(node('DFT', ['x0'], 'y'), [[1, 1024, 1]]), 2 * 10);
});

it('what depends on the data is counted as the most that it can be, is said so, and makes no assumption of what follows', () => {
  const bytes = buildOnnx({
    nodes: [node('NonZero', ['x'], 'found'), node('Neg', ['found'], 'less'), node('NonZero', ['less'], 'y')],
    inputs: [{ name: 'x', shape: [3, 4] }],
    outputs: ['y'],
  });
  const { outputShapes, assumptions } = accepted(() => analyseModel(bytes, { batchSize: 1 }));
  assert.deepEqual(outputShapes.get('y'), [2, 24]);
  assert.deepEqual(assumptions, [
    'how much node "found" (NonZero) finds depends on the data: it is counted as if it found all that it can',
  ]);
});
