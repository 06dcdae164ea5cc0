/** Studies whose inference space has a precision: variants are made, measured, chosen and handed out. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { QuantiseError } from '../../../coordinator/export/quantise-onnx.ts';
import { StudyInputError } from '../../../coordinator/study/state/study-errors.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { fakeTraining, INT8_LOSS, studyService, untilState } from './support/fakes.ts';

const yaml = ({ precision = 'choices: [float32, int8]', more = '' } = {}) => `name: test
dataset: {format: synthetic-images}
devices: [pi]
budget: {minEpochs: 1, maxEpochs: 4, minDataFraction: 0.5, reductionFactor: 2}
stop: {trials: 4}
space:
  model: {width: {type: ordinal, values: [1, 2, 3, 4, 5, 6, 7, 8]}}
  training: {learningRate: {type: float, min: 0.001, max: 1}}
  inference: {precision: {type: categorical, ${precision}}}
${more}`;

describe('a study with a precision in its space', () => {
  it('searches and recommends int8 variants with their own accuracy, and hands out both files', async (t) => {
    const { service, store, close } = studyService({ directory: temporaryFolder(t) });
    const { id } = await service.create(yaml());
    const study = await untilState(service, id, 'succeeded', 'failed');
    assert.equal(study.state, 'succeeded', study.reason ?? '');
    const events = service.events(id, 0, 10_000).map(({ body }) => body);
    for (const body of events) {
      if (body.type !== 'architecture-built') continue;
      assert.ok(body.int8 && 'signature' in body.int8);
      assert.deepEqual([body.int8.signature[0], body.int8.signature.slice(1)], ['i', body.signature.slice(1)]);
    }
    for (const model of study.recommendation?.models ?? []) {
      const { quantised, testAccuracy, devices } = model;
      assert.ok(quantised && 'onnxSha256' in quantised);
      assert.ok(Math.abs(quantised.testAccuracy - (testAccuracy - INT8_LOSS)) < 1e-9);
      assert.ok(
        Math.abs(quantised.validationAccuracy - (model.validationAccuracy - INT8_LOSS)) < 1e-9,
        'measured alike',
      );
      assert.ok(store.blobs.has(quantised.onnxSha256));
      const [device] = devices;
      assert.deepEqual(
        [device?.config.precision, device?.measurement.modelSha256],
        ['int8', quantised.onnxSha256],
        'half the latency for half a point',
      );
      assert.match(device?.precisionReason ?? '', /int8 is better here/);
      assert.deepEqual(
        device?.alternatives.map(({ config, modelSha256 }) => [config.precision, modelSha256]),
        [['float32', model.onnxSha256]],
      );
    }
    const files = await service.exportFiles(id);
    const named = (name: string) => files.filter(({ path }) => path.endsWith(name));
    assert.equal(named('/model-int8.onnx').length, study.recommendation?.models.length);
    assert.match(new TextDecoder().decode(named('model-card.md')[0]?.bytes), /In int8.*model-int8.onnx/);
    assert.match(new TextDecoder().decode(named('report.md')[0]?.bytes), /\| pi \| int8 \|/);
    await close();
  });

  it('keeps to float32 where int8 costs more accuracy than the study gives for it', async (t) => {
    const { service, close } = studyService({ directory: temporaryFolder(t) });
    const { id } = await service.create(yaml({ more: 'quantisation: {maxAccuracyDrop: 0.001}' }));
    const study = await untilState(service, id, 'succeeded', 'failed');
    for (const { onnxSha256, devices } of study.recommendation?.models ?? []) {
      assert.deepEqual([devices[0]?.config.precision, devices[0]?.measurement.modelSha256], ['float32', onnxSha256]);
      assert.match(devices[0]?.precisionReason ?? '', /more than the 0.1 points/);
    }
    await close();
  });

  it('holds a limit on the size against the file that the devices run, not against the larger one', async (t) => {
    const training = fakeTraining().service;
    const padded = (onnx: Uint8Array) => new Uint8Array([...onnx, ...Array(100).fill(0x20)]);
    const { buildArchitecture, exportTrained, quantise } = training;
    training.buildArchitecture = async (task) => {
      const built = await buildArchitecture(task);
      return { ...built, onnx: padded(built.onnx) };
    };
    training.exportTrained = async (task, checkpoint) => {
      const exported = await exportTrained(task, checkpoint);
      return { ...exported, onnx: padded(exported.onnx) };
    };
    const { service, close } = studyService({ directory: temporaryFolder(t), training });
    const { id } = await service.create(yaml({ more: "constraints: ['modelSize <= 0.1 kB']" }));
    const study = await untilState(service, id, 'succeeded', 'failed');
    assert.equal(study.state, 'succeeded', study.reason ?? '');
    assert.ok(study.recommendation?.models.every(({ feasible, onnxBytes }) => feasible && onnxBytes > 100));
    for (const { status, metrics } of study.trialViews) {
      assert.equal(status, 'finished');
      assert.ok((metrics.modelSize ?? Infinity) < 100);
    }
    training.quantise = async (spec, onnx) => padded(await quantise(spec, onnx));
    const { id: large } = await service.create(
      yaml({ more: "constraints: ['modelSize <= 0.1 kB']" }).replace('name: test', 'name: large'),
    );
    const refused = await untilState(service, large, 'succeeded', 'failed');
    assert.ok(
      refused.trialViews.every(({ violation, reason }) => (violation ?? 0) > 0 && /the graph alone/.test(reason ?? '')),
    );
    assert.match(refused.recommendation?.models[0]?.misses[0] ?? '', /^modelSize is .* beyond the limit of 100 B$/);
    await close();
  });

  it('leaves int8 out, aloud, where a model cannot be quantised', async (t) => {
    const training = fakeTraining().service;
    training.quantise = async () => {
      throw new QuantiseError('no convolution of it has constant weights');
    };
    const { service, close } = studyService({ directory: temporaryFolder(t), training });
    const { id } = await service.create(yaml());
    const study = await untilState(service, id, 'succeeded', 'failed');
    assert.equal(study.state, 'succeeded', study.reason ?? '');
    assert.deepEqual(study.warnings, ['int8 configs are left out: no convolution of it has constant weights']);
    const [model] = study.recommendation?.models ?? [];
    assert.deepEqual(model?.quantised, { reason: 'no convolution of it has constant weights' });
    assert.equal(model?.devices[0]?.config.precision, 'float32');
    await close();
  });

  it('refuses precisions that there are not, and float16 without a provider that makes it', async (t) => {
    const { service, close } = studyService({ directory: temporaryFolder(t) });
    const refused = (precision: string, message: RegExp) =>
      assert.rejects(service.create(yaml({ precision })), (error: Error) => {
        assert.ok(error instanceof StudyInputError);
        assert.match(JSON.stringify(error), message);
        return true;
      });
    await refused('choices: [float32, int4]', /unknown precision .*int4/);
    await refused('choices: [float32, float16]', /float16 needs .*tensorrt/);
    await close();
  });
});
