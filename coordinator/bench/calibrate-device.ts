/** One calibration: measures architectures on a device, one after another, and fits a profile to them. */
import { type BoardProfile, boardProfileSchema } from '@edgetune/shared/costmodel/board-profile.ts';
import { type FitRow, fitProfile } from '@edgetune/shared/costmodel/fit-profile.ts';
import { predict } from '@edgetune/shared/costmodel/predict.ts';
import { inferenceConfigSchema } from '@edgetune/shared/domain/inference-config.ts';
import type { StoredMeasurement } from '@edgetune/shared/domain/measurement.ts';
import type { RunnableModel } from '@edgetune/shared/onnx/analyse.ts';
import { readOnnx } from '@edgetune/shared/onnx/read-onnx.ts';
import { signatureOf } from '@edgetune/shared/onnx/signature.ts';
import type { CalibrationView } from '@edgetune/shared/protocol/calibration.ts';
import { stringify } from 'yaml';
import type { InferenceRequest, InferenceServer } from '../inference/inference-server.ts';
import type { JoinedDevice } from './bench-input.ts';

/** What every profile can run, and what the coefficients are defined at: one sample on one thread. */
export const CONFIG = inferenceConfigSchema.parse({ batchSize: 1, threads: 1 });

export interface Architecture {
  name: string;
  build(): Uint8Array;
  analysis: RunnableModel;
}

export interface Calibration {
  device: JoinedDevice;
  /** What is fitted starts from it. */
  base: BoardProfile;
  /** What the fitted profile is called. */
  name: string;
  architectures: readonly Architecture[];
}

export interface CalibrationPorts {
  inference: InferenceServer;
  /** Keeps a model for as long as it is measured. */
  withBlob<T>(onnx: Uint8Array, work: (sha256: string) => Promise<T>): Promise<T>;
}

/**
 * Fills in the view as it goes on.
 * @throws {Error} where the device cannot be measured, or too little was measured to fit a profile to
 * @throws the signal's reason when it is aborted
 */
export async function calibrateDevice(
  calibration: Calibration,
  view: CalibrationView,
  ports: CalibrationPorts,
  signal: AbortSignal,
): Promise<void> {
  const { device, base, name } = calibration;
  const rows: FitRow[] = [];
  for (const architecture of calibration.architectures) {
    const { best, reason } = await measure(architecture, device, ports, signal);
    const row = rowOf(architecture.analysis, best);
    rows.push(row);
    view.rows.push({
      architecture: architecture.name,
      latencyMs: row.latencyMs,
      baseLatencyMs: predict(base, architecture.analysis, CONFIG).latencyMs,
      fittedLatencyMs: null,
      reason,
    });
  }
  const { profile, crossValidated: published } = fitProfile(base, rows, { name });
  // What it was compared with is in the profile.
  const { comparedWith: _, ...crossValidated } = published;
  for (const [index, row] of rows.entries())
    Object.assign(view.rows[index] as object, { fittedLatencyMs: predict(profile, row.analysis, CONFIG).latencyMs });
  const profileYaml = stringify(boardProfileSchema.parse(signed(profile, device)));
  Object.assign(view, { state: 'finished', crossValidated, profileYaml });
}

function measure({ build }: Architecture, device: JoinedDevice, ports: CalibrationPorts, signal: AbortSignal) {
  const onnx = build();
  return ports.withBlob(onnx, (modelSha256) => {
    const request: InferenceRequest = {
      studyId: null,
      signature: signatureOf(readOnnx(onnx)),
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
    };
    return ports.inference.tune(request, () => {}, signal);
  });
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
function signed(profile: BoardProfile, { name, board }: JoinedDevice): BoardProfile {
  const what = `${name} (${board.model}${board.simulated ? ', SIMULATED' : ''}), ${new Date().toISOString()}`;
  return { ...profile, sources: { ...profile.sources, calibration: `measured on ${what}` } };
}
