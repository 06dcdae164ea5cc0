/** Measures a model on this machine: a measuring process runs it, observers watch the board, and a measurement is made of both. */
import { type BoardDescription, deviceClassOf } from '@edgetune/shared/domain/device.ts';
import type { Measurement } from '@edgetune/shared/domain/measurement.ts';
import { summariseLatencies } from '@edgetune/shared/domain/statistics.ts';
import type { MeasureRequest } from '@edgetune/shared/protocol/job.ts';
import { findRaplMeter } from '../board/rapl-meter.ts';
import { RejectedError } from '../rejected-error.ts';
import { type Ending, runMeasuringProcess } from './measuring-process.ts';
import { ConditionsObserver } from './window-conditions.ts';
import { EnergyObserver } from './window-energy.ts';

export interface MeasureContext {
  board: BoardDescription;
  /** Path of the verified model file. */
  modelPath: string;
  signal: AbortSignal;
  /** Called when the model is loaded and warm; resolves when the measured window may begin. Absent: at once. */
  mayBegin?: () => Promise<void>;
}

/**
 * @throws {RejectedError} where this board can never run the request
 * @throws the signal's reason when it is aborted
 */
export async function measureModel(
  request: MeasureRequest,
  { board, modelPath, signal, mayBegin = async () => {} }: MeasureContext,
): Promise<Measurement> {
  refuseImpossible(request, board);
  const startedAt = new Date();
  const startMs = performance.now();
  const conditions = new ConditionsObserver(request.stopRule.minDurationMs / 2);
  const energy = new EnergyObserver(findRaplMeter());
  const { config, scenario, stopRule, dimensions, seed } = request;
  const ending = await runMeasuringProcess(
    { modelPath, config, scenario, stopRule, dimensions, seed },
    // The energy's baseline takes time, the conditions do not: they begin last.
    { signal, mayBegin, observers: [energy, conditions] },
  );
  return {
    signature: request.signature,
    modelSha256: request.modelSha256,
    deviceClass: deviceClassOf(board),
    config,
    scenario,
    conditions: conditions.conditions(ending.kind === 'done' ? ending.report.cpuSeconds : null),
    cost: { deviceSeconds: (performance.now() - startMs) / 1000, deviceJoules: null },
    simulated: false,
    startedAt: startedAt.toISOString(),
    ...whatCameOfIt(ending, energy),
  };
}

type Findings = Pick<
  Measurement,
  'outcome' | 'reason' | 'energy' | 'latencyMs' | 'throughputPerS' | 'peakMemoryBytes' | 'stopReason' | 'busyCores'
>;

function whatCameOfIt(ending: Ending, energy: EnergyObserver): Findings {
  if (ending.kind === 'ended')
    return {
      outcome: ending.outcome,
      reason: ending.reason,
      energy: null,
      latencyMs: null,
      throughputPerS: null,
      peakMemoryBytes: null,
      stopReason: null,
      busyCores: null,
    };
  const { report } = ending;
  const windowS = report.windowMs / 1000;
  return {
    outcome: 'ok',
    reason: null,
    energy: energy.perSample(report),
    latencyMs: summariseLatencies(report.latenciesMs),
    throughputPerS: report.samples / windowS,
    peakMemoryBytes: report.peakMemoryBytes,
    stopReason: report.stopReason,
    busyCores: report.cpuSeconds / windowS,
  };
}

/** @throws {RejectedError} saying what this board lacks */
function refuseImpossible({ config }: MeasureRequest, board: BoardDescription): void {
  const runtime = board.runtimes.find(({ runner }) => runner === config.runner);
  const lacks = [
    runtime ? null : `the runner ${config.runner} is not installed`,
    runtime && !runtime.executionProviders.includes(config.executionProvider)
      ? `the execution provider ${config.executionProvider} is not there`
      : null,
    config.threads > board.logicalCores ? `${config.threads} threads cannot run on ${board.logicalCores} cores` : null,
    config.clockKHz !== null && !board.settableClocksKHz.includes(config.clockKHz)
      ? `the clock cannot be set to ${config.clockKHz} kHz`
      : null,
  ].filter((lack) => lack !== null);
  if (lacks.length > 0) throw new RejectedError(`this board cannot do it: ${lacks.join('; ')}`);
}
