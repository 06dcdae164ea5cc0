/** What every workload must do, on small data sets made for the test. */
import assert from 'node:assert/strict';
import { before, describe, it, type TestContext } from 'node:test';
import { parametersOf } from '@edgetune/shared/domain/search-space.ts';
import { type DatasetSpec, datasetSchema, studySpecSchema, type WorkloadName } from '@edgetune/shared/domain/study.ts';
import { readOnnx } from '@edgetune/shared/onnx/read-onnx.ts';
import { signatureOf } from '@edgetune/shared/onnx/signature.ts';
import * as tf from '@tensorflow/tfjs-core';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { parse } from 'yaml';
import {
  channelsFirst,
  exportLayersModel,
  INPUT_NAME,
  OUTPUT_NAME,
} from '../../../coordinator/export/export-layers-model.ts';
import { quantiseOnnx } from '../../../coordinator/export/quantise-onnx.ts';
import { type LoadedBackend, loadBackend } from '../../../coordinator/training/backends/load-backend.ts';
import { trainingBatches } from '../../../coordinator/training/calibration-batches.ts';
import { decodeCheckpoint } from '../../../coordinator/training/checkpoint.ts';
import { evaluateOnnx, toChannelsFirst } from '../../../coordinator/training/evaluate-onnx.ts';
import { GradientTeam } from '../../../coordinator/training/gradient-team.ts';
import { Replica } from '../../../coordinator/training/replica.ts';
import { trainToBudget } from '../../../coordinator/training/train-to-budget.ts';
import type { TrialTask } from '../../../coordinator/training/training-service.ts';
import { workloadNamed } from '../../../coordinator/training/workloads/all.ts';
import { WORKLOAD_CATALOGUE } from '../../../coordinator/training/workloads/catalogue.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { tone, wavBytes } from '../../support/wav.ts';

interface Case {
  dataset(t: TestContext): DatasetSpec;
  candidate: TrialTask['candidate'];
  /** Each must give another graph. */
  otherModels: TrialTask['candidate'][];
}

const CASES: Partial<Record<WorkloadName, Case>> = {
  'image-classifier': {
    dataset: () =>
      datasetSchema.parse({ format: 'synthetic-images', classes: 2, samples: 400, imageSize: 12, channels: 1 }),
    candidate: { width: 8, depth: 1, block: 'residual', learningRate: 0.01, batchSizeTraining: 32 },
    otherModels: [{ width: 12 }, { depth: 2 }, { block: 'separable' }],
  },
  'keyword-spotter': {
    dataset: (t) => ({ format: 'speech-commands', path: tones(t) }),
    candidate: { width: 8, depth: 1, kernelSize: 3, learningRate: 0.01, batchSizeTraining: 32 },
    otherModels: [{ width: 12 }, { depth: 2 }, { kernelSize: 5 }],
  },
  'text-classifier': {
    dataset: (t) => ({ format: 'ag-news-csv', path: sentences(t) }),
    candidate: { embedding: 8, depth: 1, learningRate: 0.01, batchSizeTraining: 32 },
    otherModels: [{ embedding: 16 }, { depth: 0 }],
  },
};

/** Two words: tones below and above 1 kHz. */
function tones(t: TestContext): string {
  const names: string[] = [];
  const files: Record<string, Uint8Array> = {};
  for (const [word, base] of [
    ['high', 1200],
    ['low', 500],
  ] as const) {
    for (let i = 0; i < 60; i++) {
      const name = `${word}/${i}.wav`;
      files[name] = wavBytes(tone(base + 5 * i, 0.2 + (i % 5) / 10));
      names.push(name);
    }
  }
  const every = (remainder: number) => names.filter((_, i) => i % 4 === remainder).join('\n');
  return temporaryFolder(t, { ...files, 'validation_list.txt': every(0), 'testing_list.txt': every(1) });
}

function sentences(t: TestContext): string {
  const words = [
    ['goal', 'match', 'team', 'coach'],
    ['market', 'shares', 'profit', 'bank'],
  ];
  const rows = (count: number) =>
    Array.from({ length: count }, (_, i) => {
      const own = words[i % 2] as string[];
      return `"${1 + (i % 2)}","the ${own[i % 4]}","of ${own[(i + 1) % 4]} and day ${i}"\n`;
    }).join('');
  return temporaryFolder(t, { 'train.csv': rows(400), 'test.csv': rows(20) });
}

let backend: LoadedBackend;
before(async () => {
  backend = await loadBackend();
});

it('every workload that can be trained is in the catalogue', () => {
  for (const { name } of WORKLOAD_CATALOGUE) assert.equal(workloadNamed(name).name, name);
  assert.deepEqual(Object.keys(CASES).sort(), WORKLOAD_CATALOGUE.map(({ name }) => name).sort());
});

for (const [name, { dataset, candidate, otherModels }] of Object.entries(CASES) as [WorkloadName, Case][]) {
  describe(name, () => {
    const workload = workloadNamed(name);
    const setUp = (t: TestContext) => {
      const task: TrialTask = { workload: name, dataset: dataset(t), candidate, seed: 7 };
      return { task, loaded: workload.load(task.dataset) };
    };

    it('its example is a study of it, its space holds every parameter of the test', () => {
      assert.equal(studySpecSchema.parse(parse(workload.exampleYaml)).workload, name);
      const known = parametersOf(workload.defaultSpace).map((parameter) => parameter.name);
      for (const parameter of Object.keys(candidate)) assert.ok(known.includes(parameter), parameter);
    });

    it('the signature depends on the model parameters alone', (t) => {
      const { loaded } = setUp(t);
      const signature = (change: TrialTask['candidate'], seed: number) => {
        const model = loaded.buildModel({ ...candidate, ...change }, seed);
        try {
          return signatureOf(readOnnx(exportLayersModel(model, loaded.metadata)));
        } finally {
          model.dispose();
        }
      };
      const plain = signature({}, 1);
      assert.equal(signature({ learningRate: 0.5, batchSizeTraining: 8, trainingCores: 2 }, 2), plain);
      const others = otherModels.map((change) => signature(change, 1));
      assert.equal(new Set([plain, ...others]).size, 1 + others.length);
    });

    it('learns; stopped and resumed it ends at the same bits; its ONNX gives the same logits', async (t) => {
      const { task, loaded } = setUp(t);
      const losses: number[] = [];
      const train = (epochs: number, checkpoint: Uint8Array | null) =>
        trainToBudget(
          loaded,
          backend,
          { ...task, budget: { epochs, dataFraction: 1 }, cores: 1, checkpoint },
          async ({ metrics }) => void losses.push(metrics.trainLoss as number),
        );
      const atOnce = await train(3, null);
      const resumed = await train(3, (await train(1, null)).checkpoint);
      assert.deepEqual(Buffer.from(resumed.checkpoint), Buffer.from(atOnce.checkpoint));
      assert.deepEqual(losses.slice(3), losses.slice(0, 3));
      assert.ok(
        (losses[2] as number) < 0.8 * (losses[0] as number),
        `training losses ${losses.slice(0, 3).join(', ')}`,
      );

      const replica = new Replica(loaded, candidate, 1);
      t.after(() => replica.dispose());
      replica.setState(decodeCheckpoint(atOnce.checkpoint).model);
      const onnx = exportLayersModel(replica.model, loaded.metadata);
      const indices = [0, 1, 2, 3, 4];
      const inputs = loaded.inputs('test', indices);
      const expected = tf.tidy(() =>
        (replica.model.predict(tf.tensor(inputs, [indices.length, ...loaded.inputShape])) as tf.Tensor).dataSync(),
      );
      const session = await InferenceSession.create(onnx);
      const values = toChannelsFirst(inputs, loaded.inputShape, indices.length);
      const outputs = await session.run({
        [INPUT_NAME]: new Tensor('float32', values, [indices.length, ...channelsFirst(loaded.inputShape)]),
      });
      const actual = outputs[OUTPUT_NAME]?.data as Float32Array;
      assert.equal(actual.length, expected.length);
      for (const [i, value] of actual.entries()) assert.ok(Math.abs(value - (expected[i] as number)) < 1e-4);
      await session.release();
      const evaluation = await evaluateOnnx(loaded, onnx, 'validation');
      assert.ok(Math.abs(evaluation.accuracy - (atOnce.metrics.accuracy as number)) < 0.02);

      const int8 = await quantiseOnnx(onnx, await trainingBatches(loaded));
      const quantised = await evaluateOnnx(loaded, int8, 'validation');
      t.diagnostic(`validation accuracy ${evaluation.accuracy} in float32, ${quantised.accuracy} in int8`);
      assert.ok(quantised.accuracy > evaluation.accuracy - 0.03);
      // What was measured of the untrained variant holds for the trained one: they are the same graph.
      const untrained = loaded.buildModel(candidate, 0);
      const early = await quantiseOnnx(exportLayersModel(untrained, loaded.metadata), await trainingBatches(loaded));
      untrained.dispose();
      assert.equal(signatureOf(readOnnx(early)), signatureOf(readOnnx(int8)));
    });

    it('two cores compute the gradient of one', async (t) => {
      const { task, loaded } = setUp(t);
      const replica = new Replica(loaded, candidate, task.seed);
      t.after(() => replica.dispose());
      const state = replica.state();
      const indices = Uint32Array.from({ length: 40 }, (_, i) => i);
      const gradientOn = async (cores: number) => {
        const team = await GradientTeam.start(replica, task, cores, indices.length);
        try {
          return team.gradient(state, indices);
        } finally {
          await team.close();
        }
      };
      const [one, two] = [await gradientOn(1), await gradientOn(2)];
      for (const part of ['gradient', 'moving'] as const) {
        assert.equal(two[part].length, one[part].length);
        for (const [i, value] of two[part].entries()) assert.ok(Math.abs(value - (one[part][i] as number)) < 1e-4);
      }
      assert.ok(Math.abs(two.loss - one.loss) < 1e-4);
    });
  });
}
