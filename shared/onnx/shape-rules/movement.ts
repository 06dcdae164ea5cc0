/** Operators that rearrange, select or make data. Small known values follow, since shapes are computed with them. */
import { dtypeOfCode } from '../dtype.ts';
import { intAttribute, intsAttribute, stringAttribute } from '../graph.ts';
import {
  arranged,
  axisOf,
  broadcastShapes,
  elementAt,
  elementsOf,
  fail,
  knownValues,
  MAX_KNOWN_VALUES,
  microsoft,
  output,
  type RuleInput,
  required,
  requiredInt,
  type ShapeRule,
  type ShapeRules,
  shapeFrom,
} from './rule.ts';

/** Axes from the attribute (older operator sets) or from an input (newer ones); null where neither gives any. */
function axesOf(rule: RuleInput, input: number, rank: number): number[] | null {
  const axes = intsAttribute(rule.node, 'axes') ?? knownValues(rule, input);
  return axes ? axes.map((axis) => axisOf(rule, axis, rank)) : null;
}

const reshape: ShapeRule = (rule) => {
  const data = required(rule, 0);
  const wanted = intsAttribute(rule.node, 'shape') ?? knownValues(rule, 1) ?? [];
  const allowZero = intAttribute(rule.node, 'allowzero', 0) === 1;
  const sizes = wanted.map((size, axis) => (size === 0 && !allowZero ? (data.shape[axis] ?? 0) : size));
  const total = elementsOf(data.shape);
  const rest = elementsOf(sizes.filter((size) => size !== -1));
  const shape = sizes.map((size) => (size === -1 ? (rest === 0 ? 0 : total / rest) : size));
  const rests = wanted.filter((size) => size === -1).length;
  if (rests > 1 || elementsOf(shape) !== total || shape.some((size) => !Number.isInteger(size) || size < 0))
    fail(rule.node, `[${data.shape}] does not reshape to [${wanted}]`);
  return [output(data.dtype, shape, data.values)];
};

const flatten: ShapeRule = (rule) => {
  const data = required(rule, 0);
  const rank = data.shape.length;
  const axis = intAttribute(rule.node, 'axis', 1);
  // Behind the last axis is a place too.
  const split = axis === rank ? rank : axisOf(rule, axis, rank);
  return [output(data.dtype, [elementsOf(data.shape.slice(0, split)), elementsOf(data.shape.slice(split))])];
};

const squeeze: ShapeRule = (rule) => {
  const data = required(rule, 0);
  const axes = axesOf(rule, 1, data.shape.length);
  const kept = axes?.find((axis) => data.shape[axis] !== 1);
  if (kept !== undefined) fail(rule.node, `axis ${kept} of [${data.shape}] is not of size 1`);
  const drop = (size: number, axis: number) => (axes ? axes.includes(axis) : size === 1);
  return [
    output(
      data.dtype,
      data.shape.filter((size, axis) => !drop(size, axis)),
      data.values,
    ),
  ];
};

const unsqueeze: ShapeRule = (rule) => {
  const data = required(rule, 0);
  const wanted = intsAttribute(rule.node, 'axes') ?? knownValues(rule, 1) ?? [];
  const count = wanted.length;
  const axes = wanted.map((axis) => axisOf(rule, axis, data.shape.length + count));
  if (new Set(axes).size < count) fail(rule.node, `axes [${wanted}] name one twice`);
  const rest = [...data.shape];
  const shape = Array.from({ length: data.shape.length + count }, (_, axis) =>
    axes.includes(axis) ? 1 : (rest.shift() as number),
  );
  return [output(data.dtype, shape, data.values)];
};

const transpose: ShapeRule = (rule) => {
  const data = required(rule, 0);
  const rank = data.shape.length;
  const perm = intsAttribute(rule.node, 'perm') ?? data.shape.map((_, axis) => rank - 1 - axis);
  const order = perm.map((axis) => axisOf(rule, axis, rank));
  if (order.length !== rank || new Set(order).size !== rank)
    fail(rule.node, `perm [${perm}] on a tensor [${data.shape}]`);
  const shape = order.map((axis) => data.shape[axis] as number);
  const values = arranged([data], shape, (place) => [
    0,
    data.shape.map((_, axis) => place[order.indexOf(axis)] as number),
  ]);
  return [output(data.dtype, shape, values)];
};

const concat: ShapeRule = (rule) => {
  const parts = rule.node.inputs.map((_, index) => required(rule, index));
  const first = required(rule, 0);
  const axis = axisOf(rule, requiredInt(rule.node, 'axis'), first.shape.length);
  for (const part of parts)
    if (
      part.shape.length !== first.shape.length ||
      part.shape.some((size, at) => at !== axis && size !== first.shape[at])
    )
      fail(rule.node, `[${first.shape}] and [${part.shape}] do not join along axis ${axis}`);
  const shape = [...first.shape];
  shape[axis] = parts.reduce((sum, part) => sum + (part.shape[axis] as number), 0);
  const values = arranged(parts, shape, (place) => {
    let at = place[axis] as number;
    const which = parts.findIndex((part) => {
      const isWithin = at < (part.shape[axis] as number);
      if (!isWithin) at -= part.shape[axis] as number;
      return isWithin;
    });
    return [which, place.with(axis, at)];
  });
  return [output(first.dtype, shape, values)];
};

/** Which elements of an axis are taken. */
interface Taken {
  start: number;
  step: number;
}

const slice: ShapeRule = (rule) => {
  const data = required(rule, 0);
  const starts = intsAttribute(rule.node, 'starts') ?? knownValues(rule, 1) ?? [];
  const ends = intsAttribute(rule.node, 'ends') ?? knownValues(rule, 2) ?? [];
  const axes = axesOf(rule, 3, data.shape.length) ?? starts.map((_, index) => index);
  const steps = knownValues(rule, 4) ?? starts.map(() => 1);
  const shape = [...data.shape];
  const taken: Taken[] = shape.map(() => ({ start: 0, step: 1 }));
  for (const [index, axis] of axes.entries()) {
    const size = data.shape[axis] as number;
    const step = steps[index] as number;
    if (!step) fail(rule.node, 'a step of 0');
    const clamp = (bound: number, low: number, high: number) =>
      Math.min(high, Math.max(low, bound < 0 ? bound + size : bound));
    const start = step > 0 ? clamp(starts[index] as number, 0, size) : clamp(starts[index] as number, 0, size - 1);
    const end = step > 0 ? clamp(ends[index] as number, 0, size) : clamp(ends[index] as number, -1, size - 1);
    shape[axis] = Math.max(0, Math.ceil((end - start) / step));
    taken[axis] = { start, step };
  }
  const values = arranged([data], shape, (place) => [
    0,
    place.map((at, axis) => (taken[axis] as Taken).start + at * (taken[axis] as Taken).step),
  ]);
  return [output(data.dtype, shape, values)];
};

const split: ShapeRule = (rule) => {
  const data = required(rule, 0);
  const axis = axisOf(rule, intAttribute(rule.node, 'axis', 0), data.shape.length);
  const size = data.shape[axis] as number;
  const parts = rule.node.outputs.length;
  const even = Math.ceil(size / parts);
  const sizes =
    intsAttribute(rule.node, 'split') ??
    knownValues(rule, 1) ??
    Array.from({ length: parts }, (_, index) => Math.min(even, size - index * even));
  if (sizes.length !== parts || sizes.reduce((sum, part) => sum + part, 0) !== size)
    fail(rule.node, `an axis of ${size} does not split into [${sizes}]`);
  let from = 0;
  return sizes.map((part) => {
    const begin = from;
    from += part;
    const shape = data.shape.with(axis, part);
    const values = arranged([data], shape, (place) => [0, place.with(axis, begin + (place[axis] as number))]);
    return output(data.dtype, shape, values);
  });
};

const gather: ShapeRule = (rule) => {
  const data = required(rule, 0);
  const indices = required(rule, 1);
  const axis = axisOf(rule, intAttribute(rule.node, 'axis', 0), data.shape.length);
  const size = data.shape[axis] as number;
  const shape = [...data.shape.slice(0, axis), ...indices.shape, ...data.shape.slice(axis + 1)];
  const outside = indices.values?.find((index) => index < -size || index >= size);
  if (outside !== undefined) fail(rule.node, `index ${outside} of an axis of ${size}`);
  const values =
    indices.values &&
    arranged([data], shape, (place) => {
      const index = elementAt(indices, place.slice(axis, axis + indices.shape.length));
      return [
        0,
        [...place.slice(0, axis), index < 0 ? index + size : index, ...place.slice(axis + indices.shape.length)],
      ];
    });
  return [output(data.dtype, shape, values)];
};

const gatherNd: ShapeRule = (rule) => {
  const data = required(rule, 0);
  const indices = required(rule, 1).shape;
  const named = indices.at(-1) as number;
  const from = intAttribute(rule.node, 'batch_dims', 0) + named;
  if (from > data.shape.length) fail(rule.node, `${named} indices for a tensor [${data.shape}]`);
  return [output(data.dtype, [...indices.slice(0, -1), ...data.shape.slice(from)])];
};

const expand: ShapeRule = (rule) => {
  const data = required(rule, 0);
  const shape = broadcastShapes(rule, [data.shape, shapeFrom(rule.node, knownValues(rule, 1) ?? [])]);
  const count = elementsOf(shape);
  const values =
    data.values?.length === 1 && count <= MAX_KNOWN_VALUES ? Array<number>(count).fill(data.values[0] as number) : null;
  return [output(data.dtype, shape, values ?? (count === elementsOf(data.shape) ? data.values : null))];
};

const tile: ShapeRule = (rule) => {
  const data = required(rule, 0);
  const repeats = knownValues(rule, 1) ?? [];
  return [
    output(
      data.dtype,
      data.shape.map((size, axis) => size * (repeats[axis] ?? 1)),
    ),
  ];
};

const pad: ShapeRule = (rule) => {
  const data = required(rule, 0);
  const rank = data.shape.length;
  const pads = intsAttribute(rule.node, 'pads') ?? knownValues(rule, 1) ?? [];
  const axes = knownValues(rule, 3)?.map((axis) => axisOf(rule, axis, rank)) ?? data.shape.map((_, axis) => axis);
  const shape = [...data.shape];
  for (const [index, axis] of axes.entries())
    shape[axis] = (shape[axis] as number) + (pads[index] as number) + (pads[index + axes.length] as number);
  if (pads.length !== 2 * axes.length || shape.some((size) => size < 0))
    fail(rule.node, `pads [${pads}] on a tensor [${data.shape}]`);
  return [output(data.dtype, shape)];
};

/** Sizes in proportion to the data: as large as fits into `sizes`, or as small as covers them. Halves are rounded up. */
function inProportion(sizes: readonly number[], own: readonly number[], isCovering: boolean): number[] {
  const scales = sizes.map((size, index) => size / (own[index] as number));
  const scale = isCovering ? Math.max(...scales) : Math.min(...scales);
  return own.map((size) => Math.round(size * scale));
}

/** ONNX Runtime multiplies in float32, where 10 × 0.7 is 7. */
const scaled = (size: number, scale: number) => Math.floor(Math.fround(size * scale));

/** `scales` or `sizes` of all axes, or of those in `axes` (https://onnx.ai/onnx/operators/onnx__Resize.html). */
const resize: ShapeRule = (rule) => {
  const { node } = rule;
  const { dtype, shape } = required(rule, 0);
  const inputs = rule.opset < 11 ? { scales: 1, sizes: -1 } : { scales: 2, sizes: 3 };
  const axes =
    intsAttribute(node, 'axes')?.map((axis) => axisOf(rule, axis, shape.length)) ?? shape.map((_, axis) => axis);
  const own = axes.map((axis) => shape[axis] as number);
  const given = (values: number[] | null) => (values && values.length > 0 ? values : null);
  const sizes = given(knownValues(rule, inputs.sizes));
  const wanted = sizes ?? knownValues(rule, inputs.scales) ?? [];
  if (wanted.length !== axes.length)
    fail(node, `${sizes ? 'sizes' : 'scales'} [${wanted}] for axes [${axes}] of a tensor [${shape}]`);
  const policy = stringAttribute(node, 'keep_aspect_ratio_policy', 'stretch');
  let resized = own.map((size, index) => scaled(size, wanted[index] as number));
  if (sizes) resized = policy === 'stretch' ? sizes : inProportion(sizes, own, policy === 'not_smaller');
  return [
    output(
      dtype,
      shape.map((size, axis) => (axes.includes(axis) ? (resized[axes.indexOf(axis)] as number) : size)),
    ),
  ];
};

/** What Resize was until operator set 9. */
const upsample: ShapeRule = (rule) => {
  const { dtype, shape } = required(rule, 0);
  const scales = rule.node.attributes.get('scales')?.floats ?? knownValues(rule, 1) ?? [];
  if (scales.length !== shape.length) fail(rule.node, `scales [${scales}] on a tensor [${shape}]`);
  return [
    output(
      dtype,
      shape.map((size, axis) => scaled(size, scales[axis] as number)),
    ),
  ];
};

function blocks(grow: boolean): ShapeRule {
  return (rule) => {
    const data = required(rule, 0);
    const block = requiredInt(rule.node, 'blocksize');
    const [batch = 0, channels = 0, height = 0, width = 0] = data.shape;
    const shape = grow
      ? [batch, channels / block ** 2, height * block, width * block]
      : [batch, channels * block ** 2, height / block, width / block];
    if (data.shape.length !== 4 || !shape.every(Number.isInteger))
      fail(rule.node, `blocks of ${block} in [${data.shape}]`);
    return [output(data.dtype, shape)];
  };
}

const shapeOf: ShapeRule = (rule) => {
  const { shape } = required(rule, 0);
  const wanted = shape.slice(intAttribute(rule.node, 'start', 0), rule.node.attributes.get('end')?.i ?? undefined);
  return [output('int64', [wanted.length], wanted)];
};

const constantOfShape: ShapeRule = (rule) => {
  const shape = shapeFrom(rule.node, knownValues(rule, 0) ?? []);
  const tensor = rule.node.attributes.get('value')?.tensor;
  const count = elementsOf(shape);
  const values = count <= MAX_KNOWN_VALUES ? Array<number>(count).fill(tensor?.read()?.[0] ?? 0) : null;
  return [output(tensor?.dtype ?? 'float32', shape, values)];
};

const eyeLike: ShapeRule = (rule) => {
  const { dtype, shape } = required(rule, 0);
  return [
    output(
      rule.node.attributes.has('dtype') ? (dtypeOfCode(intAttribute(rule.node, 'dtype', 0)) ?? dtype) : dtype,
      shape,
    ),
  ];
};

const range: ShapeRule = (rule) => {
  const [start, limit, delta] = [0, 1, 2].map((index) => knownValues(rule, index)?.[0] as number) as [
    number,
    number,
    number,
  ];
  const count = Math.max(0, Math.ceil((limit - start) / delta));
  if (!Number.isSafeInteger(count)) fail(rule.node, `from ${start} to ${limit} by ${delta}`);
  const values = count <= MAX_KNOWN_VALUES ? Array.from({ length: count }, (_, index) => start + index * delta) : null;
  return [output(required(rule, 0).dtype, [count], values)];
};

const oneHot: ShapeRule = (rule) => {
  const indices = required(rule, 0).shape;
  const axis = axisOf(rule, intAttribute(rule.node, 'axis', -1), indices.length + 1);
  const depth = knownValues(rule, 1)?.[0] ?? 0;
  return [output(required(rule, 2).dtype, [...indices.slice(0, axis), depth, ...indices.slice(axis)])];
};

const topK: ShapeRule = (rule) => {
  const data = required(rule, 0);
  const axis = axisOf(rule, intAttribute(rule.node, 'axis', -1), data.shape.length);
  const count = rule.node.attributes.get('k')?.i ?? knownValues(rule, 1)?.[0] ?? 0;
  const shape = data.shape.map((size, at) => (at === axis ? count : size));
  return [output(data.dtype, shape), output('int64', shape)];
};

const reduce: ShapeRule = (rule) => {
  const data = required(rule, 0);
  const axes = axesOf(rule, 1, data.shape.length);
  const all = axes === null || axes.length === 0;
  if (all && intAttribute(rule.node, 'noop_with_empty_axes', 0) === 1) return [output(data.dtype, data.shape)];
  const keep = intAttribute(rule.node, 'keepdims', 1) === 1;
  const shape = data.shape.flatMap((size, axis) => (all || axes.includes(axis) ? (keep ? [1] : []) : [size]));
  const product = rule.node.opType === 'ReduceProd' && data.values && elementsOf(shape) === 1;
  return [output(data.dtype, shape, product ? [elementsOf(data.values as number[])] : null)];
};

const arg: ShapeRule = (rule) => {
  const data = required(rule, 0);
  const axis = axisOf(rule, intAttribute(rule.node, 'axis', 0), data.shape.length);
  const keep = intAttribute(rule.node, 'keepdims', 1) === 1;
  return [
    output(
      'int64',
      data.shape.flatMap((size, at) => (at === axis ? (keep ? [1] : []) : [size])),
    ),
  ];
};

const sameAs =
  (index: number): ShapeRule =>
  (rule) => [output(required(rule, 0).dtype, required(rule, index).shape)];

/** QLinearConcat: output scale and zero point, then (tensor, scale, zero point) for each part. */
const quantisedConcat: ShapeRule = (rule) => {
  const inputs = rule.inputs.slice(2).filter((_, index) => index % 3 === 0);
  const node = { ...rule.node, inputs: rule.node.inputs.slice(2).filter((_, index) => index % 3 === 0) };
  return concat({ ...rule, node, inputs });
};

export const MOVEMENT_RULES: ShapeRules = {
  Reshape: reshape,
  Flatten: flatten,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Transpose: transpose,
  Concat: concat,
  ...microsoft({ QLinearConcat: quantisedConcat }),
  Slice: slice,
  Split: split,
  Gather: gather,
  GatherElements: sameAs(1),
  GatherND: gatherNd,
  Scatter: sameAs(0),
  ScatterElements: sameAs(0),
  TensorScatter: sameAs(0),
  EyeLike: eyeLike,
  Det: (rule) => [output(required(rule, 0).dtype, required(rule, 0).shape.slice(0, -2))],
  ScatterND: sameAs(0),
  ReverseSequence: sameAs(0),
  Expand: expand,
  Tile: tile,
  Pad: pad,
  Resize: resize,
  Upsample: upsample,
  DepthToSpace: blocks(true),
  SpaceToDepth: blocks(false),
  Shape: shapeOf,
  Size: (rule) => [output('int64', [], [elementsOf(required(rule, 0).shape)])],
  ConstantOfShape: constantOfShape,
  Range: range,
  OneHot: oneHot,
  TopK: topK,
  ArgMax: arg,
  ArgMin: arg,
  ...Object.fromEntries(
    ['Sum', 'Mean', 'Max', 'Min', 'Prod', 'L1', 'L2', 'LogSum', 'LogSumExp', 'SumSquare'].map((name) => [
      `Reduce${name}`,
      reduce,
    ]),
  ),
};
