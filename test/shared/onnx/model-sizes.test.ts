/** What a model leaves open, and which of it is the batch. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { SymbolicDimension } from '@edgetune/shared/onnx/graph.ts';
import { isBatchName, modelSizes, sizedShapes } from '@edgetune/shared/onnx/model-sizes.ts';
import { refused } from './support.ts';

type Shape = SymbolicDimension[] | null;
const described = (shapes: readonly Shape[]) => shapes.map((shape, index) => ({ name: `x${index}`, shape }));
const sizes = (inputs: Shape[], dimensions: Record<string, number> = {}, outputs: Shape[] = []) => {
  const found = modelSizes({ inputs: described(inputs), outputs: described(outputs) }, dimensions);
  return [found.fixedBatch, found.openDimensions, found.unnamedInputs];
};
const shapes = (inputs: Shape[], batchSize: number, dimensions: Record<string, number> = {}) => [
  ...sizedShapes(described(inputs), { batchSize, dimensions }).values(),
];

describe('the batch', () => {
  it('is what its name says, and nothing that only begins so', () => {
    for (const name of [
      'batch',
      'Batch',
      'batch_size',
      'batchSize',
      'BATCH-SIZE',
      'batch.dim',
      'n_batch',
      'num_batches',
      'bs',
      'dynamic_batch',
    ])
      assert.ok(isBatchName(name), name);
    for (const name of [
      'N',
      'n',
      '?',
      'unk__12',
      's0',
      'batch * heads',
      'batch_beams',
      'batch_sequence',
      'time',
      'batchnorm',
      '',
      'B',
    ])
      assert.ok(!isBatchName(name), name);
  });

  it('is on any axis, on all inputs together', () => {
    const inputs: Shape[] = [['time', 'batch', 8], [2, 'batch_size', 64], [], [3]];
    assert.deepEqual(sizes(inputs), [null, ['time'], []]);
    assert.deepEqual(shapes(inputs, 4, { time: 20 }), [[20, 4, 8], [2, 4, 64], [], [3]]);
  });

  it('is a first axis without a name only where all inputs that have axes share it, and then that is said', () => {
    const inputs: Shape[] = [[null, 3, 8], ['?', 5], ['unk__7', 2], []];
    assert.deepEqual(sizes(inputs), [null, [], []]);
    assert.deepEqual(shapes(inputs, 4), [[4, 3, 8], [4, 5], [4, 2], []]);
    assert.deepEqual(modelSizes({ inputs: described(inputs), outputs: [] }).assumptions, [
      'the first axis of "x0", "x1", "x2" has no name: it is taken for the batch',
    ]);
    assert.deepEqual(
      sizes([
        [null, 3],
        [2, 5],
      ]),
      [1, [], ['x0']],
      'another input does not have it',
    );
    assert.deepEqual(
      sizes([
        [null, 3],
        ['N', 5],
      ]),
      [1, ['N'], ['x0']],
      'another input calls it something else',
    );
    assert.deepEqual(sizes([[null, 'batch', 8]]), [null, [], ['x0']], 'the model calls another axis so');
    assert.deepEqual(modelSizes({ inputs: described([['batch', 3]]), outputs: [] }).assumptions, []);
  });

  it('is no axis that is called N, or by a name of an exporter that stands elsewhere', () => {
    assert.deepEqual(sizes([['N', 3, 'N']]), [1, ['N'], []]);
    assert.deepEqual(sizes([['unk__10', 3, 'unk__11', 'unk__12']]), [null, ['unk__11', 'unk__12'], []]);
    assert.deepEqual(sizes([[null, 3, '?', '?']]), [null, [], ['x0']]);
  });

  it('that the user gives a size is fixed at it, on whatever axis', () => {
    assert.deepEqual(sizes([['time', 'batch', 8]], { time: 20, batch: 4 }), [4, [], []]);
    assert.deepEqual(shapes([['time', 'batch', 8]], 4, { time: 20, batch: 4 }), [[20, 4, 8]]);
    refused('fixed-batch', /the model's batch is fixed at 4; it cannot run with 2/, () =>
      shapes([['time', 'batch', 8]], 2, { time: 20, batch: 4 }),
    );
    refused('dynamic-dimension', /"batch" is 4 and "batch_size" is 5: both are the batch/, () =>
      sizes(
        [
          ['batch', 3],
          ['batch_size', 3],
        ],
        { batch: 4, batch_size: 5 },
      ),
    );
  });

  it('that the model fixes is one on which inputs and outputs agree; else the first axis is something else', () => {
    assert.deepEqual(sizes([[1, 3, 224, 224]], {}, [[1, 1000]]), [1, [], []]);
    assert.deepEqual(
      sizes(
        [
          [4, 3, 8, 8],
          [4, 2],
        ],
        {},
        [[4, 10]],
      ),
      [4, [], []],
    );
    assert.deepEqual(sizes([[3, 224, 224]], {}, [[1000]]), [1, [], []]);
    assert.deepEqual(sizes([['frames', 10]], { frames: 20 }, [['frames', 5]]), [20, [], []]);
  });
});

describe('open sizes', () => {
  it('of one name are of one size, and 0 is one', () => {
    assert.deepEqual(
      shapes(
        [
          ['batch', 'h', 'h'],
          ['batch', 'h'],
        ],
        2,
        { h: 0 },
      ),
      [
        [2, 0, 0],
        [2, 0],
      ],
    );
    assert.deepEqual(shapes([['batch', 0]], 2), [[2, 0]]);
  });

  it('are asked for with the flag that gives them', () => {
    refused(
      'dynamic-dimension',
      /input "x0", axis 1: give a size for "t" \(for example --dimension t=128; --dimension t=batch if it is the batch\)/,
      () => shapes([['batch', 't']], 1),
    );
    refused(
      'dynamic-dimension',
      /input "x0", axis 2: .*give the whole shape \(--shape x0=batch,3,SIZE,SIZE, with a number/,
      () => shapes([[null, 3, '?', null]], 1),
    );
    refused('dynamic-dimension', /does not say its rank: give its shape/, () => shapes([null], 1));
    refused('dynamic-dimension', /"toString"/, () => shapes([['batch', 'toString']], 1));
    assert.deepEqual(sizes([null]), [1, [], ['x0']]);
  });
});
