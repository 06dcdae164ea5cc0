/** Operators that work element by element, with broadcasting. Small known values are computed: shapes are made of them. */
import { bytesOf, type Dtype, dtypeOfCode, isInteger } from '../dtype.ts';
import { intAttribute } from '../graph.ts';
import {
  arranged,
  axisOf,
  broadcastShapes,
  elementsOf,
  fail,
  microsoft,
  output,
  type RuleInput,
  required,
  type ShapeRule,
  type ShapeRules,
  type Value,
} from './rule.ts';

/** Elements of `value` as seen from the broadcast `shape`. */
function broadcastValues(value: Value, shape: readonly number[]): number[] | null {
  const hidden = shape.length - value.shape.length;
  return arranged([value], shape, (place) => [
    0,
    value.shape.map((size, axis) => (size === 1 ? 0 : (place[axis + hidden] as number))),
  ]);
}

type Evaluate = (...elements: number[]) => number;

function broadcastRule(evaluate: Evaluate | null, result: 'same' | 'bool' | 'second'): ShapeRule {
  return (rule) => {
    const inputs = rule.node.inputs.map((_, index) => required(rule, index));
    const shape = broadcastShapes(
      rule,
      inputs.map((input) => input.shape),
    );
    const typed = required(rule, result === 'second' ? 1 : 0);
    const dtype = result === 'bool' ? 'bool' : typed.dtype;
    // What is not followed is not spread out either.
    if (!evaluate || inputs.some((input) => input.values === null)) return [output(dtype, shape)];
    const columns = inputs.map((input) => broadcastValues(input, shape));
    if (columns.includes(null)) return [output(dtype, shape)];
    const truncate = isInteger(dtype) ? Math.trunc : (value: number) => value;
    const values = Array.from({ length: elementsOf(shape) }, (_, index) =>
      truncate(evaluate(...columns.map((column) => (column as number[])[index] as number))),
    );
    return [output(dtype, shape, values)];
  };
}

/** The output has the first input's shape and type. */
function sameAsFirst(evaluate: Evaluate | null = null): ShapeRule {
  return (rule) => {
    const input = required(rule, 0);
    const values = evaluate && input.values ? input.values.map((value) => evaluate(value)) : null;
    return [output(input.dtype, input.shape, values)];
  };
}

function convertedTo(dtype: Dtype, input: Value) {
  const convert = dtype === 'bool' ? (value: number) => Number(value !== 0) : isInteger(dtype) ? Math.trunc : null;
  return [output(dtype, input.shape, convert && input.values ? input.values.map(convert) : input.values)];
}

/** The type that an attribute names. */
function namedType(rule: RuleInput, attribute: string): Dtype {
  const code = intAttribute(rule.node, attribute, 0);
  const dtype = dtypeOfCode(code);
  return dtype && dtype !== 'undefined' ? dtype : fail(rule.node, `its "${attribute}" is ${code}, which is no type`);
}

const cast: ShapeRule = (rule) => convertedTo(namedType(rule, 'to'), required(rule, 0));
const castLike: ShapeRule = (rule) => convertedTo(required(rule, 1).dtype, required(rule, 0));

/** The type of the zero point; without one that of `output_dtype` (0: not said), else unsigned bytes. */
const quantize: ShapeRule = (rule) => {
  const isSaid = intAttribute(rule.node, 'output_dtype', 0) !== 0;
  const dtype = rule.inputs[2]?.dtype ?? (isSaid ? namedType(rule, 'output_dtype') : 'uint8');
  return [output(dtype, required(rule, 0).shape)];
};

/** The mask is of booleans since operator set 10. */
const dropout: ShapeRule = (rule) => {
  const { dtype, shape } = required(rule, 0);
  return [output(dtype, shape), output(rule.opset < 10 ? dtype : 'bool', shape)];
};

/** Up to four further outputs: statistics, of a number a channel. */
const batchNormalization: ShapeRule = (rule) => {
  const { dtype, shape } = required(rule, 0);
  const statistics = output(required(rule, 3).dtype, [shape[1] ?? 1]);
  return [output(dtype, shape), statistics, statistics, statistics, statistics];
};

/** Further outputs: mean and inverse deviation (or that alone), of one number for what is normalised together. */
const layerNormalization: ShapeRule = (rule) => {
  const { dtype, shape } = required(rule, 0);
  const axis = axisOf(rule, intAttribute(rule.node, 'axis', -1), shape.length);
  const statistics = output(
    'float32',
    shape.map((size, at) => (at < axis ? size : 1)),
  );
  return [output(dtype, shape), statistics, statistics];
};

/** Output 3 is the sum that is normalised. */
const skipLayerNormalization: ShapeRule = (rule) => {
  const { dtype, shape } = required(rule, 0);
  const statistics = output('float32', [...shape.slice(0, -1), 1]);
  return [output(dtype, shape), statistics, statistics, output(dtype, shape)];
};

const named = (names: string, rule: ShapeRule): ShapeRules =>
  Object.fromEntries(names.split(' ').map((name) => [name, rule]));

const bool = (test: (...elements: number[]) => boolean): Evaluate => {
  return (...elements) => Number(test(...elements));
};

/** ONNX Runtime has them in its own domain too. */
const QUANTISERS: ShapeRules = {
  QuantizeLinear: quantize,
  DequantizeLinear: (rule) => [output(required(rule, 1).dtype, required(rule, 0).shape)],
};

export const ELEMENTWISE_RULES: ShapeRules = {
  Add: broadcastRule((a, b) => a + b, 'same'),
  Sub: broadcastRule((a, b) => a - b, 'same'),
  Mul: broadcastRule((a, b) => a * b, 'same'),
  Div: broadcastRule((a, b) => a / b, 'same'),
  Pow: broadcastRule((a, b) => a ** b, 'same'),
  // The sign of the divisor; with `fmod` that of the dividend.
  Mod: (rule) =>
    broadcastRule(
      intAttribute(rule.node, 'fmod', 0) === 0 ? (a, b) => a - b * Math.floor(a / b) : (a, b) => a % b,
      'same',
    )(rule),
  Min: broadcastRule(Math.min, 'same'),
  Max: broadcastRule(Math.max, 'same'),
  Sum: broadcastRule((...all) => all.reduce((sum, value) => sum + value, 0), 'same'),
  Mean: broadcastRule(null, 'same'),
  PRelu: broadcastRule(null, 'same'),
  BitShift: broadcastRule(null, 'same'),
  BitwiseAnd: broadcastRule(null, 'same'),
  BitwiseOr: broadcastRule(null, 'same'),
  BitwiseXor: broadcastRule(null, 'same'),
  Equal: broadcastRule(
    bool((a, b) => a === b),
    'bool',
  ),
  Less: broadcastRule(
    bool((a, b) => a < b),
    'bool',
  ),
  LessOrEqual: broadcastRule(
    bool((a, b) => a <= b),
    'bool',
  ),
  Greater: broadcastRule(
    bool((a, b) => a > b),
    'bool',
  ),
  GreaterOrEqual: broadcastRule(
    bool((a, b) => a >= b),
    'bool',
  ),
  And: broadcastRule(
    bool((a, b) => a !== 0 && b !== 0),
    'bool',
  ),
  Or: broadcastRule(
    bool((a, b) => a !== 0 || b !== 0),
    'bool',
  ),
  Xor: broadcastRule(
    bool((a, b) => (a !== 0) !== (b !== 0)),
    'bool',
  ),
  Where: broadcastRule((condition, a, b) => (condition !== 0 ? a : b), 'second'),
  Not: sameAsFirst((value) => Number(value === 0)),
  Neg: sameAsFirst((value) => -value),
  Abs: sameAsFirst(Math.abs),
  Floor: sameAsFirst(Math.floor),
  Ceil: sameAsFirst(Math.ceil),
  Sqrt: sameAsFirst(Math.sqrt),
  Reciprocal: sameAsFirst((value) => 1 / value),
  Identity: sameAsFirst((value) => value),
  Cast: cast,
  CastLike: castLike,
  // The same bits: their values are others.
  BitCast: (rule) => [output(namedType(rule, 'to'), required(rule, 0).shape)],
  ...named(
    'Relu LeakyRelu Sigmoid Tanh Exp Log Erf Round Softplus Softsign Elu Selu Celu HardSigmoid HardSwish Clip ' +
      'Softmax LogSoftmax Hardmax LpNormalization InstanceNormalization ' +
      'GroupNormalization LRN Sin Cos Tan Asin Acos Atan Sinh Cosh Asinh Acosh Atanh Sign Gelu Mish ThresholdedRelu ' +
      'Shrink CumSum CumProd MeanVarianceNormalization Trilu Swish BitwiseNot RotaryEmbedding',
    sameAsFirst(),
  ),
  Dropout: dropout,
  BatchNormalization: batchNormalization,
  LayerNormalization: layerNormalization,
  SimplifiedLayerNormalization: layerNormalization,
  RMSNormalization: (rule) => [output(required(rule, 1).dtype, required(rule, 0).shape)],
  ...named('IsNaN IsInf', (rule) => [output('bool', required(rule, 0).shape)]),
  ...QUANTISERS,
  DynamicQuantizeLinear: (rule) => [
    output('uint8', required(rule, 0).shape),
    output('float32', []),
    output('uint8', []),
  ],
  ...microsoft({
    ...QUANTISERS,
    SkipLayerNormalization: skipLayerNormalization,
    ...named('Gelu QuickGelu FastGelu BiasGelu QLinearSigmoid QLinearLeakyRelu QLinearSoftmax', sameAsFirst()),
    ...named('QLinearAdd QLinearMul', (rule) => [
      output(required(rule, 0).dtype, broadcastShapes(rule, [required(rule, 0).shape, required(rule, 3).shape])),
    ]),
  }),
};

/** Bytes of a value in memory. */
export function bytesOfValue(value: Pick<Value, 'dtype' | 'shape'>): number {
  return bytesOf(value.dtype) * elementsOf(value.shape);
}
