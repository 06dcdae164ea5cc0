/** Measures a model on this machine: a measuring process runs it, observers watch the board, and a measurement is made of both. */
import { type BoardDescription, deviceClassOf } from '@edgetune/shared/domain/device.ts';
import type { Conditions, Measurement } from '@edgetune/shared/domain/measurement.ts';
import { summariseLatencies } from '@edgetune/shared/domain/statistics.ts';
import type { MeasureRequest } from '@edgetune/shared/protocol/job.ts';
import { type BoardSetup, boardSetup, withControls } from '../board/board-setup.ts';
import { findMeters } from '../board/power/find-meters.ts';
import { findWarnings } from '../board/warnings/find-warnings.ts';
import { RejectedError } from '../rejected-error.ts';
import { judgeConditions, mostOtherLoadCores, type Tolerance, type Verdict } from './judge-conditions.ts';
import { runMeasuringProcess } from './process/measuring-process.ts';
import type { Ending } from './process/process-watch.ts';
import { HOST_RETRY_RULES, RETRY_RULES, untilValid } from './retry.ts';
import { ConditionsObserver } from './window/window-conditions.ts';
import { EnergyObserver } from './window/window-energy.ts';
import { SettingsObserver } from './window/window-settings.ts';

export interface MeasureContext {
  /** As it was described just before. */
  board: BoardDescription;
  /** Describes it anew, where it has changed while it was measured. Absent: such a measurement is invalid at once. */
  describe?: () => Promise<BoardDescription>;
  /** Path of the verified model file. */
  modelPath: string;
  signal: AbortSignal;
  /** The board is the coordinator's own machine, where training goes on until a window may begin. */
  waitForHost?: boolean;
  /**
   * Called when the model is loaded and warm, again for each attempt; resolves when the measured window may begin.
   * Absent: at once.
   */
  mayBegin?: () => Promise<void>;
  /** Called at once and every second while the board cools down before it is measured again. */
  onProgress?: () => void;
}

/**
 * A measurement that was throttled, under-volted or disturbed is made again, a few times, and so is one while which the
 * board's power mode, clocks or governor changed, after it has described itself anew; the last one is `invalid`.
 * @param setup the board; absent: this machine, as it is
 * @throws {RejectedError} where this board can never run the request
 * @throws the signal's reason when it is aborted
 */
export async function measureModel(
  request: MeasureRequest,
  context: MeasureContext,
  setup: BoardSetup = boardSetup(),
): Promise<Measurement> {
  const { host } = setup;
  const startedAt = new Date();
  const startMs = host.nowMs();
  let { board } = context;
  let result = await measureAsDescribed(request, context, setup);
  let { attempts } = result;
  for (let changes = 0; context.describe && result.verdict?.cause === 'changed' && changes < MOST_CHANGES; changes++) {
    board = await context.describe();
    result = await measureAsDescribed(request, { ...context, board }, setup);
    attempts += result.attempts;
  }
  const { verdict, findings, conditions } = result;
  return {
    signature: request.signature,
    modelSha256: request.modelSha256,
    deviceClass: deviceClassOf(board),
    config: request.config,
    scenario: request.scenario,
    conditions,
    cost: { deviceSeconds: (host.nowMs() - startMs) / 1000, deviceJoules: null },
    simulated: false,
    startedAt: startedAt.toISOString(),
    ...findings,
    ...(verdict && { outcome: 'invalid', reason: `${verdict.reason}${attempts > 1 ? ` (${attempts} attempts)` : ''}` }),
    attempts,
  };
}

/** A board that changes again and again is measured by nobody. */
const MOST_CHANGES = 2;

/** Until nothing speaks against it, or the board is not as it is described any more. */
async function measureAsDescribed(
  request: MeasureRequest,
  context: MeasureContext,
  setup: BoardSetup,
): Promise<Attempt & { attempts: number }> {
  const { board, signal, waitForHost = false, onProgress = () => {} } = context;
  refuseImpossible(request, board);
  const mostOtherLoad = setup.toleratesLoad ? Number.POSITIVE_INFINITY : mostOtherLoadCores(board.logicalCores);
  return withControls(setup, request.config.clockKHz, () =>
    untilValid(() => measureOnce(request, context, setup, { mostOtherLoad, logicalCores: board.logicalCores }), {
      host: setup.host,
      signal,
      onProgress,
      rules: { ...(waitForHost ? HOST_RETRY_RULES : RETRY_RULES), mostOtherLoadCores: mostOtherLoad },
    }),
  );
}

interface Attempt {
  findings: Findings;
  conditions: Conditions;
  /** What speaks against findings that are otherwise ok. */
  verdict: Verdict | null;
}

async function measureOnce(
  { config, scenario, stopRule, dimensions, seed, memoryLimitBytes }: MeasureRequest,
  { board, modelPath, signal, mayBegin = async () => {}, onProgress = () => {} }: MeasureContext,
  setup: BoardSetup,
  tolerance: Omit<Tolerance, 'windowMs'>,
): Promise<Attempt> {
  const { host, plug, finders } = setup;
  const settings = new SettingsObserver({ setup, board, isPinned: config.clockKHz !== null });
  const conditionsSeen = new ConditionsObserver(
    host,
    await findWarnings(host, finders.warnings),
    stopRule.minDurationMs,
  );
  const energy = new EnergyObserver(
    host,
    (await findMeters(host, plug, finders.meters))[0] ?? null,
    stopRule.maxDurationMs,
  );
  const ending = await runMeasuringProcess(
    { modelPath, config, scenario, stopRule, dimensions, seed },
    // The energy's baseline takes time, the conditions do not: they begin last.
    { host, signal, memoryLimitBytes, mayBegin, onProgress, observers: [settings, energy, conditionsSeen] },
  );
  const conditions = conditionsSeen.conditions(ending.kind === 'done' ? ending.report : null);
  return {
    findings: whatCameOfIt(ending, energy),
    conditions,
    verdict:
      ending.kind === 'done'
        ? (judgeConditions(conditions, { ...tolerance, windowMs: ending.report.windowMs }) ?? changed(settings))
        : null,
  };
}

function changed({ change }: SettingsObserver): Verdict | null {
  return change === null ? null : { cause: 'changed', reason: change };
}

type Findings = Pick<
  Measurement,
  | 'outcome'
  | 'reason'
  | 'energy'
  | 'energyAbsence'
  | 'latencyMs'
  | 'throughputPerS'
  | 'peakMemoryBytes'
  | 'processPeakMemoryBytes'
  | 'stopReason'
  | 'busyCores'
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
  const throughputPerS = report.samples / ((report.windowMs - report.overheadMs) / 1000);
  // The board is as busy in the agent's own time between queries: samples are charged for the time that they took.
  const found = energy.perSample({ ...report, samples: throughputPerS * windowS });
  return {
    outcome: 'ok',
    reason: null,
    energy: found.energy,
    energyAbsence: found.absence,
    latencyMs: summariseLatencies(report.latenciesMs),
    throughputPerS,
    peakMemoryBytes: report.peakMemoryBytes,
    processPeakMemoryBytes: report.processPeakMemoryBytes,
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
      ? `the clock cannot be set to ${config.clockKHz} kHz: ${clocksOf(board)}`
      : null,
  ].filter((lack) => lack !== null);
  if (lacks.length > 0) throw new RejectedError(`this board cannot do it: ${lacks.join('; ')}`);
}

function clocksOf({ settableClocksKHz }: BoardDescription): string {
  return settableClocksKHz.length > 0
    ? `use one of ${settableClocksKHz.join(', ')}`
    : 'the agent on this board may not set clocks (edgetune-agent doctor says why)';
}
