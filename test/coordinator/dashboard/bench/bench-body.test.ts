/** What the form of a bench sends. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type BenchModel, benchRequestSchema } from '@edgetune/shared/protocol/bench.ts';
import { benchBody, chosenDevices } from '../../../../coordinator/dashboard/bench/bench-body.ts';

const model: BenchModel & { name: string } = {
  ...{ name: 'net.onnx', modelSha256: 'a'.repeat(64), modelBytes: 10, inputs: [] },
  ...{ fixedBatch: null, precision: 'float32', openDimensions: ['tokens'], unnamedInputs: [], assumptions: [] },
};
const fields = {
  devices: ['pi', 'gone'],
  scenario: { kind: 'single-stream' },
  batchSizes: [2, 4],
  precisions: ['float32', 'int8'],
  dimensions: { tokens: 16, pixels: 9 },
  threads: [1],
};

it('what the form shows is sent', () => {
  assert.deepEqual(benchBody(fields, model, ['pi', 'orin']), {
    ...{ devices: ['pi'], scenario: { kind: 'single-stream' }, threads: [1] },
    ...{ batchSizes: [2, 4], precisions: ['float32', 'int8'], dimensions: { tokens: 16 } },
    ...{ modelName: 'net.onnx', modelSha256: model.modelSha256 },
  });
});

it('a shape is sent as it is written, of the inputs that have to be given one', () => {
  const asking = { ...model, unnamedInputs: ['x', 'mask'] };
  const written = { ...fields, shapes: { x: 'batch, 3,48 192', gone: '1' } };
  assert.deepEqual(benchBody(written, asking, ['pi']).shapes, { x: ['batch', 3, 48, 192] });
  // What is neither a size nor the batch is refused where all is parsed.
  const wrong = benchBody({ ...fields, shapes: { x: '1,-3,w' } }, asking, ['pi']);
  assert.deepEqual(wrong.shapes, { x: [1, '-3', 'w'] });
  assert.ok(!benchRequestSchema.safeParse(wrong).success);
  assert.ok(!('shapes' in benchBody(written, model, ['pi'])));
});

it('what it has shown for another model or fleet is not', () => {
  const fixed = { ...model, fixedBatch: 1, precision: 'int8' as const, openDimensions: ['frames'] };
  const body = benchBody(fields, fixed, ['orin']);
  assert.deepEqual([body.devices, body.dimensions], [[], {}]);
  assert.ok(!('batchSizes' in body) && !('precisions' in body));
  assert.deepEqual(chosenDevices(fields, ['orin', 'pi']), ['pi']);
  assert.deepEqual(chosenDevices({ devices: null }, ['pi']), []);
});
