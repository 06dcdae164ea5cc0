/** Training on this machine: every request runs in a child process, so that the coordinator stays responsive. */
import type { Logger } from '@edgetune/shared/log/logger.ts';
import { ChildPool } from './child-pool.ts';
import { type PackageReading, readPackageEnergy, shareOfPackageEnergyJ } from './package-energy.ts';
import { estimateTrainingEnergyJ } from './training-energy.ts';
import type { TrainingService, TrainOutcome } from './training-service.ts';

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
    checkDataset: (workload, dataset) => pool.run({ type: 'check', workload, dataset }),
    buildArchitecture: (task) => pool.run({ type: 'build', ...task }),
    async train(request, onEpoch, signal) {
      const [startMs, pausedBeforeMs, energyBefore] = [Date.now(), pool.pausedMs, readPackageEnergy()];
      const outcome = await pool.run({ type: 'train', ...request }, { onEpoch, signal });
      const seconds = (Date.now() - startMs - (pool.pausedMs - pausedBeforeMs)) / 1000;
      return { ...outcome, seconds, ...energyOf(outcome.cpuSeconds, energyBefore) };
    },
    exportTrained: (task, checkpoint) => pool.run({ type: 'export', ...task, checkpoint }),
    evaluateOnnx: ({ workload, dataset }, onnx, split) =>
      pool.run({ type: 'evaluate', workload, dataset, onnx, split }),
    quantise: async ({ workload, dataset }, onnx) =>
      (await pool.run({ type: 'quantise', workload, dataset, onnx })).onnx,
    quantiseWithoutData: async (onnx, dimensions) =>
      (await pool.run({ type: 'quantise-without-data', onnx, dimensions: { ...dimensions } })).onnx,
    backend,
    pause: () => pool.pause(),
    close: async () => pool.close(),
  };
}

/** Metered where the machine lets its meter be read, else estimated, and labelled so. */
function energyOf(cpuSeconds: number, before: PackageReading | null): Pick<TrainOutcome, 'energyJ' | 'energySource'> {
  const after = before && readPackageEnergy();
  if (before && after) return { energyJ: shareOfPackageEnergyJ(before, after, cpuSeconds), energySource: 'meter' };
  return { energyJ: estimateTrainingEnergyJ(cpuSeconds), energySource: 'estimate' };
}
