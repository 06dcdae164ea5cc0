import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { analyseModel, type ModelAnalysis } from '@edgetune/shared/onnx/analyse.ts';
import { readOnnx } from '@edgetune/shared/onnx/read-onnx.ts';
import { signatureOf } from '@edgetune/shared/onnx/signature.ts';
import { sharedData } from '../../support/data.ts';
import { buildOnnx, int64Tensor } from '../../support/onnx-builder.ts';
import { accepted } from './support.ts';

interface Described {
  file: string;
  macs: number | null;
  parameters: number;
  inputs: { declared_shape: (number | string)[]; test_shape: number[] }[];
}

const folder = sharedData('datasets/onnx-models');

/** Sizes that the models' README gives, except those that stand for the batch. */
function sizesOf(model: Described) {
  const dimensions: Record<string, number> = {};
  let batchSize = 1;
  for (const { declared_shape, test_shape } of model.inputs)
    for (const [axis, size] of declared_shape.entries()) {
      if (typeof size !== 'string') continue;
      if (axis === 0) batchSize = test_shape[axis] as number;
      else if (size !== 'batch') dimensions[size] = test_shape[axis] as number;
    }
  return { batchSize, dimensions };
}

test('MACs and parameters of real models are those that were counted for them', (t) => {
  if (!folder) return t.skip('the ONNX models are not there');
  const { models } = JSON.parse(readFileSync(join(folder, 'models.json'), 'utf8')) as { models: Described[] };
  for (const model of models) {
    const bytes: Uint8Array = readFileSync(join(folder, model.file));
    const analysis: ModelAnalysis = accepted(() => analyseModel(bytes, sizesOf(model)));
    // Nobody counted those of the one with control flow.
    if (model.macs !== null) assert.equal(analysis.macs, model.macs, model.file);
    assert.equal(analysis.parameters, model.parameters, model.file);
    assert.ok(analysis.peakActivationBytes > 0 && analysis.weightBytes > 0, model.file);
    assert.equal(
      analysis.kernels.reduce((sum, kernel) => sum + kernel.macs, 0),
      analysis.macs,
      model.file,
    );
  }
});

test('convolution, batch norm and activation are one kernel; quantised weights count a byte each', (t) => {
  if (!folder) return t.skip('the ONNX models are not there');
  const analysed = (file: string) => accepted(() => analyseModel(readFileSync(join(folder, file)), { batchSize: 1 }));
  const resnet50 = analysed('light-resnet50.onnx');
  const fused = resnet50.kernels.filter((kernel) => kernel.ops.join('+') === 'Conv+BatchNormalization+Relu');
  assert.equal(fused.length, 33);
  const int8 = analysed('resnet8-cifar10-int8-qdq.onnx');
  assert.ok(int8.kernels.filter((kernel) => kernel.kind === 'convolution').every((kernel) => kernel.quantised));
  assert.ok(int8.weightBytes < 90_000);
});

test('every real model has its own signature, read without sizes', (t) => {
  if (!folder) return t.skip('the ONNX models are not there');
  const { models } = JSON.parse(readFileSync(join(folder, 'models.json'), 'utf8')) as { models: Described[] };
  const signatures = models.map(({ file }) => accepted(() => signatureOf(readOnnx(readFileSync(join(folder, file))))));
  assert.equal(new Set(signatures).size, models.length);
});

test('weights in constants count as parameters, lists of sizes do not, those in bodies of control flow do', () => {
  const body = { nodes: [{ opType: 'Mul', inputs: ['x', 'w'], outputs: ['z'] }], inputs: [], outputs: ['z'] };
  const { parameters } = accepted(() =>
    analyseModel(
      buildOnnx({
        nodes: [
          { opType: 'Constant', inputs: [], outputs: ['m'], tensors: { value: { name: '', dims: [4, 4] } } },
          { opType: 'Constant', inputs: [], outputs: ['sizes'], tensors: { value: int64Tensor('', [2, 2]) } },
          { opType: 'Constant', inputs: [], outputs: ['half'], float: { value_float: 0.5 } },
          { opType: 'MatMul', inputs: ['x', 'm'], outputs: ['p'] },
          { opType: 'Mul', inputs: ['p', 'half'], outputs: ['q'] },
          {
            opType: 'If',
            inputs: ['always'],
            outputs: ['y'],
            graphs: {
              then_branch: { ...body, initializers: [{ name: 'w', dims: [4] }] },
              else_branch: { ...body, initializers: [{ name: 'w', dims: [4] }] },
            },
          },
        ],
        initializers: [{ name: 'always', dims: [], dataType: 9, raw: Uint8Array.of(1) }],
        inputs: [{ name: 'x', shape: [1, 4] }],
        outputs: ['y', 'q'],
      }),
      { batchSize: 1 },
    ),
  );
  assert.equal(parameters, 16 + 4 + 4 + 1);
});
