/**
 * A trial's model as a file: untrained, for the boards to measure while it trains, and trained, for its user. Both are the
 * same graph, folded alike; the trained one says besides what its classes are and which candidate it was.
 */
import type { Candidate } from '@edgetune/shared/domain/search-space.ts';
import { exportLayersModel } from '../export/export-layers-model.ts';
import { renderModelCard } from '../export/model-card.ts';
import { metadataBytes } from '../export/onnx-graph-builder.ts';
import { decodeCheckpoint, exportedState } from './checkpoint.ts';
import { Replica } from './replica.ts';
import { areFinite } from './train-to-budget.ts';
import { type BuiltArchitecture, DivergedError, type ExportedModel, type TrialTask } from './training-service.ts';
import type { LoadedTask } from './workloads/workload.ts';

/** The same architecture always has the same weights, and so the same bytes, whatever the trial. */
const ARCHITECTURE_SEED = 0;

type Trial = Pick<TrialTask, 'workload' | 'candidate'>;

export function buildArchitecture(task: LoadedTask, trial: Trial): BuiltArchitecture {
  return withReplica(task, trial.candidate, ARCHITECTURE_SEED, ({ model }) => ({
    onnx: exportLayersModel(model, task.metadata),
    metadataBytes: metadataBytes(trialMetadata(task, trial)),
  }));
}

/** @param backend its name @throws {DivergedError} and {NotFiniteError} where the weights are not finite */
export function exportTrained(
  task: LoadedTask,
  trial: TrialTask,
  checkpoint: Uint8Array,
  backend: string,
): ExportedModel {
  const { epochs, ...state } = decodeCheckpoint(checkpoint);
  const { model, epochs: bestEpoch } = exportedState({ epochs, ...state });
  if (!areFinite(model)) throw new DivergedError(`the weights after epoch ${bestEpoch} are not finite`);
  return withReplica(task, trial.candidate, trial.seed, (replica) => {
    replica.setState(model);
    const validationAccuracy = replica.evaluate('validation').metrics.accuracy;
    const metadata = { ...task.metadata, ...trialMetadata(task, trial) };
    const { classes } = task;
    return {
      onnx: exportLayersModel(replica.model, metadata),
      modelCard: renderModelCard({ ...trial, backend, epochs, bestEpoch, validationAccuracy, classes, metadata }),
    };
  });
}

/** What the file of a trained model says besides: it differs from trial to trial. */
function trialMetadata({ classes }: LoadedTask, { workload, candidate }: Trial): Record<string, string> {
  return {
    'edgetune.classes': JSON.stringify(classes),
    'edgetune.candidate': JSON.stringify(candidate),
    'edgetune.workload': workload,
  };
}

function withReplica<T>(task: LoadedTask, candidate: Candidate, seed: number, use: (replica: Replica) => T): T {
  const replica = new Replica(task, candidate, seed);
  try {
    return use(replica);
  } finally {
    replica.dispose();
  }
}
