/** Benches any ONNX model on devices of the fleet: the inference tuning server without a study. */
import { randomUUID } from 'node:crypto';
import type { DeviceView } from '@edgetune/shared/domain/device.ts';
import type { Parameter } from '@edgetune/shared/domain/search-space.ts';
import { readOnnx } from '@edgetune/shared/onnx/read-onnx.ts';
import { signatureOf } from '@edgetune/shared/onnx/signature.ts';
import type { BenchDevice, BenchRequest, BenchView } from '@edgetune/shared/protocol/bench.ts';
import { countConfigs } from './config-grid.ts';
import type { InferenceServer } from './inference-server.ts';

export interface BenchServiceOptions {
  inference: InferenceServer;
  device(name: string): DeviceView | null;
  blobs: { get(sha256: string): Promise<Uint8Array> };
  log: (message: string) => void;
}

/** A bench that cannot start: which input, and what to do. */
export class BenchInputError extends Error {
  override name = 'BenchInputError';
}

export interface BenchService {
  /**
   * Starts a bench; its devices are searched side by side.
   * @throws {BenchInputError} where a device or the model is unknown, or a device has not joined yet
   * @throws {OnnxError} where the model is not one that can be run, naming the node or field
   */
  start(request: BenchRequest): Promise<BenchView>;
  find(id: string): BenchView | null;
  /** Stops what is still running; what was measured stays. */
  cancel(id: string): BenchView | null;
  /** Cancels everything and waits for the searches to end. */
  close(): Promise<void>;
}

interface Running {
  view: BenchView;
  controller: AbortController;
  done: Promise<void>;
}

/** Finished benches that are kept in memory; their measurements stay in the history anyway. */
const KEPT_BENCHES = 50;

export function createBenchService({ inference, device: deviceNamed, blobs, log }: BenchServiceOptions): BenchService {
  const benches = new Map<string, Running>();

  async function start(request: BenchRequest): Promise<BenchView> {
    const devices = [...new Set(request.devices)].map((name) => joined(name, deviceNamed(name)));
    const model = await blobs.get(request.modelSha256).catch((cause: Error) => {
      throw new BenchInputError(`there is no model ${request.modelSha256}: upload it first`, { cause });
    });
    const view: BenchView = {
      id: `b-${randomUUID()}`,
      state: 'running',
      modelName: request.modelName,
      modelSha256: request.modelSha256,
      modelBytes: model.length,
      signature: sizedSignature(signatureOf(readOnnx(model)), request.dimensions),
      scenario: request.scenario,
      objectives: request.objectives,
      constraints: request.constraints,
      startedAt: new Date().toISOString(),
      devices: [],
    };
    const controller = new AbortController();
    const searches = devices.map((device) => {
      const entry = emptyEntry(device.name);
      view.devices.push(entry);
      return search(request, view, device, entry, controller.signal);
    });
    const done = Promise.all(searches).then(() => {
      view.state = controller.signal.aborted ? 'cancelled' : 'finished';
    });
    benches.set(view.id, { view, controller, done });
    forgetOldest();
    return view;
  }

  async function search(
    request: BenchRequest,
    view: BenchView,
    device: DeviceView,
    entry: BenchDevice,
    signal: AbortSignal,
  ): Promise<void> {
    try {
      const parameters = parametersFor(request, device);
      entry.possible = countConfigs(parameters, device);
      const { objectives, constraints, scenario, dimensions } = request;
      const { modelSha256, modelBytes, signature } = view;
      const result = await inference.tune(
        {
          studyId: null,
          signature,
          modelSha256,
          modelBytes,
          device,
          parameters,
          scenario,
          objectives,
          constraints,
          dimensions,
          purpose: 'search',
          seed: 0,
        },
        (measurement, source) => {
          entry.measurements.push(measurement);
          if (source === 'measured') entry.measured += 1;
          else entry.reused += 1;
        },
        signal,
      );
      const { best, feasible, reason } = result;
      Object.assign(entry, { best, feasible, reason, state: best ? 'finished' : 'failed' });
    } catch (error) {
      entry.state = signal.aborted ? 'cancelled' : 'failed';
      entry.reason = (error as Error).message;
      if (!signal.aborted) log(`bench of ${request.modelName} on ${device.name}: ${(error as Error).stack}`);
    }
  }

  function forgetOldest(): void {
    for (const [id, { view }] of benches) {
      if (benches.size <= KEPT_BENCHES) return;
      if (view.state !== 'running') benches.delete(id);
    }
  }

  return {
    start,
    find: (id) => benches.get(id)?.view ?? null,
    cancel: (id) => {
      benches.get(id)?.controller.abort(new Error('the bench was cancelled'));
      return benches.get(id)?.view ?? null;
    },
    close: async () => {
      for (const { controller } of benches.values()) controller.abort(new Error('the coordinator is stopping'));
      await Promise.all([...benches.values()].map(({ done }) => done));
    },
  };
}

function joined(name: string, device: DeviceView | null): DeviceView {
  if (!device) throw new BenchInputError(`there is no device "${name}": "edgetune device list" shows the fleet`);
  if (!device.board)
    throw new BenchInputError(`${name} has not joined yet: run the command of "edgetune device add" on it`);
  return device;
}

/** A graph of other sizes costs something else: sizes that were given split the history. */
function sizedSignature(signature: string, dimensions: Readonly<Record<string, number>>): string {
  const sizes = Object.entries(dimensions).sort(([a], [b]) => (a < b ? -1 : 1));
  return [signature, ...sizes.map(([name, size]) => `${name}=${size}`)].join(';');
}

function emptyEntry(device: string): BenchDevice {
  return {
    device,
    state: 'running',
    reason: null,
    feasible: false,
    best: null,
    measurements: [],
    measured: 0,
    reused: 0,
    possible: null,
  };
}

/** The axes of a bench on this device; a clock only where the agent may set it. */
function parametersFor({ batchSizes, threads, precisions }: BenchRequest, { board }: DeviceView): Parameter[] {
  const cores = Array.from({ length: board?.logicalCores ?? 1 }, (_, index) => index + 1);
  const clocks = [...(board?.settableClocksKHz ?? [])].sort((a, b) => a - b);
  const level = 'inference' as const;
  const ascending = (values: readonly number[]) => [...new Set(values)].sort((a, b) => a - b);
  return [
    { name: 'batchSize', level, type: 'ordinal', values: ascending(batchSizes) },
    { name: 'threads', level, type: 'ordinal', values: ascending(threads ?? cores) },
    { name: 'precision', level, type: 'categorical', choices: [...new Set(precisions)] },
    ...(clocks.length > 0 ? [{ name: 'clockKHz', level, type: 'ordinal' as const, values: clocks }] : []),
  ];
}
