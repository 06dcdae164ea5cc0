/** Every operator that the reader sizes, row by row: against ONNX Runtime, and against numbers worked out by hand. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { analyseGraph } from '@edgetune/shared/onnx/analyse.ts';
import type { OnnxGraph } from '@edgetune/shared/onnx/graph.ts';
import { inferShapes } from '@edgetune/shared/onnx/infer-shapes.ts';
import { readOnnx } from '@edgetune/shared/onnx/read-onnx.ts';
import { SHAPE_RULES } from '@edgetune/shared/onnx/shape-rules/all.ts';
import { MAX_KNOWN_VALUES, type Value } from '@edgetune/shared/onnx/shape-rules/rule.ts';
import { runInOnnxRuntime } from './onnx-runtime.ts';
import { modelOf, type OperatorCase, outputName } from './operator-case.ts';
import { rowsByOperator, titleOf } from './table.ts';

const SIZES = { batchSize: 1 };

/** Operators with which graphs compute shapes: of small constants their elements have to be known. */
const FOLLOWED = new Set(
  (
    'Constant Shape Size Add Sub Mul Div Mod Pow Min Max Sum Equal Less LessOrEqual Greater GreaterOrEqual And Or Xor Where ' +
    'Not Neg Abs Floor Ceil Sqrt Reciprocal Identity Cast CastLike Reshape Squeeze Unsqueeze Transpose Concat Slice Split ' +
    'Gather Expand ConstantOfShape Range ReduceProd'
  ).split(' '),
);

const askedOutputs = ({ outputs = [true] }: OperatorCase) =>
  outputs.flatMap((isAsked, index) => (isAsked ? [outputName(index)] : []));

/** What the reader makes of a row. */
function read<T>(row: OperatorCase, reading: (graph: OnnxGraph) => T): T {
  try {
    return reading(readOnnx(modelOf(row)));
  } catch (error) {
    return assert.fail(`${titleOf(row)}: ${(error as Error).stack}`);
  }
}

function inferred(row: OperatorCase): readonly (readonly [string, Value])[] {
  const values = read(row, (graph) => inferShapes(graph, SIZES));
  return askedOutputs(row).map((name) => [name, values.get(name) as Value]);
}

function elementsAgree(known: readonly number[], computed: readonly number[]): boolean {
  return (
    known.length === computed.length &&
    known.every((value, index) => {
      const other = computed[index] as number;
      return Object.is(value + 0, other + 0) || Math.abs(value - other) <= 1e-6 * Math.abs(other);
    })
  );
}

/** Whether every input that decides the elements is small, and known before the model runs. */
const isOfSmallConstants = ({ op, inputs }: OperatorCase) =>
  op === 'Shape' ||
  op === 'Size' ||
  (op === 'CastLike' ? inputs.slice(0, 1) : inputs).every((operand) => operand === null || operand.isInitializer);

async function checkAgainstOnnxRuntime(row: OperatorCase): Promise<void> {
  const title = titleOf(row);
  const values = inferred(row);
  const described = values.map(([, { dtype, shape }]) => [dtype, shape] as const);
  if (row.byHand) {
    await assert.rejects(runInOnnxRuntime(row), `${title}: ONNX Runtime runs it now`);
    assert.deepEqual(described, row.byHand.outputs, title);
    return;
  }
  const computed = await runInOnnxRuntime(row);
  assert.deepEqual(
    described,
    values.map(([name]) => {
      const tensor = computed.get(name);
      return [tensor?.type, tensor?.dims];
    }),
    title,
  );
  for (const [name, value] of values) {
    const elements = Array.from(computed.get(name)?.data as Float32Array, Number);
    const mustBeKnown = FOLLOWED.has(row.op) && isOfSmallConstants(row) && elements.length <= MAX_KNOWN_VALUES;
    if (mustBeKnown) assert.notEqual(value.values, null, `${title}: the elements of ${name} are known`);
    if (elements.length > MAX_KNOWN_VALUES) assert.equal(value.values, null, `${title}: too many to be followed`);
    if (value.values)
      assert.ok(elementsAgree(value.values, elements), `${title}: ${name} is [${elements}], not [${value.values}]`);
  }
}

function checkByHand(row: OperatorCase): void {
  const title = titleOf(row);
  const { kernels, macs, weightBytes, peakActivationBytes } = read(row, (graph) => analyseGraph(graph, SIZES));
  const isFolded =
    row.op !== 'DequantizeLinear' && row.inputs.every((operand) => operand === null || operand.isInitializer);
  assert.deepEqual(
    kernels.map(({ kind }) => kind),
    row.kind === 'none' || isFolded ? [] : [row.kind],
    `${title}: kernels`,
  );
  assert.equal(macs, row.macs ?? 0, `${title}: MACs`);
  if (row.weightBytes !== undefined) assert.equal(weightBytes, row.weightBytes, `${title}: bytes of weights`);
  if (row.peakBytes !== undefined) assert.equal(peakActivationBytes, row.peakBytes, `${title}: bytes of activations`);
}

describe('operators, each in a model of its own', () => {
  for (const [operator, cases] of rowsByOperator()) {
    it(`${operator}: shapes, types and known elements are what ONNX Runtime computes`, async () => {
      for (const row of cases) await checkAgainstOnnxRuntime(row);
    });
    it(`${operator}: kernel, MACs and bytes are those worked out by hand`, () => {
      for (const row of cases) checkByHand(row);
    });
  }
});

it('every operator that the reader sizes has rows, and no row is of another operator', () => {
  assert.deepEqual([...rowsByOperator().keys()].sort(), Object.keys(SHAPE_RULES).sort());
});

it('rows have titles of their own', () => {
  const titles = [...rowsByOperator().values()].flat().map(titleOf);
  assert.deepEqual(
    titles.filter((title, index) => titles.indexOf(title) !== index),
    [],
  );
});

/** Attributes that a rule looks at on behalf of another operator: this one has none of that name. */
const OF_OTHERS = [
  'DeformConv.auto_pad',
  'com.microsoft::DynamicQuantizeLSTM.layout',
  'com.microsoft::QLinearAveragePool.dilations',
  'com.microsoft::QuantizeLinear.output_dtype',
];

/** Attributes that note which names were asked for. */
class NotedAttributes<T> extends Map<string, T> {
  /** Whether it was ever there, by operator and name. */
  static readonly asked = new Map<string, boolean>();
  #operator = '';

  static of<T>(operator: string, attributes: ReadonlyMap<string, T>): NotedAttributes<T> {
    const noted = new NotedAttributes(attributes);
    noted.#operator = operator;
    return noted;
  }

  override get(name: string): T | undefined {
    const key = `${this.#operator}.${name}`;
    NotedAttributes.asked.set(key, NotedAttributes.asked.get(key) || this.has(name));
    return super.get(name);
  }
}

it('every attribute that the reader looks at is set by a row', () => {
  for (const [operator, cases] of rowsByOperator())
    for (const row of cases) {
      const graph = readOnnx(modelOf(row));
      const nodes = graph.nodes.map((node) => ({ ...node, attributes: NotedAttributes.of(operator, node.attributes) }));
      analyseGraph({ ...graph, nodes }, SIZES);
    }
  const never = [...NotedAttributes.asked].filter(([, isSet]) => !isSet).map(([name]) => name);
  assert.deepEqual(never.sort(), OF_OTHERS);
});
