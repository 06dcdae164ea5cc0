/** Fits a board profile to a device of the fleet: measures the few architectures that tell the most, and fits. */
import { randomUUID } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import type { BoardProfile } from '@edgetune/shared/costmodel/board-profile.ts';
import { boardProfileNamed } from '@edgetune/shared/costmodel/board-profiles.ts';
import { chooseCalibrationSet } from '@edgetune/shared/costmodel/calibration-set.ts';
import { UnsupportedConfigError } from '@edgetune/shared/costmodel/predict.ts';
import type { DeviceView } from '@edgetune/shared/domain/device.ts';
import type { Logger } from '@edgetune/shared/log/logger.ts';
import { analyseModel, runnableModel } from '@edgetune/shared/onnx/analyse.ts';
import type { CalibrationRequest, CalibrationView } from '@edgetune/shared/protocol/calibration.ts';
import type { InferenceServer } from '../inference/inference-server.ts';
import { ShutdownError } from '../lifecycle/shutdown-error.ts';
import { Troubles } from '../lifecycle/troubles.ts';
import { untilWritten } from '../lifecycle/until-written.ts';
import { InferenceInputError, type JoinedDevice, joined } from './bench-input.ts';
import { type Architecture, type CalibrationPorts, CONFIG, calibrateDevice } from './calibrate-device.ts';

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

/** Calibrations that can still be looked at, besides those that run. */
const KEPT_CALIBRATIONS = 100;

export function createCalibrationService(options: CalibrationServiceOptions): CalibrationService {
  const { inference, blobs, log } = options;
  const calibrations = new Map<string, { view: CalibrationView; controller: AbortController; done: Promise<void> }>();
  /** Models that are being measured, one for each calibration that does. */
  const inUse = new Set<{ sha256: string }>();
  /** Has the reason while a model cannot be stored. */
  const troubles = new Troubles();
  const ending = new AbortController();
  let analysed: Promise<Architecture[]> | null = null;

  const portsOf = (signal: AbortSignal): CalibrationPorts => ({
    inference,
    async withBlob(onnx, work) {
      const model = { sha256: await untilWritten(() => blobs.put(onnx), { signal, troubles }) };
      inUse.add(model);
      try {
        return await work(model.sha256);
      } finally {
        inUse.delete(model);
      }
    },
  });

  /** One that waits says for what. */
  function shown(view: CalibrationView): CalibrationView {
    const trouble = view.state === 'running' ? troubles.current() : null;
    return trouble ? { ...view, reason: trouble.message } : view;
  }

  function forgetOldest(): void {
    for (const [id, { view }] of calibrations) {
      if (calibrations.size <= KEPT_CALIBRATIONS) return;
      if (view.state !== 'running') calibrations.delete(id);
    }
  }

  return {
    async start(request) {
      const device = joined(request.device, options.device(request.device));
      const base = orRefuse(() => baseOf(request));
      analysed ??= analysePool(options.pool);
      const architectures = chosenFrom(await analysed, base, request.architectures);
      const view = emptyView(device, base, architectures.length);
      const controller = new AbortController();
      const { signal } = controller;
      ending.signal.throwIfAborted();
      const calibration = { device, base, name: request.name, architectures };
      const done = calibrateDevice(calibration, view, portsOf(signal), signal).catch((error: Error) => {
        Object.assign(view, { state: signal.aborted ? 'cancelled' : 'failed', reason: error.message });
        if (!signal.aborted) log.warn(`calibration of ${device.name}`, { error, device: device.name });
      });
      calibrations.set(view.id, { view, controller, done });
      forgetOldest();
      return view;
    },
    find: (id) => {
      const view = calibrations.get(id)?.view;
      return view ? shown(view) : null;
    },
    cancel: (id) => {
      calibrations.get(id)?.controller.abort(new Error('the calibration was cancelled'));
      return calibrations.get(id)?.view ?? null;
    },
    blobsInUse: () => [...inUse].map(({ sha256 }) => sha256),
    async close() {
      ending.abort(new ShutdownError());
      for (const { controller } of calibrations.values()) controller.abort(new ShutdownError());
      await Promise.all([...calibrations.values()].map(({ done }) => done));
    },
  };
}

/** The pool with its analyses, other work in between. */
async function analysePool(pool: CalibrationServiceOptions['pool']): Promise<Architecture[]> {
  const architectures: Architecture[] = [];
  for (const { name, build } of pool) {
    architectures.push({ name, build, analysis: runnableModel(analyseModel(build(), { batchSize: 1 })) });
    await turn();
  }
  return architectures;
}

/** @throws {InferenceInputError} */
function chosenFrom(pool: readonly Architecture[], base: BoardProfile, count: number): Architecture[] {
  const analyses = pool.map(({ analysis }) => analysis);
  const chosen = orRefuse(() => chooseCalibrationSet(base, analyses, CONFIG, count));
  return chosen.map((index) => pool[index] as Architecture);
}

function emptyView(device: JoinedDevice, base: BoardProfile, planned: number): CalibrationView {
  return {
    id: `c-${randomUUID()}`,
    state: 'running',
    device: device.name,
    simulated: device.board.simulated !== null,
    base: base.name,
    planned,
    rows: [],
    reason: null,
    crossValidated: null,
    profileYaml: null,
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
