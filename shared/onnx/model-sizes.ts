/**
 * Which sizes a model leaves to its caller, and which of them is the batch. Exporters leave axes open with a name of the author's
 * ("tokens"), with one of their own making ("unk__12", "?") or with none.
 */
import type { OnnxValueInfo, SymbolicDimension } from './graph.ts';
import { OnnxError } from './onnx-error.ts';

/** An input as a graph or a runtime describes it. */
export type DescribedInput = Pick<OnnxValueInfo, 'name' | 'shape'>;

export interface Sizes {
  /** Size of every axis that is the batch. */
  batchSize: number;
  /** Sizes of named axes; one that names the batch fixes it. */
  dimensions?: Readonly<Record<string, number>>;
}

export interface ModelSizes {
  /** The only batch size that the graph can run; null: any. */
  fixedBatch: number | null;
  /** Names of open axes other than the batch, in order of appearance. */
  openDimensions: string[];
  /** Inputs with open axes that have no name: their whole shape has to be given. */
  unnamedInputs: string[];
  /** What is taken for granted of the sizes, in words. */
  assumptions: string[];
}

/** What `--shape` and `--dimension` call the batch, and what axes are called that they make the batch. */
export const BATCH = 'batch';

/** Words that may stand beside "batch" in the name of an axis that is the batch. */
const BATCH_WORDS = /^(batch(es|size|dim)?|bs|nbatch(es)?)$/;
const WORDS_BESIDE = /^(batch|size|sizes|dim|dimension|axis|num|number|of|n|count|dynamic|input)$/;

/**
 * Whether an axis is the batch by its name: batch, batch_size, batchSize, Batch, batch_dim, n_batch, num_batches, bs … A name
 * that says more than that ("batch * heads", "batch_beams") is another size, and so is "N".
 */
export function isBatchName(name: string): boolean {
  if (/[^\w\s.-]/.test(name)) return false;
  const words = name
    .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '');
  return (
    words.some((word) => BATCH_WORDS.test(word)) &&
    words.every((word) => BATCH_WORDS.test(word) || WORDS_BESIDE.test(word))
  );
}

/** Names that exporters make where the author has said none: Paddle's "?", tf2onnx's "unk__12", Python's None. */
const NO_NAME = /^(\?|unk__\d+|None|-1|)$/;

/** A name that its author has given; null: the axis has none. */
function ownName(size: SymbolicDimension): string | null {
  return typeof size === 'string' && !NO_NAME.test(size) ? size : null;
}

/** Exporters number their names: each of those is another axis. All others of one name are of one size. */
export function sharedName(size: SymbolicDimension): string | null {
  return typeof size === 'string' && (!NO_NAME.test(size) || size.startsWith('unk__')) ? size : null;
}

/** Runtimes say an unnamed axis as an empty name or a size below 0. A size of 0 is a size. */
function isOpen(size: SymbolicDimension): boolean {
  return typeof size !== 'number' || size < 0;
}

type AxisKind = 'fixed' | 'given' | 'batch' | 'named' | 'unnamed';

/**
 * Tells what axes are. The batch is what the model calls so, on all inputs together; where it calls nothing so, the first axis,
 * if it is open and unnamed on every input that has axes.
 */
function axisTeller(inputs: readonly DescribedInput[], dimensions: Readonly<Record<string, number>>) {
  const given = (size: SymbolicDimension) => typeof size === 'string' && Object.hasOwn(dimensions, size);
  const all = inputs.flatMap(({ shape }) => shape ?? []);
  const isNamed = all.some((size) => typeof size === 'string' && isBatchName(size));
  const withAxes = inputs.filter(({ shape }) => shape === null || shape.length > 0);
  const isAssumed =
    !isNamed &&
    withAxes.length > 0 &&
    withAxes.every(({ shape }) => {
      const first = shape?.[0];
      return first !== undefined && isOpen(first) && ownName(first) === null && !given(first);
    });
  const kindOf = (size: SymbolicDimension, axis: number): AxisKind => {
    if (!isOpen(size)) return 'fixed';
    if (given(size)) return 'given';
    if ((typeof size === 'string' && isBatchName(size)) || (isAssumed && axis === 0)) return 'batch';
    return sharedName(size) === null ? 'unnamed' : 'named';
  };
  return { kindOf, isAssumed };
}

/** The batch that the user has given a size: by the name that the model has for it. */
function givenBatch(dimensions: Readonly<Record<string, number>>): number | null {
  const sizes = Object.entries(dimensions).filter(([name]) => isBatchName(name));
  const [first, ...others] = sizes;
  const other = others.find(([, size]) => size !== first?.[1]);
  if (first && other)
    throw new OnnxError(
      'dynamic-dimension',
      'inputs',
      `"${first[0]}" is ${first[1]} and "${other[0]}" is ${other[1]}: both are the batch, and have to be of one size`,
    );
  return first?.[1] ?? null;
}

/**
 * What has to be said of a model before it can run. A graph that leaves no batch open runs one batch only: the one that the user
 * has given it; the first axis where all inputs and outputs agree on it; else a single sample.
 */
export function modelSizes(
  { inputs, outputs }: { inputs: readonly DescribedInput[]; outputs: readonly Pick<OnnxValueInfo, 'shape'>[] },
  dimensions: Readonly<Record<string, number>> = {},
): ModelSizes {
  const { kindOf, isAssumed } = axisTeller(inputs, dimensions);
  const axes = inputs.flatMap(({ name, shape }) =>
    (shape ?? []).map((size, axis) => ({ name, size, kind: kindOf(size, axis) })),
  );
  const of = (kind: AxisKind) => axes.filter((each) => each.kind === kind);
  const openDimensions = [...new Set(of('named').map(({ size }) => size as string))];
  const isUnsized = ({ name, shape }: DescribedInput) =>
    shape === null || of('unnamed').some((each) => each.name === name);
  const unnamedInputs = inputs.filter(isUnsized).map(({ name }) => name);
  const assumptions = isAssumed
    ? [`the first axis of ${list(inputs.filter(({ shape }) => shape?.length))} has no name: it is taken for the batch`]
    : [];
  const sizes = { openDimensions, unnamedInputs, assumptions };
  if (of('batch').length > 0) return { fixedBatch: null, ...sizes };
  const known = givenBatch(dimensions);
  if (known !== null) return { fixedBatch: known, ...sizes };
  const firsts = [...inputs, ...outputs].flatMap(({ shape }) => (shape && shape.length > 0 ? [shape[0]] : []));
  const all = firsts.map((size) => (typeof size === 'string' ? (dimensions[size] ?? size) : size));
  const [first] = all;
  const isAgreed = typeof first === 'number' && first > 0 && all.every((size) => size === first);
  return { fixedBatch: isAgreed ? first : 1, ...sizes };
}

function list(inputs: readonly DescribedInput[]): string {
  return inputs.map(({ name }) => `"${name}"`).join(', ');
}

/** The flag that gives a shape, as far as it is known. */
function shapeFlag(
  { name, shape }: DescribedInput,
  kindOf: (size: SymbolicDimension, axis: number) => AxisKind,
): string {
  const sizes = (shape ?? []).map((size, axis) => {
    const kind = kindOf(size, axis);
    return kind === 'batch' ? BATCH : kind === 'fixed' ? size : 'SIZE';
  });
  return `--shape ${name}=${sizes.join(',')}`;
}

/**
 * Shapes of inputs with every open size replaced; by the same rule on the coordinator and on boards.
 * @throws {OnnxError} `dynamic-dimension` for a size that nobody gave; `fixed-batch` where the model's batch is another
 */
export function sizedShapes(
  inputs: readonly DescribedInput[],
  { batchSize, dimensions = {} }: Sizes,
): Map<string, number[]> {
  const { kindOf } = axisTeller(inputs, dimensions);
  const shapes = new Map<string, number[]>();
  const known = givenBatch(dimensions);
  let isBatchOpen = inputs.length === 0 && known === null;
  for (const input of inputs) {
    const { name, shape } = input;
    if (!shape)
      throw new OnnxError(
        'dynamic-dimension',
        `input "${name}"`,
        `the model does not say its rank: give its shape (--shape ${name}=SIZE,SIZE)`,
      );
    const sized = shape.map((size, axis) => {
      const kind = kindOf(size, axis);
      if (kind === 'fixed') return size as number;
      if (kind === 'given') return dimensions[size as string] as number;
      if (kind === 'batch') {
        isBatchOpen = true;
        return batchSize;
      }
      throw new OnnxError(
        'dynamic-dimension',
        `input "${name}", axis ${axis}`,
        kind === 'named'
          ? `give a size for "${size}" (for example --dimension ${size}=128; --dimension ${size}=${BATCH} if it is the batch)`
          : `its size is open and unnamed: give the whole shape (${shapeFlag(input, kindOf)}, with a number for each SIZE)`,
      );
    });
    shapes.set(name, sized);
  }
  const fixed = known ?? inputs[0]?.shape?.[0] ?? 1;
  if (!isBatchOpen && batchSize !== 1 && fixed !== batchSize)
    throw new OnnxError(
      'fixed-batch',
      `input "${inputs[0]?.name}"`,
      `the model's batch is fixed at ${fixed}; it cannot run with ${batchSize} (export it with a dynamic batch)`,
    );
  return shapes;
}
