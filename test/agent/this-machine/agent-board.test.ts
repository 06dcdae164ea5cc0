/** A config and the graph that comes with it have to agree, on a real board and on a simulated one. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Precision } from '@edgetune/shared/domain/inference-config.ts';
import { measureRequestSchema } from '@edgetune/shared/protocol/job.ts';
import { RejectedError } from '../../../agent/rejected-error.ts';
import { simulatedBoard } from '../../../agent/simulated/simulated-agent-board.ts';
import { type AgentBoard, thisMachine } from '../../../agent/this-machine/agent-board.ts';
import { buildOnnx } from '../../support/onnx-builder.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const float = buildOnnx({
  inputs: [{ name: 'x', shape: ['batch', 4] }],
  outputs: ['y'],
  initializers: [{ name: 'w', dims: [4, 4] }],
  nodes: [{ opType: 'MatMul', inputs: ['x', 'w'], outputs: ['y'] }],
});
const int8 = buildOnnx({
  inputs: [{ name: 'x', shape: ['batch', 4] }],
  outputs: ['y'],
  initializers: [
    { name: 's', dims: [] },
    { name: 'z', dims: [], dataType: 2 },
  ],
  nodes: [
    { opType: 'QuantizeLinear', inputs: ['x', 's', 'z'], outputs: ['q'] },
    { opType: 'DequantizeLinear', inputs: ['q', 's', 'z'], outputs: ['y'] },
  ],
});

const boards: Record<string, () => AgentBoard> = {
  'this machine': () => thisMachine(),
  'a simulated board': () => simulatedBoard({ profile: 'raspberry-pi-5', timeScale: 0, seed: 1 }),
};

for (const [name, makeBoard] of Object.entries(boards))
  describe(name, () => {
    const cases: [Uint8Array, Precision, RegExp][] = [
      [float, 'int8', /computes in float32, not in int8: quantise it first/],
      [int8, 'float32', /computes in int8, not in float32: ask for int8/],
    ];
    for (const [model, precision, message] of cases)
      it(`rejects a config in ${precision} with a graph in another precision`, async (t) => {
        const modelPath = join(temporaryFolder(t, { 'model.onnx': model }), 'model.onnx');
        const request = measureRequestSchema.parse({
          kind: 'measure',
          modelSha256: 'a'.repeat(64),
          modelBytes: model.length,
          signature: 's',
          config: { batchSize: 1, threads: 1, precision },
          scenario: { kind: 'single-stream' },
          stopRule: {},
        });
        const board = makeBoard();
        const context = { board: await board.describe(), modelPath, signal: new AbortController().signal };
        await assert.rejects(board.measure(request, context), (error: Error) => {
          assert.ok(error instanceof RejectedError, `${error}`);
          assert.match(error.message, message);
          return true;
        });
      });
  });
