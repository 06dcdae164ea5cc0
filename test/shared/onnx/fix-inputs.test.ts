/** What a user says of a model's inputs is in the model afterwards, and runs as it says. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { analyseGraph } from '@edgetune/shared/onnx/analyse.ts';
import { fixInputs, type GivenInputs } from '@edgetune/shared/onnx/fix-inputs.ts';
import { modelSizes, sizedShapes } from '@edgetune/shared/onnx/model-sizes.ts';
import { readOnnx } from '@edgetune/shared/onnx/read-onnx.ts';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { buildOnnx, type Dimension, type ModelSpec } from '../../support/onnx-builder.ts';
import { node, refused } from './support.ts';

const model = (shapes: Record<string, Dimension[]>, change: Partial<ModelSpec> = {}) =>
  buildOnnx({
    nodes: Object.keys(shapes).map((name) => node('Relu', [name], `${name}_out`)),
    inputs: Object.entries(shapes).map(([name, shape]) => ({ name, shape })),
    outputs: Object.keys(shapes).map((name) => `${name}_out`),
    ...change,
  });

function fixed(bytes: Uint8Array, given: GivenInputs) {
  const { graph, dimensions } = fixInputs(bytes, given);
  const { fixedBatch, openDimensions, unnamedInputs } = modelSizes(graph, dimensions);
  const batchSize = fixedBatch ?? 5;
  const shapes =
    openDimensions.length + unnamedInputs.length > 0 ? null : sizedShapes(graph.inputs, { batchSize, dimensions });
  return { fixedBatch, dimensions, shapes: shapes && Object.fromEntries(shapes) };
}

describe('a shape', () => {
  it('sizes axes without a name, with or without a batch', () => {
    const ocr = model({ x: [null, 3, '?', '?'] });
    assert.deepEqual(fixed(ocr, { shapes: { x: [1, 3, 48, 192] } }), {
      fixedBatch: 1,
      // What the first axis would be anyway keeps its name: samples are counted by it.
      dimensions: { batch: 1 },
      shapes: { x: [1, 3, 48, 192] },
    });
    assert.equal(fixed(ocr, { shapes: { x: [4, 3, 48, 192] } }).fixedBatch, 4);
    assert.deepEqual(fixed(ocr, { shapes: { x: ['batch', 3, 48, 192] } }), {
      fixedBatch: null,
      dimensions: {},
      shapes: { x: [5, 3, 48, 192] },
    });
  });

  it('sizes named axes on all inputs that have them, and leaves the file as it is', () => {
    const bytes = model({ x: ['batch', 'h', 'w'], mask: ['batch', 'h'] });
    const given = { shapes: { x: ['batch' as const, 7, 9] } };
    assert.deepEqual(fixed(bytes, given).shapes, { x: [5, 7, 9], mask: [5, 7] });
    assert.notEqual(fixInputs(bytes, given).dimensions.batch, 'batch');
    assert.equal(fixInputs(bytes, { dimensions: { h: 7, w: 9 } }).model, bytes);
    assert.deepEqual(fixed(bytes, { shapes: { x: [3, 7, 9] } }).fixedBatch, 3);
  });

  it('may be sized to 0, also by its name', () => {
    const bytes = model({ x: ['batch', 4], past: ['batch', 'past', 4] });
    assert.deepEqual(fixed(bytes, { dimensions: { past: 0 } }).shapes, { x: [5, 4], past: [5, 0, 4] });
    assert.deepEqual(fixed(bytes, { shapes: { past: ['batch', 0, 4] } }).shapes, { x: [5, 4], past: [5, 0, 4] });
  });

  it('is refused where it does not fit, or contradicts what else is said', () => {
    const bytes = model({ x: ['batch', 'h', 'h', 3] });
    const given = (said: GivenInputs) => () => fixInputs(bytes, said);
    refused(
      'dynamic-dimension',
      /--shape y: the model has no input of that name; it has "x"/,
      given({ shapes: { y: [1] } }),
    );
    refused(
      'dynamic-dimension',
      /--shape x: \[1,2\] has 2 axes, and the input has 4: \[batch,h,h,3\]/,
      given({ shapes: { x: [1, 2] } }),
    );
    refused(
      'dynamic-dimension',
      /--shape x, axis 3: the model fixes it at 3: it cannot be 4/,
      given({ shapes: { x: [1, 8, 8, 4] } }),
    );
    refused(
      'dynamic-dimension',
      /axis 2: "h" would be 9, and 8 by --shape x, axis 1: axes of one name/,
      given({ shapes: { x: [1, 8, 9, 3] } }),
    );
    refused(
      'dynamic-dimension',
      /"h" would be 8, and 7 by --dimension h/,
      given({ shapes: { x: [1, 8, 8, 3] }, dimensions: { h: 7 } }),
    );
  });
});

describe('the batch by the user’s word', () => {
  it('is a named axis, on all inputs', () => {
    const bytes = model({ x: ['N', 3], y: ['N', 'T'] });
    assert.deepEqual(fixed(bytes, { dimensions: { N: 'batch', T: 2 } }), {
      fixedBatch: null,
      dimensions: { T: 2 },
      shapes: { x: [5, 3], y: [5, 2] },
    });
  });

  it('is not the first axis where the user sizes that', () => {
    const recurrent = model({ x: ['time', 'batch', 8] });
    assert.deepEqual(fixed(recurrent, { dimensions: { time: 20 } }).shapes, { x: [20, 5, 8] });
  });
});

describe('values', () => {
  const repeats = () =>
    buildOnnx({
      nodes: [node('Mul', ['x', 'gain'], 'm'), node('Tile', ['m', 'times'], 'y')],
      inputs: [
        { name: 'x', shape: ['batch', 2] },
        { name: 'gain', shape: [1] },
        { name: 'times', shape: [2], dataType: 7 },
      ],
      outputs: ['y'],
      irVersion: 3,
    });
  const given = { values: { times: { shape: [2], values: [1, 3] }, gain: { shape: null, values: [2] } } };

  it('are fed where nothing else is, by ONNX Runtime, and computed with by the reader', async () => {
    const { model: bytes, graph } = fixInputs(repeats(), given);
    const session = await InferenceSession.create(bytes, { logSeverityLevel: 4 });
    assert.deepEqual(session.inputNames, ['x']);
    assert.equal(graph.irVersion, 4, 'before that they would be constants');
    const { y } = await session.run({ x: new Tensor('float32', [1, 5], [1, 2]) });
    assert.deepEqual(Array.from((y as Tensor).data as Float32Array), [2, 10, 2, 10, 2, 10]);
    await session.release();
    const { outputShapes, kernels, parameters } = analyseGraph(graph, { batchSize: 4 });
    assert.deepEqual(outputShapes.get('y'), [4, 6]);
    assert.deepEqual([kernels.length, parameters], [2, 0], 'they are no weights');
  });

  it('that are all that a model reads are not computed in advance', () => {
    const bytes = model({ x: ['batch', 4] });
    const { graph, dimensions } = fixInputs(bytes, { values: { x: { shape: [3, 4], values: Array(12).fill(1) } } });
    assert.deepEqual(dimensions, { batch: 3 });
    assert.equal(modelSizes(graph, dimensions).fixedBatch, 3);
    assert.equal(analyseGraph(graph, { batchSize: 3, dimensions }).kernels.length, 1);
    refused('fixed-batch', /fixed at 3/, () => analyseGraph(graph, { batchSize: 2, dimensions }));
  });

  it('of another shape or type are refused, and one number for an open shape is', () => {
    const bytes = repeats();
    const said =
      (values: GivenInputs['values'], shapes: GivenInputs['shapes'] = {}) =>
      () =>
        fixInputs(bytes, { values: values ?? {}, shapes: shapes ?? {} });
    refused(
      'dynamic-dimension',
      /--input-data times, axis 0: the model fixes it at 2/,
      said({ times: { shape: [3], values: [1, 2, 3] } }),
    );
    refused('input-data', /input "times": 1.5 is no int64/, said({ times: { shape: [2], values: [1.5, 1] } }));
    refused('input-data', /input "times": 1 values for a shape of \[2\]/, said({ times: { shape: [2], values: [1] } }));
    refused(
      'dynamic-dimension',
      /--input-value x: its shape is open: give it, too \(--shape x=SIZE,2\)/,
      said({ x: { shape: null, values: [1] } }),
    );
    const whole = fixInputs(bytes, { values: { x: { shape: null, values: [3] } }, shapes: { x: [2, 2] } });
    assert.deepEqual(readOnnx(whole.model).initializers.get('x')?.read(), [3, 3, 3, 3]);
  });
});
