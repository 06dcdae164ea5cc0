/** What every workload must do, on small data sets made for the test. */
import assert from 'node:assert/strict';
import { before, describe, it, type TestContext } from 'node:test';
import { BY_ACCURACY } from '@edgetune/shared/domain/objective.ts';
import {
  type Candidate,
  listedValues,
  type Parameter,
  type ParameterValue,
  parametersOf,
} from '@edgetune/shared/domain/search-space.ts';
import { formatsFor, studySchemaFor } from '@edgetune/shared/domain/study-parts.ts';
import { analyseModel } from '@edgetune/shared/onnx/analyse.ts';
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
import { PARTS } from '../../../coordinator/parts.ts';
import { type LoadedBackend, loadBackend } from '../../../coordinator/training/backends/load-backend.ts';
import { trainingBatches } from '../../../coordinator/training/calibration-batches.ts';
import { decodeCheckpoint, exportedState } from '../../../coordinator/training/checkpoint.ts';
import { DATASET_FORMATS } from '../../../coordinator/training/datasets/all.ts';
import { evaluateOnnx, toChannelsFirst } from '../../../coordinator/training/evaluate-onnx.ts';
import { buildArchitecture, exportTrained } from '../../../coordinator/training/export-trial.ts';
import { GradientTeam } from '../../../coordinator/training/gradient-team.ts';
import { loadTask } from '../../../coordinator/training/load-task.ts';
import { Replica } from '../../../coordinator/training/replica.ts';
import { trainToBudget } from '../../../coordinator/training/train-to-budget.ts';
import type { PreparedTask, TrialTask } from '../../../coordinator/training/training-service.ts';
import { WORKLOADS } from '../../../coordinator/training/workloads/all.ts';
import type { Workload } from '../../../coordinator/training/workloads/workload.ts';
import { prepared } from './support/prepared.ts';
import { smallDataset } from './support/small-datasets.ts';

/** The first value of each parameter; of a range on a logarithmic scale one that lets a small network learn. */
function candidateOf({ defaultSpace }: Workload): Candidate {
  const first = (parameter: Parameter) =>
    parameter.type === 'float' ? parameter.min * (parameter.max / parameter.min) ** 0.8 : valuesOf(parameter)[0];
  return Object.fromEntries(
    parametersOf(defaultSpace, ['model', 'training']).map((parameter) => [
      parameter.name,
      first(parameter) as ParameterValue,
    ]),
  );
}

/** For each model parameter its next value. */
function otherModelsOf({ defaultSpace }: Workload): Candidate[] {
  return parametersOf(defaultSpace, ['model']).map((parameter) => ({
    [parameter.name]: valuesOf(parameter)[1] as ParameterValue,
  }));
}

function valuesOf(parameter: Parameter): readonly ParameterValue[] {
  if (parameter.type === 'int') return [parameter.min, parameter.min + 1];
  if (parameter.type === 'boolean') return [false, true];
  return listedValues(parameter) ?? assert.fail(`${parameter.name}: a model parameter without separate values`);
}

let backend: LoadedBackend;
before(async () => {
  backend = await loadBackend();
});

it('each name is there once', () => {
  const names = WORKLOADS.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
});

for (const workload of WORKLOADS) {
  const { name } = workload;
  describe(name, () => {
    const candidate = candidateOf(workload);
    const otherModels = otherModelsOf(workload);
    const format = formatsFor(workload, DATASET_FORMATS)[0];
    const setUp = async (t: TestContext) => {
      assert.ok(format, `no format holds ${workload.takes}`);
      const dataset = await smallDataset(t, format.name);
      const data = await prepared(t, dataset);
      const task: PreparedTask = { workload: name, dataset, data, candidate, seed: 7 };
      return { task, loaded: await loadTask(task) };
    };

    it('its example is a study of it', () => {
      assert.equal(studySchemaFor(PARTS).parse(parse(workload.exampleYaml)).workload, name);
    });

    it('the signature depends on the model parameters alone', async (t) => {
      const { loaded } = await setUp(t);
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
      const { task, loaded } = await setUp(t);
      const losses: number[] = [];
      const train = (epochs: number, checkpoint: Uint8Array | null) =>
        trainToBudget(
          loaded,
          backend,
          { ...task, budget: { epochs, dataFraction: 1 }, cores: 1, judgedBy: BY_ACCURACY, checkpoint },
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
      replica.setState(exportedState(decodeCheckpoint(atOnce.checkpoint)).model);
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
      assert.ok(Math.abs(evaluation.metrics.accuracy - (atOnce.metrics.accuracy as number)) < 0.02);

      const int8 = await quantiseOnnx(onnx, await trainingBatches(loaded));
      const quantised = await evaluateOnnx(loaded, int8, 'validation');
      t.diagnostic(
        `validation accuracy ${evaluation.metrics.accuracy} in float32, ${quantised.metrics.accuracy} in int8`,
      );
      assert.ok(quantised.metrics.accuracy > evaluation.metrics.accuracy - 0.03);
      // What was measured of the untrained variant holds for the trained one: they are the same graph.
      const untrained = loaded.buildModel(candidate, 0);
      const early = await quantiseOnnx(exportLayersModel(untrained, loaded.metadata), await trainingBatches(loaded));
      untrained.dispose();
      assert.equal(signatureOf(readOnnx(early)), signatureOf(readOnnx(int8)));
    });

    it('costs as much untrained, folding and labels included, as it does exported', async (t) => {
      const { task, loaded } = await setUp(t);
      const facts = (onnx: Uint8Array) => {
        const { signature, parameters, macs } = analyseModel(onnx, { batchSize: 1, dimensions: {} });
        return { signature, parameters, macs };
      };
      const int8 = async (onnx: Uint8Array) => quantiseOnnx(onnx, await trainingBatches(loaded));
      for (const change of [{}, ...otherModels]) {
        const trial = { ...task, candidate: { ...candidate, ...change } };
        const budget = { epochs: 1, dataFraction: 0.1 };
        const { checkpoint } = await trainToBudget(
          loaded,
          backend,
          { ...trial, budget, cores: 1, judgedBy: BY_ACCURACY, checkpoint: null },
          async () => {},
        );
        const built = buildArchitecture(loaded, trial);
        const exported = exportTrained(loaded, trial, checkpoint, backend.name);
        assert.deepEqual(facts(built.onnx), facts(exported.onnx));
        assert.notDeepEqual(Buffer.from(built.onnx), Buffer.from(exported.onnx));
        assert.equal(built.onnx.length + built.metadataBytes, exported.onnx.length);
        const [before, after] = [await int8(built.onnx), await int8(exported.onnx)];
        assert.deepEqual(facts(before), facts(after));
        assert.equal(before.length + built.metadataBytes, after.length);
      }
    });

    it('two cores compute the gradient of one', async (t) => {
      const { task, loaded } = await setUp(t);
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
