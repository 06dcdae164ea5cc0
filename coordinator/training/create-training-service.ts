/** Training on this machine: every request runs in a child process, so that the coordinator stays responsive. */
import type { Logger } from '@edgetune/shared/log/logger.ts';
import { ChildPool } from './child-pool.ts';
import { type PackageReading, readPackageEnergy, shareOfPackageEnergyJ } from './package-energy.ts';
import { estimateTrainingEnergyJ } from './training-energy.ts';
import { ChildDiedError, type TrainingService, type TrainOutcome } from './training-service.ts';

export function createTrainingService({ log }: { log: Logger }): TrainingService {
  const pool = new ChildPool();
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
    checkDataset: (workload, dataset) => again(() => pool.run({ type: 'check', workload, dataset })),
    buildArchitecture: (task) => again(() => pool.run({ type: 'build', ...task })),
    async train(request, onEpoch, signal) {
      const [startMs, pausedBeforeMs, energyBefore] = [Date.now(), pool.pausedMs, readPackageEnergy()];
      const outcome = await pool.run({ type: 'train', ...request }, { onEpoch, signal });
      const seconds = (Date.now() - startMs - (pool.pausedMs - pausedBeforeMs)) / 1000;
      return { ...outcome, seconds, ...energyOf(outcome.cpuSeconds, energyBefore) };
    },
    exportTrained: (task, checkpoint) => again(() => pool.run({ type: 'export', ...task, checkpoint })),
    evaluateOnnx: ({ workload, dataset }, onnx, split) =>
      again(() => pool.run({ type: 'evaluate', workload, dataset, onnx, split })),
    quantise: async ({ workload, dataset }, onnx) =>
      (await again(() => pool.run({ type: 'quantise', workload, dataset, onnx }))).onnx,
    quantiseWithoutData: async (onnx, dimensions) =>
      (await again(() => pool.run({ type: 'quantise-without-data', onnx, dimensions: { ...dimensions } }))).onnx,
    backend,
    pause: () => pool.pause(),
    close: async () => pool.close(),
  };
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
