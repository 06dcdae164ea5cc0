/** Every layer type that can be exported, against TensorFlow.js' own outputs. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { readOnnx } from '@edgetune/shared/onnx/read-onnx.ts';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import {
  channelsFirst,
  exportLayersModel,
  INPUT_NAME,
  NotFiniteError,
  OUTPUT_NAME,
  UnsupportedLayerError,
} from '../../../coordinator/export/export-layers-model.ts';
import { loadBackend } from '../../../coordinator/training/backends/load-backend.ts';
import { toChannelsFirst } from '../../../coordinator/training/evaluate-onnx.ts';

before(() => loadBackend());

type Build = (input: tfl.SymbolicTensor) => tfl.SymbolicTensor;
type Apply = { apply(input: tfl.SymbolicTensor | tfl.SymbolicTensor[]): unknown };
const through =
  (...layers: Apply[]): Build =>
  (input) =>
    layers.reduce((x, layer) => layer.apply(x) as tfl.SymbolicTensor, input);

function modelOf(shape: number[], build: Build): tfl.LayersModel {
  const input = tfl.input({ shape });
  const model = tfl.model({ inputs: input, outputs: build(input) });
  // Random weights everywhere, so that no bias or statistic is 0 or 1; variances are positive.
  model.setWeights(model.getWeights().map((weight, i) => tf.randomUniform(weight.shape, 0.1, 0.9, 'float32', i + 1)));
  return model;
}

/** Outputs of both for a batch of three; ONNX puts the channels first. */
async function bothOutputs(model: tfl.LayersModel): Promise<{ expected: Float32Array; actual: Float32Array }> {
  const shape = (model.inputs[0] as tfl.SymbolicTensor).shape.slice(1) as number[];
  const x = tf.randomNormal([3, ...shape], 0, 1, 'float32', 42);
  const output = model.predict(x) as tf.Tensor;
  const session = await InferenceSession.create(exportLayersModel(model, {}));
  const values = toChannelsFirst(x.dataSync() as Float32Array, shape, 3);
  const outputs = await session.run({ [INPUT_NAME]: new Tensor('float32', values, [3, ...channelsFirst(shape)]) });
  const actual = outputs[OUTPUT_NAME] as Tensor;
  await session.release();
  const outputShape = output.shape.slice(1);
  assert.deepEqual(actual.dims, [3, ...channelsFirst(outputShape)]);
  return {
    expected: toChannelsFirst(output.dataSync() as Float32Array, outputShape, 3),
    actual: actual.data as Float32Array,
  };
}

async function assertSameOutputs(model: tfl.LayersModel): Promise<void> {
  const { expected, actual } = await bothOutputs(model);
  const scale = Math.max(1, ...expected.map(Math.abs));
  for (const [i, value] of actual.entries()) {
    const difference = Math.abs(value - (expected[i] as number)) / scale;
    assert.ok(difference < 1e-4, `output ${i} differs by ${difference} of the largest`);
  }
}

const { layers } = tfl;
const convolution = (change: object = {}) => layers.conv2d({ filters: 4, kernelSize: 3, ...change });
const IMAGE = [9, 7, 3];

const CASES: [title: string, shape: number[], build: Build][] = [
  ['convolution, valid', IMAGE, through(convolution())],
  ['convolution, same, stride 2, odd size', IMAGE, through(convolution({ padding: 'same', strides: 2 }))],
  ['convolution, same, stride 2, even size', [8, 6, 2], through(convolution({ padding: 'same', strides: 2 }))],
  ['convolution, rectangular kernel', IMAGE, through(convolution({ kernelSize: [5, 1], padding: 'same', strides: 2 }))],
  ['convolution, dilated', IMAGE, through(convolution({ padding: 'same', dilationRate: 2 }))],
  ['convolution, no bias', IMAGE, through(convolution({ useBias: false }))],
  ['convolution with batch normalisation', IMAGE, through(convolution(), layers.batchNormalization())],
  [
    'no bias, unscaled batch normalisation',
    IMAGE,
    through(convolution({ useBias: false }), layers.batchNormalization({ scale: false })),
  ],
  ['depthwise convolution', IMAGE, through(layers.depthwiseConv2d({ kernelSize: 3, padding: 'same', strides: 2 }))],
  [
    'depthwise ×2 with batch normalisation',
    IMAGE,
    through(layers.depthwiseConv2d({ kernelSize: 3, depthMultiplier: 2 }), layers.batchNormalization()),
  ],
  ['batch normalisation alone', IMAGE, through(layers.batchNormalization())],
  ['max pooling, same', IMAGE, through(layers.maxPooling2d({ poolSize: 2, padding: 'same' }))],
  ['max pooling, valid, overlapping', IMAGE, through(layers.maxPooling2d({ poolSize: 3, strides: 2 }))],
  ['average pooling, valid', IMAGE, through(layers.averagePooling2d({ poolSize: 2 }))],
  [
    'average pooling, same: padding does not count',
    IMAGE,
    through(layers.averagePooling2d({ poolSize: 2, padding: 'same' })),
  ],
  ['global average pooling', IMAGE, through(layers.globalAveragePooling2d({}))],
  ['flatten and dense', IMAGE, through(layers.flatten(), layers.dense({ units: 5 }))],
  ['dense without bias', [6], through(layers.dense({ units: 5, useBias: false }))],
  ['dropout does nothing', [6], through(layers.dropout({ rate: 0.5 }), layers.dense({ units: 2 }))],
  ['ReLU', IMAGE, through(layers.reLU())],
  ['ReLU up to 1, of values beyond it', IMAGE, through(convolution({ filters: 2 }), layers.reLU({ maxValue: 1 }))],
  ['ReLU up to 6', IMAGE, through(layers.reLU({ maxValue: 6 }))],
  ['softmax', [6], through(layers.softmax())],
  ...['relu', 'relu6', 'sigmoid', 'tanh', 'softmax', 'linear'].map((activation): [string, number[], Build] => [
    `dense, then ${activation}`,
    [6],
    through(layers.dense({ units: 4, activation: activation as 'relu' })),
  ]),
  ['convolution with ReLU inside', IMAGE, through(convolution({ activation: 'relu' }))],
  [
    'convolution with ReLU inside, then batch normalisation',
    IMAGE,
    through(convolution({ activation: 'relu' }), layers.batchNormalization()),
  ],
  [
    'addition of two branches',
    IMAGE,
    (x) =>
      layers
        .add()
        .apply([convolution({ padding: 'same', filters: 3 }).apply(x) as tfl.SymbolicTensor, x]) as tfl.SymbolicTensor,
  ],
  [
    'concatenation of channels',
    IMAGE,
    (x) =>
      layers
        .concatenate()
        .apply([convolution({ padding: 'same' }).apply(x) as tfl.SymbolicTensor, x]) as tfl.SymbolicTensor,
  ],
  [
    'concatenation of vectors',
    [6],
    (x) =>
      layers.concatenate().apply([layers.dense({ units: 4 }).apply(x) as tfl.SymbolicTensor, x]) as tfl.SymbolicTensor,
  ],
  ['an activation as a layer', IMAGE, through(layers.activation({ activation: 'tanh' }))],
  ['convolution, dilated, valid, without padding', [12, 11, 2], through(convolution({ dilationRate: [2, 3] }))],
  ['convolution, a stride of its own for each axis', IMAGE, through(convolution({ strides: [3, 2], padding: 'same' }))],
  ['flatten of a sequence', [4, 3], through(layers.flatten(), layers.dense({ units: 3 }))],
  [
    'a normalisation behind an activation is not part of the convolution before it',
    IMAGE,
    through(convolution(), layers.reLU(), layers.batchNormalization()),
  ],
  [
    'batch normalisation without centre',
    IMAGE,
    through(convolution(), layers.batchNormalization({ center: false, epsilon: 0.1 })),
  ],
  [
    'batch normalisation alone, neither scaled nor centred',
    IMAGE,
    through(layers.batchNormalization({ center: false, scale: false, epsilon: 0.1 })),
  ],
  [
    'a convolution that is read twice keeps its batch normalisation apart',
    IMAGE,
    (x) => {
      const inner = convolution().apply(x) as tfl.SymbolicTensor;
      return layers
        .add()
        .apply([layers.batchNormalization().apply(inner) as tfl.SymbolicTensor, inner]) as tfl.SymbolicTensor;
    },
  ],
];

describe('ONNX gives what TensorFlow.js gives, to 1e-4', () => {
  for (const [title, shape, build] of CASES) it(title, () => assertSameOutputs(modelOf(shape, build)));
});

it('the file has operator set 17, a dynamic batch and its metadata; no transpose, no batch normalisation', () => {
  const model = modelOf(IMAGE, through(convolution(), layers.batchNormalization(), layers.reLU()));
  const graph = readOnnx(exportLayersModel(model, { 'edgetune.classes': '["a","b"]' }));
  assert.deepEqual(graph.inputs[0]?.shape, ['batch', 3, 9, 7]);
  assert.deepEqual(
    graph.outputs.map(({ name, shape }) => [name, shape]),
    [[OUTPUT_NAME, ['batch', 4, 7, 5]]],
  );
  assert.deepEqual(
    graph.nodes.map(({ opType }) => opType),
    ['Conv', 'Relu'],
  );
  assert.equal(graph.opsets.get(''), 17);
  assert.equal(graph.metadata.get('edgetune.classes'), '["a","b"]');
});

it('a layer without a translation is named', () => {
  const model = modelOf([4, 3], through(layers.lstm({ units: 2, name: 'memory' })));
  assert.throws(
    () => exportLayersModel(model, {}),
    (error) => error instanceof UnsupportedLayerError && /"memory" of type LSTM/.test(error.message),
  );
});

it('an activation without a translation is named, with its layer', () => {
  const model = modelOf([6], through(layers.dense({ units: 4, activation: 'elu', name: 'hidden' })));
  assert.throws(
    () => exportLayersModel(model, {}),
    (error: Error) => {
      assert.ok(error instanceof UnsupportedLayerError, error.stack);
      assert.match(error.message, /activation "elu" of layer "hidden" cannot be exported/);
      return true;
    },
  );
});

describe('weights that are not finite, folded or not, are refused', () => {
  const convolution = () =>
    modelOf(
      [8, 8, 2],
      through(tfl.layers.conv2d({ filters: 3, kernelSize: 3, useBias: false }), tfl.layers.batchNormalization({})),
    );
  const withValues = (name: RegExp, value: number) => {
    const model = convolution();
    const values = model.weights.map((weight, i) =>
      name.test(weight.name) ? tf.fill(weight.shape as number[], value) : (model.getWeights()[i] as tf.Tensor),
    );
    model.setWeights(values);
    return model;
  };
  it('as they are', () => {
    for (const value of [Number.NaN, Infinity])
      assert.throws(() => exportLayersModel(withValues(/kernel/, value), {}), NotFiniteError);
  });
  it('when their product is beyond float32', () => {
    // 1e30 through a factor of 0.5 / √1e-3, then of 1e30.
    assert.ok(exportLayersModel(withValues(/gamma/, 1e30), {}).length > 0);
    const both = withValues(/gamma|kernel/, 1e30);
    assert.throws(() => exportLayersModel(both, {}), { name: 'NotFiniteError', message: /not finite/ });
  });
});
