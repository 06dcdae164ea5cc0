/** Convolution, pooling and matrix multiplication. */
import { intAttribute, intsAttribute, stringAttribute } from '../graph.ts';
import { einsum } from './einsum.ts';
import { fail, microsoft, output, type RuleInput, required, type ShapeRule, type ShapeRules } from './rule.ts';

/**
 * Size of one spatial axis after a window moves over it. `hangsOver`: a last window may hang over the end, but it has to
 * begin on the data or the padding before it (https://onnx.ai/onnx/operators/onnx__MaxPool.html).
 */
function windowed(rule: RuleInput, size: number, axis: number, kernel: readonly number[], hangsOver: boolean): number {
  const { node } = rule;
  const rank = kernel.length;
  const stride = intsAttribute(node, 'strides')?.[axis] ?? 1;
  const dilation = intsAttribute(node, 'dilations')?.[axis] ?? 1;
  const extent = ((kernel[axis] as number) - 1) * dilation + 1;
  if (stride < 1 || dilation < 1) fail(node, `stride ${stride}, dilation ${dilation}`);
  const autoPad = stringAttribute(node, 'auto_pad', 'NOTSET');
  if (autoPad.startsWith('SAME')) return Math.ceil(size / stride);
  const pads = autoPad === 'VALID' ? null : intsAttribute(node, 'pads');
  const before = pads?.[axis] ?? 0;
  const travel = before + size + (pads?.[axis + rank] ?? 0) - extent;
  if (travel < 0) fail(node, `its window of ${extent} does not fit on an axis of ${size}`);
  if (!hangsOver) return Math.floor(travel / stride) + 1;
  const last = Math.ceil(travel / stride);
  return last * stride >= before + size ? last : last + 1;
}

function convolution(dataInput: number, weightInput: number): ShapeRule {
  return (rule) => {
    const data = required(rule, dataInput);
    const weight = required(rule, weightInput).shape;
    const groups = intAttribute(rule.node, 'group', 1);
    if (weight.length < 3 || data.shape.length !== weight.length)
      fail(rule.node, `data [${data.shape}] and weights [${weight}] do not fit each other`);
    if (groups < 1 || data.shape[1] !== (weight[1] as number) * groups)
      fail(rule.node, `${data.shape[1]} input channels, but weights for ${weight[1]} × ${groups} groups`);
    const kernel = weight.slice(2);
    const spatial = data.shape.slice(2).map((size, axis) => windowed(rule, size, axis, kernel, false));
    return [output(data.dtype, [data.shape[0] as number, weight[0] as number, ...spatial])];
  };
}

const convTranspose: ShapeRule = (rule) => {
  const { node } = rule;
  const data = required(rule, 0);
  const weight = required(rule, 1).shape;
  const kernel = weight.slice(2);
  const explicit = intsAttribute(node, 'output_shape');
  if (weight.length < 3 || data.shape.length !== weight.length || data.shape[1] !== weight[0])
    fail(node, `data [${data.shape}] and weights [${weight}] do not fit each other`);
  const spatial = data.shape.slice(2).map((size, axis) => {
    const stride = intsAttribute(node, 'strides')?.[axis] ?? 1;
    const dilation = intsAttribute(node, 'dilations')?.[axis] ?? 1;
    const pads = intsAttribute(node, 'pads');
    if (explicit) return explicit[explicit.length - kernel.length + axis] as number;
    if (stringAttribute(node, 'auto_pad', 'NOTSET').startsWith('SAME')) return size * stride;
    const extent = ((kernel[axis] as number) - 1) * dilation + 1;
    const padding = (pads?.[axis] ?? 0) + (pads?.[axis + kernel.length] ?? 0);
    return stride * (size - 1) + (intsAttribute(node, 'output_padding')?.[axis] ?? 0) + extent - padding;
  });
  if (spatial.some((size) => !(size > 0))) fail(node, `its output would be [${spatial}]`);
  return [
    output(data.dtype, [data.shape[0] as number, (weight[1] as number) * intAttribute(node, 'group', 1), ...spatial]),
  ];
};

/** A rule for data whose channels come second, on data whose channels may come last (`channels_last`, ONNX Runtime's). */
function channelsLast(inner: ShapeRule): ShapeRule {
  return (rule) => {
    if (intAttribute(rule.node, 'channels_last', 0) === 0) return inner(rule);
    const data = required(rule, 0);
    const [samples = 0, ...rest] = data.shape;
    const turned = { ...data, shape: [samples, rest.at(-1) ?? 0, ...rest.slice(0, -1)] };
    return inner({ ...rule, inputs: [turned] }).map((value) => {
      const [count = 0, channels = 0, ...spatial] = value.shape;
      return { ...value, shape: [count, ...spatial, channels] };
    });
  };
}

const pool: ShapeRule = (rule) => {
  const data = required(rule, 0);
  const kernel = intsAttribute(rule.node, 'kernel_shape');
  if (!kernel || kernel.length !== data.shape.length - 2)
    fail(rule.node, `kernel_shape [${kernel}] on data [${data.shape}]`);
  const hangsOver = intAttribute(rule.node, 'ceil_mode', 0) === 1;
  const spatial = data.shape.slice(2).map((size, axis) => windowed(rule, size, axis, kernel as number[], hangsOver));
  const shape = [...data.shape.slice(0, 2), ...spatial];
  return [output(data.dtype, shape), output('int64', shape)];
};

const globalPool: ShapeRule = (rule) => {
  const data = required(rule, 0);
  return [
    output(
      data.dtype,
      data.shape.map((size, axis) => (axis < 2 ? size : 1)),
    ),
  ];
};

/** `numpy.matmul`. */
export function matMulShape(rule: RuleInput, a: readonly number[], b: readonly number[]): number[] {
  const left = a.length === 1 ? [1, ...a] : [...a];
  const right = b.length === 1 ? [...b, 1] : [...b];
  const inner = left.at(-1);
  if (inner === undefined || inner !== right.at(-2)) fail(rule.node, `[${a}] × [${b}]: the inner sizes differ`);
  const rank = Math.max(left.length, right.length);
  const batch = Array.from({ length: rank - 2 }, (_, axis) => {
    const one = left[axis - rank + left.length] ?? 1;
    const two = right[axis - rank + right.length] ?? 1;
    if (one !== two && one !== 1 && two !== 1) fail(rule.node, `[${a}] × [${b}]: the batch sizes differ`);
    return one === 1 ? two : one;
  });
  const rows = a.length === 1 ? [] : [left.at(-2) as number];
  const columns = b.length === 1 ? [] : [right.at(-1) as number];
  return [...batch, ...rows, ...columns];
}

function matMul(second: number, dtype: 'same' | 'int32' | 'float32'): ShapeRule {
  return (rule) => {
    const a = required(rule, 0);
    const shape = matMulShape(rule, a.shape, required(rule, second).shape);
    return [output(dtype === 'same' ? a.dtype : dtype, shape)];
  };
}

function swappedLast(shape: readonly number[], swap: boolean): number[] {
  return swap ? [...shape.slice(0, -2), shape.at(-1) as number, shape.at(-2) as number] : [...shape];
}

/** [rows, stack …, columns] as [stack …, rows, columns]. */
function stackFirst(shape: readonly number[], isLater: boolean): number[] {
  return isLater && shape.length > 2 ? [...shape.slice(1, -1), shape[0] as number, shape.at(-1) as number] : [...shape];
}

/** `transBatch…` says that the stack lies between the axes of the matrix, `trans…` that these are swapped. */
export function fusedMatMulFactors(rule: RuleInput): [left: number[], right: number[]] {
  const [left, right] = (['A', 'B'] as const).map((side, index) => {
    const { shape } = required(rule, index);
    const stacked = stackFirst(shape, intAttribute(rule.node, `transBatch${side}`, 0) === 1);
    return swappedLast(stacked, intAttribute(rule.node, `trans${side}`, 0) === 1);
  }) as [number[], number[]];
  return [left, right];
}

const fusedMatMul: ShapeRule = (rule) => {
  return [output(required(rule, 0).dtype, matMulShape(rule, ...fusedMatMulFactors(rule)))];
};

function gemm(second: number): ShapeRule {
  return (rule) => {
    const a = required(rule, 0);
    const b = required(rule, second).shape;
    const [rows, inner] = intAttribute(rule.node, 'transA', 0) ? [a.shape[1], a.shape[0]] : a.shape;
    const [depth, columns] = intAttribute(rule.node, 'transB', 0) ? [b[1], b[0]] : b;
    if (a.shape.length !== 2 || b.length !== 2 || inner !== depth) fail(rule.node, `[${a.shape}] × [${b}] do not fit`);
    return [output(a.dtype, [rows as number, columns as number])];
  };
}

/** Its result is floating-point unless the last two inputs, scale and zero point of the result, say otherwise. */
const qGemm: ShapeRule = (rule) =>
  gemm(3)(rule).map((value) => ({ ...value, dtype: rule.inputs[8]?.dtype ?? 'float32' }));

export interface AttentionSizes {
  batch: number;
  length: number;
  /** Positions that each position looks at: those of the past, and its own sequence. */
  seen: number;
  features: number;
  /** Width of the queries (and of the keys), and of the values. */
  queries: number;
  values: number;
}

/** https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.Attention */
export function attentionSizes(rule: RuleInput): AttentionSizes {
  const { shape } = required(rule, 0);
  const width = required(rule, 1).shape[1] as number;
  const third = width / 3;
  const sizes = intsAttribute(rule.node, 'qkv_hidden_sizes') ?? [third, third, third];
  const [queries, , values] = sizes as [number, number, number];
  if (shape.length !== 3 || !Number.isInteger(queries) || !Number.isInteger(values))
    fail(rule.node, `data [${shape}] with weights for ${width} features`);
  const [batch, length, features] = shape as [number, number, number];
  return { batch, length, seen: length + (rule.inputs[4]?.shape[3] ?? 0), features, queries, values };
}

/** The second output: keys and values of the past and of this sequence. */
const attention: ShapeRule = (rule) => {
  const { dtype } = required(rule, 0);
  const { batch, length, seen, values } = attentionSizes(rule);
  const heads = intAttribute(rule.node, 'num_heads', 1);
  return [output(dtype, [batch, length, values]), output(dtype, [2, batch, heads, seen, values / heads])];
};

export const CONTRACTION_RULES: ShapeRules = {
  Conv: convolution(0, 1),
  ConvInteger: (rule) => convolution(0, 1)(rule).map((value) => ({ ...value, dtype: 'int32' })),
  QLinearConv: convolution(0, 3),
  DeformConv: convolution(0, 1),
  ConvTranspose: convTranspose,
  MaxPool: pool,
  AveragePool: pool,
  LpPool: pool,
  GlobalAveragePool: globalPool,
  GlobalMaxPool: globalPool,
  GlobalLpPool: globalPool,
  MatMul: matMul(1, 'same'),
  MatMulInteger: matMul(1, 'int32'),
  QLinearMatMul: matMul(3, 'same'),
  Gemm: gemm(1),
  Einsum: einsum,
  ...microsoft({
    FusedConv: convolution(0, 1),
    QLinearAveragePool: channelsLast(pool),
    QLinearGlobalAveragePool: channelsLast(globalPool),
    DynamicQuantizeMatMul: matMul(1, 'float32'),
    MatMulIntegerToFloat: matMul(1, 'float32'),
    FusedMatMul: fusedMatMul,
    FusedGemm: gemm(1),
    QGemm: qGemm,
    Attention: attention,
  }),
};
