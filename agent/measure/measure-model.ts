/** Measures a model on this machine: starts a measuring process, watches it, and makes a measurement of its report. */
import { type ChildProcess, fork } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type BoardDescription, deviceClassOf } from '@edgetune/shared/domain/device.ts';
import type { Conditions, Energy, Measurement, Outcome } from '@edgetune/shared/domain/measurement.ts';
import { summariseLatencies } from '@edgetune/shared/domain/statistics.ts';
import type { MeasureRequest } from '@edgetune/shared/protocol/job.ts';
import { childModuleUrl, execArgvFor } from '@edgetune/shared/runtime/child-module.ts';
import { busyCpuSeconds, currentClockKHz, governor, temperatureC } from '../board/conditions.ts';
import { type EnergyMeter, findRaplMeter } from '../board/rapl-meter.ts';
import { readText } from '../board/read-text.ts';
import { RejectedError } from '../rejected-error.ts';
import { type MeasureOrder, type MeasureReport, measureReportSchema } from './child-messages.ts';

type Done = Extract<MeasureReport, { type: 'done' }>;

/** What came of the measuring process. */
type Ending =
  | {
      kind: 'done';
      report: Done;
      otherLoadCores: number | null;
      clockDuring: number | null;
      energy: WindowEnergy | null;
    }
  | { kind: 'ended'; outcome: Exclude<Outcome, 'ok' | 'invalid'>; reason: string };

/** Beyond warm-up and window: process start, loading, optimising the graph. */
const SETUP_TIMEOUT_MS = 60_000;

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
  const before = { clock: currentClockKHz(), temperature: temperatureC() };
  const order: MeasureOrder = {
    modelPath,
    config: request.config,
    scenario: request.scenario,
    stopRule: request.stopRule,
    dimensions: request.dimensions,
    seed: request.seed,
  };
  const ending = await runChild(order, signal, mayBegin);
  const conditions: Conditions = {
    clockKHzBefore: before.clock,
    clockKHzDuring: ending.kind === 'done' ? ending.clockDuring : null,
    clockKHzAfter: currentClockKHz(),
    temperatureCBefore: before.temperature,
    temperatureCAfter: temperatureC(),
    governor: governor(),
    otherLoadCores: ending.kind === 'done' ? ending.otherLoadCores : null,
    throttled: null,
    underVoltage: null,
  };
  const common = {
    signature: request.signature,
    modelSha256: request.modelSha256,
    deviceClass: deviceClassOf(board),
    config: request.config,
    scenario: request.scenario,
    conditions,
    cost: { deviceSeconds: (Date.now() - startedAt.getTime()) / 1000, deviceJoules: null },
    simulated: false,
    startedAt: startedAt.toISOString(),
  };
  if (ending.kind === 'ended') {
    return {
      ...common,
      outcome: ending.outcome,
      reason: ending.reason,
      energy: null,
      latencyMs: null,
      throughputPerS: null,
      peakMemoryBytes: null,
      stopReason: null,
      busyCores: null,
    };
  }
  const { report } = ending;
  const energy = ending.energy && perSample(ending.energy, report);
  return {
    ...common,
    outcome: 'ok',
    reason: null,
    energy,
    latencyMs: summariseLatencies(report.latenciesMs),
    throughputPerS: report.samples / (report.windowMs / 1000),
    peakMemoryBytes: report.peakMemoryBytes,
    stopReason: report.stopReason,
    busyCores: report.cpuSeconds / (report.windowMs / 1000),
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

async function runChild(order: MeasureOrder, signal: AbortSignal, mayBegin: () => Promise<void>): Promise<Ending> {
  signal.throwIfAborted();
  // An empty folder: a model that refers to files beside it finds none.
  const cwd = mkdtempSync(join(tmpdir(), 'edgetune-measure-'));
  const child = startChild(order.config.threads, cwd);
  try {
    return await watch(child, order, signal, mayBegin);
  } finally {
    child.kill('SIGKILL');
    rmSync(cwd, { recursive: true, force: true });
  }
}

function startChild(threads: number, cwd: string): ChildProcess {
  const url = childModuleUrl(import.meta.url, './measure-child.ts', './measure-child.js');
  const nodeFlags = execArgvFor(url);
  const pinning = pinTo(threads);
  const options = { cwd, stdio: ['ignore', 'ignore', 'pipe', 'ipc'] as ('ignore' | 'pipe' | 'ipc')[] };
  return pinning
    ? fork(url, { ...options, execPath: pinning.command, execArgv: [...pinning.flags, process.execPath, ...nodeFlags] })
    : fork(url, { ...options, execArgv: nodeFlags });
}

/** The command that keeps a process on so many of the cores that this one may use (util-linux' taskset), where there is one. */
function pinTo(threads: number): { command: string; flags: string[] } | null {
  const taskset = (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, 'taskset'))
    .find(existsSync);
  const allowed = /^Cpus_allowed_list:\s*(\S+)/m.exec(readText('/proc/self/status') ?? '')?.[1];
  if (!taskset || !allowed) return null;
  const cpus = allowed.split(',').flatMap((range) => {
    const [first, last = first] = range.split('-').map(Number) as [number, number?];
    return Array.from({ length: (last as number) - first + 1 }, (_, i) => first + i);
  });
  return { command: taskset, flags: ['-c', cpus.slice(0, threads).join(',')] };
}

function watch(
  child: ChildProcess,
  order: MeasureOrder,
  signal: AbortSignal,
  mayBegin: () => Promise<void>,
): Promise<Ending> {
  return new Promise((resolve, reject) => {
    let errorOutput = '';
    let window: { startMs: number; busyBefore: number | null } | null = null;
    let clockDuring: number | null = null;
    const meter = findRaplMeter();
    let energy: { idleW: number; startJ: number } | null = null;
    const timeoutMs = SETUP_TIMEOUT_MS + order.stopRule.maxDurationMs * 2;
    const reason = `the measurement did not end within ${Math.round(timeoutMs / 1000)} s`;
    const watchdog = () => setTimeout(() => end({ kind: 'ended', outcome: 'timed-out', reason }), timeoutMs);
    let timer = watchdog();
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const end = (ending: Ending) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      resolve(ending);
    };
    const begin = () => {
      timer = watchdog();
      window = { startMs: Date.now(), busyBefore: busyCpuSeconds() };
      setTimeout(() => {
        clockDuring = currentClockKHz();
      }, order.stopRule.minDurationMs / 2).unref();
      if (child.connected) child.send('begin');
    };
    signal.addEventListener('abort', onAbort, { once: true });
    child.stderr?.on('data', (chunk) => {
      errorOutput = (errorOutput + chunk).slice(-2000);
    });
    child.on('message', (raw) => {
      try {
        hear(raw);
      } catch (error) {
        end({
          kind: 'ended',
          outcome: 'crashed',
          reason: `the measuring process sent what cannot be read: ${(error as Error).message}`,
        });
      }
    });
    const hear = (raw: unknown) => {
      const message = measureReportSchema.parse(raw);
      if (message.type === 'ready') {
        // The wait for the coordinator's machine is not the model's fault; an abort ends it by the signal.
        clearTimeout(timer);
        mayBegin()
          .then(async () => {
            if (meter) energy = { idleW: await idlePowerW(meter), startJ: meter.readJ() };
          })
          .then(begin, () => {});
      } else if (message.type === 'failed') {
        if (message.rejected) onReject(message.message);
        else
          end({
            kind: 'ended',
            outcome: isOutOfMemory(message.message) ? 'out-of-memory' : 'crashed',
            reason: message.message,
          });
      } else {
        const windowMs = window ? Date.now() - window.startMs : 0;
        end({
          kind: 'done',
          report: message,
          otherLoadCores: otherLoad(window, message),
          clockDuring,
          energy:
            meter && energy
              ? { meter: meter.name, idleW: energy.idleW, grossJ: meter.readJ() - energy.startJ, windowMs }
              : null,
        });
      }
    };
    const onReject = (message: string) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      reject(new RejectedError(`the model cannot run here: ${message}`));
    };
    child.on('error', (error) =>
      end({
        kind: 'ended',
        outcome: 'crashed',
        reason: `the measuring process could not be started: ${error.message}`,
      }),
    );
    child.on('exit', (code, killedBy) => {
      // The kernel's out-of-memory killer sends SIGKILL; a runtime that gets no memory aborts.
      const outcome = killedBy === 'SIGKILL' || isOutOfMemory(errorOutput) ? 'out-of-memory' : 'crashed';
      const how = killedBy === null ? `with code ${code}` : `by ${killedBy}`;
      end({
        kind: 'ended',
        outcome,
        reason: `the measuring process ended ${how}${errorOutput ? `: ${errorOutput.trim().split('\n').at(-1)}` : ''}`,
      });
    });
    child.send(order);
  });
}

function isOutOfMemory(text: string): boolean {
  return /bad_alloc|out of memory|cannot allocate/i.test(text);
}

/** Energy of the board over the window, and what it draws when nothing is measured. */
interface WindowEnergy {
  meter: string;
  idleW: number;
  grossJ: number;
  windowMs: number;
}

/** How long the idle power is watched before a window. */
const IDLE_MS = 300;

/** Power while the model is loaded and nothing runs, in watts. */
async function idlePowerW(meter: EnergyMeter): Promise<number> {
  const [startMs, startJ] = [performance.now(), meter.readJ()];
  await sleep(IDLE_MS);
  return (meter.readJ() - startJ) / ((performance.now() - startMs) / 1000);
}

/** The agent's window is a little longer than the child's: both are taken as one at the same mean power. */
export function perSample(
  { meter, idleW, grossJ, windowMs }: WindowEnergy,
  { samples, windowMs: ranMs }: Pick<Done, 'samples' | 'windowMs'>,
): Energy {
  const meanPowerW = grossJ / (windowMs / 1000);
  const seconds = ranMs / 1000 / samples;
  return {
    netJ: Math.max(0, meanPowerW - idleW) * seconds,
    grossJ: meanPowerW * seconds,
    meanPowerW,
    source: 'meter',
    meter,
    // A counter is read at both ends of the window; it integrates by itself.
    sampleCount: 2,
  };
}

/** Cores that others kept busy during the window. */
function otherLoad(window: { startMs: number; busyBefore: number | null } | null, { cpuSeconds }: Done): number | null {
  const busyAfter = busyCpuSeconds();
  if (!window || window.busyBefore === null || busyAfter === null) return null;
  const seconds = Math.max(1e-3, (Date.now() - window.startMs) / 1000);
  return Math.max(0, (busyAfter - window.busyBefore - cpuSeconds) / seconds);
}
