/**
 * Problems that are trained for real. A rung is charged what it would take on an idle core: the CPU-seconds of its
 * process, since this machine may be busy with other things.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { SearchSpace } from '@edgetune/shared/domain/search-space.ts';
import type { TrainingService, TrainOutcome } from '../../../coordinator/training/training-service.ts';
import type { BookedTraining, Problem } from './study.ts';
import type { Timeline } from './timeline.ts';

const DATASETS = join(import.meta.dirname, '../../../../shared/data/datasets');
const INFERENCE: SearchSpace['inference'] = {
  batchSize: { type: 'constant', value: 1 },
  threads: { type: 'ordinal', values: [1, 2, 4] },
};
const RATES: SearchSpace['training'] = {
  learningRate: { type: 'float', min: 1e-4, max: 1e-1, scale: 'log' },
  batchSizeTraining: { type: 'ordinal', values: [16, 32, 64, 128] },
  weightDecay: { type: 'float', min: 1e-6, max: 1e-1, scale: 'log' },
};
/** Epochs up to nine times as many, and ten times as much data, from the lowest rung to the highest (the paper's ladder has ten of both). */
const BUDGET = { minEpochs: 2, maxEpochs: 18 };

interface Task {
  name: string;
  folder: string;
  workload: NonNullable<Problem['spec']['workload']>;
  dataset(path: string): Problem['spec']['dataset'];
  model: SearchSpace['model'];
  /** Shares of the training split on the lowest and the highest rung; the modes with one kind of budget see the highest. */
  fractions: [number, number];
}

const TASKS: Task[] = [
  {
    name: 'AG News',
    folder: 'ag-news',
    workload: 'text-classifier',
    dataset: (path) => ({ format: 'ag-news-csv', path }),
    model: {
      embedding: { type: 'ordinal', values: [8, 16, 32] },
      depth: { type: 'int', min: 0, max: 2, scale: 'linear' },
    },
    fractions: [0.025, 0.25],
  },
  {
    name: 'spoken digits',
    folder: 'spoken-digits',
    workload: 'keyword-spotter',
    dataset: (path) => ({ format: 'speech-commands', path }),
    model: {
      width: { type: 'ordinal', values: [8, 16, 24] },
      depth: { type: 'int', min: 1, max: 2, scale: 'linear' },
      kernelSize: { type: 'ordinal', values: [3, 5] },
    },
    // There are 640 samples: a tenth would be one batch.
    fractions: [0.25, 1],
  },
  {
    name: 'Fashion-MNIST',
    folder: 'fashion-mnist',
    workload: 'image-classifier',
    dataset: (path) => ({ format: 'idx', path }),
    model: {
      width: { type: 'ordinal', values: [4, 8, 12] },
      depth: { type: 'constant', value: 1 },
      block: { type: 'categorical', choices: ['residual', 'separable'] },
    },
    fractions: [0.01, 0.1],
  },
];

/** Trials of a round of Hyperband's brackets on 2, 6 and 18 epochs. */
const TRIALS = 17;

/** One problem for each data set that is there. */
export function trainedProblems(real: TrainingService): Problem[] {
  return TASKS.filter(({ folder }) => existsSync(join(DATASETS, folder))).map(
    ({ name, folder, workload, dataset, model, fractions: [minDataFraction, maxDataFraction] }): Problem => {
      const space: SearchSpace = { model, training: RATES, system: {}, inference: INFERENCE };
      return {
        name,
        source: 'trained here',
        space,
        spec: {
          workload,
          dataset: dataset(join(DATASETS, folder)),
          space,
          budget: { ...BUDGET, minDataFraction, maxDataFraction },
        },
        trials: TRIALS,
        training: (timeline) => idleCoreTraining(real, timeline),
      };
    },
  );
}

/** The same rung of the same trial is trained once only: studies that begin alike share their beginning. */
const trained = new Map<string, Promise<{ outcome: TrainOutcome; epochs: Parameters<OnEpoch>[0][] }>>();
type OnEpoch = Parameters<TrainingService['train']>[1];

function idleCoreTraining(real: TrainingService, timeline: Timeline): BookedTraining {
  let cpuSeconds = 0;
  const service: TrainingService = {
    ...real,
    checkDataset: (...args) => timeline.standing(real.checkDataset(...args)),
    buildArchitecture: (task) => timeline.standing(real.buildArchitecture(task)),
    exportTrained: (...args) => timeline.standing(real.exportTrained(...args)),
    evaluateOnnx: (...args) => timeline.standing(real.evaluateOnnx(...args)),
    backend: () => timeline.standing(real.backend()),
    async train(request, onEpoch, signal) {
      const { checkpoint, cores: _, ...task } = request;
      const from = checkpoint && createHash('sha256').update(checkpoint).digest('hex');
      const key = JSON.stringify({ ...task, from });
      const known = trained.get(key) ?? trainOnce(real, request);
      trained.set(key, known);
      const { outcome, epochs } = await timeline.standing(known);
      signal.throwIfAborted();
      const startS = timeline.now;
      // Epoch by epoch, so that what is given up in the middle has cost its share.
      for (const report of epochs) {
        const beganS = timeline.now;
        await timeline.sleep(outcome.cpuSeconds / epochs.length, signal).finally(() => {
          cpuSeconds += timeline.now - beganS;
        });
        onEpoch(report);
      }
      return { ...outcome, seconds: timeline.now - startS };
    },
    close: async () => {},
  };
  return { service, cpuSeconds: () => cpuSeconds };
}

async function trainOnce(real: TrainingService, request: Parameters<TrainingService['train']>[0]) {
  const epochs: Parameters<OnEpoch>[0][] = [];
  const never = new AbortController().signal;
  const outcome = await real.train({ ...request, cores: 1 }, (report) => epochs.push(report), never);
  return { outcome, epochs };
}
