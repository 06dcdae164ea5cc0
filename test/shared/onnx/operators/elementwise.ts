/** Operators that work element by element on one or several tensors. Results of constants are compared element by element. */
import { data, float, grid, list, type OperatorCase, rows, scalar, weight } from './operator-case.ts';

/** How two shapes meet. */
function broadcasts(op: string, dtype: 'float32' | 'int64' | 'bool' | 'uint8'): OperatorCase[] {
  const bytes = { float32: 4, int64: 8, bool: 1, uint8: 1 }[dtype];
  return rows(op, { kind: 'elementwise' }, [
    { what: 'of one shape', inputs: [data([2, 3, 4], dtype), data([2, 3, 4], dtype)], macs: 0 },
    {
      what: 'with a constant of one element',
      inputs: [data([2, 3], dtype), scalar(1, dtype)],
      weightBytes: bytes,
    },
    { what: 'with a vector', inputs: [data([2, 3], dtype), weight([3], dtype)], weightBytes: 3 * bytes },
    { what: 'of a vector with a stack', inputs: [data([4], dtype), data([2, 3, 4], dtype)] },
    { what: 'of sizes of 1 on both sides', inputs: [data([3, 1, 5], dtype), data([1, 4, 1], dtype)] },
    { what: 'of unlike ranks and sizes of 1', inputs: [data([4, 1], dtype), data([2, 1, 5], dtype)] },
    { what: 'of single numbers', inputs: [data([], dtype), data([], dtype)] },
    { what: 'with a size of 0', inputs: [data([0, 3], dtype), data([1, 3], dtype)] },
  ]);
}

/** What is computed of small constants, since shapes are made of them. */
function constants(op: string, pairs: readonly (readonly [number[], number[], 'int64' | 'float32' | 'int32'])[]) {
  return rows(
    op,
    { kind: 'elementwise' },
    pairs.map(([a, b, dtype]) => ({
      what: `of the constants [${a}] and [${b}] (${dtype})`,
      inputs: [list(a, dtype), list(b, dtype)],
    })),
  );
}

const ARITHMETIC = ['Add', 'Sub', 'Mul', 'Div', 'Pow', 'Min', 'Max', 'PRelu', 'Mean', 'Sum'];
const COMPARISONS = ['Equal', 'Less', 'LessOrEqual', 'Greater', 'GreaterOrEqual'];
const LOGIC = ['And', 'Or', 'Xor'];

const WHOLE: [number[], number[], 'int64'] = [[7, -7, 6, 0], [2, 2, -4, 3], 'int64'];
const FRACTIONS: [number[], number[], 'float32'] = [[7.5, -7.5, 0.25], [2, 2, -4], 'float32'];

export const BINARY: readonly OperatorCase[] = [
  ...['BitwiseAnd', 'BitwiseOr', 'BitwiseXor'].flatMap((op) =>
    broadcasts(op, 'uint8').map((row) => ({ ...row, opset: 18 })),
  ),
  ...ARITHMETIC.filter((op) => op !== 'PRelu').flatMap((op) => broadcasts(op, 'float32')),
  ...COMPARISONS.flatMap((op) => broadcasts(op, 'float32')),
  ...LOGIC.flatMap((op) => broadcasts(op, 'bool')),
  ...broadcasts('Mod', 'int64'),
  ...broadcasts('BitShift', 'uint8').map((row) => ({ ...row, attributes: { direction: 'LEFT' } })),
  ...['Add', 'Sub', 'Mul', 'Div', 'Min', 'Max', ...COMPARISONS].flatMap((op) => constants(op, [WHOLE, FRACTIONS])),
  ...constants('Add', [
    [[1, 2, 3], [10], 'int64'],
    [[10], [1, 2, 3], 'int64'],
    [[], [1], 'int64'],
    [[2 ** 31], [1], 'int64'],
  ]),
  ...rows('Sub', { kind: 'elementwise' }, [
    { what: 'of constants that broadcast both ways', inputs: [grid([3, 1]), grid([2, 1, 4])] },
    { what: 'of a constant number and a grid', inputs: [scalar(10, 'int64'), grid([2, 3])] },
    { what: 'of too many constants to be followed', inputs: [grid([65, 1]), grid([64])] },
  ]),
  ...constants('Mod', [
    [[7, -7, 7, -7, 6], [3, 3, -3, -3, 3], 'int64'],
    [[7, -7], [4, 4], 'int32'],
  ]),
  ...rows('Mod', { kind: 'elementwise' }, [
    {
      what: 'of constants with the sign of the dividend (fmod)',
      inputs: [list([7, -7, 7, -7]), list([3, 3, -3, -3])],
      attributes: { fmod: 1 },
    },
    {
      what: 'of fractions with the sign of the dividend (fmod)',
      inputs: [list([7.5, -7.5], 'float32'), list([2, 2], 'float32')],
      attributes: { fmod: 1 },
    },
  ]),
  ...constants('Pow', [
    [[2, 3, -2], [3, 2, 3], 'int64'],
    [[2, 9, 4], [-1, 0.5, 1.5], 'float32'],
  ]),
  ...rows('Pow', { kind: 'elementwise' }, [
    { what: 'of unlike types: the type of the base', inputs: [list([2, 3], 'int64'), list([2, 3], 'float32')] },
    { what: 'fed, of unlike types', inputs: [data([2, 3], 'float32'), data([1], 'int32')] },
  ]),
  ...LOGIC.flatMap((op) =>
    rows(op, { kind: 'elementwise' }, [
      { what: 'of constants', inputs: [list([0, 0, 1, 1], 'bool'), list([0, 1, 0, 1], 'bool')] },
      { what: 'of a constant and a list of them', inputs: [list([1], 'bool'), list([0, 1], 'bool')] },
    ]),
  ),
  ...rows('Equal', { kind: 'elementwise' }, [
    { what: 'of booleans', inputs: [data([2], 'bool'), list([0, 1], 'bool')] },
  ]),
  ...rows('BitShift', { kind: 'elementwise' }, [
    { what: 'to the right', inputs: [data([2, 3], 'uint32'), data([3], 'uint32')], attributes: { direction: 'RIGHT' } },
  ]),
  ...['Sum', 'Mean', 'Min', 'Max'].flatMap((op) =>
    rows(op, { kind: 'elementwise' }, [
      { what: 'of one', inputs: [data([2, 3])] },
      { what: 'of three', inputs: [data([2, 3]), data([3]), data([4, 1, 1])], peakBytes: 4 * (6 + 3 + 4 + 24 - 13) },
      {
        what: 'of three constants',
        inputs: [list([1, 5, 3], 'float32'), list([4, 2, 6], 'float32'), list([3, 3, 3], 'float32')],
      },
    ]),
  ),
  ...rows('PRelu', { kind: 'elementwise' }, [
    { what: 'a slope a channel', inputs: [data([1, 3, 4, 4]), weight([3, 1, 1])], weightBytes: 4 * 3 },
    { what: 'one slope', inputs: [data([2, 3]), weight([1])] },
  ]),
  ...rows('Where', { kind: 'elementwise' }, [
    { what: 'of one shape', inputs: [data([2, 3], 'bool'), data([2, 3]), data([2, 3])] },
    { what: 'that broadcasts three ways', inputs: [data([4, 1, 1], 'bool'), data([3, 1]), data([2])] },
    { what: 'of integers', inputs: [data([2], 'bool'), data([2], 'int64'), scalar(0, 'int64')] },
    { what: 'of constants', inputs: [list([0, 1, 1], 'bool'), list([1, 2, 3]), list([-1, -2, -3])] },
    { what: 'of constants that broadcast', inputs: [list([0, 1, 0], 'bool'), list([5]), list([-1, -2, -3])] },
  ]),
];

const SAMPLES = list([-2.5, -1, -0.5, 0, 0.25, 1, 4], 'float32');

export const UNARY: readonly OperatorCase[] = [
  ...rows('BitwiseNot', { kind: 'elementwise', opset: 18 }, [{ what: 'of bytes', inputs: [data([2, 3], 'uint8')] }]),
  ...rows('BitCast', { kind: 'elementwise', opset: 26 }, [
    { what: 'as integers', inputs: [data([2, 3])], attributes: { to: 6 } },
  ]),
  ...['Neg', 'Abs', 'Floor', 'Ceil'].flatMap((op) =>
    rows(op, { kind: 'elementwise' }, [
      { what: 'of data', inputs: [data([2, 3, 4])], macs: 0, peakBytes: 4 * 24 },
      { what: 'of constants', inputs: [SAMPLES] },
    ]),
  ),
  ...['Neg', 'Abs'].flatMap((op) =>
    rows(op, { kind: 'elementwise' }, [{ what: 'of whole numbers', inputs: [list([-3, 0, 5], 'int64')] }]),
  ),
  ...['Sqrt', 'Reciprocal'].flatMap((op) =>
    rows(op, { kind: 'elementwise' }, [
      { what: 'of data', inputs: [data([2, 3])] },
      { what: 'of constants', inputs: [list([0.25, 1, 4, 16], 'float32')] },
    ]),
  ),
  ...rows('Not', { kind: 'elementwise' }, [
    { what: 'of data', inputs: [data([2, 3], 'bool')], peakBytes: 6 },
    { what: 'of constants', inputs: [list([0, 1, 1], 'bool')] },
  ]),
  ...rows('Identity', { kind: 'none' }, [
    { what: 'of data', inputs: [data([2, 3])], weightBytes: 0 },
    { what: 'of constants', inputs: [list([3, 4])] },
    { what: 'of a single number', inputs: [scalar(3, 'int32')] },
  ]),
  ...rows('Cast', { kind: 'elementwise' }, [
    ...(
      [
        ['float32', 1],
        ['uint8', 2],
        ['int8', 3],
        ['int32', 6],
        ['int64', 7],
        ['bool', 9],
        ['float16', 10],
        ['float64', 11],
      ] as const
    ).map(([name, to]) => ({ what: `to ${name}`, inputs: [data([2, 3], 'int32')], attributes: { to } })),
    { what: 'fractions to whole numbers', inputs: [list([2.75, -2.75, 0.5], 'float32')], attributes: { to: 7 } },
    { what: 'whole numbers to fractions', inputs: [list([2, -3])], attributes: { to: 1 } },
    { what: 'fractions to booleans', inputs: [list([0.5, 0, -3], 'float32')], attributes: { to: 9 } },
    { what: 'booleans to whole numbers', inputs: [list([0, 1], 'bool')], attributes: { to: 7 } },
  ]),
  ...rows('CastLike', { kind: 'elementwise', opset: 15 }, [
    { what: 'to halves', inputs: [data([2, 3]), data([1], 'float16')] },
    { what: 'of constants, to whole numbers', inputs: [list([2.75, -2.75], 'float32'), data([1], 'int64')] },
    { what: 'of constants, to booleans', inputs: [list([0.5, 0], 'float32'), data([1], 'bool')] },
  ]),
  ...['IsNaN', 'IsInf'].flatMap((op) =>
    rows(op, { kind: 'elementwise', opset: 13 }, [{ what: 'of data', inputs: [data([2, 3])] }]),
  ),
];

const SAME = (
  'Relu LeakyRelu Sigmoid Tanh Exp Log Erf Round Softplus Softsign Elu Selu Celu HardSigmoid HardSwish ' +
  'Sin Cos Tan Asin Acos Atan Sinh Cosh Asinh Acosh Atanh Sign ThresholdedRelu Shrink'
).split(' ');

export const ACTIVATIONS: readonly OperatorCase[] = [
  ...SAME.flatMap((op) =>
    rows(op, { kind: 'elementwise' }, [
      // Writes over its input.
      { what: 'of three axes', inputs: [data([2, 3, 4])], macs: 0, weightBytes: 0, peakBytes: 4 * 24 },
      { what: 'of a single number', inputs: [data([])] },
    ]),
  ),
  ...rows('Relu', { kind: 'elementwise' }, [
    { what: 'of integers', opset: 14, inputs: [data([2, 3], 'int32')] },
    { what: 'of operator set 6', opset: 7, inputs: [data([2, 3])] },
  ]),
  ...rows('Swish', { kind: 'elementwise', opset: 24 }, [{ what: 'of data', inputs: [data([2, 3])] }]),
  ...rows('Mish', { kind: 'elementwise', opset: 18 }, [{ what: 'of data', inputs: [data([2, 3])] }]),
  ...rows('Gelu', { kind: 'elementwise', opset: 20 }, [
    { what: 'of data', inputs: [data([2, 3])] },
    { what: 'approximated', inputs: [data([2, 3])], attributes: { approximate: 'tanh' } },
  ]),
  ...rows('Gelu', { kind: 'elementwise', domain: 'com.microsoft' }, [
    { what: 'of ONNX Runtime', inputs: [data([2, 3])] },
  ]),
  ...rows('QuickGelu', { kind: 'elementwise', domain: 'com.microsoft' }, [
    { what: 'of data', inputs: [data([2, 3])], attributes: { alpha: float(1.5) } },
  ]),
  ...rows('FastGelu', { kind: 'elementwise', domain: 'com.microsoft' }, [
    { what: 'with a bias', inputs: [data([2, 3]), weight([3])], weightBytes: 4 * 3 },
  ]),
  ...rows('BiasGelu', { kind: 'elementwise', domain: 'com.microsoft' }, [
    { what: 'of data', inputs: [data([2, 3]), weight([3])] },
  ]),
  ...rows('Clip', { kind: 'elementwise' }, [
    { what: 'between inputs', inputs: [data([2, 3]), scalar(0), scalar(6)], weightBytes: 4 + 4 },
    { what: 'from above alone', inputs: [data([2, 3]), null, scalar(6)], weightBytes: 4 },
    {
      what: 'between attributes',
      opset: 10,
      inputs: [data([2, 3])],
      attributes: { min: float(0), max: float(6) },
      weightBytes: 0,
    },
  ]),
  ...rows('Dropout', { kind: 'none' }, [
    { what: 'that does nothing', inputs: [data([2, 3])] },
    { what: 'with a mask', inputs: [data([2, 3]), scalar(0.5)], outputs: [true, true] },
    { what: 'with a mask, of operator set 7', opset: 7, inputs: [data([2, 3])], outputs: [true, true] },
    { what: 'with a mask, of operator set 10', opset: 10, inputs: [data([2, 3])], outputs: [true, true] },
  ]),
];
