/**
 * Problems whose training is replayed: a candidate learns as the nearest configuration of the table did, and takes the
 * time that the table says. Its architecture is a multilayer perceptron of the candidate's layers and units, as in
 * LCBench; where the table has one architecture only, a fixed one.
 */

import type { Candidate, SearchSpace } from '@edgetune/shared/domain/search-space.ts';
import { OnnxGraphBuilder } from '../../../coordinator/export/onnx-graph-builder.ts';
import type { TrainingService } from '../../../coordinator/training/training-service.ts';
import { standInData } from '../../soak/stand-in-data.ts';
import { type CurveTable, curveTables } from '../tuner/curves.ts';
import type { BookedTraining, Problem } from './study.ts';
import type { Timeline } from './timeline.ts';

/** The tables do not say how wide their data and how many their classes are: any will do to compare modes. */
const INPUTS = 64;
const CLASSES = 10;
/** TaskSet tells no times: each of its steps is taken to last as long as an epoch of a middling LCBench run. */
const SECONDS_A_STEP = 10;

const UNITS = [64, 256, 1024];
const INFERENCE: SearchSpace['inference'] = {
  batchSize: { type: 'constant', value: 1 },
  threads: { type: 'ordinal', values: [1, 2, 4] },
};

/** Tables on which the search towards a target was tuned: left out of the comparison. */
const TUNED_ON = /lcbench_34539|lcbench_3945|patch32_(GRU|IRNN|LSTM)/;

/** @param all with the tables on which EdgeTune was tuned */
export function replayedProblems(all: boolean): Problem[] {
  const tables = curveTables().filter(({ name }) => all || !TUNED_ON.test(name));
  return tables.map((table): Problem => {
    const space: SearchSpace = { model: {}, training: {}, system: {}, inference: INFERENCE };
    for (const { name, level: _, ...domain } of table.parameters) {
      if (name === 'num_layers') space.model[name] = domain;
      else if (name === 'max_units') space.model[name] = { type: 'ordinal', values: UNITS };
      else space.training[name] = domain;
    }
    const [, lastStep] = table.steps;
    return {
      name: table.name,
      source: table.kind === 'real' ? 'real curves' : 'surrogate curves',
      space,
      spec: {
        workload: 'image-classifier',
        dataset: { format: 'synthetic-images' },
        space,
        // The tables know nothing of parts of the data: epochs are the only budget, for every mode.
        budget: { minEpochs: 1, maxEpochs: lastStep, minDataFraction: 1 },
      },
      // Two rounds of Hyperband's brackets.
      trials: 100,
      training: (timeline) => replayedTraining(table, timeline),
    };
  });
}

const encode = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const decode = (bytes: Uint8Array): { epochs: number } => JSON.parse(new TextDecoder().decode(bytes));

function replayedTraining(table: CurveTable, timeline: Timeline): BookedTraining {
  let cpuSeconds = 0;
  const [, lastStep] = table.steps;
  const metricsAt = (candidate: Candidate, epochs: number) => {
    const loss = table.lossAt(table.nearest(candidate), epochs);
    // Of a cross-entropy: the probability that is given to the right answer, as a geometric mean.
    return { loss, accuracy: table.kind === 'real' ? Math.exp(-loss) : 1 - loss };
  };
  const exported = new WeakMap<Uint8Array, ReturnType<typeof metricsAt>>();
  const service: TrainingService = {
    checkDataset: async () => standInData(),
    buildArchitecture: async ({ candidate }) => ({ onnx: perceptron(candidate), metadataBytes: 0 }),
    async train({ candidate, budget, checkpoint, cores }, onEpoch, signal) {
      const from = checkpoint ? decode(checkpoint).epochs : 0;
      const row = table.nearest(candidate);
      const secondsAnEpoch = row.time_s_52 === undefined ? SECONDS_A_STEP : Number(row.time_s_52) / lastStep;
      const startS = timeline.now;
      for (let epoch = from + 1; epoch <= budget.epochs; epoch++) {
        const beganS = timeline.now;
        await timeline.sleep(secondsAnEpoch, signal).finally(() => {
          cpuSeconds += timeline.now - beganS;
        });
        onEpoch({ epoch, metrics: metricsAt(candidate, epoch) });
      }
      const seconds = timeline.now - startS;
      return {
        metrics: metricsAt(candidate, budget.epochs),
        checkpoint: encode({ candidate, epochs: budget.epochs }),
        epochs: budget.epochs,
        // The tables' values are those of the last epoch.
        bestEpoch: budget.epochs,
        seconds,
        cpuSeconds: seconds * cores,
        energyJ: 0,
        energySource: 'estimate',
        backend: 'replay',
      };
    },
    exportTrained: async ({ candidate }, checkpoint) => {
      const onnx = perceptron(candidate);
      exported.set(onnx, metricsAt(candidate, decode(checkpoint).epochs));
      return { onnx, modelCard: '' };
    },
    evaluateOnnx: async (_task, onnx) => {
      const metrics = exported.get(onnx);
      if (!metrics) throw new Error('only what was exported here can be evaluated');
      // The tables do not tell classes apart.
      return { samples: 0, metrics: { ...metrics, f1: metrics.accuracy }, confusion: [] };
    },
    quantise: async () => {
      throw new Error('a replayed model has no weights to quantise');
    },
    quantiseWithoutData: async () => {
      throw new Error('a replayed model has no weights to quantise');
    },
    backend: async () => 'replay',
    pause: () => () => {},
    close: async () => {},
  };
  return { service, cpuSeconds: () => cpuSeconds };
}

const built = new Map<string, Uint8Array>();

/** A funnel: from `max_units` down to the classes, in equal steps (LCBench's "shaped" perceptrons). */
function perceptron(candidate: Candidate): Uint8Array {
  const [layers, units] = [Number(candidate.num_layers ?? 2), Number(candidate.max_units ?? 128)];
  const key = `${layers}/${units}`;
  const known = built.get(key);
  if (known) return known;
  const graph = new OnnxGraphBuilder();
  const widthOf = (layer: number) => Math.round(units + ((CLASSES - units) * layer) / layers);
  let [x, width] = ['x', INPUTS];
  for (let layer = 0; layer <= layers; layer++) {
    const next = widthOf(layer);
    const dense = graph.node(
      'Gemm',
      [x, graph.weights([width, next], new Float32Array(width * next)), graph.weights([next], new Float32Array(next))],
      {},
      layer === layers ? 'y' : undefined,
    );
    x = layer === layers ? dense : graph.node('Relu', [dense]);
    width = next;
  }
  const onnx = graph.finish({
    input: { name: 'x', dims: ['batch', INPUTS] },
    output: { name: 'y', dims: ['batch', CLASSES] },
    metadata: {},
  });
  built.set(key, onnx);
  return onnx;
}
