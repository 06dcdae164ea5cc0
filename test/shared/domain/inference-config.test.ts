import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inferenceConfigKey, inferenceConfigSchema } from '@edgetune/shared/domain/inference-config.ts';
import { checkBounds } from './support/schema-bounds.ts';

const LEAST = { batchSize: 1, threads: 2 };

describe('an inference config', () => {
  it('has defaults for all but batch and threads', () => {
    assert.deepEqual(inferenceConfigSchema.parse(LEAST), {
      batchSize: 1,
      threads: 2,
      clockKHz: null,
      precision: 'float32',
      executionProvider: 'cpu',
      runner: 'onnxruntime-node',
    });
  });

  it('has limits', () => {
    checkBounds(inferenceConfigSchema, LEAST, [
      ['batchSize', [1, 4096], [0, 4097, 1.5]],
      ['threads', [1, 256], [0, 257, 1.5]],
      ['clockKHz', [null, 1], [0, 1.5]],
      ['runner', ['any', '7', 'a.b_c-D', 'a'.repeat(63)], ['', ' a', '-a', 'a b', 'a\nb', 'a'.repeat(64)]],
    ]);
  });

  it('has one key, which tells all of its parts', () => {
    const config = inferenceConfigSchema.parse({ ...LEAST, clockKHz: 1_800_000 });
    assert.equal(inferenceConfigKey(config), 'b1-t2-1800000-float32-cpu-onnxruntime-node');
    assert.equal(inferenceConfigKey({ ...config, clockKHz: null }), 'b1-t2-auto-float32-cpu-onnxruntime-node');
  });
});
