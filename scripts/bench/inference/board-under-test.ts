/** A board for the benchmark: its device view, its measurements, and what measuring every config would have found. */
import { createHash } from 'node:crypto';
import { boardProfileNamed } from '@edgetune/shared/costmodel/board-profiles.ts';
import { type BoardDescription, type DeviceView, deviceClassOf } from '@edgetune/shared/domain/device.ts';
import type { InferenceConfig } from '@edgetune/shared/domain/inference-config.ts';
import type { Measurement, StoredMeasurement } from '@edgetune/shared/domain/measurement.ts';
import { scenarioKey } from '@edgetune/shared/domain/scenario.ts';
import type { Parameter } from '@edgetune/shared/domain/search-space.ts';
import { readOnnx } from '@edgetune/shared/onnx/read-onnx.ts';
import { signatureOf } from '@edgetune/shared/onnx/signature.ts';
import type { MeasureRequest } from '@edgetune/shared/protocol/job.ts';
import { createSimulatedBoard } from '../../../agent/simulated/simulated-board.ts';
import { quantiseOnnx } from '../../../coordinator/export/quantise-onnx.ts';
import { createInferenceServer } from '../../../coordinator/inference/create-inference-server.ts';
import type { InferenceRequest, MeasurementHistory } from '../../../coordinator/inference/inference-server.ts';
import { allPositions, configAt, configAxes } from '../../../coordinator/inference/search/config-grid.ts';
import { bestFirst, type Goals, scoreOf } from '../../../coordinator/inference/search/config-score.ts';
import { randomBatches } from '../../../coordinator/training/calibration-batches.ts';

export interface Model {
  name: string;
  bytes: Uint8Array;
  sha256: string;
  signature: string;
  /** What configs of precision int8 run; absent: the model itself. */
  int8?: Model;
}

/** The model with its int8 variant, calibrated on random inputs. */
export async function withInt8(model: Model): Promise<Model> {
  const int8 = await quantiseOnnx(model.bytes, await randomBatches(readOnnx(model.bytes), {}));
  return { ...model, int8: modelOf(`${model.name} in int8`, int8) };
}

function fileFor(model: Model, { precision }: InferenceConfig): Model {
  return precision === 'int8' ? (model.int8 ?? model) : model;
}

export function modelOf(name: string, bytes: Uint8Array): Model {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { name, bytes, sha256, signature: signatureOf(readOnnx(bytes)) };
}

export type MeasureModel = (model: Model, request: MeasureRequest) => Promise<Measurement>;

export interface BoardUnderTest {
  name: string;
  device: DeviceView;
  /** Each config is measured once: the search and the exhaustive optimum see the same noise. */
  measure: MeasureModel;
  /** Measurements asked for by the search. */
  server(models: readonly Model[]): { tune: ReturnType<typeof createInferenceServer>['tune']; count(): number };
}

export const NEVER = new AbortController().signal;
/** Short windows: enough for a median. */
const STOP_RULE = { warmupRuns: 1, minRuns: 20, minDurationMs: 50, maxDurationMs: 5000 };

export function boardUnderTest(name: string, description: BoardDescription, measure: MeasureModel): BoardUnderTest {
  const device = {
    id: 'd-000000000001',
    name,
    board: description,
    deviceClass: deviceClassOf(description),
  } as unknown as DeviceView;
  const kept = new Map<string, Promise<Measurement>>();
  const once: MeasureModel = (model, request) => {
    const key = [model.signature, JSON.stringify(request.config), scenarioKey(request.scenario)].join();
    const known = kept.get(key) ?? measure(model, request);
    kept.set(key, known);
    return known;
  };
  return {
    name,
    device,
    measure: once,
    server: (models) => {
      let count = 0;
      const bySha256 = new Map(
        models.flatMap((model) => [model, model.int8 ?? model]).map((model) => [model.sha256, model]),
      );
      const modelNamed = (sha256: string) => bySha256.get(sha256) as Model;
      const server = createInferenceServer({
        history: memoryHistory(),
        stopRule: STOP_RULE,
        blobs: { get: async (sha256) => modelNamed(sha256).bytes },
        measure: async (deviceId, request, { studyId }) => {
          count += 1;
          const measurement = await once(modelNamed(request.modelSha256), request);
          return { ...measurement, id: `m-${count}`, deviceId, deviceName: device.name, studyId };
        },
      });
      return { tune: server.tune, count: () => count };
    },
  };
}

export function simulatedBoard(profileName: string): BoardUnderTest {
  const board = createSimulatedBoard({ profile: boardProfileNamed(profileName), timeScale: 0 });
  return boardUnderTest(profileName, board.describe(), (model, request) => board.measure(request, model.bytes, NEVER));
}

function memoryHistory(): MeasurementHistory {
  const saved: StoredMeasurement[] = [];
  return {
    save: async (measurement) => void saved.push(measurement),
    find: (query) =>
      saved.filter((m) => m.signature === query.signature && scenarioKey(m.scenario) === query.scenarioKey),
    recent: ({ limit }) => [...saved].reverse().slice(0, limit),
    get: (id) => saved.find((m) => m.id === id) ?? null,
  };
}

export function requestFor(
  board: BoardUnderTest,
  model: Model,
  change: Pick<InferenceRequest, 'parameters' | 'objectives' | 'constraints'>,
): InferenceRequest {
  return {
    studyId: null,
    signature: model.signature,
    modelSha256: model.sha256,
    modelBytes: model.bytes.length,
    ...(model.int8
      ? {
          variants: {
            int8: {
              signature: model.int8.signature,
              modelSha256: model.int8.sha256,
              modelBytes: model.int8.bytes.length,
            },
          },
        }
      : {}),
    device: board.device,
    scenario: { kind: 'single-stream' },
    purpose: 'search',
    seed: 0,
    ...change,
  };
}

/** Measures every config of the grid; those that fail are left out. */
export async function measureAll(
  board: BoardUnderTest,
  model: Model,
  parameters: readonly Parameter[],
): Promise<Measurement[]> {
  const axes = configAxes(parameters, board.device);
  const found: Measurement[] = [];
  for (const positions of allPositions(axes)) {
    const config = configAt(axes, positions);
    const file = fileFor(model, config);
    found.push(await board.measure(file, jobFor(file, config)));
  }
  return found;
}

function jobFor(model: Model, config: InferenceConfig): MeasureRequest {
  return {
    kind: 'measure',
    modelSha256: model.sha256,
    modelBytes: model.bytes.length,
    signature: model.signature,
    config,
    scenario: { kind: 'single-stream' },
    stopRule: { maxRuns: 100_000, medianPrecision: null, ...STOP_RULE },
    dimensions: {},
    memoryLimitBytes: null,
    seed: 0,
  };
}

/** The best of all measurements, and how much worse (as a fraction) another one is. */
export function optimumOf(all: readonly Measurement[], goals: Goals) {
  const score = (measurement: Measurement) => scoreOf(goals, measurement as StoredMeasurement);
  const winner = bestFirst(goals, all as StoredMeasurement[])[0] ?? (all[0] as Measurement);
  const best = score(winner);
  return {
    winner,
    feasible: best.violation === 0,
    violation: best.violation,
    regret: (found: Measurement | null) => {
      if (!found) return Infinity;
      const { violation, loss } = score(found);
      return violation > best.violation ? Infinity : Math.expm1(loss - best.loss);
    },
  };
}
