/** Operators that cannot be sized: the reader names the node and what is wrong, and refuses nothing that runs. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inferShapes } from '@edgetune/shared/onnx/infer-shapes.ts';
import { OnnxError } from '@edgetune/shared/onnx/onnx-error.ts';
import { readOnnx } from '@edgetune/shared/onnx/read-onnx.ts';
import { runInOnnxRuntime } from './onnx-runtime.ts';
import { modelOf } from './operator-case.ts';
import { OF_THE_DATA, REFUSALS, type Refusal } from './refusals.ts';
import { titleOf } from './table.ts';

function checkRefused(row: Refusal): void {
  const title = titleOf(row);
  assert.throws(
    () => inferShapes(readOnnx(modelOf(row)), { batchSize: 1 }),
    (error: Error) => {
      assert.ok(error instanceof OnnxError, `${title}: ${error.stack}`);
      assert.equal(error.code, 'invalid-shape', title);
      assert.equal(error.where, `node "${row.op}#0" (${row.op})`, title);
      assert.match(error.message, row.says, title);
      return true;
    },
    title,
  );
}

describe('models of one operator that cannot be', () => {
  for (const row of REFUSALS)
    it(`${titleOf(row)}: refused by the reader, and by ONNX Runtime`, async () => {
      checkRefused(row);
      if (!row.endsTheProcess) await assert.rejects(runInOnnxRuntime(row), `${titleOf(row)}: ONNX Runtime runs it`);
    });
});

describe('shapes that depend on the data', () => {
  for (const row of OF_THE_DATA)
    it(`${titleOf(row)}: refused, although ONNX Runtime runs it`, async () => {
      checkRefused(row);
      await assert.doesNotReject(runInOnnxRuntime(row), `${titleOf(row)}: ONNX Runtime refuses it`);
    });
});
