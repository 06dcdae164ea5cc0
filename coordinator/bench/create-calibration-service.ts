/** Fits a board profile to a device of the fleet: measures the few architectures that tell the most, and fits. */
import { randomUUID } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { type BoardProfile, boardProfileSchema } from '@edgetune/shared/costmodel/board-profile.ts';
import { boardProfileNamed } from '@edgetune/shared/costmodel/board-profiles.ts';
import { chooseCalibrationSet } from '@edgetune/shared/costmodel/calibration-set.ts';
import { type FitRow, fitProfile } from '@edgetune/shared/costmodel/fit-profile.ts';
import { predict, UnsupportedConfigError } from '@edgetune/shared/costmodel/predict.ts';
import type { DeviceView } from '@edgetune/shared/domain/device.ts';
import { inferenceConfigSchema } from '@edgetune/shared/domain/inference-config.ts';
import type { StoredMeasurement } from '@edgetune/shared/domain/measurement.ts';
import type { Logger } from '@edgetune/shared/log/logger.ts';
import { analyseModel, type RunnableModel, runnableModel } from '@edgetune/shared/onnx/analyse.ts';
import type { CalibrationRequest, CalibrationView } from '@edgetune/shared/protocol/calibration.ts';
import { stringify } from 'yaml';
import type { InferenceServer } from '../inference/inference-server.ts';
import { InferenceInputError, joined } from './bench-input.ts';

export interface CalibrationServiceOptions {
  inference: InferenceServer;
  device(name: string): DeviceView | null;
  blobs: { put(bytes: Uint8Array): Promise<string> };
  /** Architectures to choose from. */
  pool: readonly { name: string; build(): Uint8Array }[];
  log: Logger;
}

export interface CalibrationService {
  /** @throws {InferenceInputError} where the device or the profile is unknown, or the profile cannot run the config */
  start(request: CalibrationRequest): Promise<CalibrationView>;
  find(id: string): CalibrationView | null;
  cancel(id: string): CalibrationView | null;
  /** Models that must not be cleaned up. */
  blobsInUse(): string[];
  close(): Promise<void>;
}

/** What every profile can run, and what the coefficients are defined at: one sample on one thread. */
const CONFIG = inferenceConfigSchema.parse({ batchSize: 1, threads: 1 });

/** Calibrations that can still be looked at, besides those that run. */
const KEPT_CALIBRATIONS = 100;

interface Architecture {
  name: string;
  build(): Uint8Array;
  analysis: RunnableModel;
}

export function createCalibrationService(options: CalibrationServiceOptions): CalibrationService {
  const { inference, blobs, log } = options;
  const calibrations = new Map<string, { view: CalibrationView; controller: AbortController; done: Promise<void> }>();
  /** Models that are being measured, once for each calibration that does. */
  const inUse: string[] = [];
  let analysed: Promise<Architecture[]> | null = null;

  /** The pool with its analyses, made once, other work in between. */
  async function analysePool(): Promise<Architecture[]> {
    const architectures: Architecture[] = [];
    for (const { name, build } of options.pool) {
      architectures.push({ name, build, analysis: runnableModel(analyseModel(build(), { batchSize: 1 })) });
      await turn();
    }
    return architectures;
  }

  async function start(request: CalibrationRequest): Promise<CalibrationView> {
    const device = joined(request.device, options.device(request.device));
    const base = orRefuse(() => baseOf(request));
    analysed ??= analysePool();
    const pool = await analysed;
    const chosen = orRefuse(() =>
      chooseCalibrationSet(
        base,
        pool.map(({ analysis }) => analysis),
        CONFIG,
        request.architectures,
      ),
    );
    const view: CalibrationView = {
      id: `c-${randomUUID()}`,
      state: 'running',
      device: device.name,
      simulated: device.board?.simulated != null,
      base: base.name,
      planned: chosen.length,
      rows: [],
      reason: null,
      crossValidated: null,
      profileYaml: null,
    };
    const controller = new AbortController();
    const architectures = chosen.map((index) => pool[index] as Architecture);
    const done = run(request, view, device, base, architectures, controller.signal);
    calibrations.set(view.id, { view, controller, done });
    forgetOldest();
    return view;
  }

  function forgetOldest(): void {
    for (const [id, { view }] of calibrations) {
      if (calibrations.size <= KEPT_CALIBRATIONS) return;
      if (view.state !== 'running') calibrations.delete(id);
    }
  }

  async function run(
    { name }: CalibrationRequest,
    view: CalibrationView,
    device: DeviceView,
    base: BoardProfile,
    architectures: readonly Architecture[],
    signal: AbortSignal,
  ): Promise<void> {
    try {
      const rows: FitRow[] = [];
      for (const architecture of architectures) {
        const { measurement, reason } = await measure(architecture, device, signal);
        const row = rowOf(architecture.analysis, measurement);
        rows.push(row);
        view.rows.push({
          architecture: architecture.name,
          latencyMs: row.latencyMs,
          baseLatencyMs: predict(base, architecture.analysis, CONFIG).latencyMs,
          fittedLatencyMs: null,
          reason,
        });
      }
      const { profile, crossValidated } = fitProfile(base, rows, { name });
      for (const [index, row] of rows.entries())
        Object.assign(view.rows[index] as object, {
          fittedLatencyMs: predict(profile, row.analysis, CONFIG).latencyMs,
        });
      const profileYaml = stringify(boardProfileSchema.parse(signed(profile, device)));
      Object.assign(view, { state: 'finished', crossValidated, profileYaml });
    } catch (error) {
      Object.assign(view, { state: signal.aborted ? 'cancelled' : 'failed', reason: (error as Error).message });
      if (!signal.aborted) log.warn(`calibration of ${device.name}`, { error, device: device.name });
    }
  }

  async function measure({ build }: Architecture, device: DeviceView, signal: AbortSignal) {
    const onnx = build();
    const modelSha256 = await blobs.put(onnx);
    inUse.push(modelSha256);
    const tuned = inference.tune(
      {
        studyId: null,
        signature: analyseModel(onnx, { batchSize: 1 }).signature,
        modelSha256,
        modelBytes: onnx.length,
        device,
        parameters: (['batchSize', 'threads'] as const).map((parameter) => ({
          name: parameter,
          level: 'inference',
          type: 'constant',
          value: CONFIG[parameter],
        })),
        scenario: { kind: 'single-stream' },
        objectives: [],
        constraints: [],
        // Measured anew, whatever the history holds.
        purpose: 'confirm',
        seed: 0,
      },
      () => {},
      signal,
    );
    const { best, reason } = await tuned.finally(() => inUse.splice(inUse.indexOf(modelSha256), 1));
    return { measurement: best, reason };
  }

  return {
    start,
    find: (id) => calibrations.get(id)?.view ?? null,
    cancel: (id) => {
      calibrations.get(id)?.controller.abort(new Error('the calibration was cancelled'));
      return calibrations.get(id)?.view ?? null;
    },
    blobsInUse: () => [...inUse],
    async close() {
      for (const { controller } of calibrations.values()) controller.abort(new Error('the coordinator is stopping'));
      await Promise.all([...calibrations.values()].map(({ done }) => done));
    },
  };
}

function baseOf({ base }: CalibrationRequest): BoardProfile {
  return typeof base === 'string' ? boardProfileNamed(base) : base;
}

/** Unknown profiles and configs that a profile cannot run are the client's to mend. */
function orRefuse<T>(compute: () => T): T {
  try {
    return compute();
  } catch (error) {
    if (error instanceof RangeError || error instanceof UnsupportedConfigError)
      throw new InferenceInputError(error.message, { cause: error });
    throw error;
  }
}

/** An estimated energy is no measurement to fit to. */
function rowOf(analysis: RunnableModel, measurement: StoredMeasurement | null): FitRow {
  const energy = measurement?.energy ?? null;
  return {
    analysis,
    config: CONFIG,
    latencyMs: measurement?.latencyMs?.p50 ?? null,
    netEnergyJ: energy && energy.source !== 'estimate' ? energy.netJ : null,
    memoryBytes: measurement?.processPeakMemoryBytes ?? null,
  };
}

/** Says in the profile what it was fitted to. */
function signed(profile: BoardProfile, { name, board }: DeviceView): BoardProfile {
  const what = `${name} (${board?.model}${board?.simulated ? ', SIMULATED' : ''}), ${new Date().toISOString()}`;
  return { ...profile, sources: { ...profile.sources, calibration: `measured on ${what}` } };
}
