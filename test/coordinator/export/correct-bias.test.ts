/** What rounded weights shift on the mean input is taken off, worked out by hand. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { OnnxAttribute, OnnxNode } from '@edgetune/shared/onnx/graph.ts';
import { correctedBias } from '../../../coordinator/export/correct-bias.ts';

const nodeOf = (opType: string, group?: number): OnnxNode => ({
  ...{ name: 'n', opType, domain: '', inputs: [], outputs: [] },
  attributes: new Map(group === undefined ? [] : [['group', { name: 'group', i: group } as OnnxAttribute]]),
});
/** Integers in steps of 1: every weight is rounded down by its fraction. */
const rounded = (values: number[], dims: number[], axis: number) => ({
  ...{ values, dims, axis },
  weights: Int8Array.from(values, Math.floor),
  scales: new Float32Array(dims[axis] as number).fill(1),
});

describe('a corrected bias', () => {
  it('of a product: each weight by the mean of its row', () => {
    const weights = rounded([1.5, 2, 3, 4.25], [2, 2], 1);
    // 0.5 × 10 into the first column, 0.25 × 100 into the second.
    assert.deepEqual([...correctedBias(nodeOf('Gemm'), weights, [1, 2], [10, 100])], [6, 27]);
    assert.deepEqual([...correctedBias(nodeOf('MatMul'), weights, null, [10, 100])], [5, 25]);
  });

  it('of a turned product: rows and columns change places', () => {
    const weights = rounded([1.5, 2, 3, 4.25], [2, 2], 0);
    assert.deepEqual([...correctedBias(nodeOf('Gemm'), weights, null, [10, 100])], [5, 25]);
    const wide = rounded([1.5, 0, 0.25, 0, 2.5, 0], [2, 3], 0);
    assert.deepEqual([...correctedBias(nodeOf('Gemm'), wide, null, [1, 10, 100])], [25.5, 5]);
  });

  it('of a convolution: every weight of a kernel by the mean of its channel', () => {
    const weights = rounded([0.5, 0.5, 0.25, 0, 0, 0.5, 0, 0], [2, 2, 2, 1], 0);
    assert.deepEqual([...correctedBias(nodeOf('Conv'), weights, [0, 1], [10, 100])], [35, 6]);
  });

  it('of a convolution in groups: by the channels of its own group', () => {
    const weights = rounded([0.5, 0.5, 0.5, 0.5], [4, 1, 1, 1], 0);
    assert.deepEqual([...correctedBias(nodeOf('Conv', 4), weights, null, [1, 10, 100, 1000])], [0.5, 5, 50, 500]);
    assert.deepEqual([...correctedBias(nodeOf('Conv', 2), weights, null, [1, 10])], [0.5, 0.5, 5, 5]);
  });

  it('in steps of the scale of the channel', () => {
    const weights = { ...rounded([1], [1, 1], 1), weights: Int8Array.of(3), scales: Float32Array.of(0.5) };
    assert.deepEqual([...correctedBias(nodeOf('Gemm'), weights, null, [10])], [-5]);
  });
});
