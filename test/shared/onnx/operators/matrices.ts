/** Products of matrices. MACs: elements of the result × the length of the sums. */
import { data, float, type OperatorCase, rows, scalar, weight } from './operator-case.ts';

const MICROSOFT = { domain: 'com.microsoft' };
const SCALE = scalar(1);
const ZERO = scalar(0, 'uint8');

export const MATRICES: readonly OperatorCase[] = [
  ...rows('MatMul', { kind: 'matmul' }, [
    {
      what: 'of matrices',
      inputs: [data([2, 3]), weight([3, 5])],
      macs: 2 * 5 * 3,
      weightBytes: 4 * 3 * 5,
      peakBytes: 4 * (2 * 3 + 2 * 5),
    },
    { what: 'of vectors', inputs: [data([4]), weight([4])], macs: 4 },
    { what: 'of a vector and a matrix', inputs: [data([4]), weight([4, 3])], macs: 3 * 4 },
    { what: 'of a matrix and a vector', inputs: [data([3, 4]), weight([4])], macs: 3 * 4 },
    { what: 'of a stack and a matrix', inputs: [data([2, 3, 4]), weight([4, 5])], macs: 2 * 3 * 5 * 4 },
    { what: 'of a matrix and a stack', inputs: [data([3, 4]), data([2, 4, 5])], macs: 2 * 3 * 5 * 4 },
    { what: 'of a vector and a stack', inputs: [data([4]), data([2, 4, 5])], macs: 2 * 5 * 4 },
    { what: 'of a stack and a vector', inputs: [data([2, 3, 4]), data([4])], macs: 2 * 3 * 4 },
    {
      what: 'of stacks that broadcast both ways',
      inputs: [data([3, 1, 2, 4]), data([1, 5, 4, 6])],
      macs: 3 * 5 * (2 * 6) * 4,
    },
    { what: 'of stacks of unlike ranks', inputs: [data([5, 2, 4]), data([3, 1, 4, 6])], macs: 3 * 5 * (2 * 6) * 4 },
    { what: 'of stacks of one size', inputs: [data([3, 2, 4]), data([3, 4, 6])], macs: 3 * (2 * 6) * 4 },
    { what: 'of doubles', inputs: [data([2, 3], 'float64'), weight([3, 4], 'float64')], macs: 2 * 4 * 3 },
    { what: 'of integers', inputs: [data([2, 3], 'int32'), weight([3, 4], 'int32')], macs: 2 * 4 * 3 },
  ]),
  ...rows('MatMulInteger', { kind: 'matmul' }, [
    {
      what: 'without zero points',
      inputs: [data([2, 3], 'uint8'), weight([3, 4], 'int8')],
      macs: 2 * 4 * 3,
      weightBytes: 3 * 4,
      peakBytes: 2 * 3 + 4 * (2 * 4),
    },
    {
      what: 'with zero points, of a stack',
      inputs: [data([2, 5, 3], 'uint8'), weight([3, 4], 'uint8'), ZERO, ZERO],
      macs: 2 * 5 * 4 * 3,
    },
  ]),
  ...rows('QLinearMatMul', { kind: 'matmul' }, [
    {
      what: 'of a stack',
      inputs: [data([2, 5, 3], 'uint8'), SCALE, ZERO, weight([3, 4], 'uint8'), SCALE, ZERO, SCALE, ZERO],
      macs: 2 * 5 * 4 * 3,
      weightBytes: 3 * 4 + 3 * (4 + 1),
      peakBytes: 2 * 5 * (3 + 4),
    },
    {
      what: 'of signed bytes',
      inputs: [
        data([2, 3], 'int8'),
        SCALE,
        scalar(0, 'int8'),
        weight([3, 4], 'int8'),
        SCALE,
        scalar(0, 'int8'),
        SCALE,
        scalar(0, 'int8'),
      ],
      macs: 2 * 4 * 3,
    },
  ]),
  ...rows('DynamicQuantizeMatMul', { kind: 'matmul', ...MICROSOFT }, [
    {
      what: 'with a bias',
      inputs: [data([2, 3]), weight([3, 4], 'int8'), SCALE, scalar(0, 'int8'), weight([4])],
      macs: 2 * 4 * 3,
      weightBytes: 3 * 4 + 4 + 1 + 4 * 4,
      peakBytes: 4 * 2 * (3 + 4),
    },
  ]),
  ...rows('MatMulIntegerToFloat', { kind: 'matmul', ...MICROSOFT }, [
    {
      what: 'with zero points and a bias',
      inputs: [data([2, 3], 'uint8'), weight([3, 4], 'uint8'), SCALE, SCALE, ZERO, ZERO, weight([4])],
      macs: 2 * 4 * 3,
      peakBytes: 2 * 3 + 4 * (2 * 4),
    },
  ]),
  ...rows('FusedMatMul', { kind: 'matmul', ...MICROSOFT }, [
    { what: 'plain', inputs: [data([2, 3]), weight([3, 4])], attributes: { alpha: float(0.5) }, macs: 2 * 4 * 3 },
    { what: 'transA', inputs: [data([5, 3, 2]), data([5, 3, 4])], attributes: { transA: 1 }, macs: 5 * 2 * 4 * 3 },
    { what: 'transB', inputs: [data([2, 3]), weight([4, 3])], attributes: { transB: 1 }, macs: 2 * 4 * 3 },
    {
      what: 'transBatchA: the rows come before the stack',
      inputs: [data([2, 5, 3]), data([5, 3, 4])],
      attributes: { transBatchA: 1 },
      macs: 5 * 2 * 4 * 3,
    },
    {
      what: 'transBatchA and transA: the sums come first',
      inputs: [data([3, 5, 2]), data([5, 3, 4])],
      attributes: { transBatchA: 1, transA: 1 },
      macs: 5 * 2 * 4 * 3,
    },
    {
      what: 'transBatchB and transB: the columns come first',
      inputs: [data([5, 2, 3]), data([4, 5, 3])],
      attributes: { transBatchB: 1, transB: 1 },
      macs: 5 * 2 * 4 * 3,
    },
    {
      what: 'transBatchB: the sums come before the stack',
      inputs: [data([5, 2, 3]), data([3, 5, 4])],
      attributes: { transBatchB: 1 },
      macs: 5 * 2 * 4 * 3,
    },
  ]),
  ...rows('Gemm', { kind: 'matmul' }, [
    {
      what: 'with a bias',
      inputs: [data([2, 3]), weight([3, 4]), weight([4])],
      attributes: { alpha: float(0.5), beta: float(2) },
      macs: 2 * 4 * 3,
      weightBytes: 4 * (3 * 4 + 4),
      peakBytes: 4 * 2 * (3 + 4),
    },
    { what: 'transA', inputs: [data([3, 2]), weight([3, 4])], attributes: { transA: 1 }, macs: 2 * 4 * 3 },
    { what: 'transB', inputs: [data([2, 3]), weight([4, 3])], attributes: { transB: 1 }, macs: 2 * 4 * 3 },
    { what: 'both', inputs: [data([3, 2]), weight([4, 3])], attributes: { transA: 1, transB: 1 }, macs: 2 * 4 * 3 },
    { what: 'of operator set 7', opset: 7, inputs: [data([2, 3]), weight([3, 4]), weight([4])], macs: 2 * 4 * 3 },
  ]),
  ...rows('FusedGemm', { kind: 'matmul', ...MICROSOFT }, [
    {
      what: 'with a Relu',
      inputs: [data([3, 2]), weight([4, 3]), weight([4])],
      attributes: { transA: 1, transB: 1, activation: 'Relu' },
      macs: 2 * 4 * 3,
    },
  ]),
  ...rows('QGemm', { kind: 'matmul', ...MICROSOFT }, [
    {
      what: 'to bytes',
      inputs: [
        data([2, 3], 'uint8'),
        SCALE,
        ZERO,
        weight([3, 4], 'uint8'),
        SCALE,
        ZERO,
        weight([4], 'int32'),
        SCALE,
        ZERO,
      ],
      macs: 2 * 4 * 3,
      weightBytes: 3 * 4 + 3 * (4 + 1) + 4 * 4,
      peakBytes: 2 * (3 + 4),
    },
    {
      what: 'transA',
      inputs: [data([3, 2], 'uint8'), SCALE, ZERO, weight([3, 4], 'uint8'), SCALE, ZERO],
      attributes: { transA: 1 },
      macs: 2 * 4 * 3,
    },
    {
      what: 'to floats, where no scale of the result is given',
      inputs: [data([2, 3], 'uint8'), SCALE, ZERO, weight([4, 3], 'int8'), SCALE, scalar(0, 'int8')],
      attributes: { transB: 1 },
      macs: 2 * 4 * 3,
      peakBytes: 2 * 3 + 4 * 2 * 4,
    },
  ]),
  ...rows('Einsum', { kind: 'matmul' }, [
    { what: 'product', inputs: [data([2, 3]), data([3, 4])], attributes: { equation: 'ij,jk->ik' }, macs: 2 * 4 * 3 },
    {
      what: 'stack of products',
      inputs: [data([5, 2, 3]), data([5, 3, 4])],
      attributes: { equation: 'bij, bjk -> bik' },
      macs: 5 * 2 * 4 * 3,
    },
    {
      what: 'scores of attention',
      inputs: [data([1, 4, 2, 3]), data([1, 5, 2, 3])],
      attributes: { equation: 'bqhd,bkhd->bhqk' },
      macs: 2 * 4 * 5 * 3,
    },
    { what: 'transposition', inputs: [data([2, 3])], attributes: { equation: 'ij->ji' } },
    { what: 'sum of everything', inputs: [data([2, 3])], attributes: { equation: 'ij->' } },
    {
      what: 'product of elements, a size of 1 that broadcasts',
      inputs: [data([1, 3]), data([2, 3])],
      attributes: { equation: 'ij,ij->ij' },
      macs: 2 * 3,
    },
    {
      what: 'a size of 1 that broadcasts within a sum',
      inputs: [data([2, 3]), data([1, 4])],
      attributes: { equation: 'ij,jk->ik' },
      macs: 2 * 4 * 3,
    },
    {
      what: 'three factors: one product after the other',
      inputs: [data([2, 3]), data([3, 4]), data([4, 5])],
      attributes: { equation: 'ij,jk,kl->il' },
      macs: 2 * 4 * 3 + 2 * 5 * 4,
    },
    {
      what: 'three factors, of which the last needs what the others share',
      inputs: [data([2, 3]), data([3, 4]), data([3, 5])],
      attributes: { equation: 'ij,jk,jl->ikl' },
      macs: 2 * 3 * 4 + 2 * 3 * 4 * 5,
    },
    {
      what: 'without an arrow',
      inputs: [data([3, 2]), data([3, 4])],
      attributes: { equation: 'kj,ka' },
      macs: 2 * 4 * 3,
    },
    { what: 'without an arrow, of one factor', inputs: [data([2, 3])], attributes: { equation: 'ba' } },
    {
      what: 'with ellipses',
      inputs: [data([5, 6, 2, 3]), data([1, 6, 3, 4])],
      attributes: { equation: '...ij,...jk->...ik' },
      macs: 5 * 6 * (2 * 4) * 3,
    },
    {
      what: 'with ellipses of several axes, without an arrow',
      inputs: [data([5, 6, 2, 3]), data([5, 1, 3, 4])],
      attributes: { equation: '...ij,...jk' },
      macs: 5 * 6 * (2 * 4) * 3,
    },
    {
      what: 'with an ellipsis between letters, transposed',
      inputs: [data([2, 5, 6, 3])],
      attributes: { equation: 'i...j->j...i' },
    },
    {
      what: 'with an ellipsis that stands for nothing',
      inputs: [data([2, 3]), data([3, 4])],
      attributes: { equation: '...ij,...jk->...ik' },
      macs: 2 * 4 * 3,
    },
    {
      what: 'with an ellipsis, without an arrow',
      inputs: [data([5, 2, 3]), data([3, 4])],
      attributes: { equation: '...ij,jk' },
      macs: 5 * (2 * 4) * 3,
    },
  ]),
  ...rows('Attention', { kind: 'matmul', ...MICROSOFT }, [
    {
      what: 'of two heads',
      inputs: [data([1, 4, 6]), weight([6, 3 * 6]), weight([3 * 6])],
      attributes: { num_heads: 2 },
      // Three projections; scores and their product with the values.
      macs: 4 * 6 * (3 * 6) + 2 * (4 * 4) * 6,
      weightBytes: 4 * (6 * 18 + 18),
      peakBytes: 4 * (4 * 6 + 4 * 6),
    },
    {
      what: 'whose values are smaller than queries and keys',
      inputs: [data([2, 4, 6]), weight([6, 8 + 8 + 4]), weight([8 + 8 + 4])],
      attributes: { num_heads: 2, qkv_hidden_sizes: [8, 8, 4] },
      macs: 2 * (4 * 6 * (8 + 8 + 4) + 4 * 4 * 8 + 4 * 4 * 4),
    },
    {
      what: 'that goes on from the past',
      inputs: [data([1, 4, 6]), weight([6, 3 * 6]), weight([3 * 6]), null, data([2, 1, 2, 5, 3])],
      attributes: { num_heads: 2, unidirectional: 1 },
      outputs: [true, true],
      // Each of 4 meets 5 + 4.
      macs: 4 * 6 * (3 * 6) + 2 * (4 * (5 + 4)) * 6,
    },
  ]),
];
