/** The training service with its real processes. */
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { after, before, describe, it, type TestContext } from 'node:test';
import { BY_ACCURACY } from '@edgetune/shared/domain/objective.ts';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import { readOnnx } from '@edgetune/shared/onnx/read-onnx.ts';
import { execArgvFor } from '@edgetune/shared/runtime/child-module.ts';
import { createTrainingService } from '../../../coordinator/training/create-training-service.ts';
import { WATTS_PER_BUSY_CORE } from '../../../coordinator/training/training-energy.ts';
import {
  DatasetError,
  type EpochReport,
  type TrainingService,
  type TrainRequest,
} from '../../../coordinator/training/training-service.ts';
import { Arrival, event, PROCESS_S, until } from '../../support/waiting.ts';
import { childrenOf, SMALL_TASK, stateOf } from './support/processes.ts';

const log: string[] = [];
let service: TrainingService;
before(() => {
  service = createTrainingService({ log: plainLogger((line) => log.push(line)) });
});
after(() => service.close());

const request = (change: Partial<TrainRequest> = {}): TrainRequest => ({
  ...SMALL_TASK,
  budget: { epochs: 2, dataFraction: 1 },
  cores: 1,
  judgedBy: BY_ACCURACY,
  checkpoint: null,
  ...change,
});
const never = new AbortController().signal;

const accuracyOf = ({ metrics }: EpochReport) => metrics.accuracy as number;
const lossOf = ({ metrics }: EpochReport) => metrics.loss as number;

/** Trains for very long; `firstEpoch` is over after the first epoch. */
function endlessTraining(signal: AbortSignal = never) {
  const reports: EpochReport[] = [];
  const firstEpoch = new Arrival('the first epoch to be trained');
  const onEpoch = (report: EpochReport) => {
    reports.push(report);
    firstEpoch.come();
  };
  const training = service.train(request({ budget: { epochs: 100_000, dataFraction: 1 } }), onEpoch, signal);
  return { training, firstEpoch, reports };
}

it('names its backend, once', async () => {
  const name = await service.backend();
  assert.match(name, /^tfjs-(node|wasm) \d/);
  await service.backend();
  assert.equal(log.length, 1);
  assert.match(log[0] as string, new RegExp(`training with ${name.replace(/[().]/g, '\\$&')}`));
});

it('checks a data set; a bad one is refused across the process border', async () => {
  const { evidence } = await service.checkDataset('image-classifier', SMALL_TASK.dataset);
  const { classes, samplesByClass } = evidence;
  const count = (split: number[]) => split.reduce((sum, each) => sum + each, 0);
  assert.deepEqual(Object.values(samplesByClass).map(count), [210, 45, 45]);
  assert.equal(classes.length, 4);
  assert.deepEqual(samplesByClass.validation, [12, 11, 11, 11]);
  const refused = (message: RegExp) => (error: unknown) => error instanceof DatasetError && message.test(error.message);
  await assert.rejects(
    service.checkDataset('image-classifier', { format: 'idx', path: '/nowhere' }),
    refused(/^\/nowhere does not exist/),
  );
  await assert.rejects(
    service.checkDataset('keyword-spotter', SMALL_TASK.dataset),
    refused(/holds images.*use speech-commands$/),
  );
  await assert.rejects(
    service.checkDataset('command', SMALL_TASK.dataset),
    refused(/^unknown workload "command": use one of image-classifier/),
  );
});

it('an architecture has the same bytes whatever the trial', async () => {
  const { onnx } = await service.buildArchitecture(SMALL_TASK);
  const other = await service.buildArchitecture({
    ...SMALL_TASK,
    seed: 99,
    candidate: { ...SMALL_TASK.candidate, learningRate: 0.1, trainingCores: 2 },
  });
  assert.deepEqual(Buffer.from(other.onnx), Buffer.from(onnx));
  assert.deepEqual(readOnnx(onnx).inputs[0]?.shape, ['batch', 1, 12, 12]);
});

it('trains, resumes, exports, and the export is as accurate in ONNX Runtime', async () => {
  const reports: EpochReport[] = [];
  const first = await service.train(request(), (report) => reports.push(report), never);
  assert.deepEqual(
    reports.map(({ epoch }) => epoch),
    [1, 2],
  );
  assert.equal(first.epochs, 2);
  // 45 validation samples: all of them judge epochs.
  const [{ metrics }] = [...reports].sort((a, b) => accuracyOf(b) - accuracyOf(a) || lossOf(a) - lossOf(b)) as [
    EpochReport,
  ];
  assert.deepEqual(
    [first.metrics, first.bestEpoch],
    [metrics, reports.find((each) => each.metrics === metrics)?.epoch],
  );
  assert.ok(first.seconds > 0 && first.cpuSeconds > 0);
  assert.ok(first.energyJ > 0);
  if (first.energySource === 'estimate') assert.equal(first.energyJ, first.cpuSeconds * WATTS_PER_BUSY_CORE);

  const budget = { epochs: 4, dataFraction: 1 };
  const resumed = await service.train(request({ budget, checkpoint: first.checkpoint }), () => {}, never);
  const atOnce = await service.train(request({ budget }), () => {}, never);
  assert.deepEqual(Buffer.from(resumed.checkpoint), Buffer.from(atOnce.checkpoint));

  const { onnx, modelCard } = await service.exportTrained(SMALL_TASK, atOnce.checkpoint);
  assert.match(modelCard, /synthetic/);
  const { metrics: ofFile, samples } = await service.evaluateOnnx(SMALL_TASK, onnx, 'validation');
  assert.equal(samples, 45);
  // What is exported is the very state that the metrics are of.
  assert.ok(Math.abs(ofFile.accuracy - (atOnce.metrics.accuracy as number)) < 1 / samples);
  assert.equal((await service.evaluateOnnx(SMALL_TASK, onnx, 'test')).samples, 45);
});

it('refuses a damaged checkpoint and one of another architecture', async () => {
  const { checkpoint } = await service.train(request({ budget: { epochs: 1, dataFraction: 0.3 } }), () => {}, never);
  const budget = { epochs: 2, dataFraction: 0.3 };
  const cut = checkpoint.slice(0, checkpoint.length - 4);
  await assert.rejects(
    service.train(request({ budget, checkpoint: cut }), () => {}, never),
    /checkpoint is damaged/,
  );
  const wider = request({ budget, checkpoint, candidate: { ...SMALL_TASK.candidate, width: 12 } });
  await assert.rejects(
    service.train(wider, () => {}, never),
    /another architecture/,
  );
});

it('refuses what its workload cannot do, and trains nothing else in its place', async () => {
  const candidate = { ...SMALL_TASK.candidate, block: 'bottleneck' };
  const refused = /image-classifier cannot train this: block must be one of residual, separable, not "bottleneck"/;
  await assert.rejects(service.buildArchitecture({ ...SMALL_TASK, candidate }), refused);
  await assert.rejects(
    service.train(request({ candidate: { ...SMALL_TASK.candidate, batchSizeTraining: 0 } }), () => {}, never),
    /batchSizeTraining must be a whole number from 1 to 65536, not 0/,
  );
});

it('training that diverges says so', async () => {
  const candidate = { ...SMALL_TASK.candidate, learningRate: 1e30 };
  await assert.rejects(
    service.train(request({ candidate }), () => {}, never),
    /a smaller learningRate/,
  );
});

describe('cancelling', () => {
  it('ends the process and rejects with the reason; the service goes on', async () => {
    const controller = new AbortController();
    const { training, firstEpoch } = endlessTraining(controller.signal);
    await firstEpoch.wait(PROCESS_S);
    controller.abort(new Error('infeasible'));
    await assert.rejects(training, /^Error: infeasible$/);
    await service.train(request({ budget: { epochs: 1, dataFraction: 0.3 } }), () => {}, never);
  });

  it('a request that is cancelled before it begins starts nothing', async () => {
    const signal = AbortSignal.abort(new Error('too late'));
    await assert.rejects(
      service.train(request(), () => assert.fail(), signal),
      /too late/,
    );
  });
});

describe('pausing', { skip: process.platform === 'linux' ? false : 'needs /proc' }, () => {
  it('stops every process until the last pause is over', async () => {
    const controller = new AbortController();
    const { training, firstEpoch, reports } = endlessTraining(controller.signal);
    await firstEpoch.wait(PROCESS_S);
    const [first, second] = [service.pause(), service.pause()];
    const children = childrenOf(process.pid);
    assert.ok(children.length > 0);
    await until('the training processes to stand still', () => children.every((pid) => stateOf(pid) === 'T'));
    first();
    first();
    assert.ok(
      children.every((pid) => stateOf(pid) === 'T'),
      'one pause still holds',
    );
    const seen = reports.length;
    second();
    await until('training to go on', () => reports.length > seen + 1);
    controller.abort(new Error('enough'));
    await assert.rejects(training, /enough/);
  });

  it('a stopped process can be cancelled, and a request waits until the pause is over', async () => {
    const controller = new AbortController();
    const { training, firstEpoch } = endlessTraining(controller.signal);
    await firstEpoch.wait(PROCESS_S);
    const resume = service.pause();
    const waiting = service.buildArchitecture(SMALL_TASK);
    controller.abort(new Error('while stopped'));
    await assert.rejects(training, /while stopped/);
    resume();
    assert.ok((await waiting).onnx.length > 0);
  });

  it('a coordinator that is killed leaves no stopped process behind', async (t: TestContext) => {
    const url = new URL('./support/crashing-coordinator.ts', import.meta.url);
    const coordinator = fork(url, { execArgv: execArgvFor(url) });
    t.after(() => coordinator.kill('SIGKILL'));
    const [children] = (await event('the first epoch of a coordinator', coordinator, 'message', PROCESS_S)) as [
      number[],
    ];
    assert.ok(children.length > 0);
    await until('the training processes to stand still', () => children.every((pid) => stateOf(pid) === 'T'));
    coordinator.kill('SIGKILL');
    await until('the training processes to end', () => children.every((pid) => stateOf(pid) === null));
  });
});

it('closing ends every process', async () => {
  const own = createTrainingService({ log: plainLogger(() => {}) });
  await own.backend();
  const before = process.platform === 'linux' ? childrenOf(process.pid) : [];
  await own.close();
  await service.close();
  await until('every training process to end', () => before.every((pid) => stateOf(pid) === null));
});
