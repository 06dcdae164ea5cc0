/** What every data format promises. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { settingsOf, studySchemaFor } from '@edgetune/shared/domain/study-parts.ts';
import { PARTS } from '../../../coordinator/parts.ts';
import { DATASET_FORMATS } from '../../../coordinator/training/datasets/all.ts';
import type { DataKinds } from '../../../coordinator/training/datasets/data-kinds.ts';
import { FRAMES, MEL_BANDS } from '../../../coordinator/training/datasets/log-mel.ts';
import { loadTask } from '../../../coordinator/training/load-task.ts';
import { DatasetError } from '../../../coordinator/training/training-service.ts';
import { WORKLOADS } from '../../../coordinator/training/workloads/all.ts';
import { smallDataset } from './support/small-datasets.ts';

/** How many values a sample of each kind has, and how many there are in a split. */
const MEASURES: { [Kind in keyof DataKinds]: (data: DataKinds[Kind]) => { samples: number; labels: Uint8Array } } = {
  images: ({ train, height, width, channels }) => ({
    samples: train.pixels.length / (height * width * channels),
    labels: train.labels,
  }),
  speech: ({ train }) => ({ samples: train.spectrograms.length / (FRAMES * MEL_BANDS), labels: train.labels }),
  texts: ({ train }) => ({ samples: train.texts.length, labels: train.labels }),
};

const names = DATASET_FORMATS.map(({ name }) => name);

it('each name is there once', () => assert.equal(new Set(names).size, names.length));

for (const format of DATASET_FORMATS) {
  const { name, holds, description } = format;
  describe(`format ${name}`, () => {
    const workload = WORKLOADS.find(({ takes }) => takes === holds);
    const mistakesOf = (section: object) =>
      studySchemaFor(PARTS)
        .safeParse({ name: 'x', devices: ['pi'], workload: workload?.name, dataset: { format: name, ...section } })
        .error?.issues.map(({ code, path }) => `${code} ${path.join('.')}`);
    const settings = settingsOf(format);
    const examples = Object.fromEntries(
      settings.filter(({ required }) => required).map((setting) => [setting.name, setting.example]),
    );

    it('is described, and so is each of its settings; those that must be given have an example that fits', () => {
      assert.match(description, /^\S.*\S$/);
      for (const setting of settings) assert.match(setting.description, /\S/, setting.name);
      assert.equal(mistakesOf(examples), undefined);
    });

    it('takes no other key than its settings', () => {
      assert.deepEqual(mistakesOf({ ...examples, colour: 'red' }), ['unrecognized_keys dataset']);
    });

    it('holds what a workload takes', () => assert.ok(workload, `no workload takes ${holds}`));

    it('is read: as many labels as samples, of the classes that there are', (t) => {
      const data = format.read(smallDataset(t, name));
      const measure = MEASURES[holds] as (data: DataKinds[keyof DataKinds]) => ReturnType<(typeof MEASURES)['texts']>;
      const { samples, labels } = measure(data);
      assert.equal(labels.length, samples);
      assert.ok(samples > 30);
      assert.ok(Math.max(...labels) < data.classes.length);
      assert.deepEqual([...new Set(labels)].sort(), [0, 1]);
    });

    it('is learned from by the workload that takes it', async (t) => {
      const task = await loadTask({ workload: workload?.name ?? '', dataset: smallDataset(t, name) });
      for (const split of ['train', 'validation', 'test'] as const) {
        const inputs = task.inputs(split, [0, 1]);
        assert.equal(inputs.length, 2 * task.inputShape.reduce((size, length) => size * length, 1));
        assert.ok(inputs.every(Number.isFinite));
      }
    });

    it('names what is missing', () => {
      const paths = settings.filter((setting) => setting.name === 'path');
      for (const _ of paths)
        assert.throws(
          () => format.read({ ...examples, path: '/nowhere' }),
          (error) => error instanceof DatasetError && error.message.includes('/nowhere'),
        );
    });
  });
}
