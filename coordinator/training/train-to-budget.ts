/** Trains a trial up to a budget: the part that runs inside a training child. */
import { keyedRandom32, shuffle } from '@edgetune/shared/math/random.ts';
import { adamStep, newAdamState } from './adam.ts';
import type { LoadedBackend } from './backends/load-backend.ts';
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from './checkpoint.ts';
import { stratifiedOrder } from './datasets/image-dataset.ts';
import { GradientTeam, microBatchSize } from './gradient-team.ts';
import { Replica } from './replica.ts';
import type { EpochReport, TrainOutcome, TrainRequest } from './training-service.ts';
import type { LoadedTask } from './workloads/workload.ts';

/** Training that has left the numbers. */
export class DivergedError extends Error {
  override name = 'DivergedError';
}

export type TrainedToBudget = Pick<TrainOutcome, 'metrics' | 'checkpoint' | 'epochs'>;

/** @param onEpoch is awaited: it lets the process hear its messages between epochs */
export async function trainToBudget(
  task: LoadedTask,
  backend: LoadedBackend,
  request: TrainRequest,
  onEpoch: (report: EpochReport) => Promise<void>,
): Promise<TrainedToBudget> {
  const { candidate, seed, budget } = request;
  const replica = new Replica(task, candidate, seed);
  const batchSize = Number(candidate.batchSizeTraining ?? 32);
  // TensorFlow spreads each operation over the cores by itself; a WASM backend has one core.
  const cores = backend.multithreaded ? 1 : Math.min(request.cores, Math.ceil(batchSize / microBatchSize(batchSize)));
  const team = await GradientTeam.start(replica, request, cores, batchSize);
  try {
    const state: Checkpoint = request.checkpoint
      ? decodeCheckpoint(request.checkpoint)
      : { epochs: 0, model: replica.state(), adam: newAdamState(replica.state().weights.length) };
    const samples = subset(task, budget.dataFraction, seed);
    const judging = validationSamples(task, samples.length);
    const learningRate = Number(candidate.learningRate ?? 3e-3);
    const weightDecay = Number(candidate.weightDecay ?? 1e-4);
    let metrics = {};
    while (state.epochs < budget.epochs) {
      const order = shuffle(samples.slice(), keyedRandom32(seed, state.epochs));
      let lossSum = 0;
      for (let start = 0; start < order.length; start += batchSize) {
        const indices = order.subarray(start, start + batchSize);
        const { loss, gradient, moving } = team.gradient(state.model, indices);
        if (!Number.isFinite(loss))
          throw new DivergedError(
            `the loss is ${loss} after ${state.adam.steps} steps: a smaller learningRate than ${learningRate} may help`,
          );
        adamStep(state.model.weights, gradient, state.adam, learningRate, weightDecay);
        state.model.moving = moving;
        lossSum += loss * indices.length;
      }
      state.epochs++;
      replica.setState(state.model);
      const isLast = state.epochs === budget.epochs;
      const { accuracy, loss } = replica.evaluate('validation', isLast ? undefined : judging);
      if (!Number.isFinite(loss)) throw new DivergedError(`the validation loss is ${loss} after epoch ${state.epochs}`);
      metrics = { accuracy, loss, trainLoss: lossSum / order.length };
      await onEpoch({ epoch: state.epochs, metrics });
    }
    if (Object.keys(metrics).length === 0) {
      replica.setState(state.model);
      metrics = replica.evaluate('validation');
    }
    return { metrics, checkpoint: encodeCheckpoint(state), epochs: state.epochs };
  } finally {
    await team.close();
    replica.dispose();
  }
}

/** Fewer validation samples tell less than 3 points of accuracy apart (a standard deviation of 0.5 / √256). */
const LEAST_VALIDATION = 256;

/**
 * The validation samples that judge an epoch: no more than it is trained on, lest the cheap rungs spend their time on
 * being judged. (The last epoch of a rung is judged by all: by it trials are compared, and a target is reached.)
 * The same for every trial; a larger share of the data is judged by all that judged the smaller, and more.
 */
function validationSamples(task: LoadedTask, trained: number): Uint32Array {
  return stratifiedOrder(task.labels('validation'), 0).subarray(0, Math.max(LEAST_VALIDATION, trained));
}

/** The samples that this share of the training split holds; a larger share contains the smaller. */
function subset(task: LoadedTask, dataFraction: number, seed: number): Uint32Array {
  const order = stratifiedOrder(task.labels('train'), seed);
  return order.subarray(0, Math.max(1, Math.round(order.length * dataFraction)));
}
