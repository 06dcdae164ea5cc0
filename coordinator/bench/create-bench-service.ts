/** Benches any ONNX model on devices of the fleet: the inference tuning server without a study. */
import { randomUUID } from 'node:crypto';
import type { DeviceView } from '@edgetune/shared/domain/device.ts';
import type { Precision } from '@edgetune/shared/domain/inference-config.ts';
import type { Logger } from '@edgetune/shared/log/logger.ts';
import { readOnnx } from '@edgetune/shared/onnx/read-onnx.ts';
import { signatureOf } from '@edgetune/shared/onnx/signature.ts';
import type {
  BenchDevice,
  BenchModel,
  BenchRequest,
  BenchSummary,
  BenchView,
} from '@edgetune/shared/protocol/bench.ts';
import type { InferenceServer } from '../inference/inference-server.ts';
import type { InspectionRequest, ModelInspection } from '../inference/inspector/inspector-messages.ts';
import type { ModelInspector } from '../inference/inspector/model-inspector.ts';
import { sizedSignature } from '../inference/sized-signature.ts';
import { aborted } from '../lifecycle/aborted.ts';
import { ShutdownError } from '../lifecycle/shutdown-error.ts';
import { Troubles } from '../lifecycle/troubles.ts';
import { untilWritten } from '../lifecycle/until-written.ts';
import { InferenceInputError, type JoinedDevice, joined, refuseUnjudgeable } from './bench-input.ts';
import { BenchRecords } from './bench-records.ts';
import type { BenchRecord, BenchRepository } from './bench-repository.ts';
import { searchDevice } from './search-device.ts';

/** A file that was sent with a model. */
export type DataFileSent = InspectionRequest['data'][number];

export interface BenchServiceOptions {
  inference: InferenceServer;
  device(name: string): DeviceView | null;
  benches: BenchRepository;
  /** Reads models that somebody has sent. */
  inspector: Pick<ModelInspector, 'inspect'>;
  /** Has the reason while what happens in benches cannot be written. */
  troubles: Pick<Troubles, 'current' | 'subscribe'>;
  /** Makes an int8 variant, good for measuring only. @throws {Error} named `QuantiseError` where that cannot be done */
  quantise(onnx: Uint8Array, dimensions: Readonly<Record<string, number>>): Promise<Uint8Array>;
  blobs: { put(bytes: Uint8Array): Promise<string>; get(sha256: string): Promise<Uint8Array> };
  log: Logger;
  /** Calls back after so many milliseconds. */
  after?: (ms: number, callback: () => void) => void;
}

export interface BenchService {
  /** Goes on with the benches that ran when the coordinator ended; what they had measured is in the history. */
  resume(): void;
  /**
   * Stores a model to bench, as one file.
   * @param data files beside it in which it keeps its weights
   * @throws {OnnxError} where it cannot be read, naming the node or field
   */
  accept(onnx: Uint8Array, data?: readonly DataFileSent[]): Promise<BenchModel>;
  /**
   * Starts a bench; its devices are searched side by side.
   * @throws {InferenceInputError} where a device or the model is unknown, a device has not joined yet, a size is missing, or an
   * objective or constraint is of what a bench cannot tell
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

/** Why a bench ends early: a person has cancelled it. */
class CancelledError extends Error {
  override name = 'CancelledError';
  constructor() {
    super('the bench was cancelled');
  }
}

interface Running {
  record: BenchRecord;
  /** Has the reason while its variant cannot be stored. */
  troubles: Troubles;
  controller: AbortController;
  done: Promise<void>;
}

/** Models that were uploaded lately may be about to be benched. */
const KEPT_UPLOADS = 20;

export function createBenchService(options: BenchServiceOptions): BenchService {
  return new Benches(options);
}

class Benches implements BenchService {
  readonly #options: BenchServiceOptions;
  readonly #records: BenchRecords;
  readonly #running = new Map<string, Running>();
  readonly #uploads = new Set<string>();
  readonly #ending = new AbortController();

  constructor(options: BenchServiceOptions) {
    const { benches, log, after } = options;
    this.#options = options;
    this.#records = new BenchRecords({ benches, log, ending: this.#ending.signal, ...(after ? { after } : {}) });
  }

  resume(): void {
    for (const record of this.#records.unfinished()) this.#launch(record);
  }

  async accept(onnx: Uint8Array, data: readonly DataFileSent[] = []): Promise<BenchModel> {
    const {
      model: made,
      inputs,
      precision,
      ...sizes
    } = await this.#options.inspector.inspect({
      model: onnx,
      data: [...data],
      given: { dimensions: {}, shapes: {}, values: {} },
    });
    const { fixedBatch, openDimensions, unnamedInputs, assumptions } = sizes;
    const model = made ?? onnx;
    const modelSha256 = await this.#keep(model);
    return {
      ...{ modelSha256, modelBytes: model.length, inputs, precision },
      ...{ fixedBatch, openDimensions, unnamedInputs, assumptions },
    };
  }

  /** Stores a model that may be benched soon. */
  async #keep(model: Uint8Array): Promise<string> {
    const modelSha256 = await this.#options.blobs.put(model);
    const uploads = this.#uploads;
    uploads.delete(modelSha256);
    uploads.add(modelSha256);
    for (const oldest of uploads) if (uploads.size > KEPT_UPLOADS) uploads.delete(oldest);
    return modelSha256;
  }

  async start(request: BenchRequest): Promise<BenchView> {
    this.#ending.signal.throwIfAborted();
    const { device, blobs } = this.#options;
    refuseUnjudgeable(request);
    const devices = [...new Set(request.devices)].map((name) => joined(name, device(name)));
    const model = await blobs.get(request.modelSha256).catch((cause: Error) => {
      throw new InferenceInputError(`there is no model ${request.modelSha256}: upload it first`, { cause });
    });
    const record = await this.#recordOf(request, devices, model);
    await this.#records.add(record);
    this.#launch(record);
    this.#records.forgetOldest((id) => this.#running.has(id));
    return record.view;
  }

  /** @throws {InferenceInputError} @throws {OnnxError} */
  async #recordOf(request: BenchRequest, devices: readonly JoinedDevice[], sent: Uint8Array): Promise<BenchRecord> {
    const { dimensions: _, shapes, inputValues, ...asked } = request;
    const given = { dimensions: request.dimensions, shapes, values: numbersAsValues(inputValues) };
    const found = await this.#options.inspector.inspect({ model: sent, data: [], given });
    const { dimensions, precision, assumptions } = found;
    refuseMissing(found);
    // What was said of the inputs may have made another file of it.
    const modelSha256 = found.model ? await this.#keep(found.model) : request.modelSha256;
    const view: BenchView = {
      id: `b-${randomUUID()}`,
      state: 'running',
      modelName: request.modelName,
      modelSha256,
      modelBytes: (found.model ?? sent).length,
      signature: sizedSignature(found.signature, dimensions),
      precision,
      scenario: request.scenario,
      objectives: request.objectives,
      constraints: request.constraints,
      dimensions,
      assumptions,
      int8: null,
      startedAt: new Date().toISOString(),
      finishedAt: null,
      devices: devices.map(emptyEntry),
    };
    const batchSizes = batchSizesOf(request, found.fixedBatch);
    return {
      request: { ...asked, modelSha256, batchSizes, precisions: precisionsOf(request, found), dimensions },
      view,
    };
  }

  list(): BenchSummary[] {
    return this.#records.list().map((bench) => ({ ...bench, ...this.#waiting(bench) }));
  }

  find(id: string): BenchView | null {
    const view = (this.#running.get(id)?.record ?? this.#records.find(id))?.view;
    return view ? { ...view, ...this.#waiting(view) } : null;
  }

  cancel(id: string): BenchView | null {
    this.#running.get(id)?.controller.abort(new CancelledError());
    return this.find(id);
  }

  async remove(id: string): Promise<void> {
    const entry = this.#running.get(id);
    if (entry?.record.view.state === 'running') throw new InferenceInputError('the bench is running: cancel it first');
    // On a full disk its end is not written yet, and it cannot be removed: whoever asks is to hear that at once.
    if (this.#options.troubles.current() === null) await entry?.done;
    await this.#records.remove(id);
  }

  blobsInUse(): string[] {
    return [...this.#uploads, ...this.#options.benches.models()];
  }

  async close(): Promise<void> {
    this.#ending.abort(new ShutdownError());
    const open = [...this.#running.values()];
    for (const { controller } of open) controller.abort(new ShutdownError());
    await Promise.all(open.map(({ done }) => done));
  }

  /** Of a bench that runs. */
  #waiting({ id, state }: Pick<BenchView, 'id' | 'state'>): Pick<BenchView, 'waiting'> {
    const running = state === 'running' && this.#running.get(id);
    const trouble = running && (running.troubles.current() ?? this.#options.troubles.current());
    return trouble ? { waiting: trouble.message } : {};
  }

  #launch(record: BenchRecord): void {
    const { log } = this.#options;
    const { view } = record;
    const controller = new AbortController();
    const troubles = new Troubles();
    const variant = this.#addInt8Variant(record, controller.signal, troubles);
    // Each search that waits for it says what went wrong.
    variant.catch(() => {});
    const searches = view.devices
      .filter(({ state }) => state === 'running')
      .map((entry) => this.#search(record, entry, variant, controller));
    const done = Promise.all(searches)
      .then(async () => {
        // Nobody waits any longer: the store writes it when it closes.
        if (this.#ending.signal.aborted) return void this.#records.save(record).catch(() => {});
        view.state = view.devices.some(({ state }) => state === 'cancelled') ? 'cancelled' : 'finished';
        view.finishedAt = new Date().toISOString();
        await this.#records.saveEnd(record);
      })
      .catch((error) =>
        log.error(`the bench of ${view.modelName} ended by a fault of EdgeTune`, { error, benchId: view.id }),
      )
      .finally(() => this.#running.delete(view.id));
    this.#running.set(view.id, { record, troubles, controller, done });
  }

  /** Makes the int8 variant, where one is asked for and is not there yet. */
  async #addInt8Variant({ request, view }: BenchRecord, signal: AbortSignal, troubles: Troubles): Promise<void> {
    const { quantise, blobs } = this.#options;
    if (view.precision === 'int8' || !request.precisions.includes('int8') || view.int8 !== null) return;
    try {
      const model = await blobs.get(view.modelSha256);
      const onnx = await untilWritten(() => quantise(model, view.dimensions), { signal, troubles });
      const signature = sizedSignature(signatureOf(readOnnx(onnx)), view.dimensions);
      const modelSha256 = await untilWritten(() => blobs.put(onnx), { signal, troubles });
      view.int8 = { modelSha256, modelBytes: onnx.length, signature };
    } catch (error) {
      if ((error as Error).name !== 'QuantiseError') throw error;
      view.int8 = { reason: (error as Error).message };
    }
    // From here on a clean-up knows of its file. A bench that was cancelled meanwhile may be gone.
    if (this.#running.has(view.id)) await this.#records.save({ request, view });
  }

  /** What goes wrong is said in the entry. */
  async #search(
    record: BenchRecord,
    entry: BenchDevice,
    variant: Promise<void>,
    controller: AbortController,
  ): Promise<void> {
    const { device: deviceNamed, inference, log } = this.#options;
    const { signal } = controller;
    const { modelName, id: benchId } = record.view;
    const own = entry.measurements.filter(({ from }) => from === 'measured');
    Object.assign(entry, { measurements: own, measured: own.length, reused: 0 });
    // What cannot be written must not go on costing the boards' time.
    const stop = (error: Error) => controller.abort(error);
    const search = {
      ...{ record, entry, ownIds: new Set(own.map(({ id }) => id)) },
      onEntryChanged: () => void this.#records.saveNowAndThen(record).catch(stop),
    };
    try {
      await Promise.race([variant, aborted(signal)]);
      const device = joined(entry.device, deviceNamed(entry.device));
      await searchDevice(inference, { ...search, device }, signal);
    } catch (error) {
      if (signal.reason instanceof ShutdownError) return;
      const isCancelled = signal.reason instanceof CancelledError;
      const cause = signal.aborted ? signal.reason : error;
      entry.state = isCancelled ? 'cancelled' : 'failed';
      entry.reason = (cause as Error).message;
      if (!isCancelled)
        log.warn(`bench of ${modelName} on ${entry.device}`, { error: cause, benchId, device: entry.device });
    }
    await this.#records.save(record).catch(stop);
  }
}

function numbersAsValues(numbers: Readonly<Record<string, number>>) {
  return Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, { shape: null, values: [value] }]));
}

/** @throws {InferenceInputError} naming what has no size, and how to give it one */
function refuseMissing({ openDimensions, unnamedInputs, inputs }: ModelInspection): void {
  const [name] = openDimensions;
  if (name !== undefined)
    throw new InferenceInputError(
      `the model leaves ${openDimensions.map((each) => `"${each}"`).join(', ')} open: give each a size (for example --dimension ${name}=128; "batch" if it is the batch)`,
    );
  const unnamed = inputs.find((input) => unnamedInputs.includes(input.name));
  if (!unnamed) return;
  const { name: input, shape } = unnamed;
  throw new InferenceInputError(
    `the model leaves axes of "${input}" open and unnamed ([${shape?.map((size) => size ?? '?') ?? 'of unknown rank'}]): give its whole shape (--shape ${input}=…, with "batch" for the axis that is the batch)`,
  );
}

/** @throws {InferenceInputError} where a model that is quantised already is asked for in floats only */
function precisionsOf(
  { precisions }: BenchRequest,
  { precision: own, quantised }: Pick<ModelInspection, 'precision' | 'quantised'>,
): Precision[] {
  if (!quantised || !precisions) return precisions ?? [own];
  if (!precisions.includes(own))
    throw new InferenceInputError(
      `the model is quantised already (node "${quantised.name}" is a ${quantised.opType}): it computes in ${own}, not in ${precisions.join(', ')}. Ask for ${own}, in which it is measured as it is, or bench the model that it was made of`,
    );
  return [own];
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

function emptyEntry({ name, board }: JoinedDevice): BenchDevice {
  return {
    device: name,
    simulated: board.simulated,
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
