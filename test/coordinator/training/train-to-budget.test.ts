/** Which state of a training counts: the last, from which it goes on, and the best, which is exported. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { BY_ACCURACY } from '@edgetune/shared/domain/objective.ts';
import { keyedRandom32 } from '@edgetune/shared/math/random.ts';
import * as tfl from '@tensorflow/tfjs-layers';
import fc from 'fast-check';
import { type LoadedBackend, loadBackend } from '../../../coordinator/training/backends/load-backend.ts';
import { decodeCheckpoint, encodeCheckpoint, exportedState } from '../../../coordinator/training/checkpoint.ts';
import { Replica } from '../../../coordinator/training/replica.ts';
import { JUDGES, trainToBudget } from '../../../coordinator/training/train-to-budget.ts';
import type { EpochReport, TrainRequest, TrialTask } from '../../../coordinator/training/training-service.ts';
import type { LoadedTask, SplitName } from '../../../coordinator/training/workloads/workload.ts';

const CLASSES = 4;
const FEATURES = 6;

interface Data extends LoadedTask {
  /** The validation samples that were looked at, by how often a model judged all that it was to judge. */
  judged: number[][];
}

/** Points around a centre for each class, too near each other to be told apart for sure. */
function points(validation: number, options: { scale?: number; normalised?: boolean } = {}): Data {
  const sizes: Record<SplitName, number> = { train: 96, validation, test: 8 };
  const labels = Object.fromEntries(
    Object.entries(sizes).map(([split, size]) => [split, Uint8Array.from({ length: size }, (_, i) => i % CLASSES)]),
  ) as Record<SplitName, Uint8Array>;
  const judged: number[][] = [];
  const featureOf = (split: SplitName, index: number, feature: number) => {
    const noise = keyedRandom32(split.length, index * FEATURES + feature).normal();
    return (options.scale ?? 1) * ((labels[split][index] === feature % CLASSES ? 1 : 0) + 1.2 * noise);
  };
  return {
    judged,
    classes: ['a', 'b', 'c', 'd'],
    inputShape: [FEATURES],
    labels: (split) => labels[split],
    inputs: (split, indices) => {
      if (split === 'validation') judged.at(-1)?.push(...Array.from(indices));
      return Float32Array.from({ length: indices.length * FEATURES }, (_, i) =>
        featureOf(split, indices[Math.floor(i / FEATURES)] as number, i % FEATURES),
      );
    },
    buildModel: (_candidate, seed) => {
      const input = tfl.input({ shape: [FEATURES] });
      const kernelInitializer = tfl.initializers.glorotUniform({ seed });
      const x = options.normalised ? tfl.layers.batchNormalization({}).apply(input) : input;
      const outputs = tfl.layers.dense({ units: CLASSES, kernelInitializer }).apply(x) as tfl.SymbolicTensor;
      return tfl.model({ inputs: input, outputs });
    },
    metadata: {},
  };
}

const trial = (learningRate: number, seed = 1): TrialTask => ({
  ...{ workload: 'points', dataset: { format: 'points' }, seed },
  candidate: { learningRate, batchSizeTraining: 16, weightDecay: 0 },
});

let backend: LoadedBackend;
before(async () => {
  backend = await loadBackend();
});

async function train(
  data: LoadedTask,
  task: TrialTask,
  epochs: number,
  from: Uint8Array | null,
  { dataFraction = 1, judgedBy = BY_ACCURACY }: { dataFraction?: number; judgedBy?: TrainRequest['judgedBy'] } = {},
) {
  const curve: EpochReport[] = [];
  const request = { ...task, data: '', budget: { epochs, dataFraction }, cores: 1, judgedBy, checkpoint: from };
  const outcome = await trainToBudget(data, backend, request, async (report) => void curve.push(report));
  return { ...outcome, curve };
}

function evaluated(data: LoadedTask, task: TrialTask, checkpoint: Uint8Array) {
  const replica = new Replica(data, task.candidate, task.seed);
  try {
    replica.setState(exportedState(decodeCheckpoint(checkpoint)).model);
    return replica.evaluate('validation').metrics;
  } finally {
    replica.dispose();
  }
}

/** The first of the reports with the largest accuracy and, of these, the smallest loss. */
function bestOf(curve: readonly EpochReport[]): EpochReport {
  return curve.reduce((best, each) => {
    const [a, b] = [each.metrics, best.metrics] as [Record<string, number>, Record<string, number>];
    const [ahead, less] = [(a.accuracy as number) - (b.accuracy as number), (a.loss as number) - (b.loss as number)];
    return ahead > 0 || (ahead === 0 && less < 0) ? each : best;
  });
}

describe('of all epochs', () => {
  it('the best by validation is exported, and the metrics are its own; however it was stopped and resumed', async () => {
    const data = points(64);
    let earlier = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(0.01, 0.3, 2),
        fc.nat(50),
        fc.integer({ min: 1, max: 4 }),
        async (rate, seed, stop) => {
          const task = trial(rate, seed);
          const atOnce = await train(data, task, 5, null);
          const first = await train(data, task, stop, null);
          const rest = await train(data, task, 5, first.checkpoint);
          assert.deepEqual(Buffer.from(rest.checkpoint), Buffer.from(atOnce.checkpoint));
          assert.deepEqual([...first.curve, ...rest.curve], atOnce.curve);
          const best = bestOf(atOnce.curve);
          assert.deepEqual([atOnce.metrics, atOnce.bestEpoch], [best.metrics, best.epoch]);
          assert.deepEqual([rest.metrics, rest.bestEpoch, rest.epochs], [atOnce.metrics, atOnce.bestEpoch, 5]);
          const { accuracy, loss } = evaluated(data, task, atOnce.checkpoint);
          assert.equal(accuracy, best.metrics.accuracy);
          assert.ok(Math.abs(loss - (best.metrics.loss as number)) < 1e-5);
          if (best.epoch < 5) earlier++;
        },
      ),
      { numRuns: 12, seed: 1 },
    );
    assert.ok(earlier >= 3, `in ${earlier} runs the last epoch was not the best`);
  });

  it('the best is that of what the study is after, also where a checkpoint of before knew nothing of that', async () => {
    const data = points(64);
    const task = trial(2, 1);
    for (const metric of ['recall.c', 'loss', 'f1']) {
      const judgedBy = { metric, direction: metric === 'loss' ? 'minimize' : 'maximize' } as const;
      const sign = metric === 'loss' ? -1 : 1;
      const { curve, metrics, bestEpoch, checkpoint } = await train(data, task, 6, null, { judgedBy });
      const values = curve.map((report) => sign * (report.metrics[metric] as number));
      assert.equal(sign * (metrics[metric] as number), Math.max(...values));
      assert.equal(values[bestEpoch - 1], Math.max(...values));
      const again = evaluated(data, task, checkpoint)[metric] as number;
      assert.ok(Math.abs(again - (metrics[metric] as number)) < 1e-9);
    }
    const cut = await train(data, task, 3, null);
    const state = decodeCheckpoint(cut.checkpoint);
    assert.ok(state.best);
    const { accuracy, loss, trainLoss = 0 } = state.best.metrics;
    const older = encodeCheckpoint({ ...state, best: { ...state.best, metrics: { accuracy, loss, trainLoss } } });
    const judgedBy = { metric: 'recall.c', direction: 'maximize' } as const;
    const [fromOlder, fromNew] = [older, cut.checkpoint].map((from) => train(data, task, 6, from, { judgedBy }));
    assert.deepEqual((await fromOlder)?.metrics, (await fromNew)?.metrics);
  });

  it('training goes on from the last, not from the best', async () => {
    const data = points(64);
    const task = trial(2, 1);
    const { checkpoint, bestEpoch } = await train(data, task, 5, null);
    const state = decodeCheckpoint(checkpoint);
    assert.ok(bestEpoch < 5 && state.best?.epochs === bestEpoch, `the best is that after epoch ${bestEpoch}`);
    assert.notDeepEqual(state.best.model.weights, state.model.weights);
    const moved = encodeCheckpoint({ ...state, best: { ...state.best, model: state.model } });
    const [kept, other] = [await train(data, task, 6, checkpoint), await train(data, task, 6, moved)];
    assert.deepEqual(decodeCheckpoint(kept.checkpoint).model, decodeCheckpoint(other.checkpoint).model);
  });

  it('a checkpoint of before the best was kept knows the last state only, which is judged then', async () => {
    const data = points(64);
    const task = trial(2, 3);
    const last = decodeCheckpoint((await train(data, task, 5, null)).checkpoint);
    const of = (epochs: number) => train(data, task, epochs, encodeCheckpoint({ ...last, best: null }));
    const again = await of(5);
    assert.equal(again.bestEpoch, 5);
    assert.equal(again.metrics.accuracy, evaluated(data, task, encodeCheckpoint({ ...last, best: null })).accuracy);
    const { accuracy, loss } = again.metrics as { accuracy: number; loss: number };
    const on = await of(7);
    const best = bestOf([{ epoch: 5, metrics: { accuracy, loss } }, ...on.curve]);
    assert.equal(on.bestEpoch, best.epoch);
    assert.equal(on.metrics.accuracy, best.metrics.accuracy);
  });
});

describe('a validation split of many samples', () => {
  it('every epoch is judged by the same of them, of all classes alike, and the winner by all', async () => {
    const data = points(JUDGES + 300);
    const judgedBy = async (task: TrialTask, epochs: number, from: Uint8Array | null, fraction: number) => {
      data.judged.length = 0;
      data.judged.push([]);
      const curve: EpochReport[] = [];
      const request = {
        ...task,
        data: '',
        budget: { epochs, dataFraction: fraction },
        cores: 1,
        judgedBy: BY_ACCURACY,
        checkpoint: from,
      };
      const outcome = await trainToBudget(data, backend, request, async (report) => {
        curve.push(report);
        data.judged.push([]);
      });
      const [atEnd, ...perEpoch] = data.judged.map((each) => [...each].sort((a, b) => a - b)).reverse();
      assert.deepEqual(atEnd, Array.from(data.labels('validation').keys()));
      return { ...outcome, curve, perEpoch };
    };
    const low = await judgedBy(trial(0.3), 2, null, 0.25);
    const high = await judgedBy(trial(0.3), 4, low.checkpoint, 1);
    const other = await judgedBy(trial(0.1, 9), 2, null, 1);
    const sets = [...low.perEpoch, ...high.perEpoch, ...other.perEpoch];
    assert.equal(sets.length, 6);
    for (const set of sets) assert.deepEqual(set, sets[0]);
    const labels = sets[0]?.map((index) => data.labels('validation')[index]) ?? [];
    assert.equal(labels.length, JUDGES);
    for (let label = 0; label < CLASSES; label++)
      assert.ok(Math.abs(labels.filter((each) => each === label).length - JUDGES / CLASSES) <= 1);

    const { accuracy, loss } = evaluated(data, trial(0.3), high.checkpoint);
    assert.deepEqual([high.metrics.accuracy, high.metrics.loss], [accuracy, loss]);
    const best = bestOf([...low.curve, ...high.curve]);
    assert.equal(high.bestEpoch, best.epoch);
    assert.notEqual(high.metrics.accuracy, best.metrics.accuracy);
  });
});

describe('weights that are not finite', () => {
  it('fail the rung with words, also where the loss is finite', async () => {
    // The squares of these values are beyond float32: the moving variance is infinite, and what it divides is 0.
    const data = points(64, { scale: 1e25, normalised: true });
    await assert.rejects(train(data, trial(0.01), 2, null), {
      name: 'DivergedError',
      message: /^the weights are not finite after epoch 1: a smaller learningRate than 0\.01 may help$/,
    });
  });
});
