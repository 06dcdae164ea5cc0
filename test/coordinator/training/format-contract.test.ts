/** What every data format promises. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { settingsOf, studySchemaFor } from '@edgetune/shared/domain/study-parts.ts';
import { PARTS } from '../../../coordinator/parts.ts';
import { DATASET_FORMATS } from '../../../coordinator/training/datasets/all.ts';
import { readDataset } from '../../../coordinator/training/datasets/read-dataset.ts';
import { DatasetError } from '../../../coordinator/training/training-service.ts';
import { WORKLOADS } from '../../../coordinator/training/workloads/all.ts';
import { loaded } from './support/prepared.ts';
import { smallDataset } from './support/small-datasets.ts';

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

    it('is read: every class in every split, nothing that looks wrong but what is; twice with the same samples', async (t) => {
      const dataset = await smallDataset(t, name);
      const [first, again] = [await readDataset(dataset), await readDataset(dataset)];
      const { data, byClass } = first.finished;
      assert.equal(data.classes.length, 2);
      for (const split of ['train', 'validation', 'test'] as const) {
        assert.deepEqual([...new Set(data[split].labels)].sort(), [0, 1]);
        assert.equal((byClass[split][0] as number) + (byClass[split][1] as number), data[split].labels.length);
      }
      assert.ok(data.train.labels.length > 30);
      assert.deepEqual(again.finished.data, data);
      assert.equal(again.identity.sha256, first.identity.sha256);
    });

    it('is learned from by the workload that takes it', async (t) => {
      const task = await loaded(workload?.name ?? '', await smallDataset(t, name));
      for (const split of ['train', 'validation', 'test'] as const) {
        const inputs = task.inputs(split, [0, 1]);
        assert.equal(inputs.length, 2 * task.inputShape.reduce((size, length) => size * length, 1));
        assert.ok(inputs.every(Number.isFinite));
      }
    });

    const hasPath = settings.some((setting) => setting.name === 'path');

    it('names what is missing', { skip: !hasPath && 'it has no files' }, async () => {
      await assert.rejects(
        readDataset({ format: name, ...examples, path: '/nowhere' }),
        (error) => error instanceof DatasetError && error.message.startsWith('/nowhere does not exist'),
      );
    });

    it('is found out where a study names no format', { skip: !hasPath && 'it has no files' }, async (t) => {
      const { format: _, ...section } = await smallDataset(t, name);
      const { dataset, isFormatFound } = await readDataset({ format: 'auto', ...section });
      assert.deepEqual([dataset.format, isFormatFound], [name, true]);
    });
  });
}
