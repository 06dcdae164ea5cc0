/** Models that somebody broke: each is read, or refused by name, and never ends in an error of the language. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { analyseModel } from '@edgetune/shared/onnx/analyse.ts';
import { OnnxError } from '@edgetune/shared/onnx/onnx-error.ts';
import { SHAPE_RULES } from '@edgetune/shared/onnx/shape-rules/all.ts';
import { ruleName, type ShapeRule } from '@edgetune/shared/onnx/shape-rules/rule.ts';
import fc from 'fast-check';
import { type AttributeValue, data, list, modelOf, type Operand, type OperatorCase, scalar } from './operator-case.ts';
import { OPERATOR_TABLE, titleOf } from './table.ts';

function readOrRefused(bytes: Uint8Array, title: string): void {
  try {
    analyseModel(bytes, { batchSize: 1 });
  } catch (error) {
    assert.ok(error instanceof OnnxError, `${title}: ${(error as Error).stack}`);
  }
}

it('models of the table with bytes changed or cut off', () => {
  const edit = fc.tuple(fc.double({ min: 0, max: 0.999, noNaN: true }), fc.nat(255));
  fc.assert(
    fc.property(
      fc.constantFrom(...OPERATOR_TABLE),
      fc.array(edit, { minLength: 1, maxLength: 4 }),
      fc.option(fc.double({ min: 0.5, max: 1, noNaN: true }), { freq: 4 }),
      (row, edits, cut) => {
        const bytes = Uint8Array.from(modelOf(row));
        for (const [place, value] of edits) bytes[Math.floor(place * bytes.length)] = value;
        readOrRefused(cut === null ? bytes : bytes.subarray(0, Math.ceil(cut * bytes.length)), titleOf(row));
      },
    ),
    { numRuns: 1000 },
  );
});

const OTHER_INPUTS: readonly (Operand | null)[] = [
  null,
  data([]),
  data([2, 3, 4, 5, 6]),
  data([0, 0]),
  scalar(2.5),
  list([]),
  list([-1, -7]),
  list([2 ** 40, 2 ** 40]),
  list([0.5, 0, 1], 'float32'),
];
const OTHER_ATTRIBUTES: readonly AttributeValue[] = [-9, 0, 1, 99, 2 ** 40, [], [-1], [0, 0, 0, 0, 0, 0], 'text'];

/** A row with one input or one attribute as something else, or with outputs that it has not. */
function* variantsOf(row: OperatorCase): Iterable<OperatorCase> {
  for (const index of row.inputs.keys()) {
    for (const other of OTHER_INPUTS) yield { ...row, inputs: row.inputs.with(index, other) };
    yield { ...row, inputs: row.inputs.slice(0, index) };
  }
  for (const name of Object.keys(row.attributes ?? {}))
    for (const other of OTHER_ATTRIBUTES) yield { ...row, attributes: { ...row.attributes, [name]: other } };
  yield { ...row, outputs: [false, true, true, true, true, true, true] };
  yield { ...row, outputs: [] };
}

/** One row of each rule for each choice of inputs and attributes: whatever their sizes, they are broken alike. */
function kindsOfRows(): readonly OperatorCase[] {
  const rules = [...new Set(Object.values(SHAPE_RULES))];
  const kinds = new Map<string, OperatorCase>();
  for (const row of OPERATOR_TABLE) {
    const inputs = row.inputs.map((input) => input?.isInitializer);
    const rule = rules.indexOf(SHAPE_RULES[ruleName({ domain: row.domain ?? '', opType: row.op })] as ShapeRule);
    const key = JSON.stringify([rule, inputs, Object.keys(row.attributes ?? {})]);
    if (!kinds.has(key)) kinds.set(key, row);
  }
  return [...kinds.values()];
}

it('models of the table with inputs, attributes and outputs that do not belong there', () => {
  for (const row of kindsOfRows())
    for (const variant of variantsOf(row)) {
      const inputs = variant.inputs.map((input) => (input ? `${input.dtype}[${input.shape}]` : null));
      readOrRefused(modelOf(variant), `${titleOf(row)}: ${JSON.stringify([inputs, variant.attributes])}`);
    }
});
