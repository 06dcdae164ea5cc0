/** Operators that give data another shape. Of small constants the elements follow. */
import { data, grid, list, type OperatorCase, rows, scalar, weight } from './operator-case.ts';

const BLOCK = data([2, 3, 4]);

export const VIEWS: readonly OperatorCase[] = [
  ...rows('Reshape', { kind: 'view' }, [
    { what: 'to given sizes', inputs: [BLOCK, list([6, 4])], macs: 0, weightBytes: 2 * 8, peakBytes: 4 * 24 },
    { what: 'with a rest', inputs: [BLOCK, list([4, -1])] },
    { what: 'with a size that stays', inputs: [BLOCK, list([0, 12])] },
    { what: 'with both', inputs: [BLOCK, list([0, 0, 2, -1])] },
    { what: 'to a single number', inputs: [data([1, 1]), list([])] },
    { what: 'to no elements, allowzero', inputs: [data([0, 3]), list([3, 0])], attributes: { allowzero: 1 } },
    { what: 'of no elements', inputs: [data([0, 3]), list([3, -1])] },
    { what: 'of constants', inputs: [list([1, 2, 3, 4]), list([4, 1])] },
    { what: 'by an attribute', opset: 4, inputs: [BLOCK], attributes: { shape: [2, -1] }, weightBytes: 0 },
    { what: 'of operator set 5', opset: 7, inputs: [BLOCK, list([2, -1])] },
  ]),
  ...rows('Flatten', { kind: 'view' }, [
    { what: 'behind the first axis', inputs: [BLOCK] },
    { what: 'before the first axis', inputs: [BLOCK], attributes: { axis: 0 } },
    { what: 'at an axis from behind', inputs: [BLOCK], attributes: { axis: -1 } },
    { what: 'behind the last axis', inputs: [BLOCK], attributes: { axis: 3 } },
    { what: 'of a vector', inputs: [data([5])] },
  ]),
  ...rows('Squeeze', { kind: 'view' }, [
    { what: 'all', inputs: [data([1, 3, 1, 2])] },
    { what: 'axes', inputs: [data([1, 3, 1, 2]), list([2])] },
    { what: 'axes from behind', inputs: [data([1, 3, 1, 2]), list([-4, -2])] },
    { what: 'axes as an attribute', opset: 11, inputs: [data([1, 3, 1, 2])], attributes: { axes: [0] } },
    { what: 'of a constant', inputs: [list([7]), list([0])] },
  ]),
  ...rows('Unsqueeze', { kind: 'view' }, [
    { what: 'one axis', inputs: [data([2, 3]), list([1])] },
    { what: 'axes of the result, in any order', inputs: [data([2, 3]), list([3, 0])] },
    { what: 'axes from behind', inputs: [data([2, 3]), list([-1, -4])] },
    { what: 'axes as an attribute', opset: 11, inputs: [data([2, 3])], attributes: { axes: [0, -1] } },
    { what: 'of a constant', inputs: [scalar(7, 'int64'), list([0])] },
  ]),
  ...rows('Transpose', { kind: 'move' }, [
    { what: 'to the reverse', inputs: [BLOCK], peakBytes: 2 * 4 * 24 },
    { what: 'by perm', inputs: [BLOCK], attributes: { perm: [1, 2, 0] } },
    { what: 'of constants', inputs: [grid([2, 3])] },
    { what: 'of constants of three axes, by perm', inputs: [grid([2, 3, 4])], attributes: { perm: [1, 2, 0] } },
    { what: 'of a constant vector', inputs: [list([1, 2, 3])] },
    { what: 'of integers', inputs: [data([2, 3], 'int64')], attributes: { perm: [1, 0] } },
  ]),
  ...rows('Concat', { kind: 'move' }, [
    { what: 'along the first axis', inputs: [data([2, 3]), data([4, 3])], attributes: { axis: 0 } },
    {
      what: 'along an axis from behind',
      inputs: [data([2, 3]), data([2, 1]), weight([2, 2])],
      attributes: { axis: -1 },
      weightBytes: 4 * 4,
      peakBytes: 4 * (6 + 2 + 12),
    },
    { what: 'of one', inputs: [BLOCK], attributes: { axis: 1 } },
    { what: 'of constants', inputs: [list([1, 2]), list([3]), list([])], attributes: { axis: 0 } },
    { what: 'of constant matrices', inputs: [grid([1, 2]), grid([2, 2])], attributes: { axis: 0 } },
    {
      what: 'of constant matrices side by side',
      inputs: [grid([2, 1]), grid([2, 0]), grid([2, 3])],
      attributes: { axis: 1 },
    },
    { what: 'with a part of no elements', inputs: [data([0, 3]), data([2, 3])], attributes: { axis: 0 } },
  ]),
  ...rows('Shape', { kind: 'view' }, [
    { what: 'whole', inputs: [BLOCK] },
    { what: 'from start', opset: 15, inputs: [BLOCK], attributes: { start: 1 } },
    { what: 'to end', opset: 15, inputs: [BLOCK], attributes: { end: 2 } },
    { what: 'between, from behind', opset: 15, inputs: [BLOCK], attributes: { start: -2, end: -1 } },
    { what: 'from before the first axis', opset: 15, inputs: [BLOCK], attributes: { start: -9, end: 9 } },
    { what: 'from behind the end', opset: 15, inputs: [BLOCK], attributes: { start: 2, end: 1 } },
    { what: 'of a single number', inputs: [data([])] },
  ]),
  ...rows('Size', { kind: 'view' }, [
    { what: 'of data', inputs: [BLOCK] },
    { what: 'of a single number', inputs: [data([])] },
    { what: 'of no elements', inputs: [data([0, 3])] },
  ]),
  ...rows('DepthToSpace', { kind: 'move' }, [
    {
      what: 'by columns',
      inputs: [data([1, 8, 2, 3])],
      attributes: { blocksize: 2, mode: 'CRD' },
      peakBytes: 2 * 4 * 48,
    },
    { what: 'by depth', inputs: [data([2, 9, 1, 2])], attributes: { blocksize: 3 } },
  ]),
  ...rows('SpaceToDepth', { kind: 'move' }, [
    { what: 'of blocks of two', inputs: [data([1, 2, 4, 6])], attributes: { blocksize: 2 } },
    { what: 'of blocks of three', inputs: [data([2, 1, 3, 6])], attributes: { blocksize: 3 } },
  ]),
];
