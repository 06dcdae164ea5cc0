/** Operators that select, repeat or put data together. Of small constants the elements follow. */
import { data, float, grid, list, type OperatorCase, rows, scalar, weight } from './operator-case.ts';

const BLOCK = data([4, 5, 6]);
const LAST = 2 ** 53;

export const SELECTIONS: readonly OperatorCase[] = [
  ...rows('Slice', { kind: 'move' }, [
    { what: 'from start to end', inputs: [BLOCK, list([1, 2]), list([3, 4])], peakBytes: 4 * (120 + 2 * 2 * 6) },
    { what: 'along axes', inputs: [BLOCK, list([1, 2]), list([4, 5]), list([2, 0])] },
    { what: 'along axes from behind', inputs: [BLOCK, list([1]), list([3]), list([-1])] },
    { what: 'bounds from behind', inputs: [BLOCK, list([-3]), list([-1]), list([1])] },
    { what: 'bounds outside the data', inputs: [BLOCK, list([-9, 2]), list([9, LAST]), list([0, 1])] },
    { what: 'from behind the end', inputs: [BLOCK, list([9]), list([12]), list([1])] },
    { what: 'nothing', inputs: [BLOCK, list([3]), list([2]), list([1])] },
    { what: 'steps that leave a rest', inputs: [BLOCK, list([0, 1]), list([9, 9]), list([1, 2]), list([2, 3])] },
    { what: 'backwards', inputs: [BLOCK, list([-1]), list([-9]), list([1]), list([-1])] },
    { what: 'backwards in steps', inputs: [BLOCK, list([4]), list([0]), list([2]), list([-2])] },
    { what: 'backwards from outside', inputs: [BLOCK, list([LAST]), list([-LAST]), list([0]), list([-3])] },
    { what: 'with attributes', opset: 9, inputs: [BLOCK], attributes: { starts: [1], ends: [-1], axes: [1] } },
    { what: 'with attributes, without axes', opset: 9, inputs: [BLOCK], attributes: { starts: [1, 0], ends: [4, 2] } },
    { what: 'with 32-bit bounds', inputs: [BLOCK, list([1], 'int32'), list([2], 'int32')] },
    { what: 'of constants', inputs: [list([5, 6, 7, 8]), list([1]), list([3])] },
    { what: 'of constants, backwards', inputs: [list([5, 6, 7, 8]), list([-1]), list([-9]), list([0]), list([-2])] },
    {
      what: 'of constants of two axes, the rows backwards',
      inputs: [grid([3, 2]), list([-1]), list([-LAST]), list([0]), list([-1])],
    },
    {
      what: 'of constants of two axes, along both',
      inputs: [grid([4, 5]), list([1, 4]), list([3, 0]), list([0, 1]), list([1, -2])],
    },
    { what: 'of constants, the last', inputs: [list([5, 6, 7, 8]), list([-1]), list([LAST]), list([0])] },
  ]),
  ...rows('Split', { kind: 'move' }, [
    {
      what: 'evenly',
      inputs: [BLOCK],
      outputs: [true, true],
      attributes: { axis: 2 },
      peakBytes: 4 * (120 + 120),
    },
    { what: 'by sizes', inputs: [BLOCK, list([1, 3])], outputs: [true, true] },
    {
      what: 'along an axis from behind',
      inputs: [BLOCK, list([1, 1, 3])],
      outputs: [true, true, true],
      attributes: { axis: -2 },
    },
    { what: 'with a part of no elements', inputs: [BLOCK, list([0, 4])], outputs: [true, true] },
    {
      what: 'by an attribute',
      opset: 11,
      inputs: [BLOCK],
      outputs: [true, true],
      attributes: { axis: 1, split: [2, 3] },
    },
    {
      what: 'unevenly by num_outputs: the last is smaller',
      opset: 18,
      inputs: [BLOCK],
      outputs: [true, true, true],
      attributes: { axis: 1, num_outputs: 3 },
    },
    { what: 'of constants', inputs: [list([5, 6, 7]), list([1, 2])], outputs: [true, true] },
    {
      what: 'of constants of two axes',
      inputs: [grid([2, 5]), list([2, 3])],
      outputs: [true, true],
      attributes: { axis: 1 },
    },
    { what: 'of constants, three ways', inputs: [list([5, 6, 7, 8]), list([1, 2, 1])], outputs: [true, true, true] },
  ]),
  ...rows('Gather', { kind: 'move' }, [
    { what: 'along the first axis', inputs: [BLOCK, data([2, 3], 'int64')], peakBytes: 4 * 120 + 8 * 6 + 4 * (6 * 30) },
    { what: 'along an axis from behind', inputs: [BLOCK, data([2], 'int32')], attributes: { axis: -1 } },
    { what: 'one', inputs: [BLOCK, scalar(1, 'int64')], attributes: { axis: 1 } },
    { what: 'rows of an embedding', inputs: [weight([10, 3]), data([1, 7], 'int64')], weightBytes: 4 * 30 },
    { what: 'of constants', inputs: [list([5, 6, 7]), list([2, 0, -1])] },
    { what: 'rows of constants', inputs: [grid([3, 4]), list([2, -3])] },
    { what: 'columns of constants, in a grid', inputs: [grid([2, 5]), grid([2, 2])], attributes: { axis: 1 } },
    { what: 'one of constants', inputs: [list([5, 6, 7]), scalar(1, 'int64')] },
  ]),
  ...rows('GatherElements', { kind: 'move' }, [
    { what: 'along the first axis', inputs: [data([3, 4]), data([2, 4], 'int64')] },
    { what: 'along an axis from behind', inputs: [data([3, 4]), data([3, 2], 'int64')], attributes: { axis: -1 } },
  ]),
  ...rows('GatherND', { kind: 'move' }, [
    { what: 'elements', inputs: [BLOCK, data([2, 3], 'int64')] },
    { what: 'parts', inputs: [BLOCK, data([2, 7, 1], 'int64')] },
    { what: 'within a batch', inputs: [data([2, 3, 4]), data([2, 1], 'int64')], attributes: { batch_dims: 1 } },
    {
      what: 'within a batch, several',
      inputs: [data([2, 3, 4]), data([2, 5, 2], 'int64')],
      attributes: { batch_dims: 1 },
    },
  ]),
  ...rows('Scatter', { kind: 'move', opset: 9 }, [
    { what: 'into rows', inputs: [data([3, 4]), data([1, 4], 'int64'), data([1, 4])] },
  ]),
  ...rows('ScatterElements', { kind: 'move' }, [
    { what: 'into rows', inputs: [data([3, 4]), data([1, 4], 'int64'), data([1, 4])] },
    { what: 'along an axis', inputs: [data([3, 4]), data([3, 2], 'int64'), data([3, 2])], attributes: { axis: 1 } },
  ]),
  ...rows('ScatterND', { kind: 'move' }, [
    { what: 'of rows', inputs: [data([4, 5]), data([2, 1], 'int64'), data([2, 5])] },
  ]),
  ...rows('ReverseSequence', { kind: 'move' }, [
    { what: 'batch second', inputs: [data([4, 2, 3]), list([4, 2])] },
    { what: 'batch first', inputs: [data([2, 4, 3]), list([4, 2])], attributes: { batch_axis: 0, time_axis: 1 } },
  ]),
  ...rows('Expand', { kind: 'move' }, [
    { what: 'a size of 1', inputs: [data([3, 1]), list([3, 4])], peakBytes: 4 * (3 + 12) },
    { what: 'to more axes', inputs: [data([3]), list([2, 1, 3])] },
    { what: 'both ways', inputs: [data([2, 1, 3]), list([4, 1])] },
    { what: 'of a constant', inputs: [list([7]), list([3])] },
    { what: 'of constants that stay', inputs: [list([7, 8]), list([1])] },
    { what: 'to no elements', inputs: [list([7]), list([0])] },
  ]),
  ...rows('Tile', { kind: 'move' }, [
    { what: 'along both axes', inputs: [data([2, 3]), list([2, 3])] },
    { what: 'not at all', inputs: [data([2, 3]), list([0, 1])] },
  ]),
  ...rows('Pad', { kind: 'move' }, [
    { what: 'all around', inputs: [data([2, 3]), list([1, 0, 2, 3])], peakBytes: 4 * (6 + 5 * 6) },
    { what: 'with a value', inputs: [data([2, 3]), list([0, 1, 0, 1]), scalar(7)] },
    { what: 'negative: cut off until nothing is left', inputs: [data([2, 3]), list([-2, 0, 0, 0])] },
    { what: 'negative: cut off', inputs: [data([4, 5]), list([-1, 0, 1, -2])] },
    { what: 'reflected', inputs: [data([4, 5]), list([1, 2, 1, 0])], attributes: { mode: 'reflect' } },
    { what: 'of the edge', inputs: [data([1, 2, 4, 5]), list([0, 0, 1, 1, 0, 0, 2, 2])], attributes: { mode: 'edge' } },
    { what: 'wrapped', opset: 19, inputs: [data([4, 5]), list([1, 2, 1, 0])], attributes: { mode: 'wrap' } },
    { what: 'along axes', opset: 18, inputs: [data([2, 3, 4]), list([1, 2, 3, 4]), null, list([0, -1])] },
    {
      what: 'by attributes',
      opset: 10,
      inputs: [data([2, 3])],
      attributes: { pads: [1, 0, 2, 3], value: float(1) },
    },
  ]),
  ...rows('Resize', { kind: 'move' }, [
    { what: 'by scales', inputs: [data([1, 2, 4, 5]), null, list([1, 1, 2, 1.5], 'float32')] },
    { what: 'down, which leaves a rest', inputs: [data([1, 2, 5, 7]), null, list([1, 1, 0.5, 0.4], 'float32')] },
    {
      what: 'to sizes',
      inputs: [data([1, 2, 4, 5]), null, null, list([1, 2, 7, 3])],
      attributes: { mode: 'linear', coordinate_transformation_mode: 'align_corners' },
      weightBytes: 4 * 8,
      peakBytes: 4 * (2 * 20 + 2 * 21),
    },
    {
      what: 'to sizes, with scales that are empty',
      inputs: [data([1, 2, 4, 5]), list([], 'float32'), list([], 'float32'), list([1, 2, 8, 8])],
      attributes: { mode: 'cubic' },
    },
    { what: 'by scales, of operator set 10', opset: 10, inputs: [data([1, 2, 4, 5]), list([1, 1, 2, 3], 'float32')] },
    {
      what: 'along axes by scales',
      opset: 18,
      inputs: [data([1, 2, 4, 5]), null, list([2, 3], 'float32')],
      attributes: { axes: [2, 3] },
    },
    {
      what: 'along axes to sizes',
      opset: 18,
      inputs: [data([1, 2, 4, 5]), null, null, list([10, 8])],
      attributes: { axes: [3, 2] },
    },
    {
      what: 'along axes from behind by scales',
      opset: 18,
      inputs: [data([1, 2, 4, 5]), null, list([3], 'float32')],
      attributes: { axes: [-1] },
    },
    {
      what: 'not larger than sizes, in proportion',
      opset: 18,
      inputs: [data([1, 2, 4, 5]), null, null, list([7, 8])],
      attributes: { axes: [2, 3], keep_aspect_ratio_policy: 'not_larger' },
    },
    {
      what: 'not smaller than sizes, in proportion',
      opset: 18,
      inputs: [data([1, 2, 4, 5]), null, null, list([7, 8])],
      attributes: { axes: [2, 3], keep_aspect_ratio_policy: 'not_smaller' },
    },
    {
      what: 'of a region',
      opset: 13,
      inputs: [data([1, 1, 4, 4]), list([0, 0, 0.25, 0.25, 1, 1, 0.75, 0.75], 'float32'), null, list([1, 1, 3, 3])],
      attributes: { coordinate_transformation_mode: 'tf_crop_and_resize' },
    },
    {
      what: 'of a region by scales',
      opset: 13,
      inputs: [
        data([1, 1, 4, 4]),
        list([0, 0, 0.25, 0.25, 1, 1, 0.75, 0.75], 'float32'),
        list([1, 1, 2, 2], 'float32'),
      ],
      attributes: { coordinate_transformation_mode: 'tf_crop_and_resize' },
    },
    { what: '1-D', inputs: [data([1, 2, 5]), null, list([1, 1, 2], 'float32')] },
    {
      what: 'by a scale that is a little less than 0.7, with which float32 makes 7 of 10',
      inputs: [data([1, 2, 10]), null, list([1, 1, 0.7], 'float32')],
    },
    {
      what: 'not larger than sizes, rounded up from a half',
      opset: 18,
      inputs: [data([4, 5]), null, null, list([2, 7])],
      attributes: { axes: [0, 1], keep_aspect_ratio_policy: 'not_larger' },
    },
    {
      what: 'to sizes, stretched',
      opset: 18,
      inputs: [data([4, 5]), null, null, list([7, 2])],
      attributes: { keep_aspect_ratio_policy: 'stretch' },
    },
  ]),
  ...rows('Upsample', { kind: 'move' }, [
    { what: 'by an input', opset: 9, inputs: [data([1, 2, 3, 4]), list([1, 1, 2, 3], 'float32')] },
    {
      what: 'by an attribute',
      opset: 8,
      inputs: [data([1, 2, 3, 4])],
      attributes: { scales: float([1, 1, 2.5, 3]), mode: 'nearest' },
    },
  ]),
];
