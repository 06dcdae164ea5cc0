/**
 * Synchronous data parallelism: a training step's samples are cut into micro-batches, which the cores of a
 * trial share. Batch normalisation sees one micro-batch at a time ("ghost" batches, Hoffer et al., 2017,
 * https://arxiv.org/abs/1705.08741), whose gradients and moving statistics are averaged in a fixed order: the result
 * does not depend on how many cores there are.
 */
import { Worker } from 'node:worker_threads';
import { childModuleUrl, threadEntryFor } from '@edgetune/shared/runtime/child-module.ts';
import type { BatchGradient, ModelState, Replica } from './replica.ts';
import type { PreparedTask } from './training-service.ts';

/** Samples of a micro-batch: two share even the smallest batch, and larger ones than 32 gain nothing. */
export function microBatchSize(batchSize: number): number {
  return Math.min(32, Math.ceil(batchSize / 2));
}

/** Memory that the team shares; every array lies in shared memory. */
export interface SharedStep {
  /** [0] number of the step, on whose change the members wait; [1] members that are done; [2] micro-batches of the step; [3] members that failed. */
  control: Int32Array;
  weights: Float32Array;
  moving: Float32Array;
  /** Samples of a full micro-batch. */
  microBatch: number;
  /** Sample indices of all micro-batches, and how many samples each has. */
  indices: Uint32Array;
  sizes: Uint32Array;
  /** Per micro-batch. */
  gradients: Float32Array[];
  movings: Float32Array[];
  losses: Float32Array;
}

export interface GradientWorkerData {
  task: Pick<PreparedTask, 'workload' | 'data' | 'candidate' | 'seed'>;
  member: number;
  members: number;
  shared: SharedStep;
}

/** Index in `SharedStep.control`. */
export const CONTROL = { step: 0, done: 1, count: 2, failed: 3 } as const;
/** A member whose thread has died never answers. */
const STEP_TIMEOUT_MS = 600_000;

export class GradientTeam {
  readonly #replica: Replica;
  readonly #shared: SharedStep;
  readonly #workers: Worker[];

  private constructor(replica: Replica, shared: SharedStep, workers: Worker[]) {
    this.#replica = replica;
    this.#shared = shared;
    this.#workers = workers;
  }

  /** @param cores members of the team, this thread included */
  static async start(
    replica: Replica,
    task: GradientWorkerData['task'],
    cores: number,
    batchSize: number,
  ): Promise<GradientTeam> {
    const shared = allocate(replica.state(), batchSize);
    const url = childModuleUrl(import.meta.url, './gradient-worker.ts', './gradient-worker.js');
    const workers = Array.from({ length: cores - 1 }, (_, i) => {
      const workerData: GradientWorkerData = { task, member: i + 1, members: cores, shared };
      return new Worker(threadEntryFor(url), { workerData });
    });
    try {
      await Promise.all(workers.map(ready));
    } catch (error) {
      await Promise.all(workers.map((worker) => worker.terminate()));
      throw error;
    }
    return new GradientTeam(replica, shared, workers);
  }

  /** The gradient of the mean loss over the samples at `state`, and the moving statistics after them. */
  gradient(state: ModelState, indices: Uint32Array): BatchGradient {
    const count = this.#publish(state, indices);
    computeShare(this.#replica, this.#shared, 0, this.#workers.length + 1);
    this.#awaitMembers();
    return average(this.#shared, count, indices.length);
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }

  #publish({ weights, moving }: ModelState, indices: Uint32Array): number {
    const { control, sizes, microBatch } = this.#shared;
    const count = Math.ceil(indices.length / microBatch);
    this.#shared.weights.set(weights);
    this.#shared.moving.set(moving);
    this.#shared.indices.set(indices);
    for (let i = 0; i < count; i++) sizes[i] = Math.min(microBatch, indices.length - i * microBatch);
    Atomics.store(control, CONTROL.count, count);
    Atomics.store(control, CONTROL.done, 0);
    Atomics.add(control, CONTROL.step, 1);
    Atomics.notify(control, CONTROL.step);
    return count;
  }

  #awaitMembers(): void {
    const { control } = this.#shared;
    for (
      let done = Atomics.load(control, CONTROL.done);
      done < this.#workers.length;
      done = Atomics.load(control, CONTROL.done)
    ) {
      if (Atomics.wait(control, CONTROL.done, done, STEP_TIMEOUT_MS) === 'timed-out')
        throw new Error('a training thread does not answer');
    }
    if (Atomics.load(control, CONTROL.failed) > 0) throw new Error('a training thread failed: is the memory full?');
  }
}

/** Computes the micro-batches of one member; used by this thread and by the workers. */
export function computeShare(replica: Replica, shared: SharedStep, member: number, members: number): void {
  const count = Atomics.load(shared.control, CONTROL.count);
  for (let i = member; i < count; i += members) {
    // Every micro-batch starts from the same moving statistics.
    replica.setState({ weights: shared.weights, moving: shared.moving });
    const start = i * shared.microBatch;
    const { loss, gradient, moving } = replica.gradient(
      shared.indices.subarray(start, start + (shared.sizes[i] as number)),
    );
    shared.gradients[i]?.set(gradient);
    shared.movings[i]?.set(moving);
    shared.losses[i] = loss;
  }
}

function average({ gradients, movings, losses, sizes }: SharedStep, count: number, samples: number): BatchGradient {
  const mean = (parts: readonly Float32Array[]) => {
    const sum = new Float32Array(parts[0]?.length ?? 0);
    for (let part = 0; part < count; part++) {
      const [values, share] = [parts[part] as Float32Array, (sizes[part] as number) / samples];
      for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) + share * (values[i] as number);
    }
    return sum;
  };
  let loss = 0;
  for (let i = 0; i < count; i++) loss += ((losses[i] as number) * (sizes[i] as number)) / samples;
  return { loss, gradient: mean(gradients), moving: mean(movings) };
}

function allocate({ weights, moving }: ModelState, batchSize: number): SharedStep {
  const microBatch = microBatchSize(batchSize);
  const microBatches = Math.ceil(batchSize / microBatch);
  const floats = (length: number) => new Float32Array(new SharedArrayBuffer(4 * length));
  const several = (length: number) => Array.from({ length: microBatches }, () => floats(length));
  return {
    control: new Int32Array(new SharedArrayBuffer(16)),
    microBatch,
    weights: floats(weights.length),
    moving: floats(moving.length),
    indices: new Uint32Array(new SharedArrayBuffer(4 * microBatches * microBatch)),
    sizes: new Uint32Array(new SharedArrayBuffer(4 * microBatches)),
    gradients: several(weights.length),
    movings: several(moving.length),
    losses: floats(microBatches),
  };
}

function ready(worker: Worker): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.once('message', () => resolve());
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`a training thread ended with code ${code} at its start`)));
  });
}
