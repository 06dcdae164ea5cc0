/** Benches any ONNX model on devices of the fleet: the inference tuning server without a study. */
import { randomUUID } from 'node:crypto';
import type { DeviceView } from '@edgetune/shared/domain/device.ts';
import type { StoredMeasurement } from '@edgetune/shared/domain/measurement.ts';
import type { Logger } from '@edgetune/shared/log/logger.ts';
import { graphPrecision } from '@edgetune/shared/onnx/graph-precision.ts';
import { modelSizes } from '@edgetune/shared/onnx/model-sizes.ts';
import { readOnnx } from '@edgetune/shared/onnx/read-onnx.ts';
import { signatureOf } from '@edgetune/shared/onnx/signature.ts';
import type {
  BenchDevice,
  BenchModel,
  BenchRequest,
  BenchSummary,
  BenchView,
} from '@edgetune/shared/protocol/bench.ts';
import type { InferenceRequest, InferenceServer, MeasurementSource } from '../inference/inference-server.ts';
import { countConfigs } from '../inference/search/config-grid.ts';
import { measurementBudget } from '../inference/search/config-search.ts';
import { sizedSignature } from '../inference/sized-signature.ts';
import { aborted, unlessAborted } from '../lifecycle/aborted.ts';
import { ShutdownError } from '../lifecycle/shutdown-error.ts';
import { InferenceInputError, joined } from './bench-input.ts';
import { benchParameters } from './bench-parameters.ts';
import type { BenchRecord, BenchRepository } from './bench-repository.ts';

export interface BenchServiceOptions {
  inference: InferenceServer;
  device(name: string): DeviceView | null;
  benches: BenchRepository;
  /** Makes an int8 variant, good for measuring only. @throws {Error} named `QuantiseError` where that cannot be done */
  quantise(onnx: Uint8Array, dimensions: Readonly<Record<string, number>>): Promise<Uint8Array>;
  blobs: { put(bytes: Uint8Array): Promise<string>; get(sha256: string): Promise<Uint8Array> };
  log: Logger;
}

export interface BenchService {
  /** Goes on with the benches that ran when the coordinator ended; what they had measured is in the history. */
  resume(): void;
  /** Stores a model to bench. @throws {OnnxError} where it cannot be read, naming the node or field */
  accept(onnx: Uint8Array): Promise<BenchModel>;
  /**
   * Starts a bench; its devices are searched side by side.
   * @throws {InferenceInputError} where a device or the model is unknown, a device has not joined yet, or a size is missing
   * @throws {OnnxError} where the model is not one that can be run, naming the node or field
   */
  start(request: BenchRequest): Promise<BenchView>;
  /** Newest first. */
  list(): BenchSummary[];
  find(id: string): BenchView | null;
  /** Stops what is still running; what was measured stays. */
  cancel(id: string): BenchView | null;
  /** Forgets a bench that has ended; its measurements stay in the history. @throws {InferenceInputError} where it runs */
  remove(id: string): Promise<void>;
  /** Models that must not be cleaned up. */
  blobsInUse(): string[];
  /** Stops all searches and waits for them to end; they go on at the next start. */
  close(): Promise<void>;
}

interface Running {
  record: BenchRecord;
  controller: AbortController;
  done: Promise<void>;
  /** When the record was last written, by `performance.now`. */
  savedAtMs: number;
}

/** A record holds all of its measurements: writing a long one with each of them would cost their square. */
const SMALL_RECORD = 50;
const SAVE_INTERVAL_MS = 1000;

/** Ended benches that are kept, with their models; the measurements of older ones stay in the history. */
const KEPT_BENCHES = 100;
/** Models that were uploaded lately may be about to be benched. */
const KEPT_UPLOADS = 20;

export function createBenchService(options: BenchServiceOptions): BenchService {
  const { inference, device: deviceNamed, benches, blobs, quantise, log } = options;
  const running = new Map<string, Running>();
  const uploads = new Set<string>();
  const ending = new AbortController();
  /** Oldest first. The list is read again and again, and the benches themselves are long. */
  const summaries = new Map(
    benches
      .list()
      .reverse()
      .map(({ view }) => [view.id, summaryOf(view)]),
  );

  /** When the coordinator ends nobody waits any longer: what is not written yet is when the store closes. */
  function save(record: BenchRecord): Promise<void> {
    summaries.set(record.view.id, summaryOf(record.view));
    const entry = running.get(record.view.id);
    if (entry) entry.savedAtMs = performance.now();
    return unlessAborted(benches.save(record), ending.signal);
  }

  /** A long record that was written a moment ago is left to the next measurement or to the end. */
  function saveNowAndThen(record: BenchRecord): void {
    summaries.set(record.view.id, summaryOf(record.view));
    const { savedAtMs = -Infinity, controller } = running.get(record.view.id) ?? {};
    const isSmall = measurementsIn(record) <= SMALL_RECORD;
    if (isSmall || performance.now() - savedAtMs >= SAVE_INTERVAL_MS)
      save(record).catch((error) => controller?.abort(error));
  }

  async function remove(id: string): Promise<void> {
    await benches.remove(id);
    summaries.delete(id);
  }

  async function accept(onnx: Uint8Array): Promise<BenchModel> {
    const graph = readOnnx(onnx);
    const modelSha256 = await blobs.put(onnx);
    uploads.delete(modelSha256);
    uploads.add(modelSha256);
    for (const oldest of uploads) if (uploads.size > KEPT_UPLOADS) uploads.delete(oldest);
    const inputs = graph.inputs.map(({ name, dtype, shape }) => ({ name, dtype, shape }));
    return { modelSha256, modelBytes: onnx.length, inputs, precision: graphPrecision(graph), ...modelSizes(graph) };
  }

  async function start(request: BenchRequest): Promise<BenchView> {
    const devices = [...new Set(request.devices)].map((name) => joined(name, deviceNamed(name)));
    const model = await blobs.get(request.modelSha256).catch((cause: Error) => {
      throw new InferenceInputError(`there is no model ${request.modelSha256}: upload it first`, { cause });
    });
    const graph = readOnnx(model);
    const sizes = modelSizes(graph);
    const missing = sizes.openDimensions.filter((name) => !Object.hasOwn(request.dimensions, name));
    if (missing.length > 0)
      throw new InferenceInputError(
        `the model leaves ${missing.map((name) => `"${name}"`).join(', ')} open: give each a size (for example --dimension ${missing[0]}=128)`,
      );
    // What the model does not leave open changes nothing: it must not split the history.
    const dimensions = Object.fromEntries(
      sizes.openDimensions.map((name) => [name, request.dimensions[name] as number]),
    );
    const batchSizes = batchSizesOf(request, sizes.fixedBatch);
    const precision = graphPrecision(graph);
    const precisions = request.precisions ?? [precision];
    const view: BenchView = {
      id: `b-${randomUUID()}`,
      state: 'running',
      modelName: request.modelName,
      modelSha256: request.modelSha256,
      modelBytes: model.length,
      signature: sizedSignature(signatureOf(graph), dimensions),
      precision,
      scenario: request.scenario,
      objectives: request.objectives,
      constraints: request.constraints,
      dimensions,
      int8: null,
      startedAt: new Date().toISOString(),
      finishedAt: null,
      devices: devices.map(emptyEntry),
    };
    const record = { request: { ...request, batchSizes, precisions, dimensions }, view };
    await benches.save(record);
    launch(record);
    forgetOldest();
    return view;
  }

  /** Makes the int8 variant, where one is asked for and is not there yet. */
  async function addInt8Variant({ request, view }: BenchRecord): Promise<void> {
    if (view.precision === 'int8' || !request.precisions.includes('int8') || view.int8 !== null) return;
    try {
      const onnx = await quantise(await blobs.get(view.modelSha256), view.dimensions);
      const signature = sizedSignature(signatureOf(readOnnx(onnx)), view.dimensions);
      view.int8 = { modelSha256: await blobs.put(onnx), modelBytes: onnx.length, signature };
    } catch (error) {
      if ((error as Error).name !== 'QuantiseError') throw error;
      view.int8 = { reason: (error as Error).message };
    }
    // From here on a clean-up knows of its file. A bench that was cancelled meanwhile may be gone.
    if (running.has(view.id)) await save({ request, view });
  }

  function launch(record: BenchRecord): void {
    const { view } = record;
    const controller = new AbortController();
    summaries.set(view.id, summaryOf(view));
    const variant = addInt8Variant(record);
    // Each search that waits for it says what went wrong.
    variant.catch(() => {});
    const searches = view.devices
      .filter(({ state }) => state === 'running')
      .map((entry) => search(record, entry, variant, controller.signal));
    const done = Promise.all(searches)
      .then(async () => {
        if (ending.signal.aborted) return save(record);
        view.state = controller.signal.aborted ? 'cancelled' : 'finished';
        view.finishedAt = new Date().toISOString();
        await save(record);
      })
      .catch((error: Error) => {
        if (ending.signal.aborted) return;
        // What cannot be written must not keep the coordinator from ending.
        controller.abort(error);
        log.error(`bench of ${view.modelName}`, { error, benchId: view.id });
      })
      .finally(() => running.delete(view.id));
    running.set(view.id, { record, controller, done, savedAtMs: performance.now() });
  }

  async function search(
    record: BenchRecord,
    entry: BenchDevice,
    variant: Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    const { request, view } = record;
    /** What this bench itself had measured before its coordinator ended. */
    const own = entry.measurements.filter(({ from }) => from === 'measured');
    const ownIds = new Set(own.map(({ id }) => id));
    Object.assign(entry, { measurements: own, measured: own.length, reused: 0 });
    try {
      signal.throwIfAborted();
      await Promise.race([variant, aborted(signal)]);
      const device = joined(entry.device, deviceNamed(entry.device));
      const parameters = benchParameters(request, device);
      const count = (possible: number) => Object.assign(entry, { possible, planned: measurementBudget(possible) });
      count(countConfigs(parameters, device));
      const { objectives, constraints, scenario, dimensions, maxSeconds } = request;
      const { modelSha256, modelBytes, signature } = view;
      const asked: InferenceRequest = {
        studyId: null,
        signature,
        modelSha256,
        modelBytes,
        ...(view.int8 ? { variants: { int8: view.int8 } } : {}),
        device,
        parameters,
        scenario,
        objectives,
        constraints,
        dimensions,
        purpose: 'search',
        seed: 0,
        ...(maxSeconds === undefined ? {} : { maxMs: maxSeconds * 1000 }),
      };
      const onMeasured = (measurement: StoredMeasurement, source: MeasurementSource) => {
        if (ownIds.has(measurement.id)) return;
        entry.measurements.push({ ...measurement, from: source });
        if (source === 'measured') entry.measured += 1;
        else entry.reused += 1;
        saveNowAndThen(record);
      };
      const found = await inference.tune(asked, onMeasured, signal);
      // Without the precisions in which there is no variant.
      if (found.possible !== undefined) count(found.possible);
      // What another device of the class has shown is good for searching; what is recommended is measured on this one.
      const isOwn = found.best === null || found.best.deviceId === device.id;
      const result = isOwn ? found : await inference.tune({ ...asked, purpose: 'confirm' }, onMeasured, signal);
      const { best, feasible, reason } = result;
      Object.assign(entry, { best, feasible, reason, state: best ? 'finished' : 'failed' });
    } catch (error) {
      if (signal.reason instanceof ShutdownError) return;
      entry.state = signal.aborted ? 'cancelled' : 'failed';
      entry.reason = (error as Error).message;
      if (!signal.aborted)
        log.warn(`bench of ${request.modelName} on ${entry.device}`, { error, benchId: view.id, device: entry.device });
    }
    await save(record);
  }

  function forgetOldest(): void {
    for (const id of [...summaries.keys()].reverse().slice(KEPT_BENCHES))
      if (!running.has(id)) remove(id).catch((error) => log.warn('an old bench could not be removed', { error }));
  }

  const find = (id: string) => running.get(id)?.record.view ?? benches.get(id)?.view ?? null;
  return {
    resume() {
      for (const record of benches.list()) if (record.view.state === 'running') launch(record);
    },
    accept,
    start,
    list: () => [...summaries.values()].reverse(),
    find,
    cancel(id) {
      running.get(id)?.controller.abort(new Error('the bench was cancelled'));
      return find(id);
    },
    async remove(id) {
      const entry = running.get(id);
      if (entry?.record.view.state === 'running')
        throw new InferenceInputError('the bench is running: cancel it first');
      await entry?.done;
      await remove(id);
    },
    blobsInUse: () => [...uploads, ...benches.models()],
    async close() {
      ending.abort(new ShutdownError());
      const open = [...running.values()];
      for (const { controller } of open) controller.abort(new ShutdownError());
      await Promise.all(open.map(({ done }) => done));
    },
  };
}

const DEFAULT_BATCH_SIZES = [1, 2, 4, 8, 16, 32];

/** @throws {InferenceInputError} where the model's batch is fixed to none of those that were asked for */
function batchSizesOf({ batchSizes }: BenchRequest, fixedBatch: number | null): number[] {
  if (fixedBatch === null) return batchSizes ?? DEFAULT_BATCH_SIZES;
  if (batchSizes && !batchSizes.includes(fixedBatch))
    throw new InferenceInputError(
      `the model's batch is fixed at ${fixedBatch}: it cannot run batches of ${batchSizes.join(', ')} (export it with a dynamic batch)`,
    );
  return [fixedBatch];
}

function emptyEntry({ name, board }: DeviceView): BenchDevice {
  return {
    device: name,
    simulated: board?.simulated ?? null,
    state: 'running',
    reason: null,
    feasible: false,
    best: null,
    measurements: [],
    measured: 0,
    reused: 0,
    possible: null,
    planned: null,
  };
}

function summaryOf({ devices, ...view }: BenchView): BenchSummary {
  const { id, state, modelName, scenario, startedAt, finishedAt } = view;
  return {
    id,
    state,
    modelName,
    scenario,
    startedAt,
    finishedAt,
    devices: devices.map(({ device, simulated, state, feasible }) => ({ device, simulated, state, feasible })),
    measurements: devices.reduce((sum, { measurements }) => sum + measurements.length, 0),
  };
}

function measurementsIn({ view }: BenchRecord): number {
  return view.devices.reduce((sum, { measurements }) => sum + measurements.length, 0);
}
