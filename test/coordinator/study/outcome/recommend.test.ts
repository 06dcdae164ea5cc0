/** The end of a study: what is trained on, exported, tested and measured of the front, and what is said of it. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { StoredMeasurement } from '@edgetune/shared/domain/measurement.ts';
import { parseConstraint, parseObjective } from '@edgetune/shared/domain/objective.ts';
import { parsePrefer } from '@edgetune/shared/domain/prefer.ts';
import type { StudyEventBody } from '@edgetune/shared/domain/study-event.ts';
import type { InferenceRequest, InferenceServer } from '../../../../coordinator/inference/inference-server.ts';
import { quantisedSection } from '../../../../coordinator/study/outcome/quantised-section.ts';
import { recommend } from '../../../../coordinator/study/outcome/recommend.ts';
import { DatasetError, type TrainingService } from '../../../../coordinator/training/training-service.ts';
import type { FrontEntry } from '../../../../coordinator/tuner/tuner.ts';
import { standInData } from '../../../../scripts/soak/stand-in-data.ts';
import { measurementAt, storedMeasurement } from '../../../support/measurement.ts';
import { near } from '../../../support/near.ts';
import { until, workUnderway } from '../../../support/waiting.ts';
import { result } from '../support/asked-devices.ts';
import { type ContextOptions, studyContext } from '../support/context.ts';
import { evaluation } from '../support/evaluations.ts';
import { answered, asked, CONFIG, sha, trained } from '../support/events.ts';
import { fakeInference, fakeTraining, space } from '../support/fakes.ts';

const text = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);
const entry = (trialId: number, change: Partial<FrontEntry> = {}): FrontEntry => ({
  ...{ trialId, rung: 2, candidate: { width: trialId }, metrics: {}, predicted: [], values: [] },
  ...change,
});

/** Trials 1 to 4, as wide as their number, fully trained to a validation accuracy of a tenth of it; checkpoints are kept. */
async function trials(options: ContextOptions & { latencyOf?: (request: InferenceRequest) => number } = {}) {
  const { latencyOf = ({ signature }) => Number(signature.slice(1)) } = options;
  const requests: InferenceRequest[] = [];
  const evaluated: string[] = [];
  const under = studyContext({
    ...options,
    inference: options.inference ?? {
      tune: async (request, onMeasured) => {
        requests.push(request);
        const int8 = request.variants?.int8;
        const at = (precision: 'float32' | 'int8', latencyMs: number): StoredMeasurement =>
          storedMeasurement({
            ...measurementAt(latencyMs, {
              config: { ...CONFIG, precision },
              cost: { deviceSeconds: 3, deviceJoules: 4 },
            }),
            id: `${request.device.name} ${precision} ${request.signature}`,
            deviceId: request.device.id,
            modelSha256: precision === 'int8' && int8 && 'signature' in int8 ? int8.modelSha256 : request.modelSha256,
          });
        const latencyMs = latencyOf(request);
        const all = [at('float32', latencyMs), ...(int8 && 'signature' in int8 ? [at('int8', latencyMs / 2)] : [])];
        for (const measurement of all) onMeasured(measurement, 'measured');
        return result(1, { all: all.map((measurement) => ({ measurement, source: 'measured' })), front: all });
      },
    },
    training: {
      evaluateOnnx: async (_task, onnx, split) => {
        const { width, int8 = false } = JSON.parse(text(onnx));
        evaluated.push(`${int8 ? 'int8' : 'float32'} ${split} ${width}`);
        return evaluation(width / 10 - (split === 'test' ? 0.05 : 0) - (int8 ? 0.005 : 0));
      },
      ...options.training,
    },
  });
  for (const width of [0, 1, 2, 3, 4]) await under.blobs.put(new TextEncoder().encode(`{"width":${width}}`));
  const done = { epochs: 4, dataFraction: 1 };
  for (const width of [1, 2, 3, 4]) {
    const metrics = { accuracy: width / 10, loss: 1, ...done };
    under.context.emit(asked(width, { width }), trained(width, metrics, { checkpointSha256: sha(`${width}`) }));
  }
  under.emitted.length = 0;
  return { ...under, requests, evaluated };
}

const onlyPi = { devices: ['pi'] };
const int8Space = { ...space, inference: { precision: { type: 'categorical', choices: ['float32', 'int8'] } } };

describe('a recommended model', () => {
  it('is exported, tested once, measured on each device, and named with all that is known of it', async () => {
    const { context, blobs, kept, of, evaluated } = await trials();
    const { models } = await recommend(context, [entry(3)]);
    const [model, ...more] = models;
    assert.deepEqual([model?.devices.length, more], [2, []]);
    const { devices, ...rest } = model ?? {};
    const onnx = '{"width":3,"trained":true}';
    assert.deepEqual(rest, {
      ...{
        trialId: 3,
        candidate: { width: 3 },
        onnxSha256: sha('5'),
        onnxBytes: onnx.length,
        modelCardSha256: sha('6'),
      },
      ...{ validationAccuracy: 0.3, testAccuracy: 0.25, quantised: null, epochs: 4, parameters: 300, macs: 3e6 },
      ...{ missing: [], feasible: true, misses: [], classes: model?.classes },
      scores: {
        validation: {
          samples: 10,
          metrics: { accuracy: 0.3, loss: 0.7, f1: 0.3 },
          confusion: [
            [3, 7],
            [0, 0],
          ],
        },
        test: {
          samples: 10,
          metrics: { accuracy: 0.25, loss: 0.75, f1: 0.25 },
          confusion: [
            [3, 7],
            [0, 0],
          ],
        },
      },
    });
    assert.equal(model?.classes?.[1], 'class 1');
    assert.deepEqual([text(blobs.stored[5]), text(blobs.stored[6]), kept], [onnx, '# card', [sha('5'), sha('6')]]);
    assert.deepEqual(evaluated, ['float32 validation 3', 'float32 test 3']);
    const [pi] = devices ?? [];
    assert.deepEqual(pi, {
      device: 'pi',
      config: CONFIG,
      measurement: pi?.measurement,
      feasible: true,
      alternatives: [],
      precisionReason: null,
    });
    assert.equal(pi?.measurement.id, 'pi float32 w3');
    assert.deepEqual(
      of('measured').map(({ trialId, source, measurement }) => [trialId, source, measurement.id]),
      [
        [3, 'measured', 'pi float32 w3'],
        [3, 'measured', 'orin float32 w3'],
      ],
    );
    const [span] = of('span');
    assert.ok(span && span.startMs <= span.endMs && span.endMs <= Date.now());
    assert.deepEqual([span.lane, span.kind, span.trialId, of('span').length], ['study', 'exporting', 3, 1]);
    assert.equal(of('training-started').length, 0, 'it was trained to the full budget');
  });

  it('is measured anew, by the name that the device had, under what the study wants', async () => {
    const spec = { scenario: { kind: 'offline' }, constraints: [parseConstraint('memory <= 1 GB')] };
    const { context, requests } = await trials({ spec });
    const { devices } = context.fleet;
    context.fleet.devices = () => devices().map((device) => ({ ...device, name: `renamed ${device.name}` }));
    await recommend(context, [entry(2)]);
    assert.deepEqual(requests[1], {
      studyId: 's-1',
      signature: 'w2',
      modelSha256: sha('5'),
      modelBytes: '{"width":2,"trained":true}'.length,
      device: { ...context.fleet.devices()[1], name: 'orin' },
      parameters: [{ name: 'batchSize', level: 'inference', type: 'ordinal', values: [1, 4] }],
      ...spec,
      objectives: context.spec.objectives,
      prefer: undefined,
      purpose: 'confirm',
      seed: 7,
    });
  });

  it('is trained to the full budget first, from where it was', async () => {
    const change = [{ epochs: 3 }, { dataFraction: 0.5 }] as const;
    for (const metrics of change) {
      const { context, of } = await trials({ spec: onlyPi });
      context.emit(
        trained(3, { accuracy: 0.2, epochs: 4, dataFraction: 1, ...metrics }, { checkpointSha256: sha('0') }),
      );
      const { models } = await recommend(context, [entry(3)]);
      const [finished] = of('training-finished').slice(-1);
      assert.deepEqual([finished?.rung, finished?.metrics.epochs, finished?.metrics.dataFraction], [3, 4, 1]);
      assert.equal(models[0]?.epochs, 4);
    }
    const { context, of } = await trials({ spec: onlyPi });
    context.emit(asked(9, { width: 4 }));
    const { models } = await recommend(context, [entry(9, { candidate: { width: 4 } })]);
    assert.deepEqual([models[0]?.trialId, of('training-finished').length], [9, 1], 'also from nothing');
  });

  it('that has reached the target is trained no further', async () => {
    const spec = { ...onlyPi, stop: { target: [parseConstraint('accuracy >= 0.3')] } };
    const early = trained(3, { accuracy: 0.3, epochs: 1, dataFraction: 0.5 }, { checkpointSha256: sha('0') });
    const { context, of } = await trials({ spec });
    context.emit(early);
    const { models } = await recommend(context, [entry(3, { metrics: { accuracy: 0.3 } })]);
    assert.deepEqual([models[0]?.epochs, of('training-started').length], [1, 0]);
    const below = await trials({ spec });
    below.context.emit(early);
    await recommend(below.context, [entry(3, { metrics: { accuracy: 0.29 } })]);
    assert.equal(below.of('training-started').length, 1);
    const unseen = await trials({ spec });
    unseen.context.emit(asked(8, { width: 3 }));
    await recommend(unseen.context, [entry(8, { candidate: { width: 3 }, metrics: { accuracy: 0.3 } })]);
    assert.equal(unseen.of('training-started').length, 1, 'what was never trained is');
  });

  it('is judged by what its file does in ONNX Runtime, not by what training told', async () => {
    const { context } = await trials({ spec: { ...onlyPi, constraints: [parseConstraint('accuracy >= 0.35')] } });
    context.emit(trained(3, { accuracy: 0.9, epochs: 4, dataFraction: 1 }, { checkpointSha256: sha('3') }));
    const [model] = (await recommend(context, [entry(3)])).models;
    assert.deepEqual([model?.validationAccuracy, model?.feasible], [0.3, false]);
  });
});

describe('a model with an int8 variant', () => {
  it('has its accuracies measured alike, each test split once, and a card that says so', async () => {
    const { context, evaluated, blobs, kept, requests } = await trials({ spec: { ...onlyPi, space: int8Space } });
    const { models } = await recommend(context, [entry(3)]);
    const [model] = models;
    const { quantised } = model ?? {};
    assert.ok(quantised && 'onnxSha256' in quantised);
    const bytes = '{"width":3,"int8":true}';
    assert.deepEqual([quantised.onnxSha256, quantised.onnxBytes], [sha('6'), bytes.length]);
    near(quantised.validationAccuracy, 0.295);
    near(quantised.testAccuracy, 0.245);
    assert.deepEqual([model?.validationAccuracy, model?.testAccuracy], [0.3, 0.25]);
    assert.deepEqual(evaluated.sort(), ['float32 test 3', 'float32 validation 3', 'int8 test 3', 'int8 validation 3']);
    assert.equal(text(blobs.stored[7]), `# card${quantisedSection(quantised)}`);
    assert.deepEqual(kept, [sha('6'), sha('5'), sha('7')]);
    const int8 = { signature: 'i3', modelSha256: sha('6'), modelBytes: bytes.length };
    assert.deepEqual(requests[0]?.variants, { int8 });
    const [pi] = model?.devices ?? [];
    assert.deepEqual([pi?.config.precision, pi?.measurement.modelSha256], ['int8', sha('6')]);
    assert.deepEqual(
      pi?.alternatives.map(({ id }) => id),
      ['pi float32 w3'],
    );
    assert.match(pi?.precisionReason ?? '', /^int8 is better here/);
  });

  it('or none, for a reason', async () => {
    const quantise = () => Promise.reject(Object.assign(new Error('no convolution'), { name: 'QuantiseError' }));
    const training = { ...fakeTraining().service, quantise };
    const { context, blobs, requests } = await trials({ spec: { ...onlyPi, space: int8Space }, training });
    const { models } = await recommend(context, [entry(3)]);
    assert.deepEqual(models[0]?.quantised, { reason: 'no convolution' });
    assert.match(text(blobs.stored[6]), /^# card\n\*\*In int8.\*\* There is no int8 variant: no convolution/);
    assert.deepEqual(requests[0]?.variants, { int8: { reason: 'no convolution' } });
    assert.equal(models[0]?.devices[0]?.config.precision, 'float32');
  });

  it('counts with the largest file and the least accuracy that its devices run', async () => {
    // The study gives 1 point for int8; on pi it is no faster.
    const latencies = { 'pi float32': 1, 'pi int8': 2, 'orin float32': 2, 'orin int8': 1 };
    const inference: ContextOptions['inference'] = {
      tune: async ({ device, signature, modelSha256 }) => {
        const all = (['float32', 'int8'] as const).map((precision) => {
          const latencyMs = Number(signature.slice(1)) * latencies[`${device.name as 'pi'} ${precision}`];
          const measured = measurementAt(latencyMs, { config: { ...CONFIG, precision }, modelSha256 });
          return { measurement: storedMeasurement({ ...measured, id: precision }), source: 'measured' as const };
        });
        return result(1, { all, front: [] });
      },
    };
    const missing = async (constraint: string) => {
      const spec = { space: int8Space, constraints: [parseConstraint(constraint)] };
      const { context } = await trials({ spec, inference });
      const { models, why } = await recommend(context, [entry(3)]);
      const precisions = models[0]?.devices.map(({ config }) => config.precision);
      return { precisions, why, feasible: models[0]?.feasible };
    };
    const mixed = ['float32', 'int8'];
    // 26 bytes in float32, 23 in int8; accuracy 0.3 and 0.295.
    assert.deepEqual(await missing('modelSize <= 100 B'), {
      precisions: mixed,
      feasible: true,
      why: 'Trial 3 is the only one. The accuracy that decides is that on the validation split.',
    });
    const { precisions, why, feasible } = await missing('accuracy >= 0.58');
    assert.deepEqual([precisions, feasible], [['float32', 'float32'], false]);
    assert.match(why ?? '', /misses them by least \(48 % of the limits\)/);
    assert.equal((await missing('accuracy >= 0.295')).feasible, true);
    const objectives = ['maximize accuracy', 'minimize latency.p50', 'minimize modelSize'].map(parseObjective);
    const spec = { space: int8Space, objectives, prefer: parsePrefer('at most 90 % of accuracy') };
    const both = await recommend((await trials({ spec, inference })).context, [entry(3), entry(4)]);
    assert.deepEqual(
      both.models.map(({ devices }) => devices.map(({ config }) => config.precision)),
      [mixed, mixed],
    );
    assert.match(both.why ?? '', /accuracy 39.5 % instead of 29.5 %/);
    assert.match(both.why ?? '', /the same modelSize \(26 B\)/);
  });
});

describe('a recommendation', () => {
  it('is measured on the board that is the device in the end, where another has taken its place or it was left out', async () => {
    for (const { standing, model } of [
      { standing: 'expected', model: (at: string) => [[`pi ${at}`, `orin ${at}`], []] },
      { standing: 'left-out', model: (at: string) => [[`orin ${at}`], ['a person has said so']] },
    ] as const) {
      const slow = workUnderway<void>();
      const atOnce = fakeInference().service;
      const under = await trials({
        spec: { recommend: 2 },
        inference: {
          tune: async (request, ...rest) => {
            // All others have answered by then.
            if (request.device.name === 'orin' && request.signature === 'w2') await slow.done;
            return atOnce.tune(request, ...rest);
          },
        },
      });
      const { context, devices, of } = under;
      const outcome = recommend(context, [entry(3), entry(2)]);
      await until('all others have answered', () => of('measured').length === 3);
      const pi = devices.add('pi-2');
      const before = context.standing('pi');
      const deviceId = standing === 'expected' ? pi.id : before.deviceId;
      context.emit({ type: 'study-device', device: 'pi', deviceId, standing, reason: 'a person has said so' });
      context.deviceTroubles.decided('pi');
      slow.resolve();
      const { models } = await outcome;
      const nameOf = new Map([
        [context.standing('pi').deviceId, 'pi'],
        [context.standing('orin').deviceId, 'orin'],
      ]);
      assert.deepEqual(
        models.map(({ devices: asked, missing }) => [
          asked.map(({ measurement }) => `${nameOf.get(measurement.deviceId)} ${measurement.signature}`),
          missing.map(({ reason }) => reason),
        ]),
        ['w3', 'w2'].map(model),
      );
      assert.equal(of('recommendation').length, 1);
    }
  });

  it('is of as many models of the front as the study wants, best first, and says why', async () => {
    const { context, emitted } = await trials({ spec: { ...onlyPi, recommend: 2 } });
    const recommendation = await recommend(context, [entry(2), entry(3), entry(4)]);
    assert.deepEqual(
      recommendation.models.map(({ trialId }) => trialId),
      [3, 2],
    );
    assert.equal(
      recommendation.why,
      'Accuracy leads: no other is within 1 point of trial 3 (30 %); the next is trial 2 (20 %). The accuracy that decides is that on the validation split.',
    );
    assert.equal(recommendation.syntheticData, true);
    assert.deepEqual(emitted.at(-1), { type: 'recommendation', recommendation });
  });

  it('speaks of accuracy only where that was asked for', async () => {
    const objectives = ['minimize latency.p50', 'minimize parameters', 'minimize trainingTime'].map(parseObjective);
    const spec = { ...onlyPi, objectives, dataset: { format: 'images', path: '/data' } };
    const { context } = await trials({ spec, latencyOf: () => 5 });
    context.emit(trained(4, { accuracy: 0.4, epochs: 4, dataFraction: 1 }, { checkpointSha256: sha('4') }));
    const { why, syntheticData } = await recommend(context, [entry(3), entry(4)]);
    assert.deepEqual([why, syntheticData], ['Trial 3 is best in every objective.', false]);
    const twice = [parseObjective('trainingEnergy'), parseObjective('macs')];
    const other = await trials({ spec: { ...spec, objectives: twice } });
    other.context.emit(trained(1, { epochs: 4, dataFraction: 1 }, { checkpointSha256: sha('1') }));
    assert.match(
      (await recommend(other.context, [entry(1), entry(2)])).why ?? '',
      /^TrainingEnergy leads: no other is within 10 % of trial 2 \(5 J\); the next is trial 1 \(10 J\)\.$/,
    );
  });

  it('sums how far a model misses the constraints on it and on its devices', async () => {
    const constraints = ['accuracy >= 0.5', 'latency.p50 <= 2 ms'].map(parseConstraint);
    const { context } = await trials({
      spec: { constraints },
      latencyOf: ({ device }) => (device.name === 'pi' ? 3 : 2),
    });
    const { models, why } = await recommend(context, [entry(4)]);
    assert.deepEqual([models[0]?.feasible, models[0]?.devices.map(({ feasible }) => feasible)], [false, [false, true]]);
    assert.match(why ?? '', /by least \(70 % of the limits\)/);
  });

  it('leaves out a model that cannot be had, with a warning; without any the study fails for the first', async () => {
    const training = { exportTrained: fakeTraining().service.exportTrained };
    const { context, of } = await trials({
      spec: onlyPi,
      training: {
        exportTrained: async (task, checkpoint) => {
          if (task.candidate.width !== 3) throw new Error(`no export of ${task.candidate.width}`);
          return training.exportTrained(task, checkpoint);
        },
      },
    });
    const { models } = await recommend(context, [entry(2), entry(3), entry(4)]);
    assert.equal(models.length, 1);
    assert.deepEqual(
      of('warning').map(({ message }) => message),
      ['a model is not recommended: no export of 2', 'a model is not recommended: no export of 4'],
    );
    await assert.rejects(recommend(context, [entry(4), entry(2)]), /no export of 4/);
    assert.equal(of('warning').length, 2);
  });

  it('does not come of a study that was stopped', async () => {
    const { context, end, of } = await trials();
    const { exportTrained } = context.training;
    context.training.exportTrained = async (...task) => {
      end(new Error('stopped'));
      return exportTrained(...task);
    };
    await assert.rejects(recommend(context, [entry(3)]), /^Error: stopped$/);
    assert.equal(of('recommendation').length, 0);
  });

  it('is trained above the rung at which it failed, too, so that this counts as its last training', async () => {
    const { context, of } = await trials({ spec: onlyPi });
    context.emit(asked(3, { width: 3 }, { rung: 4 }), trained(3, { accuracy: 0.2, epochs: 1, dataFraction: 1 }));
    await recommend(context, [entry(3)]);
    assert.equal(of('training-finished').at(-1)?.rung, 5);
  });

  it('fails with words for a trial without a checkpoint, or that no device can run', async () => {
    const { context } = await trials();
    context.emit(trained(3, { epochs: 4, dataFraction: 1 }, { checkpointSha256: null }));
    await assert.rejects(recommend(context, [entry(3)]), /trial 3 has no checkpoint/);
    const silent = (reason: string | null) =>
      trials({ spec: onlyPi, inference: { tune: async () => result(1, { reason }) } });
    await assert.rejects(
      recommend((await silent('out of memory')).context, [entry(2)]),
      /trial 2 could not be measured on pi: out of memory/,
    );
    await assert.rejects(recommend((await silent(null)).context, [entry(2)]), /on pi: no reason given/);
    const data = await trials({
      training: { exportTrained: () => Promise.reject(new DatasetError('no such folder')) },
    });
    await assert.rejects(recommend(data.context, [entry(2)]), DatasetError);
  });
});

describe('the summary of a study', () => {
  it('counts trials, measurements, and what all of it cost', async () => {
    const { context } = await trials({ spec: onlyPi });
    const before: StudyEventBody[] = [
      { type: 'training-started', trialId: 1, rung: 0, backend: 'wasm', trainingCores: 1 },
      { type: 'measured', trialId: 1, measurement: storedMeasurement(), source: 'measured' },
      { type: 'measured', trialId: 1, measurement: storedMeasurement(), source: 'reused-class' },
      { type: 'measured', trialId: 1, measurement: storedMeasurement(), source: 'reused-device' },
      answered(1, 'pi'),
      answered(1, 'orin', { possible: 4, measurements: 5 }),
      answered(2, 'pi', { possible: undefined, measurements: 2 }),
      answered(2, 'orin', { possible: 12, measurements: 4 }),
      {
        ...{ type: 'trial-told', trialId: 1, rung: 0, status: 'infeasible', metrics: {}, predicted: [], violation: 1 },
        ...{ cost: { seconds: 0, joules: 0 }, reason: null },
      },
      {
        type: 'span',
        lane: 'training 1',
        kind: 'training',
        trialId: 1,
        startMs: Date.now() - 20_000,
        endMs: Date.now() - 10_000,
      },
      {
        type: 'span',
        lane: 'study',
        kind: 'paused',
        trialId: null,
        startMs: Date.now() - 16_000,
        endMs: Date.now() - 13_000,
      },
    ];
    context.emit(...before);
    const { summary } = await recommend(context, [entry(3)]);
    const { wallSeconds, overheadSeconds, pausedSeconds, ...counted } = summary;
    assert.deepEqual(counted, {
      ...{ trials: 4, infeasibleTrials: 1, measurements: 2, reusedMeasurements: 2, savedMeasurements: 7 + 8 },
      ...{ trainingSeconds: 40, trainingCpuSeconds: 80, trainingEnergyJ: 20, deviceSeconds: 4, deviceJoules: 4 },
      trainingEnergySource: 'estimate',
      trainingBackend: 'wasm',
    });
    assert.ok(wallSeconds >= 20 && wallSeconds < 80, `${wallSeconds}`);
    near(overheadSeconds, wallSeconds - 7, 1);
    near(pausedSeconds, 3, 0.01);
  });

  it('knows no joules of boards that told none, and which of the training a meter told', async () => {
    const tune: InferenceServer['tune'] = async ({ modelSha256 }, onMeasured) => {
      const measurement = { ...storedMeasurement(measurementAt(1, { config: CONFIG })), modelSha256 };
      onMeasured(measurement, 'measured');
      return result(1, { all: [{ measurement, source: 'measured' }], front: [measurement], best: measurement });
    };
    const { context } = await trials({ spec: onlyPi, inference: { tune } });
    context.emit({ type: 'measured', trialId: 1, measurement: storedMeasurement(), source: 'measured' });
    context.emit(trained(1, { accuracy: 0.1 }, { energySource: 'meter' }));
    const { summary } = await recommend(context, [entry(3)]);
    assert.deepEqual([summary.deviceJoules, summary.trainingEnergySource], [null, 'both']);
  });
});

describe('a model that has not learned anything', () => {
  /** Of two classes, 60 and 40 of 100 validation samples. */
  const withChance = (training: Partial<TrainingService> = {}, spec: object = onlyPi) =>
    trials({
      spec,
      training: {
        checkDataset: async () =>
          standInData({ classes: ['cat', 'dog'], samplesByClass: { train: [], validation: [40, 60], test: [] } }),
        ...training,
      },
    });
  /** Trials as wide as their number, fully trained. */
  const done = (accuracies: Record<number, number>) =>
    Object.entries(accuracies).flatMap(([trialId, accuracy]) => {
      const checkpoint = { checkpointSha256: sha('1') };
      return [
        asked(Number(trialId), { width: 1 }),
        trained(Number(trialId), { accuracy, epochs: 4, dataFraction: 1 }, checkpoint),
      ];
    });

  it('is left out with a warning that says what was compared with what', async () => {
    const { context, of } = await withChance({}, { ...onlyPi, recommend: 2 });
    context.emit(...done({ 5: 0.68, 6: 0.69 }));
    const { models } = await recommend(context, [entry(5), entry(6)]);
    assert.deepEqual(
      models.map(({ trialId }) => trialId),
      [6],
    );
    assert.deepEqual(
      of('warning').map(({ message }) => message),
      [
        'a model is not recommended: trial 5: its validation accuracy of 68 % (68 of 100) is not above the 60 % (60 of 100) that always answering "dog" reaches, at 95 % for that many samples (one-sided exact binomial test, p = 0.062)',
      ],
    );
  });

  it('is not exported, measured or tested', async () => {
    const { context, requests, evaluated, of } = await withChance();
    context.emit(...done({ 5: 0.6 }));
    await assert.rejects(
      recommend(context, [entry(5)]),
      /none has shown that it has learned anything: trial 5: its validation accuracy/,
    );
    assert.deepEqual([requests, evaluated, of('recommendation'), of('span')], [[], [], [], []]);
  });

  it('gives way to the next of the front that had learned something, in its order', async () => {
    const { context } = await withChance({}, { ...onlyPi, recommend: 1 });
    context.emit(...done({ 5: 0.5, 6: 0.65, 7: 0.9, 8: 0.95 }));
    const at = (trialId: number, accuracy: number) => entry(trialId, { metrics: { accuracy } });
    const first = async (...front: FrontEntry[]) => (await recommend(context, front)).models[0]?.trialId;
    assert.equal(await first(at(5, 0.5), at(7, 0.9), at(8, 0.95)), 7);
    // It seemed to have learned something at its rung, and had not when it was trained to its end.
    assert.equal(await first(at(6, 0.8), at(7, 0.9)), 7);
  });

  it('may learn something by its last training', async () => {
    const { context } = await withChance();
    context.emit(asked(9, { width: 8 }), trained(9, { accuracy: 0.6, epochs: 1, dataFraction: 0.5 }));
    const slow = entry(9, { candidate: { width: 8 }, metrics: { accuracy: 0.6 } });
    assert.equal((await recommend(context, [slow])).models[0]?.trialId, 9);
  });

  it('where there is no other the study ends with the reason, and blames no constraint', async () => {
    const { context } = await withChance({}, { ...onlyPi, recommend: 2 });
    context.emit(...done({ 5: 0.6, 6: 0.4, 7: 0.5, 8: 0.61 }));
    const front = [5, 6, 7, 8].map((trialId) => entry(trialId, { metrics: { accuracy: 0.5 } }));
    await assert.rejects(recommend(context, front), ({ message }: Error) => {
      assert.match(
        message,
        /^no model is recommended, because none has shown that it has learned anything: trial 5: .*60 of 100/,
      );
      assert.match(
        message,
        /; trial 6: its validation accuracy of 40 % .*; 2 more were no better when the search left them\./,
      );
      assert.match(message, /Look at the labels of the data set/);
      assert.doesNotMatch(message, /constraint/);
      return true;
    });
  });

  it('is left out for weights that are no numbers, in training and in export', async () => {
    for (const name of ['DivergedError', 'NotFiniteError']) {
      const broken = () => Promise.reject(Object.assign(new Error('the weights are not finite'), { name }));
      const { service } = fakeTraining();
      const { context, of } = await withChance(
        {
          train: (request, ...rest) => (request.candidate.width === 7 ? broken() : service.train(request, ...rest)),
          exportTrained: (task, ...rest) =>
            task.candidate.width === 1 ? broken() : service.exportTrained(task, ...rest),
        },
        { ...onlyPi, recommend: 3 },
      );
      context.emit(...done({ 5: 0.9 }), asked(7, { width: 7 }), asked(8, { width: 8 }));
      const wide = (trialId: number) => entry(trialId, { candidate: { width: trialId } });
      const exported = entry(5, { candidate: { width: 1 } });
      const { models } = await recommend(context, [exported, wide(7), wide(8)]);
      assert.deepEqual(
        models.map(({ trialId }) => trialId),
        [8],
      );
      assert.deepEqual(
        of('warning').map(({ message }) => message),
        [5, 7].map((trialId) => `a model is not recommended: trial ${trialId}: the weights are not finite`),
      );
    }
  });

  it('is no int8 variant of one that has', async () => {
    const { context, requests } = await withChance(
      {
        evaluateOnnx: async (_task, onnx) => evaluation(JSON.parse(text(onnx)).int8 ? 0.6 : 0.9, 100),
      },
      { ...onlyPi, space: int8Space },
    );
    context.emit(...done({ 5: 0.9 }));
    const { models } = await recommend(context, [entry(5, { candidate: { width: 1 } })]);
    const { quantised, devices } = models[0] ?? {};
    assert.match(quantised && 'reason' in quantised ? quantised.reason : '', /60 % \(60 of 100\) is not above/);
    assert.deepEqual(
      devices?.map(({ config }) => config.precision),
      ['float32'],
    );
    assert.deepEqual(requests[0]?.variants, { int8: quantised });
  });
});
