/** Operators that make values, and those that reduce axes. */
import { data, float, list, type OperatorCase, rows, scalar } from './operator-case.ts';

const BLOCK = data([2, 3, 4]);

function reductions(op: string, axesAreInput: number): OperatorCase[] {
  return rows(op, { kind: 'normalise' }, [
    { what: 'of everything', inputs: [BLOCK], macs: 0, peakBytes: 4 * (24 + 1) },
    { what: 'of everything, without axes', inputs: [BLOCK], attributes: { keepdims: 0 } },
    { what: 'along axes as an attribute', opset: 11, inputs: [BLOCK], attributes: { axes: [0, 2] } },
    {
      what: 'along axes from behind, dropped',
      opset: 11,
      inputs: [BLOCK],
      attributes: { axes: [-1], keepdims: 0 },
    },
    { what: 'along axes as an input', opset: axesAreInput, inputs: [BLOCK, list([1])], weightBytes: 8 },
    {
      what: 'along axes from behind as an input, dropped',
      opset: axesAreInput,
      inputs: [BLOCK, list([-1, 0])],
      attributes: { keepdims: 0 },
    },
    { what: 'along no axes: everything', opset: axesAreInput, inputs: [BLOCK, list([])] },
    {
      what: 'along no axes: nothing',
      opset: axesAreInput,
      inputs: [BLOCK, list([])],
      attributes: { noop_with_empty_axes: 1 },
    },
    {
      what: 'without axes, nothing where there are none',
      opset: axesAreInput,
      inputs: [BLOCK],
      attributes: { noop_with_empty_axes: 1, keepdims: 0 },
    },
    {
      what: 'along axes although nothing would happen where there are none',
      opset: axesAreInput,
      inputs: [BLOCK, list([1])],
      attributes: { noop_with_empty_axes: 1 },
    },
    { what: 'of a single number', inputs: [data([])] },
    { what: 'of constants', inputs: [list([2, 3, 4], 'float32')] },
    { what: 'of integers', inputs: [data([2, 3], 'int32')] },
  ]);
}

export const MAKERS: readonly OperatorCase[] = [
  ...rows('Constant', { kind: 'none' }, [
    { what: 'a tensor', inputs: [], attributes: { value: list([1, 2, 3]) } },
    { what: 'a single number as a tensor', inputs: [], attributes: { value: scalar(2.5) } },
    { what: 'value_int', inputs: [], attributes: { value_int: 7 } },
    { what: 'value_ints', inputs: [], attributes: { value_ints: [7, 8] } },
    { what: 'value_float', inputs: [], attributes: { value_float: float(0.5) } },
    { what: 'value_floats', inputs: [], attributes: { value_floats: float([0.5, 0.25]) } },
  ]),
  ...rows('ConstantOfShape', { kind: 'move' }, [
    { what: 'zeros', inputs: [list([2, 3])] },
    { what: 'of a value', inputs: [list([3])], attributes: { value: list([7], 'int32') } },
    { what: 'a single number', inputs: [list([])], attributes: { value: list([1], 'float32') } },
    { what: 'no elements', inputs: [list([0, 2])] },
    { what: 'too many to be followed', inputs: [list([5000])] },
  ]),
  ...rows('EyeLike', { kind: 'move' }, [
    { what: 'of its type', inputs: [data([3, 4])] },
    { what: 'of another type', inputs: [data([3, 4])], attributes: { dtype: 7, k: 1 } },
  ]),
  ...rows('Det', { kind: 'normalise' }, [
    { what: 'of a matrix', inputs: [data([3, 3])] },
    { what: 'of a stack', inputs: [data([2, 3, 3])] },
  ]),
  ...rows('Range', { kind: 'move' }, [
    { what: 'of integers', inputs: [scalar(2, 'int64'), scalar(11, 'int64'), scalar(3, 'int64')] },
    { what: 'to a limit that is not met', inputs: [scalar(2, 'int64'), scalar(10, 'int64'), scalar(3, 'int64')] },
    { what: 'backwards', inputs: [scalar(5, 'int32'), scalar(-2, 'int32'), scalar(-2, 'int32')] },
    { what: 'of nothing', inputs: [scalar(5, 'int64'), scalar(5, 'int64'), scalar(1, 'int64')] },
    { what: 'of fractions', inputs: [scalar(0), scalar(1), scalar(0.25)] },
    { what: 'too long to be followed', inputs: [scalar(0, 'int64'), scalar(5000, 'int64'), scalar(1, 'int64')] },
  ]),
  ...rows('OneHot', { kind: 'move' }, [
    { what: 'behind the last axis', inputs: [data([2, 3], 'int64'), scalar(5, 'int64'), list([0, 1], 'float32')] },
    {
      what: 'along the first axis',
      inputs: [data([2, 3], 'int64'), list([5]), list([0, 1])],
      attributes: { axis: 0 },
    },
    {
      what: 'along an axis from behind',
      inputs: [data([2, 3], 'int64'), scalar(5, 'int64'), list([0, 1], 'float32')],
      attributes: { axis: -2 },
    },
  ]),
  ...['Sum', 'Mean', 'Max', 'Min', 'Prod', 'L1', 'L2', 'LogSum', 'LogSumExp', 'SumSquare'].flatMap((name) =>
    // The axes of all became inputs in operator set 18, those of ReduceSum in 13.
    reductions(`Reduce${name}`, name === 'Sum' ? 13 : 18),
  ),
  ...rows('ReduceProd', { kind: 'normalise' }, [
    { what: 'of whole constants', inputs: [list([2, 3, 4])], attributes: { keepdims: 0 } },
    { what: 'of whole constants along their axis', inputs: [list([2, 3, 4])], attributes: { axes: [0] } },
  ]),
  ...['ArgMax', 'ArgMin'].flatMap((op) =>
    rows(op, { kind: 'normalise' }, [
      { what: 'along the first axis', inputs: [BLOCK], peakBytes: 4 * 24 + 8 * 12 },
      { what: 'along an axis from behind', inputs: [BLOCK], attributes: { axis: -1 } },
      { what: 'dropped', inputs: [BLOCK], attributes: { axis: 1, keepdims: 0, select_last_index: 1 } },
    ]),
  ),
  ...rows('TopK', { kind: 'normalise' }, [
    {
      what: 'along the last axis',
      inputs: [BLOCK, list([2])],
      outputs: [true, true],
      peakBytes: 4 * 24 + (4 + 8) * (2 * 3 * 2),
    },
    { what: 'along an axis', inputs: [BLOCK, list([1])], outputs: [true, true], attributes: { axis: 1, largest: 0 } },
    { what: 'by an attribute', opset: 9, inputs: [BLOCK], outputs: [true, true], attributes: { k: 2, axis: 0 } },
  ]),
];
