/** Data sets in the training service: read by a process of their own, known by their content. */
import assert from 'node:assert/strict';
import { readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import { createTrainingService } from '../../../coordinator/training/create-training-service.ts';
import { askReader } from '../../../coordinator/training/datasets/process/ask-reader.ts';
import { LIMITS } from '../../../coordinator/training/datasets/source/limits.ts';
import {
  DatasetChangedError,
  type TrainingService,
  type TrialTask,
} from '../../../coordinator/training/training-service.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { childrenOf } from './support/processes.ts';
import { refused } from './support/refusals.ts';
import { BARS } from './support/small-datasets.ts';

const WORKLOAD = 'image-classifier';
const never = new AbortController().signal;

/** Names of the classes above and below; `wrong`: every second label is the other one. */
const table = (names: readonly [string, string], wrong = false) =>
  BARS.map(({ label, pixels }, i) => [...pixels, names[wrong && i % 4 < 2 ? 1 - label : label]].join(',')).join('\n');

function csv(t: Parameters<typeof temporaryFolder>[0], text: string) {
  const path = join(temporaryFolder(t, { 'x.csv': text }), 'x.csv');
  return { path, dataset: { format: 'csv-images', path } };
}

const changed = (message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof DatasetChangedError, String(error));
  assert.match(error.message, message);
  return true;
};

describe('a data set that is corrected in place', () => {
  // Of this suite, not of the file: another file of the folder counts the processes that train.
  let service: TrainingService;
  before(() => {
    service = createTrainingService({ log: plainLogger(() => {}) });
  });
  after(() => service.close());

  it('is trained as it is now, with the names that it has now, by processes that are warm from before', async (t) => {
    const { path, dataset } = csv(t, table(['old up', 'old down'], true));
    const task: TrialTask = {
      workload: WORKLOAD,
      dataset,
      candidate: { width: 8, depth: 1, block: 'residual', learningRate: 0.02 },
      seed: 1,
    };
    const train = async () => {
      const request = {
        ...task,
        budget: { epochs: 6, dataFraction: 1 },
        judgedBy: { metric: 'accuracy', direction: 'maximize' as const },
        cores: 1,
        checkpoint: null,
      };
      const { metrics, checkpoint } = await service.train(request, () => {}, never);
      const { onnx } = await service.exportTrained(task, checkpoint);
      return { accuracy: metrics.accuracy as number, onnx: Buffer.from(onnx).toString('latin1') };
    };
    const before_ = await train();
    assert.ok(before_.accuracy < 0.9, String(before_.accuracy));
    const children = childrenOf(process.pid);
    writeFileSync(path, table(['up', 'down']));
    const now = await train();
    assert.ok(now.accuracy > 0.95, String(now.accuracy));
    assert.match(now.onnx, /\["down","up"\]/);
    assert.doesNotMatch(now.onnx, /old up/);
    // The very processes that had the old one in memory.
    assert.ok(childrenOf(process.pid).some((pid) => children.includes(pid)));
  });

  it('is refused to whoever means the one of before, with what has changed, until it is put back', async (t) => {
    const { path, dataset } = csv(t, table(['up', 'down']));
    const { evidence } = await service.checkDataset(WORKLOAD, dataset);
    const build = () =>
      service.buildArchitecture({ workload: WORKLOAD, dataset, dataSha256: evidence.sha256, candidate: {}, seed: 1 });
    await build();
    writeFileSync(path, table(['left', 'right']));
    await assert.rejects(
      build(),
      changed(
        /x\.csv is not what the study began with: 1 of its 1 files has changed\. Put it back as it was and resume/,
      ),
    );
    // Who means no other than what is there has that, and does not change what others mean.
    const other = await service.checkDataset(WORKLOAD, dataset);
    assert.deepEqual(other.evidence.classes, ['left', 'right']);
    await assert.rejects(build(), changed(/its content is another: sha256 [0-9a-f]{12}…, and was [0-9a-f]{12}…/));
    writeFileSync(path, table(['up', 'down']));
    await build();
  });

  it('that is gone is refused likewise, also by a service that has never read it', async (t) => {
    const { path, dataset } = csv(t, table(['up', 'down']));
    const { evidence } = await service.checkDataset(WORKLOAD, dataset);
    renameSync(path, `${path}.away`);
    await assert.rejects(service.checkDataset(WORKLOAD, dataset, evidence.sha256), changed(/1 of its 1 files is gone/));
    await assert.rejects(service.checkDataset(WORKLOAD, dataset), refused(/does not exist/));
    const own = createTrainingService({ log: plainLogger(() => {}) });
    t.after(() => own.close());
    await assert.rejects(own.checkDataset(WORKLOAD, dataset, evidence.sha256), changed(/x\.csv does not exist/));
    renameSync(`${path}.away`, path);
    await own.checkDataset(WORKLOAD, dataset, evidence.sha256);
  });
});

it('whoever asks at the same time waits for the same reading; the samples lie in the folder and go with the service', async (t) => {
  const { dataset } = csv(t, table(['up', 'down']));
  const folder = temporaryFolder(t, { 'of-a-killed-coordinator.samples': 'x' });
  const own = createTrainingService({ log: plainLogger(() => {}), samplesFolder: join(folder) });
  const all = await Promise.all([1, 2, 3].map(() => own.checkDataset(WORKLOAD, dataset)));
  assert.equal(new Set(all.map(({ evidence }) => evidence)).size, 1);
  assert.equal(readdirSync(folder).filter((name) => name.endsWith('.samples')).length, 1);
  assert.ok(!readdirSync(folder).includes('of-a-killed-coordinator.samples'));
  await own.close();
  assert.throws(() => readdirSync(folder), /ENOENT/);
});

describe('the process that reads a data set', () => {
  const ask = (path: string, limits: Partial<typeof LIMITS>) =>
    askReader({ dataset: { format: 'auto', path }, takes: null, into: null, limits: { ...LIMITS, ...limits } });

  it('is ended where it takes too long or too much memory, in words', async (t) => {
    const { path } = csv(t, table(['up', 'down']));
    await assert.rejects(
      ask(path, { seconds: 0.05 }),
      refused(/x\.csv was not read to its end: it takes longer than 0\.05 s/),
    );
    await assert.rejects(
      ask(path, { memoryBytes: 1e6 }),
      refused(/was not read to its end: it needs more than 1\.0 MB of memory/),
    );
    assert.equal((await ask(path, {})).type, 'report');
  });

  it('shows samples of each class', async (t) => {
    const answer = await ask(csv(t, table(['up', 'down'])).path, {});
    assert.ok(answer.type === 'report');
    const { samples, format, isFormatFound } = answer.report;
    assert.deepEqual([format, isFormatFound], ['csv-images', true]);
    assert.deepEqual(
      samples.map(({ label }) => label),
      ['down', 'down', 'down', 'down', 'up', 'up', 'up', 'up'],
    );
    assert.equal(
      Buffer.from(samples[0]?.png ?? '', 'base64')
        .subarray(1, 4)
        .toString(),
      'PNG',
    );
    assert.match(samples[0]?.origin ?? '', /^x\.csv row \d+$/);
  });
});
