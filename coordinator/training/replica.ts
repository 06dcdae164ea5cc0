/** One copy of a model whose state is kept in flat arrays, and its gradient on a few samples. */
import type { Candidate } from '@edgetune/shared/domain/search-space.ts';
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { ClassificationTally } from './classification-tally.ts';
import type { Evaluation } from './training-service.ts';
import type { LoadedTask, SplitName } from './workloads/workload.ts';

/** Flat values of a model: what the gradient changes, and batch normalisation's moving statistics. */
export interface ModelState {
  weights: Float32Array;
  moving: Float32Array;
}

export interface BatchGradient {
  /** Mean over the samples. */
  loss: number;
  gradient: Float32Array;
  /** The moving statistics after these samples. */
  moving: Float32Array;
}

const EVALUATION_BATCH = 64;

export class Replica {
  readonly model: LayersModel;
  readonly #task: LoadedTask;

  constructor(task: LoadedTask, candidate: Candidate, seed: number) {
    this.#task = task;
    this.model = task.buildModel(candidate, seed);
  }

  state(): ModelState {
    const values = (weights: { read(): tf.Tensor }[]) =>
      flatten(weights.map((weight) => weight.read().dataSync() as Float32Array));
    return { weights: values(this.model.trainableWeights), moving: values(this.model.nonTrainableWeights) };
  }

  setState({ weights, moving }: ModelState): void {
    tf.tidy(() => {
      assign(this.model.trainableWeights, weights);
      assign(this.model.nonTrainableWeights, moving);
    });
  }

  /** Gradient of the mean cross-entropy over training samples, at the current state. Changes the moving statistics. */
  gradient(indices: ArrayLike<number>): BatchGradient {
    const result: BatchGradient = { loss: 0, gradient: new Float32Array(), moving: new Float32Array() };
    // Nothing is returned through the tidy: it would look for tensors in every element of these arrays.
    tf.tidy(() => {
      const { x, y } = this.#batch('train', indices);
      const variables = this.model.trainableWeights.map((weight) => variableOf(weight));
      const { value, grads } = tf.variableGrads(
        () => crossEntropy(this.model.apply(x, { training: true }) as tf.Tensor2D, y),
        variables,
      );
      result.loss = value.dataSync()[0] as number;
      result.gradient = flatten(variables.map(({ name }) => (grads[name] as tf.Tensor).dataSync() as Float32Array));
      result.moving = flatten(this.model.nonTrainableWeights.map((weight) => weight.read().dataSync() as Float32Array));
    });
    return result;
  }

  /** Over a split, or over some of its samples, with the moving statistics. */
  evaluate(split: SplitName, some?: ArrayLike<number>): Evaluation {
    const labels = this.#task.labels(split);
    const samples = some ?? Array.from(labels.keys());
    const tally = new ClassificationTally(this.#task.classes);
    const count = this.#task.classes.length;
    for (let start = 0; start < samples.length; start += EVALUATION_BATCH) {
      const indices = Array.from(
        { length: Math.min(EVALUATION_BATCH, samples.length - start) },
        (_, i) => samples[start + i] as number,
      );
      tf.tidy(() => {
        const logits = (this.model.apply(this.#inputs(split, indices), { training: false }) as tf.Tensor2D).dataSync();
        for (const [i, index] of indices.entries())
          tally.add(logits.subarray(i * count, (i + 1) * count), labels[index] as number);
      });
    }
    return tally.evaluation();
  }

  dispose(): void {
    this.model.dispose();
  }

  #inputs(split: SplitName, indices: ArrayLike<number>): tf.Tensor {
    return tf.tensor(this.#task.inputs(split, indices), [indices.length, ...this.#task.inputShape]);
  }

  #batch(split: SplitName, indices: ArrayLike<number>): { x: tf.Tensor; y: tf.Tensor2D } {
    const labels = this.#task.labels(split);
    const x = this.#inputs(split, indices);
    const classes = Int32Array.from(indices, (index) => labels[index] as number);
    return { x, y: tf.oneHot(tf.tensor1d(classes, 'int32'), this.#task.classes.length).toFloat() as tf.Tensor2D };
  }
}

function crossEntropy(logits: tf.Tensor2D, y: tf.Tensor2D): tf.Scalar {
  return tf.neg(tf.mean(tf.sum(tf.mul(y, tf.logSoftmax(logits)), 1))) as tf.Scalar;
}

/** tfjs-layers keeps the variable of a weight to itself; the optimiser of its own training loop reads it like this. */
function variableOf(weight: unknown): tf.Variable {
  return (weight as { val: tf.Variable }).val;
}

function flatten(parts: readonly Float32Array[]): Float32Array {
  const flat = new Float32Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    flat.set(part, at);
    at += part.length;
  }
  return flat;
}

function assign(weights: { shape: (number | null)[]; write(value: tf.Tensor): unknown }[], flat: Float32Array): void {
  const sizes = weights.map(({ shape }) => (shape as number[]).reduce((product, length) => product * length, 1));
  const expected = sizes.reduce((sum, size) => sum + size, 0);
  if (flat.length !== expected)
    throw new Error(`the state has ${flat.length} values, the model ${expected}: it is of another architecture`);
  let at = 0;
  for (const [i, weight] of weights.entries()) {
    const size = sizes[i] as number;
    weight.write(tf.tensor(flat.slice(at, at + size), weight.shape as number[]));
    at += size;
  }
}
