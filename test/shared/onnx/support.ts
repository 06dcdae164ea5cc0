/** What several tests of the reader share. */
import assert from 'node:assert/strict';
import { OnnxError, type OnnxErrorCode } from '@edgetune/shared/onnx/onnx-error.ts';
import type { NodeSpec } from '../../support/onnx-builder.ts';

/** A node of a model file; its name is that of its first output. */
export function node(
  opType: string,
  inputs: string[],
  outputs: string | string[],
  rest: Partial<NodeSpec> = {},
): NodeSpec {
  const names = typeof outputs === 'string' ? [outputs] : outputs;
  return { opType, inputs, outputs: names, name: names.find((name) => name !== '') ?? '', ...rest };
}

/** Asserts that something is not refused, and hands on what it gives back. */
export function accepted<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    return assert.fail(`it was refused: ${(error as Error).stack}`);
  }
}

/** Asserts that something is refused, by code and in words. */
export function refused(code: OnnxErrorCode, message: RegExp, run: () => unknown): void {
  assert.throws(run, (error: Error) => {
    assert.ok(error instanceof OnnxError, `${error.stack}`);
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    return true;
  });
}
