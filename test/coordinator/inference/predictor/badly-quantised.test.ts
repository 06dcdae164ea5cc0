/** What is learned from a file that is called int8 and computes in float says little of one that computes in integers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inferenceConfigSchema, type Precision } from '@edgetune/shared/domain/inference-config.ts';
import { analyseModel } from '@edgetune/shared/onnx/analyse.ts';
import { architectureCoordinates } from '../../../../coordinator/inference/predictor/coordinates.ts';
import { learn } from '../../../../coordinator/inference/predictor/predictor.ts';
import { buildOnnx, type NodeSpec } from '../../../support/onnx-builder.ts';

const SIZE = 160;
/** A fully connected layer on integers, as its nodes have it. */
const layer = (...nodes: NodeSpec[]) =>
  architectureCoordinates(
    analyseModel(
      buildOnnx({
        inputs: [{ name: 'x', shape: ['batch', SIZE] }],
        outputs: ['y'],
        initializers: [
          { name: 's', dims: [] },
          { name: 'z', dims: [], dataType: 2 },
          { name: 'w', dims: [SIZE, SIZE], dataType: 3 },
          { name: 'wz', dims: [], dataType: 3 },
          { name: 'b', dims: [SIZE] },
          { name: 'bq', dims: [SIZE], dataType: 6 },
        ],
        nodes: [
          { opType: 'QuantizeLinear', inputs: ['x', 's', 'z'], outputs: ['q'] },
          { opType: 'DequantizeLinear', inputs: ['q', 's', 'z'], outputs: ['d'] },
          { opType: 'DequantizeLinear', inputs: ['w', 's', 'wz'], outputs: ['wd'] },
          { opType: 'DequantizeLinear', inputs: ['bq', 's'], outputs: ['bd'] },
          ...nodes,
        ],
      }),
      { batchSize: 1 },
    ),
  );
const node = (opType: string, inputs: string[], output: string): NodeSpec => ({ opType, inputs, outputs: [output] });

/** ONNX Runtime makes a Gemm of them before it looks for integers, and makes floats of all weights in every run. */
const slow = layer(node('MatMul', ['d', 'wd'], 'p'), node('Add', ['p', 'b'], 'y'));
const twin = layer(node('Gemm', ['d', 'wd', 'bd'], 'y'));
const plain = architectureCoordinates(
  analyseModel(
    buildOnnx({
      inputs: [{ name: 'x', shape: ['batch', SIZE] }],
      outputs: ['y'],
      initializers: [
        { name: 'w', dims: [SIZE, SIZE] },
        { name: 'b', dims: [SIZE] },
      ],
      nodes: [node('Gemm', ['x', 'w', 'b'], 'y')],
    }),
    { batchSize: 1 },
  ),
);

test('a file that is seven times slower in int8 does not make its twin look so', () => {
  const at = (threads: number, precision: Precision) =>
    inferenceConfigSchema.parse({ batchSize: 1, threads, precision });
  const examples = [1, 2].flatMap((threads) => [
    { group: 'g', architecture: plain, config: at(threads, 'float32'), value: 0.021 },
    { group: 'g', architecture: slow, config: at(threads, 'int8'), value: 0.142 },
  ]);
  const { predict } = learn('latency.p50', examples, 2);
  const { mean, deviation } = predict(twin, at(1, 'int8'));
  assert.ok(Math.exp(mean) < 0.06, `${Math.exp(mean)} ms are expected`);
  assert.ok(Math.exp(mean - deviation) < 0.021, 'it may well be faster than in float32');
  assert.ok(Math.exp(predict(slow, at(1, 'int8')).mean) > 0.12, 'what was measured is known');
});

test('the twins differ in what they compute in, and where an integer kernel needs no such product they do not', () => {
  assert.deepEqual([slow.at(-1), twin.at(-1), plain.at(-1)], [0, 1, 0]);
  // Nothing is added, or what is added is no constant: MatMulIntegerToFloat.
  assert.equal(layer(node('MatMul', ['d', 'wd'], 'y')).at(-1), 1);
  assert.equal(layer(node('MatMul', ['d', 'wd'], 'p'), node('Add', ['p', 'x'], 'y')).at(-1), 1);
});
