/** Training on this machine: every request runs in a child process, so that the coordinator stays responsive. */
import { partNamed } from '@edgetune/shared/domain/part.ts';
import type { DatasetSpec } from '@edgetune/shared/domain/study.ts';
import { formatMismatch } from '@edgetune/shared/domain/study-parts.ts';
import type { Logger } from '@edgetune/shared/log/logger.ts';
import { ChildPool } from './child-pool.ts';
import { DATASET_FORMATS } from './datasets/all.ts';
import { PreparedDatasets } from './datasets/process/prepared-datasets.ts';
import { workloadNamed } from './load-task.ts';
import { type PackageReading, readPackageEnergy, shareOfPackageEnergyJ } from './package-energy.ts';
import { estimateTrainingEnergyJ } from './training-energy.ts';
import {
  ChildDiedError,
  DatasetError,
  type TrainingService,
  type TrainOutcome,
  type TrialTask,
} from './training-service.ts';
import type { Workload } from './workloads/workload.ts';

export interface TrainingOptions {
  log: Logger;
  /** Where the samples of data sets lie for training: emptied at the start. Absent: a temporary folder. */
  samplesFolder?: string;
}

export function createTrainingService({
  log,
  samplesFolder,
}: TrainingOptions): TrainingService & Pick<ChildPool, 'lookAt'> {
  const pool = new ChildPool();
  const datasets = new PreparedDatasets({ folder: samplesFolder, read: (...asked) => pool.read(...asked) });
  /** @throws {DatasetError} */
  const ready = (workloadName: string, dataset: DatasetSpec, dataSha256?: string) => {
    const workload = workloadNamed(workloadName);
    const mismatch = whyUnfit(workload, dataset);
    if (mismatch !== null) throw new DatasetError(mismatch);
    return datasets.ready(dataset, workload.takes, dataSha256);
  };
  /** The task with its samples at hand. @throws {DatasetError} */
  const prepared = async <T extends Pick<TrialTask, 'workload' | 'dataset' | 'dataSha256'>>(task: T) => {
    const { file, evidence } = await ready(task.workload, task.dataset, task.dataSha256);
    return { ...task, data: file, dataSha256: evidence.sha256 };
  };
  let backendName: Promise<string> | null = null;

  const backend = () => {
    backendName ??= pool.run({ type: 'backend' }).then(({ name }) => {
      log.info(
        `training with ${name}${name.startsWith('tfjs-node') ? '' : '; native TensorFlow (@tensorflow/tfjs-node) is not installed here'}`,
      );
      return name;
    });
    backendName.catch(() => {
      backendName = null;
    });
    return backendName;
  };

  return {
    async checkDataset(workload, asked, dataSha256) {
      const { dataset, evidence } = await ready(workload, asked, dataSha256);
      return { dataset, evidence };
    },
    buildArchitecture: async (task) => {
      const whole = await prepared(task);
      return again(() => pool.run({ type: 'build', ...whole }));
    },
    async train(request, onEpoch, signal) {
      signal.throwIfAborted();
      const whole = await prepared(request);
      const [startMs, pausedBeforeMs, energyBefore] = [Date.now(), pool.pausedMs, readPackageEnergy()];
      const outcome = await pool.run({ type: 'train', ...whole }, { onEpoch, signal });
      const seconds = (Date.now() - startMs - (pool.pausedMs - pausedBeforeMs)) / 1000;
      return { ...outcome, seconds, ...energyOf(outcome.cpuSeconds, energyBefore) };
    },
    exportTrained: async (task, checkpoint) => {
      const whole = await prepared(task);
      return again(() => pool.run({ type: 'export', ...whole, checkpoint }));
    },
    evaluateOnnx: async ({ workload, dataset, dataSha256 }, onnx, split) => {
      const whole = await prepared({ workload, dataset, dataSha256 });
      return again(() => pool.run({ type: 'evaluate', ...whole, onnx, split }));
    },
    quantise: async ({ workload, dataset, dataSha256 }, onnx) => {
      const whole = await prepared({ workload, dataset, dataSha256 });
      return (await again(() => pool.run({ type: 'quantise', ...whole, onnx }))).onnx;
    },
    quantiseWithoutData: async (onnx, dimensions) =>
      (await again(() => pool.run({ type: 'quantise-without-data', onnx, dimensions: { ...dimensions } }))).onnx,
    lookAt: (dataset, takes) => pool.lookAt(dataset, takes),
    backend,
    pause: () => pool.pause(),
    close: async () => {
      pool.close();
      datasets.close();
    },
  };
}

/** Of a format that is named: what it holds is known without looking. */
function whyUnfit(workload: Workload, { format }: DatasetSpec): string | null {
  const named = partNamed(DATASET_FORMATS, format);
  return named ? formatMismatch(workload, named, DATASET_FORMATS) : null;
}

/** How often what takes a process seconds is begun anew where that was killed; how often training is, the study says. */
const MOST_TRIES = 3;

async function again<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof ChildDiedError) || tries === MOST_TRIES) throw error;
    }
  }
}

/** Metered where the machine lets its meter be read, else estimated, and labelled so. */
function energyOf(cpuSeconds: number, before: PackageReading | null): Pick<TrainOutcome, 'energyJ' | 'energySource'> {
  const after = before && readPackageEnergy();
  if (before && after) return { energyJ: shareOfPackageEnergyJ(before, after, cpuSeconds), energySource: 'meter' };
  return { energyJ: estimateTrainingEnergyJ(cpuSeconds), energySource: 'estimate' };
}
