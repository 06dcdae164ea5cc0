import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { analyseModel } from '@edgetune/shared/onnx/analyse.ts';
import { OnnxError } from '@edgetune/shared/onnx/onnx-error.ts';
import { MAX_MODEL_BYTES, readOnnx } from '@edgetune/shared/onnx/read-onnx.ts';
import fc from 'fast-check';
import { sharedData } from '../../support/data.ts';
import { buildOnnx, int64Tensor, type ModelSpec } from '../../support/onnx-builder.ts';
import { refused } from './support.ts';

const relu = (change: Partial<ModelSpec> = {}): ModelSpec => ({
  inputs: [{ name: 'x', shape: ['batch', 4] }],
  nodes: [{ opType: 'Relu', inputs: ['x'], outputs: ['y'], name: 'first' }],
  outputs: ['y'],
  ...change,
});

test('what is no ONNX model is refused as such', () => {
  refused('not-onnx', /empty/, () => readOnnx(new Uint8Array()));
  refused('not-onnx', /no ONNX model/, () => readOnnx(new TextEncoder().encode('<html>not found</html>')));
  refused('not-onnx', /no graph/, () => readOnnx(Uint8Array.of(8, 8)));
  // Protobuf counts bytes with 31 bits.
  assert.equal(MAX_MODEL_BYTES, 2_147_483_647);
  refused('too-large', /2 GB/, () => readOnnx({ length: MAX_MODEL_BYTES + 1 } as Uint8Array));
});

test('every cut of a model is refused or still whole', () => {
  const bytes = buildOnnx(relu({ initializers: [{ name: 'w', dims: [4, 4] }] }));
  for (let length = 1; length < bytes.length; length += 1) {
    try {
      readOnnx(bytes.subarray(0, length));
    } catch (error) {
      assert.ok(error instanceof OnnxError, `${length}: ${error}`);
    }
  }
  refused('truncated', /byte \d+ of 40/, () => readOnnx(bytes.subarray(0, 40)));
});

test('data outside the file, model-local functions and custom operators are refused by name', () => {
  const external = relu({ initializers: [{ name: 'weights', dims: [4], external: true }] });
  refused('external-data', /tensor "weights"/, () => readOnnx(buildOnnx(external)));
  refused('model-local-functions', /function "mine"/, () => readOnnx(buildOnnx(relu({ functions: ['mine'] }))));
  const custom = relu({
    nodes: [{ opType: 'Magic', domain: 'acme.ops', inputs: ['x'], outputs: ['y'], name: 'wand' }],
  });
  refused('unknown-domain', /node "wand".*acme\.ops::Magic/, () => readOnnx(buildOnnx(custom)));
});

test('graphs that do not hang together are refused', () => {
  const cyclic = relu({
    nodes: [
      { opType: 'Add', inputs: ['x', 'b'], outputs: ['a'], name: 'one' },
      { opType: 'Relu', inputs: ['a'], outputs: ['b'], name: 'two' },
    ],
    outputs: ['b'],
  });
  refused('cyclic', /node "one"/, () => readOnnx(buildOnnx(cyclic)));
  const dangling = relu({ nodes: [{ opType: 'Relu', inputs: ['nowhere'], outputs: ['y'], name: 'lost' }] });
  refused('invalid-graph', /node "lost".*"nowhere" is defined nowhere/, () => readOnnx(buildOnnx(dangling)));
  const twice = relu({
    nodes: [
      { opType: 'Relu', inputs: ['x'], outputs: ['y'] },
      { opType: 'Abs', inputs: ['x'], outputs: ['y'], name: 'again' },
    ],
  });
  refused('invalid-graph', /node "again".*defined twice/, () => readOnnx(buildOnnx(twice)));
  refused('invalid-graph', /output "z" is defined nowhere/, () => readOnnx(buildOnnx(relu({ outputs: ['z'] }))));
});

test('nodes may come in any order', () => {
  const backwards = relu({
    nodes: [
      { opType: 'Relu', inputs: ['a'], outputs: ['y'] },
      { opType: 'Abs', inputs: ['x'], outputs: ['a'] },
    ],
  });
  assert.deepEqual(
    readOnnx(buildOnnx(backwards)).nodes.map((node) => node.opType),
    ['Abs', 'Relu'],
  );
});

test('open sizes need a value, fixed batches cannot change', () => {
  const tokens = buildOnnx(relu({ inputs: [{ name: 'x', shape: ['batch', 'tokens'] }] }));
  refused('dynamic-dimension', /input "x", axis 1.*"tokens"/, () => analyseModel(tokens, { batchSize: 1 }));
  const sized = analyseModel(tokens, { batchSize: 2, dimensions: { tokens: 7 } });
  assert.deepEqual([...sized.inputShapes.values()], [[2, 7]]);
  const fixed = buildOnnx(relu({ inputs: [{ name: 'x', shape: [1, 4] }] }));
  refused('fixed-batch', /input "x".*fixed at 1/, () => analyseModel(fixed, { batchSize: 8 }));
});

test('shapes that do not fit name the node', () => {
  const wrong = buildOnnx(
    relu({
      initializers: [{ name: 'w', dims: [5, 3] }],
      nodes: [{ opType: 'MatMul', inputs: ['x', 'w'], outputs: ['y'], name: 'product' }],
    }),
  );
  refused('invalid-shape', /node "product" \(MatMul\).*\[1,4\] × \[5,3\]/, () => analyseModel(wrong, { batchSize: 1 }));
  const unknown = buildOnnx(
    relu({ nodes: [{ opType: 'SequenceAt', inputs: ['x', 'x'], outputs: ['y'], name: 'where' }] }),
  );
  refused('unsupported-operator', /node "where".*SequenceAt/, () => analyseModel(unknown, { batchSize: 1 }));
});

test('shapes that the graph computes are followed', () => {
  const bytes = buildOnnx({
    inputs: [{ name: 'x', shape: ['batch', 2, 6] }],
    initializers: [int64Tensor('zero', [0]), int64Tensor('rest', [-1])],
    nodes: [
      { opType: 'Shape', inputs: ['x'], outputs: ['shape'] },
      { opType: 'Gather', inputs: ['shape', 'zero'], outputs: ['batch'] },
      { opType: 'Concat', inputs: ['batch', 'rest'], outputs: ['target'], int: { axis: 0 } },
      { opType: 'Reshape', inputs: ['x', 'target'], outputs: ['flat'] },
      { opType: 'Relu', inputs: ['flat'], outputs: ['y'], name: 'end' },
    ],
    outputs: ['y'],
  });
  const kernel = analyseModel(bytes, { batchSize: 3 }).kernels.find((each) => each.name === 'end');
  assert.equal(kernel?.outputElements, 36);
});

test('mutated models are read or refused, never a crash', (t) => {
  const folder = sharedData('datasets/onnx-models');
  if (!folder) return t.skip('the ONNX models are not there');
  const files = ['mnist-cnn.onnx', 'qtdnn-int8.onnx', 'transformer-tiny.onnx', 'light-squeezenet.onnx'];
  const models = files.map((file) => readFileSync(join(folder, file)));
  const mutation = fc.record({
    model: fc.nat(models.length - 1),
    edits: fc.array(fc.tuple(fc.double({ min: 0, max: 0.999, noNaN: true }), fc.nat(255)), {
      minLength: 1,
      maxLength: 12,
    }),
    cut: fc.option(fc.double({ min: 0.01, max: 1, noNaN: true })),
  });
  fc.assert(
    fc.property(mutation, ({ model, edits, cut }) => {
      const bytes = Uint8Array.from(models[model] as Uint8Array);
      // Squared, so that most edits hit the graph's structure, which comes before the weights.
      for (const [place, value] of edits) bytes[Math.floor(place * place * bytes.length)] = value;
      try {
        analyseModel(cut === null ? bytes : bytes.subarray(0, Math.ceil(cut * bytes.length)), {
          batchSize: 1,
          dimensions: { tokens: 16 },
        });
      } catch (error) {
        assert.ok(error instanceof OnnxError, (error as Error).stack);
      }
    }),
    { numRuns: 400 },
  );
});
