/** A study's outcome as people read it: the report, the model card, the folder of files. */
import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import type { Energy } from '@edgetune/shared/domain/measurement.ts';
import { parseConstraint, parseObjective } from '@edgetune/shared/domain/objective.ts';
import { parsePrefer } from '@edgetune/shared/domain/prefer.ts';
import type { Recommendation, RecommendedModel } from '@edgetune/shared/domain/recommendation.ts';
import { deviceText } from '@edgetune/shared/domain/recommendation-text.ts';
import { studySpecSchema } from '@edgetune/shared/domain/study.ts';
import type { StudyDetail } from '@edgetune/shared/protocol/http.ts';
import { renderRecommendation } from '../../../../coordinator/cli/render/recommendation.ts';
import type { BlobStore } from '../../../../coordinator/study/context/blob-store.ts';
import { exportFiles } from '../../../../coordinator/study/outcome/export-files.ts';
import { quantisedSection } from '../../../../coordinator/study/outcome/quantised-section.ts';
import { renderReport } from '../../../../coordinator/study/outcome/report.ts';
import { StudyStateError } from '../../../../coordinator/study/state/study-errors.ts';
import { measurementAt, storedMeasurement } from '../../../support/measurement.ts';
import { AT, CONFIG, projected, sha } from '../support/events.ts';

const energy: Energy = { netJ: 0.5, grossJ: 1, meanPowerW: 1, source: 'meter', meter: 'ina3221', sampleCount: 9 };
const quantised = { onnxSha256: sha('3'), onnxBytes: 2000, validationAccuracy: 0.8, testAccuracy: 0.75 };

const deviceOf = (
  device: string,
  change: Parameters<typeof measurementAt>[1] = {},
  precisionReason: string | null = null,
): RecommendedModel['devices'][number] => ({
  device,
  config: { ...CONFIG, batchSize: 4, threads: 2 },
  measurement: storedMeasurement({ ...measurementAt(2, change), deviceName: device }),
  feasible: true,
  alternatives: [],
  precisionReason,
});

const modelOf = (change: Partial<RecommendedModel> = {}): RecommendedModel => ({
  ...{
    trialId: 3,
    candidate: { width: 8, rate: 0.1 },
    onnxSha256: sha('1'),
    onnxBytes: 8000,
    modelCardSha256: sha('2'),
  },
  ...{ validationAccuracy: 0.9, testAccuracy: 0.85, quantised: null, epochs: 9, parameters: 1500, macs: 2e6 },
  devices: [deviceOf('pi')],
  ...{ missing: [], feasible: true, misses: [] },
  ...change,
});

const summary: Recommendation['summary'] = {
  ...{ trials: 20, infeasibleTrials: 3, measurements: 40, reusedMeasurements: 5, savedMeasurements: 60 },
  ...{ trainingSeconds: 3, trainingCpuSeconds: 6, trainingEnergyJ: 50, deviceSeconds: 7, deviceJoules: 8 },
  ...{ wallSeconds: 9, overheadSeconds: 1, pausedSeconds: 0, trainingBackend: 'wasm' },
};

function study(
  recommendation: Partial<Recommendation> | null,
  spec = {},
  change: Partial<StudyDetail> = {},
): StudyDetail {
  const written = studySpecSchema.parse({
    ...{ name: 'first', dataset: { format: 'images', path: '/data' }, devices: ['pi', 'orin'] },
  });
  const record = { id: 's-1', name: 'first', yaml: 'name: first\n', state: 'succeeded', reason: null } as const;
  const detail = projected().detail({ ...record, createdAt: AT, finishedAt: AT }, { ...written, ...spec });
  const made = recommendation && { models: [modelOf()], why: null, syntheticData: false, summary, ...recommendation };
  return { ...detail, recommendation: made, ...change };
}

const lines = (detail: StudyDetail) => renderReport(detail).split('\n');
const rows = (devices: RecommendedModel['devices']) =>
  lines(study({ models: [modelOf({ devices })] })).filter((line) => /^\| (pi|orin) /.test(line));

describe('the report', () => {
  it('of a study without an outcome says what was asked for and how it stands', () => {
    assert.deepEqual(lines(study(null)), [
      '# Study "first"',
      '',
      'Workload image-classifier, data set images, devices pi, orin.',
      'Objectives: maximize accuracy; minimize latency.p50 worst. Constraints: none.',
      'State: succeeded.',
      '',
    ]);
    const spec = {
      prefer: parsePrefer('at most 1 point of accuracy'),
      constraints: ['memory <= 64 MB', 'latency.p99 <= 30 ms on pi'].map(parseConstraint),
      objectives: [parseObjective('accuracy')],
      dataset: { format: 'synthetic-images' },
    };
    assert.deepEqual(lines(study(null, spec, { state: 'failed', reason: 'no data' })).slice(2, 5), [
      'Workload image-classifier, data set synthetic-images (**synthetic**: drawn by EdgeTune itself), devices pi, orin.',
      'Objectives: maximize accuracy (preferred: at most 1 point of accuracy). Constraints: memory <= 64 MB; latency.p99 <= 30 ms on pi.',
      'State: failed (no data).',
    ]);
  });

  it('names the trials on the front, as the pages mark them', () => {
    const front = (...marked: boolean[]) => {
      const trialViews = marked.map((onFront, trialId) => ({ trialId, onFront })) as StudyDetail['trialViews'];
      return lines(study({}, {}, { trialViews })).filter((line) => line.includes('Pareto front'));
    };
    assert.deepEqual(front(false, true, true, false, true), ['On the Pareto front: trials 1, 2 and 4.']);
    assert.deepEqual(front(false, true), ['On the Pareto front: trial 1.']);
    assert.deepEqual(front(false), []);
  });

  it('tells the classes apart: precision, recall, F1 and what each is taken for, on the test split', () => {
    const confusion = [
      [9, 1, 0],
      [4, 5, 1],
      [0, 0, 0],
    ];
    const metrics = { accuracy: 0.7, loss: 1, f1: 0.45, top5: 0.99 };
    const scores = {
      validation: { samples: 1, metrics: { f1: 0.1 }, confusion },
      test: { samples: 20, metrics, confusion },
    };
    const text = lines(study({ models: [modelOf({ classes: ['cat', 'dog', 'a|b'], scores })] }));
    assert.ok(text.some((line) => line.includes('On the test split F1 45 % (mean over the classes), top-5 99 %. ')));
    const at = text.indexOf('Class by class, on the test split:');
    assert.deepEqual(text.slice(at + 2, at + 14), [
      '| class | samples | precision | recall | F1 | most often taken for |',
      '| --- | --- | --- | --- | --- | --- |',
      '| cat | 10 | 69.2 % | 90 % | 78.3 % | dog (1) |',
      '| dog | 10 | 83.3 % | 50 % | 62.5 % | cat (4) |',
      '| a\\|b | 0 | 0 % | – | 0 % | – |',
      '',
      'Samples by their class (rows) and by what the model answers (columns):',
      '',
      '|  | cat | dog | a\\|b |',
      '| --- | --- | --- | --- |',
      '| cat | 9 | 1 | 0 |',
      '| dog | 4 | 5 | 1 |',
    ]);
    const many = Array.from({ length: 21 }, (_, i) => Array.from({ length: 21 }, (_, j) => Number(i === j)));
    const of21 = { samples: 21, metrics, confusion: many };
    const model = modelOf({ classes: many.map((_, i) => `c${i}`), scores: { validation: of21, test: of21 } });
    const long = renderReport(study({ models: [model] }));
    assert.match(long, /\| c20 \| 1 \| 100 % \|/);
    assert.doesNotMatch(long, /Samples by their class/);
    assert.doesNotMatch(renderReport(study({})), /Class by class|F1/);
  });

  it('names the epoch whose model is exported, where that is not the last', () => {
    const trainedFor = (change: Partial<RecommendedModel>) =>
      /Trained for ([^.]*)\./.exec(lines(study({ models: [modelOf(change)] })).join('\n'))?.[1];
    assert.equal(
      trainedFor({ bestEpoch: 4 }),
      '9 epochs, of which this is the model after epoch 4, the best by validation',
    );
    assert.equal(trainedFor({ bestEpoch: 9 }), '9 epochs');
    assert.equal(trainedFor({ epochs: 1, bestEpoch: 1 }), '1 epoch');
  });

  it('has a section for each model, best first, and what all cost', () => {
    const models = [modelOf(), modelOf({ trialId: 7, feasible: false })];
    const report = lines(study({ models, why: 'It is the best.' }));
    const section = (heading: string) => [
      heading,
      '',
      'Test accuracy 85 % (validation 90 %), 1.5 k parameters, 2 M MACs, 8 kB. Trained for 9 epochs. width 8, rate 0.1.',
      '',
      '| device | precision | batch | threads | clock | provider | runner | latency p50 | latency p99 | throughput | memory | energy per inference | evidence |',
      '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
      '| pi | float32 | 4 | 2 | governor | cpu | onnxruntime-node | 2 ms | 2 ms | 500 /s | 10 MB | not measured | measured |',
      '',
    ];
    assert.deepEqual(report.slice(5), [
      ...['', 'It is the best.', ''],
      ...section('## 1. Trial 3'),
      ...section('## 2. Trial 7 (does not meet the constraints)'),
      '## What it cost',
      '',
      '| | |',
      '|---|---|',
      '| trials | 20, of which 3 infeasible |',
      '| measurements | 40 made, 5 reused; 60 saved against measuring every config |',
      '| training | 3 s, 6 s of CPU, 50 J (measured or estimated: not recorded), on wasm |',
      '| devices | 7 s, 8 J |',
      '| wall clock | 9 s, overhead 1 s |',
      '',
    ]);
    const old = study({ summary: { ...summary, savedMeasurements: undefined } });
    assert.ok(lines(old).some((line) => line.includes('; an unknown number saved')));
    assert.deepEqual(lines(old).slice(5, 7), ['', '## 1. Trial 3'], 'no reason, no line');
  });

  it('shows what was measured, by which evidence, and a dash for what was not', () => {
    const latencyMs = { ...measurementAt(2).latencyMs, p99: 3 } as never;
    assert.deepEqual(
      rows([
        deviceOf('pi', { latencyMs, energy, simulated: true }),
        deviceOf('orin', { latencyMs: null, throughputPerS: null, peakMemoryBytes: null }),
        deviceOf('pi', { energy: { ...energy, source: 'estimate' } }),
      ]),
      [
        '| pi | float32 | 4 | 2 | governor | cpu | onnxruntime-node | 2 ms | 3 ms | 500 /s | 10 MB | 500 mJ | simulated |',
        '| orin | float32 | 4 | 2 | governor | cpu | onnxruntime-node | – | – | – | – | not measured | measured |',
        '| pi | float32 | 4 | 2 | governor | cpu | onnxruntime-node | 2 ms | 2 ms | 500 /s | 10 MB | 500 mJ (estimate) | measured |',
      ],
    );
  });

  it('names the device that was measured where another one has taken the place, or it is called otherwise', () => {
    const row = deviceOf('kitchen-pi');
    assert.equal(deviceText(row), 'kitchen-pi');
    assert.equal(deviceText({ ...row, measurement: { ...row.measurement, deviceName: 'pi-2' } }), 'kitchen-pi (pi-2)');
  });

  it('says all that a config asks for', () => {
    const config = { ...CONFIG, clockKHz: 1_500_000, executionProvider: 'cuda', runner: 'onnxruntime-python' } as const;
    const [row] = rows([{ ...deviceOf('pi'), config }]);
    assert.match(row ?? '', /^\| pi \| float32 \| 1 \| \d \| 1.5 GHz \| cuda \| onnxruntime-python \| 2 ms/);
    const said = renderRecommendation(
      study({ models: [modelOf({ devices: [{ ...deviceOf('pi', { simulated: true }), config }] })] }),
    );
    assert.match(said, /clock +provider +runner/);
    assert.match(said, /pi +float32 +1 +\d +1.5 GHz +cuda +onnxruntime-python .* SIMULATED/);
  });

  it('says which energy a meter told, and where none did', () => {
    const cost = (change: Partial<Recommendation['summary']>) =>
      lines(study({ summary: { ...summary, ...change } })).filter((line) => /^\| (training|devices) \|/.test(line));
    assert.deepEqual(cost({ trainingEnergySource: 'meter', deviceJoules: null }), [
      '| training | 3 s, 6 s of CPU, 50 J, on wasm |',
      '| devices | 7 s, energy not measured |',
    ]);
    assert.match(cost({ trainingEnergySource: 'estimate' })[0] ?? '', /50 J \(estimate\)/);
    assert.match(cost({ trainingEnergySource: 'both' })[0] ?? '', /50 J \(partly an estimate\)/);
  });

  it('says what int8 costs and why a device has it, or why there is none', () => {
    const between = (change: Partial<RecommendedModel>) => {
      const report = lines(study({ models: [modelOf(change)] }));
      return report.slice(report.findIndex((line) => line.startsWith('Test accuracy')) + 2, report.indexOf(TABLE));
    };
    const TABLE =
      '| device | precision | batch | threads | clock | provider | runner | latency p50 | latency p99 | throughput | memory | energy per inference | evidence |';
    assert.deepEqual(between({}), []);
    assert.deepEqual(between({ quantised: { reason: 'no convolution' } }), ['No int8 variant: no convolution.', '']);
    const said = 'In int8: test accuracy 75 % (validation 80 %), 2 kB.';
    assert.deepEqual(between({ quantised }), [said, '']);
    const devices = [deviceOf('pi', {}, 'it is better'), deviceOf('orin')];
    assert.deepEqual(between({ quantised, devices }), [said, '', '- pi: it is better.', '']);
  });
});

test('the model card says what its int8 variant is, or why there is none', () => {
  assert.equal(
    quantisedSection({ reason: 'no convolution' }),
    '\n**In int8.** There is no int8 variant: no convolution.\n',
  );
  const card = quantisedSection(quantised).replaceAll('\n', ' ');
  for (const part of [
    '`model-int8.onnx` is the same model',
    ' 2 kB,',
    'Accuracy 80 % on the validation',
    '75 % on the test',
  ])
    assert.ok(card.includes(part), `${part}: ${card}`);
});

describe('the files of a study', () => {
  const blobs = { get: async (sha256: string) => new TextEncoder().encode(sha256[0]) } as unknown as BlobStore;
  const read = async (detail: StudyDetail) =>
    (await exportFiles(detail, blobs)).map(({ path, bytes }) => [path, new TextDecoder().decode(bytes)]);

  it('are the study, its recommendation, the report, and a folder for each model with its files', async () => {
    const models = [
      modelOf(),
      modelOf({ trialId: 7, quantised }),
      modelOf({ trialId: 8, quantised: { reason: 'none' } }),
    ];
    const detail = study({ models });
    assert.deepEqual(await read(detail), [
      ['study.yaml', 'name: first\n'],
      ['recommendation.json', `${JSON.stringify(detail.recommendation, null, 2)}\n`],
      ['report.md', renderReport(detail)],
      ['model-1-trial-3/model.onnx', '1'],
      ['model-1-trial-3/model-card.md', '2'],
      ['model-2-trial-7/model.onnx', '1'],
      ['model-2-trial-7/model-int8.onnx', '3'],
      ['model-2-trial-7/model-card.md', '2'],
      ['model-3-trial-8/model.onnx', '1'],
      ['model-3-trial-8/model-card.md', '2'],
    ]);
  });

  it('are refused where there is no recommendation yet', async () => {
    await assert.rejects(read(study(null, {}, { state: 'running' })), (error: Error) => {
      assert.ok(error instanceof StudyStateError);
      assert.match(error.message, /study "first" is running: there is no recommendation to export yet/);
      return true;
    });
  });
});
