import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { BoardDescription } from '@edgetune/shared/domain/device.ts';
import type { SearchSpace } from '@edgetune/shared/domain/search-space.ts';
import { parseStudy } from '../../../coordinator/study/parse-study.ts';
import { StudyInputError } from '../../../coordinator/study/state/study-errors.ts';
import { DATASET_FORMATS } from '../../../coordinator/training/datasets/all.ts';
import { imageClassifier } from '../../../coordinator/training/workloads/image-classifier.ts';
import { keywordSpotter } from '../../../coordinator/training/workloads/keyword-spotter.ts';
import { TUNER_PARTS } from '../../../coordinator/tuner/tuner-parts.ts';
import { boardDescription } from '../../support/fleet.ts';

const withRunner = (runner: string): BoardDescription['runtimes'][number] => ({
  runner,
  version: '1.0',
  executionProviders: ['cpu'],
  precisions: ['float32'],
});
const defaultSpace: SearchSpace = {
  model: { width: { type: 'ordinal', values: [8, 16] } },
  training: { learningRate: { type: 'float', min: 1e-4, max: 0.1, scale: 'log' } },
  system: {},
  inference: { batchSize: { type: 'ordinal', values: [1, 4] } },
};
const checks = {
  parts: {
    ...TUNER_PARTS,
    workloads: [{ ...imageClassifier, defaultSpace }, keywordSpotter],
    formats: DATASET_FORMATS,
  },
  devices: [
    { name: 'kitchen-pi', board: boardDescription() },
    {
      name: 'orin',
      board: boardDescription({ runtimes: [withRunner('onnxruntime-node'), withRunner('of-this-test')] }),
    },
    { name: 'not-joined', board: null },
  ],
};

function mistakesOf(yaml: string): { line: number | null; path: string; message: string }[] {
  try {
    parseStudy(yaml, checks);
  } catch (error) {
    assert.ok(error instanceof StudyInputError, String(error));
    return (error.problem.issues ?? []).map(({ line, path, message }) => ({ line, path, message }));
  }
  assert.fail('the study was accepted');
}

describe('parseStudy', () => {
  it('fills in defaults and the workload space', () => {
    const spec = parseStudy('name: first\ndataset: {format: synthetic-images}\ndevices: [kitchen-pi]\n', checks);
    assert.equal(spec.space, defaultSpace);
    assert.equal(spec.budget.maxEpochs, 9);
    assert.deepEqual(
      spec.objectives.map(({ metric }) => metric),
      ['accuracy', 'latency.p50'],
    );
  });

  it('lists every mistake at once, each with its line and what is allowed', () => {
    const mistakes = mistakesOf(
      [
        'name: first',
        'workload: image-clasifier',
        'dataset:',
        '  format: synthetic-images',
        '  samples: 3',
        'devices: [kitchen-pi]',
        'constraints:',
        '  - latency.p99 <= 30 MB',
        'colour: red',
        '',
      ].join('\n'),
    );
    assert.deepEqual(mistakes.map(({ line, path }) => [line, path]).sort(), [
      [2, 'workload'],
      [5, 'dataset.samples'],
      [8, 'constraints.0'],
      [9, 'colour'],
    ]);
    assert.match(mistakes.find(({ path }) => path === 'workload')?.message ?? '', /image-classifier/);
    assert.match(
      mistakes.find(({ path }) => path === 'constraints.0')?.message ?? '',
      /not a time: write a number and one of ns, us/,
    );
  });

  it('names unknown devices and those that the fleet has', () => {
    const [mistake] = mistakesOf(
      'name: x\ndataset: {format: synthetic-images}\ndevices:\n  - kitchen-pi\n  - attic-pi\n',
    );
    assert.equal(mistake?.line, 5);
    assert.match(mistake?.message ?? '', /unknown device "attic-pi": the fleet has kitchen-pi, orin, not-joined/);
  });

  it('refuses parameters that the workload does not have', () => {
    const [mistake] = mistakesOf(
      'name: x\ndataset: {format: synthetic-images}\ndevices: [orin]\nspace:\n  model:\n    widht: {type: ordinal, values: [1, 2]}\n',
    );
    assert.equal(mistake?.line, 6);
    assert.match(mistake?.message ?? '', /no model parameter "widht": it has width/);
  });

  it('takes the runners that boards of the fleet have, and names them where one has none of it', () => {
    const study = (device: string, runner: string) =>
      `name: x\ndataset: {format: synthetic-images}\ndevices: [${device}]\nspace:\n  model: {width: {type: constant, value: 8}}\n  inference:\n    runner: ${runner}\n`;
    const choices = (...names: string[]) => `{type: categorical, choices: [${names.join(', ')}]}`;
    for (const [device, runner] of [
      ['orin', choices('of-this-test', 'onnxruntime-node')],
      ['kitchen-pi', choices('of-this-test', 'onnxruntime-node')],
      ['not-joined', choices('who knows')],
    ] as const)
      assert.ok(parseStudy(study(device, runner), checks).space.inference.runner);
    const path = 'space.inference.runner';
    const there = 'the boards of the fleet have onnxruntime-node, of-this-test';
    assert.deepEqual(mistakesOf(study('orin', choices('of-that-test', 'onnxruntime-node'))), [
      { line: 7, path, message: `unknown runner "of-that-test": ${there}` },
    ]);
    assert.deepEqual(mistakesOf(study('orin', '{type: int, min: 1, max: 2}')), [
      { line: 7, path, message: `must be categorical: ${there}` },
    ]);
  });

  it('says where YAML itself is broken', () => {
    const [mistake] = mistakesOf('name: x\ndevices: [a, b\n');
    assert.ok((mistake?.line ?? 0) >= 2);
  });

  it('refuses measured training costs as objectives of a deterministic study', () => {
    const [mistake] = mistakesOf(
      'name: x\ndataset: {format: synthetic-images}\ndevices: [orin]\ndeterministic: true\nobjectives: [maximize accuracy, minimize trainingTime]\n',
    );
    assert.deepEqual([mistake?.path, mistake?.line], ['objectives.1', 5]);
  });
});
