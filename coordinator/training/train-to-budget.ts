/** Trains a trial up to a budget: the part that runs inside a training child. */
import type { Candidate } from '@edgetune/shared/domain/search-space.ts';
import type { Metrics } from '@edgetune/shared/domain/study-event.ts';
import { keyedRandom32, shuffle } from '@edgetune/shared/math/random.ts';
import { adamStep, newAdamState } from './adam.ts';
import type { LoadedBackend } from './backends/load-backend.ts';
import { type BestState, type Checkpoint, copyOf, decodeCheckpoint, encodeCheckpoint } from './checkpoint.ts';
import { stratifiedOrder } from './datasets/finish/splits.ts';
import { GradientTeam, microBatchSize } from './gradient-team.ts';
import { type ModelState, Replica } from './replica.ts';
import {
  DivergedError,
  type EpochReport,
  type PreparedTask,
  type TrainOutcome,
  type TrainRequest,
} from './training-service.ts';
import type { LoadedTask } from './workloads/workload.ts';

export type TrainedToBudget = Pick<TrainOutcome, 'metrics' | 'checkpoint' | 'epochs' | 'bestEpoch'>;

/**
 * Trains on from the last state, and answers with the best: its metrics, over the whole validation split, are those of
 * what would be exported.
 * @param onEpoch is awaited: it lets the process hear its messages between epochs
 * @throws {DivergedError}
 */
export async function trainToBudget(
  task: LoadedTask,
  backend: LoadedBackend,
  request: TrainRequest & Pick<PreparedTask, 'data'>,
  onEpoch: (report: EpochReport) => Promise<void>,
): Promise<TrainedToBudget> {
  const { candidate, seed, budget, judgedBy } = request;
  const replica = new Replica(task, candidate, seed);
  const { batchSize } = settingsOf(candidate);
  // TensorFlow spreads each operation over the cores by itself; a WASM backend has one core.
  const cores = backend.multithreaded ? 1 : Math.min(request.cores, Math.ceil(batchSize / microBatchSize(batchSize)));
  const team = await GradientTeam.start(replica, request, cores, batchSize);
  try {
    const state: Checkpoint = request.checkpoint
      ? decodeCheckpoint(request.checkpoint)
      : { epochs: 0, model: replica.state(), adam: newAdamState(replica.state().weights.length), best: null };
    const samples = subset(task, budget.dataFraction, seed);
    const judges = judgesOf(task);
    // A checkpoint of before the best was kept: what is known of its trial is the last state.
    if (state.epochs > 0) state.best ??= bestState(state, judged(replica, state, judges));
    // Nor did older ones know every metric.
    if (state.best && state.best.metrics[judgedBy.metric] === undefined)
      state.best.metrics = { ...judged(replica, state.best, judges), ...state.best.metrics };
    while (state.epochs < budget.epochs) {
      const trainLoss = trainEpoch(team, state, shuffle(samples.slice(), keyedRandom32(seed, state.epochs)), candidate);
      const metrics = { ...judged(replica, state, judges), trainLoss };
      if (state.best === null || isBetter(metrics, state.best.metrics, judgedBy))
        state.best = bestState(state, metrics);
      await onEpoch({ epoch: state.epochs, metrics });
    }
    const best = state.best as BestState;
    const isJudgedByAll = judges.length === task.labels('validation').length;
    const metrics: Metrics = { ...best.metrics, ...(isJudgedByAll ? {} : judged(replica, best)) };
    return { metrics, checkpoint: encodeCheckpoint(state), epochs: state.epochs, bestEpoch: best.epochs };
  } finally {
    await team.close();
    replica.dispose();
  }
}

/** One epoch from the last state, which it changes. @returns mean loss @throws {DivergedError} */
function trainEpoch(team: GradientTeam, state: Checkpoint, order: Uint32Array, candidate: Candidate): number {
  const { learningRate, weightDecay, batchSize } = settingsOf(candidate);
  const advice = `a smaller learningRate than ${learningRate} may help`;
  let lossSum = 0;
  for (let start = 0; start < order.length; start += batchSize) {
    const indices = order.subarray(start, start + batchSize);
    const { loss, gradient, moving } = team.gradient(state.model, indices);
    if (!Number.isFinite(loss))
      throw new DivergedError(`the loss is ${loss} after ${state.adam.steps} steps: ${advice}`);
    adamStep(state.model.weights, gradient, state.adam, learningRate, weightDecay);
    state.model.moving = moving;
    lossSum += loss * indices.length;
  }
  state.epochs++;
  // The loss need not tell: a ReLU may make 0 of what is not a number, and an infinite variance makes 0 of everything.
  if (!areFinite(state.model))
    throw new DivergedError(`the weights are not finite after epoch ${state.epochs}: ${advice}`);
  return lossSum / order.length;
}

function settingsOf({ learningRate = 3e-3, weightDecay = 1e-4, batchSizeTraining = 32 }: Candidate) {
  return {
    learningRate: Number(learningRate),
    weightDecay: Number(weightDecay),
    batchSize: Number(batchSizeTraining),
  };
}

/** Whether all weights and moving statistics are numbers. */
export function areFinite({ weights, moving }: ModelState): boolean {
  return weights.every(Number.isFinite) && moving.every(Number.isFinite);
}

/** By the samples that judge epochs, or by the whole validation split. @throws {DivergedError} */
function judged(replica: Replica, { epochs, model }: Pick<Checkpoint, 'epochs' | 'model'>, judges?: Uint32Array) {
  replica.setState(model);
  const { metrics } = replica.evaluate('validation', judges);
  if (!Number.isFinite(metrics.loss))
    throw new DivergedError(`the validation loss is ${metrics.loss} after epoch ${epochs}`);
  return metrics;
}

function bestState({ epochs, model }: Checkpoint, metrics: BestState['metrics']): BestState {
  return { epochs, metrics, model: copyOf(model) };
}

/** Of two that are alike in what is judged the one of smaller loss; of equals the earlier epoch stays. */
function isBetter(
  a: BestState['metrics'],
  b: BestState['metrics'],
  { metric, direction }: TrainRequest['judgedBy'],
): boolean {
  const gain = ((a[metric] ?? Number.NaN) - (b[metric] ?? Number.NaN)) * (direction === 'maximize' ? 1 : -1);
  return gain > 0 || (gain === 0 && a.loss < b.loss);
}

/**
 * Validation samples that judge an epoch, where there are so many. Epochs are told apart on the same samples, so that only
 * those count on which they differ (McNemar, 1947; Dietterich, 1998, https://doi.org/10.1162/089976698300017197): where
 * they answer 5 % otherwise, the standard deviation of the difference is √(0.05 / 512), one point of accuracy, which a
 * study gives for other things as well (shared/domain/preference.ts). A forward pass costs a third of a training step, so
 * that being judged costs an epoch no more than 171 further training samples.
 */
export const JUDGES = 512;

/**
 * The validation samples that judge epochs: stratified by class, and the same for every epoch, rung and trial. What was best
 * by them is judged by the whole split at a rung's end: by that trials are compared, and a target is reached.
 */
function judgesOf(task: LoadedTask): Uint32Array {
  return stratifiedOrder(task.labels('validation'), 0).subarray(0, JUDGES);
}

/** The samples that this share of the training split holds; a larger share contains the smaller. */
function subset(task: LoadedTask, dataFraction: number, seed: number): Uint32Array {
  const order = stratifiedOrder(task.labels('train'), seed);
  return order.subarray(0, Math.max(1, Math.round(order.length * dataFraction)));
}
