/** Operators that read images at places of their own choice, or put patches back together. Data is [samples, channels, …]. */
import { intAttribute, intsAttribute } from '../graph.ts';
import { axisOf, elementsOf, fail, knownValues, output, required, type ShapeRule, type ShapeRules } from './rule.ts';

/** The grid is [samples, …, coordinates]. */
const gridSample: ShapeRule = (rule) => {
  const { dtype, shape } = required(rule, 0);
  const grid = required(rule, 1).shape;
  if (grid.length !== shape.length || grid.at(-1) !== shape.length - 2 || grid[0] !== shape[0])
    fail(rule.node, `data [${shape}] and grid [${grid}] do not fit each other`);
  return [output(dtype, [...shape.slice(0, 2), ...grid.slice(1, -1)])];
};

const affineGrid: ShapeRule = (rule) => {
  const [samples = 0, , ...spatial] = knownValues(rule, 1) ?? [];
  return [output(required(rule, 0).dtype, [samples, ...spatial, spatial.length])];
};

/** Regions are [regions, 4]. */
const roiAlign: ShapeRule = (rule) => {
  const { dtype, shape } = required(rule, 0);
  const size = (name: string) => intAttribute(rule.node, name, 1);
  const regions = required(rule, 1).shape[0] ?? 0;
  return [output(dtype, [regions, shape[1] ?? 0, size('output_height'), size('output_width')])];
};

/** The second axis holds a channel's patch side by side. */
const col2Im: ShapeRule = (rule) => {
  const { dtype, shape } = required(rule, 0);
  const image = knownValues(rule, 1) ?? [];
  const patch = elementsOf(knownValues(rule, 2) ?? []);
  const channels = (shape[1] ?? 0) / patch;
  if (shape.length !== 3 || !Number.isInteger(channels)) fail(rule.node, `[${shape}] in patches of ${patch}`);
  return [output(dtype, [shape[0] as number, channels, ...image])];
};

const centerCropPad: ShapeRule = (rule) => {
  const { dtype, shape } = required(rule, 0);
  const sizes = knownValues(rule, 1) ?? [];
  const given = intsAttribute(rule.node, 'axes') ?? shape.map((_, axis) => axis);
  const axes = given.map((axis) => axisOf(rule, axis, shape.length));
  if (sizes.length !== axes.length) fail(rule.node, `sizes [${sizes}] for axes [${axes}] of a tensor [${shape}]`);
  const wanted = new Map(axes.map((axis, index) => [axis, sizes[index] as number]));
  return [
    output(
      dtype,
      shape.map((size, axis) => wanted.get(axis) ?? size),
    ),
  ];
};

const maxUnpool: ShapeRule = (rule) => {
  const { node } = rule;
  const { dtype, shape } = required(rule, 0);
  const given = knownValues(rule, 2);
  if (given) return [output(dtype, given)];
  const kernel = intsAttribute(node, 'kernel_shape') ?? [];
  const pads = intsAttribute(node, 'pads');
  if (kernel.length !== shape.length - 2) fail(node, `kernel_shape [${kernel}] on data [${shape}]`);
  const spatial = kernel.map((size, axis) => {
    const stride = intsAttribute(node, 'strides')?.[axis] ?? 1;
    const padding = (pads?.[axis] ?? 0) + (pads?.[axis + kernel.length] ?? 0);
    return ((shape[axis + 2] as number) - 1) * stride + size - padding;
  });
  return [output(dtype, [...shape.slice(0, 2), ...spatial])];
};

export const SAMPLING_RULES: ShapeRules = {
  GridSample: gridSample,
  AffineGrid: affineGrid,
  RoiAlign: roiAlign,
  Col2Im: col2Im,
  CenterCropPad: centerCropPad,
  MaxUnpool: maxUnpool,
};
