/** What the training loop, which all built-in workloads share, can do with its parameters. */
import type { PossibleParameters } from '@edgetune/shared/domain/study-parts.ts';

export const POSSIBLE_TRAINING: Omit<PossibleParameters, 'model'> = {
  training: {
    // What is too large for a network lets it diverge, which is told.
    learningRate: { kind: 'number', above: 0 },
    batchSizeTraining: { kind: 'whole', min: 1, max: 65_536 },
    weightDecay: { kind: 'number', min: 0 },
  },
  system: { trainingCores: { kind: 'whole', min: 1, max: 1024 } },
};
