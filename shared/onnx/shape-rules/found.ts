/** Operators that find: how much depends on the data, and their shapes are the largest that they can be. */
import { axisOf, elementsOf, output, required, type ShapeRule, type ShapeRules } from './rule.ts';

const atMost = (...made: Parameters<typeof output>) => ({ ...output(...made), atMost: true });

/** Boxes are [samples, boxes, 4], scores [samples, classes, boxes]; without a limit none is kept. */
const nonMaxSuppression: ShapeRule = (rule) => {
  const [samples = 0, classes = 0, boxes = 0] = required(rule, 1).shape;
  const limit = rule.inputs[2] ? (rule.inputs[2].values?.[0] ?? boxes) : 0;
  return [atMost('int64', [samples * classes * Math.min(limit, boxes), 3])];
};

const nonZero: ShapeRule = (rule) => {
  const { shape } = required(rule, 0);
  return [atMost('int64', [shape.length, elementsOf(shape)])];
};

/** Without an axis the data are taken as one. */
const compress: ShapeRule = (rule) => {
  const { dtype, shape } = required(rule, 0);
  const condition = required(rule, 1);
  const given = rule.node.attributes.get('axis')?.i ?? null;
  const axis = given === null ? null : axisOf(rule, given, shape.length);
  const count = axis === null ? elementsOf(shape) : (shape[axis] as number);
  const looked = Math.min(count, condition.shape[0] ?? 0);
  const kept = condition.values?.slice(0, looked).filter((value) => value !== 0).length;
  const result = (size: number) => (axis === null ? [size] : shape.with(axis, size));
  return [kept === undefined ? atMost(dtype, result(looked)) : output(dtype, result(kept))];
};

const unique: ShapeRule = (rule) => {
  const { dtype, shape } = required(rule, 0);
  const axis = rule.node.attributes.get('axis')?.i ?? null;
  const count = axis === null ? elementsOf(shape) : (shape[axisOf(rule, axis, shape.length)] as number);
  return [
    atMost(dtype, axis === null ? [count] : shape),
    atMost('int64', [count]),
    output('int64', [count]),
    atMost('int64', [count]),
  ];
};

/** Counts of the n-grams of a pool: as many as the largest of their places says. */
const tfIdf: ShapeRule = (rule) => {
  const places = rule.node.attributes.get('ngram_indexes')?.ints ?? [];
  return [output('float32', [...required(rule, 0).shape.slice(0, -1), Math.max(-1, ...places) + 1])];
};

export const FOUND_RULES: ShapeRules = {
  NonMaxSuppression: nonMaxSuppression,
  NonZero: nonZero,
  Compress: compress,
  Unique: unique,
  TfIdfVectorizer: tfIdf,
};
