import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { SymbolicDimension } from '@edgetune/shared/onnx/graph.ts';
import { modelSizes } from '@edgetune/shared/onnx/model-sizes.ts';

const sizes = (inputs: (SymbolicDimension[] | null)[], outputs: (SymbolicDimension[] | null)[] = []) => {
  const values = (shapes: (SymbolicDimension[] | null)[]) =>
    shapes.map((shape, index) => ({ name: `v${index}`, kind: 'tensor' as const, dtype: 'float32' as const, shape }));
  const { fixedBatch, openDimensions } = modelSizes({ inputs: values(inputs), outputs: values(outputs) });
  return [fixedBatch, openDimensions];
};

it('takes the first axis for the batch, and asks for every other name once', () => {
  assert.deepEqual(
    sizes([
      ['n', 3, 'h', 'w'],
      ['n', 'h'],
    ]),
    [null, ['h', 'w']],
  );
  assert.deepEqual(sizes([[null, 10], [2, 'n', 64], []]), [null, ['n']]);
  assert.deepEqual(sizes([null]), [null, []]);
});

it('a fixed batch is one on which inputs and outputs agree; else the first axis is something else', () => {
  assert.deepEqual(sizes([[1, 3, 224, 224]], [[1, 1000]]), [1, []]);
  assert.deepEqual(
    sizes(
      [
        [4, 3, 8, 8],
        [4, 2],
      ],
      [[4, 10], null].filter((shape) => shape !== null),
    ),
    [4, []],
  );
  assert.deepEqual(sizes([[3, 224, 224]], [[1000]]), [1, []]);
  assert.deepEqual(sizes([[1, 'tokens']]), [1, ['tokens']]);
});
