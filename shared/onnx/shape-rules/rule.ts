/** What a shape rule sees of a node, and what it answers. By now every size is a number. */
import type { Dtype } from '../dtype.ts';
import { type OnnxGraph, type OnnxNode, opsetOf } from '../graph.ts';
import { OnnxError } from '../onnx-error.ts';

export interface Value {
  dtype: Dtype;
  shape: number[];
  /** The elements, where they are known before the model runs and are few (shapes, axes, scales); else null. */
  values: number[] | null;
  /** Made of initializers only: a runtime folds it before the first run. */
  constant: boolean;
  /** The shape is the largest that it can be: which one it is depends on the data. */
  atMost?: boolean;
}

export interface RuleInput {
  node: OnnxNode;
  /** Null: an optional input that is left out. */
  inputs: (Value | null)[];
  opset: number;
}

/** What a shape rule sees of a node, by the values that there are so far. */
export function ruleInput(graph: OnnxGraph, node: OnnxNode, values: ReadonlyMap<string, Value>): RuleInput {
  const inputs = node.inputs.map((name) => (name === '' ? null : (values.get(name) ?? null)));
  return { node, inputs, opset: opsetOf(graph) };
}

/** Shapes (and small known values) of a node's outputs; `constant` is filled in by the caller. */
export type ShapeRule = (input: RuleInput) => Omit<Value, 'constant'>[];
export type ShapeRules = Readonly<Record<string, ShapeRule>>;

/** Under which name an operator's rule is kept: its own, behind its domain where that is not ONNX's. */
export function ruleName({ domain, opType }: Pick<OnnxNode, 'domain' | 'opType'>): string {
  return domain === '' ? opType : `${domain}::${opType}`;
}

/** What is kept of ONNX Runtime's own operators, by `ruleName`. */
export function microsoft<T>(rules: Readonly<Record<string, T>>): Readonly<Record<string, T>> {
  return Object.fromEntries(
    Object.entries(rules).map(([opType, rule]) => [ruleName({ domain: 'com.microsoft', opType }), rule]),
  );
}

/** More elements than this are data, not shapes: they are not followed. */
export const MAX_KNOWN_VALUES = 4096;

export function elementsOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

export function fail(node: OnnxNode, message: string): never {
  throw new OnnxError('invalid-shape', `node "${node.name}" (${node.opType})`, message);
}

/** @throws {OnnxError} where the input is missing */
export function required(rule: RuleInput, index: number): Value {
  return rule.inputs[index] ?? fail(rule.node, `input ${index} is missing`);
}

/** An attribute without which the operator means nothing. @throws {OnnxError} where it is missing */
export function requiredInt(node: OnnxNode, name: string): number {
  return node.attributes.get(name)?.i ?? fail(node, `its attribute "${name}" is missing`);
}

/** Known elements of an input, or null where the input is left out. @throws {OnnxError} where they are not known */
export function knownValues(rule: RuleInput, index: number): number[] | null {
  const input = rule.inputs[index];
  if (!input) return null;
  return (
    input.values ??
    fail(
      rule.node,
      `input "${rule.node.inputs[index]}" decides a shape but depends on the data; a simulated board cannot size it`,
    )
  );
}

/** Sizes as a shape. @throws {OnnxError} where one of them is no size, or all together are too many elements to count */
export function shapeFrom(node: OnnxNode, sizes: number[]): number[] {
  if (sizes.some((size) => !Number.isSafeInteger(size) || size < 0) || !Number.isSafeInteger(elementsOf(sizes)))
    fail(node, `its output would be [${sizes}]`);
  return sizes;
}

/** All places of a shape, an index for each axis, in the order in which elements are stored. */
function placesOf(shape: readonly number[]): number[][] {
  return Array.from({ length: elementsOf(shape) }, (_, flat) => {
    const place = shape.map(() => 0);
    let rest = flat;
    for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
      place[axis] = rest % (shape[axis] as number);
      rest = Math.floor(rest / (shape[axis] as number));
    }
    return place;
  });
}

/** The element of a known value at a place. */
export function elementAt({ values, shape }: Value, place: readonly number[]): number {
  return (values as number[])[place.reduce((flat, at, axis) => flat * (shape[axis] as number) + at, 0)] as number;
}

/**
 * The elements of a new shape that is put together from those of known values; null where some are not known, or they
 * are too many to be followed. `sourceOf`: from which value, and from which of its places, the element at a place comes.
 */
export function arranged(
  values: readonly Value[],
  shape: readonly number[],
  sourceOf: (place: number[]) => readonly [which: number, place: readonly number[]],
): number[] | null {
  if (elementsOf(shape) > MAX_KNOWN_VALUES || values.some((value) => value.values === null)) return null;
  return placesOf(shape).map((place) => {
    const [which, source] = sourceOf(place);
    return elementAt(values[which] as Value, source);
  });
}

/** Turns a negative axis into the one that it stands for. @throws {OnnxError} where there is no such axis */
export function axisOf(rule: RuleInput, axis: number, rank: number): number {
  const positive = axis < 0 ? axis + rank : axis;
  if (positive < 0 || positive >= Math.max(1, rank)) fail(rule.node, `axis ${axis} of a tensor with ${rank} axes`);
  return positive;
}

export function output(dtype: Dtype, shape: number[], values: number[] | null = null): Omit<Value, 'constant'> {
  return { dtype, shape, values };
}

export function broadcastShapes(rule: RuleInput, shapes: readonly number[][]): number[] {
  const rank = Math.max(0, ...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, axis) => {
    let size = 1;
    for (const shape of shapes) {
      const own = shape[axis - rank + shape.length] ?? 1;
      if (own === 1 || own === size) continue;
      if (size !== 1) fail(rule.node, `shapes ${shapes.map((each) => `[${each}]`).join(' and ')} do not broadcast`);
      size = own;
    }
    return size;
  });
}
