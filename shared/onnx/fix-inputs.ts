/**
 * What the user says of a model's inputs (sizes, which of them is the batch, values) written into the model: whoever runs it
 * then needs to be told nothing but the sizes of named axes, and what is measured is one file with one hash.
 */
import { DTYPE_NAMES, type Dtype } from './dtype.ts';
import { edited, fieldOf, intField, joined, type Pieces, textField } from './edit-message.ts';
import { GIVEN_INPUTS_KEY } from './given-inputs.ts';
import type { OnnxGraph, OnnxValueInfo, SymbolicDimension } from './graph.ts';
import { encodeElements } from './input-values.ts';
import { BATCH, modelSizes, sharedName } from './model-sizes.ts';
import { OnnxError } from './onnx-error.ts';
import { readOnnx } from './read-onnx.ts';
import { decodeMessage } from './wire.ts';

/** A size, or the word that the axis is the batch. */
export type GivenSize = number | typeof BATCH;

export interface InputValue {
  /** Null: a single number for all elements. */
  shape: number[] | null;
  values: readonly number[];
}

export interface GivenInputs {
  /** By name of the axis. Names that the model does not have change nothing. */
  dimensions?: Readonly<Record<string, GivenSize>>;
  /** Whole shapes, by input. */
  shapes?: Readonly<Record<string, readonly GivenSize[]>>;
  /** By input. */
  values?: Readonly<Record<string, InputValue>>;
}

export interface FixedInputs {
  /** The model with what was said; the very same bytes where sizes of named axes say it all. */
  model: Uint8Array;
  graph: OnnxGraph;
  /** Sizes of named axes. */
  dimensions: Record<string, number>;
}

const refuse = (where: string, message: string): never => {
  throw new OnnxError('dynamic-dimension', where, message);
};

/** Collects what axes are, and refuses what contradicts itself. */
class Claims {
  readonly dimensions: Record<string, number> = {};
  /** Names of axes that are the batch by the user's word. */
  readonly batchNames = new Set<string>();
  readonly #said = new Map<string, string>();

  name(name: string, size: GivenSize, where: string): void {
    const before = this.#said.get(name);
    const known = this.batchNames.has(name) ? BATCH : this.dimensions[name];
    if (before !== undefined && known !== size)
      refuse(where, `"${name}" would be ${size}, and ${known} by ${before}: axes of one name are of one size`);
    this.#said.set(name, where);
    if (size === BATCH) this.batchNames.add(name);
    else this.dimensions[name] = size;
  }
}

function inputNamed(graph: OnnxGraph, name: string, flag: string): OnnxValueInfo {
  const found = graph.inputs.find((input) => input.name === name);
  if (found) return found;
  const names = graph.inputs.map((input) => `"${input.name}"`).join(', ');
  throw new OnnxError(
    'dynamic-dimension',
    `${flag} ${name}`,
    `the model has no input of that name; it has ${names || 'none'}`,
  );
}

/** What is written of an axis into the model. Sizes of names are claimed. */
function axisOf(
  claims: Claims,
  given: GivenSize,
  own: SymbolicDimension,
  isBatch: boolean,
  where: string,
): SymbolicDimension {
  if (typeof own === 'number') {
    if (given !== own) refuse(where, `the model fixes it at ${own}: it cannot be ${given}`);
    return own;
  }
  const name = sharedName(own);
  if (name !== null) {
    claims.name(name, given, where);
    return own;
  }
  if (given === BATCH) return BATCH;
  if (!isBatch) return given;
  // The batch keeps its name with its size, so that samples are counted by it.
  claims.name(BATCH, given, where);
  return BATCH;
}

function shapeOf(
  claims: Claims,
  input: OnnxValueInfo,
  given: readonly GivenSize[],
  takesFirst: boolean,
  flag: string,
): SymbolicDimension[] {
  const own = input.shape ?? given.map(() => null);
  if (own.length !== given.length)
    refuse(
      `${flag} ${input.name}`,
      `[${given}] has ${given.length} axes, and the input has ${own.length}: [${own.map((size) => size ?? '?')}]`,
    );
  return own.map((size, axis) =>
    axisOf(claims, given[axis] as GivenSize, size, takesFirst && axis === 0, `${flag} ${input.name}, axis ${axis}`),
  );
}

/** All elements are the one number: of how many there are nothing is guessed. */
function shapeOfNumber({ name, shape }: OnnxValueInfo, given: readonly GivenSize[] | undefined): number[] {
  const sizes = (given ?? shape ?? [null]).map((size) => (typeof size === 'number' ? size : null));
  if (!sizes.includes(null)) return sizes as number[];
  return refuse(
    `--input-value ${name}`,
    `its shape is open: give it, too (--shape ${name}=${sizes.map((size) => size ?? 'SIZE').join(',')}), or values for all of it (--input-data)`,
  );
}

/**
 * @throws {OnnxError} where it is no model; where what is said does not fit it, or contradicts itself, naming input and axis
 */
export function fixInputs(model: Uint8Array, given: GivenInputs): FixedInputs {
  const graph = readOnnx(model);
  const claims = new Claims();
  for (const [name, size] of Object.entries(given.dimensions ?? {})) claims.name(name, size, `--dimension ${name}`);
  const takesFirst = modelSizes(graph).assumptions.length > 0;
  const shapes = new Map<string, SymbolicDimension[]>();
  for (const [name, shape] of Object.entries(given.shapes ?? {})) {
    const input = inputNamed(graph, name, '--shape');
    shapes.set(name, shapeOf(claims, input, shape, takesFirst, '--shape'));
  }
  const values = new Map<string, { dtype: Dtype; dims: number[]; values: readonly number[] }>();
  for (const [name, value] of Object.entries(given.values ?? {})) {
    const input = inputNamed(graph, name, '--input-data');
    const dims = value.shape ?? shapeOfNumber(input, given.shapes?.[name]);
    shapeOf(claims, input, dims, takesFirst, '--input-data');
    const count = dims.reduce((product, size) => product * size, 1);
    const all = value.shape ? value.values : Array.from({ length: count }, () => value.values[0] as number);
    values.set(name, { dtype: input.dtype, dims, values: all });
  }
  const renamed = (size: SymbolicDimension) => (typeof size === 'string' && claims.batchNames.has(size) ? BATCH : size);
  for (const { name, shape } of graph.inputs) {
    const written = (shapes.get(name) ?? shape)?.map(renamed);
    if (written && JSON.stringify(written) !== JSON.stringify(shape)) shapes.set(name, written);
    else shapes.delete(name);
  }
  const names = new Set([BATCH, ...graph.inputs.flatMap(({ shape }) => shape ?? [])]);
  const dimensions = Object.fromEntries(Object.entries(claims.dimensions).filter(([name]) => names.has(name)));
  if (shapes.size === 0 && values.size === 0) return { model, graph, dimensions };
  const fixed = written(model, graph, shapes, values);
  return { model: fixed, graph: readOnnx(fixed), dimensions };
}

const GRAPH = { initializer: 5 } as const;
const VALUE_INFO = { name: 1, type: 2 } as const;
const MODEL = { irVersion: 1, metadata: 14 } as const;
/** From this IR version on an initializer that is an input, too, is a default value; before it is a constant. */
const DEFAULT_VALUES_IR = 4;

function shapePieces(shape: readonly SymbolicDimension[]): Pieces {
  return shape.flatMap((size) =>
    fieldOf(1, typeof size === 'number' ? [intField(1, size)] : size === null ? [] : textField(2, size)),
  );
}

function valueInfoPieces(name: string, dtype: Dtype, shape: readonly SymbolicDimension[]): Pieces {
  const tensor = [intField(1, DTYPE_NAMES.indexOf(dtype)), ...fieldOf(2, shapePieces(shape))];
  return [...textField(VALUE_INFO.name, name), ...fieldOf(VALUE_INFO.type, fieldOf(1, tensor))];
}

function tensorPieces(
  name: string,
  { dtype, dims, values }: { dtype: Dtype; dims: number[]; values: readonly number[] },
): Pieces {
  const raw = encodeElements(name, dtype, dims, values);
  return [
    ...dims.map((size) => intField(1, size)),
    intField(2, DTYPE_NAMES.indexOf(dtype)),
    ...textField(8, name),
    ...fieldOf(9, [raw]),
  ];
}

function written(
  model: Uint8Array,
  graph: OnnxGraph,
  shapes: ReadonlyMap<string, readonly SymbolicDimension[]>,
  values: ReadonlyMap<string, { dtype: Dtype; dims: number[]; values: readonly number[] }>,
): Uint8Array {
  const pieces = edited(model, 'ModelProto', (message, own, path) => {
    // Bodies of control flow have graphs and inputs of their own.
    const isMain = path.filter((each) => each === 'GraphProto').length === (message === 'GraphProto' ? 0 : 1);
    if (message === 'ValueInfoProto' && isMain) {
      const name = decodeMessage(joined(own), 'ValueInfoProto').name as string;
      const input = graph.inputs.find((each) => each.name === name);
      const shape = shapes.get(name) ?? values.get(name)?.dims;
      // Outputs are never named like an input.
      return input && shape ? valueInfoPieces(name, input.dtype, shape) : null;
    }
    if (message === 'GraphProto' && isMain && values.size > 0)
      return [...own, ...[...values].flatMap(([name, value]) => fieldOf(GRAPH.initializer, tensorPieces(name, value)))];
    if (message === 'ModelProto' && values.size > 0) {
      const known = [...textField(1, GIVEN_INPUTS_KEY), ...textField(2, JSON.stringify([...values.keys()]))];
      // Of a field that stands there twice the last one holds.
      return [
        ...own,
        intField(MODEL.irVersion, Math.max(graph.irVersion, DEFAULT_VALUES_IR)),
        ...fieldOf(MODEL.metadata, known),
      ];
    }
    return null;
  });
  return joined(pieces);
}
