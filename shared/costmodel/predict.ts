/** From a board profile, a model's analysis and an inference config: latency, memory, power and energy. */
import type { InferenceConfig, Precision } from '@edgetune/shared/domain/inference-config.ts';
import { normalQuantile } from '@edgetune/shared/math/normal.ts';
import type { RunnableModel } from '@edgetune/shared/onnx/analyse.ts';
import type { FusedKernel } from '@edgetune/shared/onnx/fuse-kernels.ts';
import { precisionMismatch } from '@edgetune/shared/onnx/graph-precision.ts';
import type { Backend, BoardProfile, PowerMode, ProfileError } from './board-profile.ts';
import { type FittedRange, knownCoefficients, logDeviation } from './fitted-range.ts';
import { paddingFactor, unfoldsAlone } from './matrix-tiles.ts';
import { classOf, TERMS, type Term, type TermVector, termsOf } from './terms.ts';

export interface KernelCost {
  name: string;
  ops: string[];
  latencyMs: number;
}

export interface Prediction {
  /** One run of the whole batch. */
  latencyMs: number;
  /** Of the whole process, and of that what the runtime takes before any model. */
  memoryBytes: number;
  runtimeBytes: number;
  /** Per sample, above idle and in all. */
  netEnergyJ: number;
  energyJ: number;
  /** While it runs, idle power included. */
  powerW: number;
  busyCores: number;
  perKernel: KernelCost[];
  /** 95 % intervals: of a fitted profile by how far the model is from those fitted, else from the published error; null: never compared. */
  uncertainty: { latencyMs: Interval | null; memoryBytes: Interval | null; energyJ: Interval | null };
  outOfMemory: boolean;
}
export type Interval = [low: number, high: number];

/** What the board is doing besides the config: its power mode, and the share of the clock that heat leaves. */
export interface BoardState {
  powerMode?: string | undefined;
  thermalClock?: number | undefined;
}

/** A config that this board cannot run at all: the reason is for people. */
export class UnsupportedConfigError extends Error {
  override name = 'UnsupportedConfigError';
}

function modeOf(profile: BoardProfile, name: string | undefined): PowerMode {
  if (name === undefined) return { name: 'default', cores: profile.cores, maxClockKHz: profile.maxClockKHz, speed: 1 };
  const mode = profile.powerModes.find((each) => each.name === name);
  if (mode) return mode;
  const names = profile.powerModes.map((each) => each.name).join(', ') || 'none';
  throw new UnsupportedConfigError(`${profile.board} has no power mode "${name}"; it has: ${names}`);
}

/** What the board draws when it does nothing. @throws {UnsupportedConfigError} for an unknown power mode */
export function idlePowerW(profile: BoardProfile, powerMode: string | undefined): number {
  return modeOf(profile, powerMode).idleW ?? profile.power.idleW;
}

/** @throws {UnsupportedConfigError} for a provider, precision, thread count or clock that the board does not have */
export function backendFor(profile: BoardProfile, config: InferenceConfig, cores = profile.cores): Backend {
  const backend = profile.backends.find(
    (each) => each.executionProvider === config.executionProvider && each.runners.includes(config.runner),
  );
  if (!backend) {
    const known = profile.backends.map((each) => `${each.executionProvider} by ${each.runners.join(' or ')}`);
    throw new UnsupportedConfigError(
      `${profile.board} does not run ${config.executionProvider} by ${config.runner}; it runs ${known.join(', ')}`,
    );
  }
  if (config.threads > cores)
    throw new UnsupportedConfigError(`${config.threads} threads, but ${profile.board} has ${cores} cores`);
  if (backend.precisionSpeed[config.precision] === undefined)
    throw new UnsupportedConfigError(
      `${backend.runtime} on ${profile.board} has no ${config.precision}; it has ${Object.keys(backend.precisionSpeed).join(', ')}`,
    );
  if (config.clockKHz !== null && !profile.settableClocksKHz.includes(config.clockKHz))
    throw new UnsupportedConfigError(
      `${profile.board} cannot be set to ${config.clockKHz} kHz; use one of ${profile.settableClocksKHz.join(', ')}`,
    );
  return backend;
}

interface Speed {
  serial: number;
  parallel: number;
  memory: number;
  /** Threads that share each kernel; beyond the first, each is woken and joined per kernel. */
  threads: number;
  /** How much of `memory` is due to threads. */
  memoryByThreads: number;
}

/** How much faster each class of terms runs than on one thread at the highest clock. */
function speedOf(backend: Backend, threads: number, cores: number, clock: number, extra: number): Speed {
  const scaling = backend.threads;
  if (!scaling) return { serial: extra, parallel: extra, memory: extra, threads: 1, memoryByThreads: 1 };
  const full = threads === cores && cores > 1 ? 1 + scaling.fullLoadPenalty : 1;
  const memoryByThreads = Math.min(threads, scaling.memoryThreads);
  return {
    serial: clock * extra,
    parallel: (clock * extra * threads ** scaling.exponent) / full,
    memory: (extra * memoryByThreads * (0.5 + 0.5 * clock)) / full,
    threads,
    memoryByThreads,
  };
}

/** Integer kernels work as fast as int8 does, the others of an int8 graph as float32. `precision` is one that the backend has. */
function precisionSpeed(backend: Backend, kernel: FusedKernel, precision: Precision): number {
  const speeds = backend.precisionSpeed;
  if (kernel.quantised) return speeds.int8 ?? 1;
  return precision === 'float16' ? (speeds.float16 as number) : 1;
}

function refuseMismatch({ precision }: RunnableModel, config: InferenceConfig): void {
  const mismatch = precisionMismatch(precision, config);
  if (mismatch) throw new UnsupportedConfigError(mismatch);
}

/** The terms of a kernel as this config runs it: each divided by how much faster than the reference it goes. */
function scaledTerms(
  { cacheBytes }: BoardProfile,
  backend: Backend,
  kernel: FusedKernel,
  speed: Speed,
  precision: Precision,
): [Term, number][] {
  const work = precisionSpeed(backend, kernel, precision);
  const terms =
    kernel.kind === 'view' ? termsOf(kernel, cacheBytes) : { ...termsOf(kernel, cacheBytes), sync: speed.threads - 1 };
  const extra = backend.threads ? unevenness(kernel, speed) : {};
  return (Object.entries(terms) as [Term, number][]).map(([term, amount]) => {
    const kind = classOf(term);
    return [term, ((extra[term] ?? 1) * amount * kernel.repeats) / speed[kind] / (kind === 'parallel' ? work : 1)];
  });
}

/** By term: how much more a convolution costs on a CPU for what cannot be dealt out to its cores evenly. */
function unevenness(kernel: FusedKernel, { threads, memoryByThreads }: Speed): TermVector {
  if (kernel.kind !== 'convolution') return {};
  return {
    'work.convolution': paddingFactor(kernel, threads),
    'bytes.unfold': unfoldsAlone(kernel) ? memoryByThreads : 1,
  };
}

/**
 * What a run consists of under a config: terms for `profile fit` to weigh, and the time that no coefficient changes.
 * @throws {UnsupportedConfigError} as `predict` does
 */
export function runTerms(
  profile: BoardProfile,
  analysis: RunnableModel,
  config: InferenceConfig,
): { backend: Backend; terms: Record<Term, number> } {
  const backend = backendFor(profile, config);
  refuseMismatch(analysis, config);
  const speed = speedOf(backend, config.threads, profile.cores, clockOf(profile, config), 1);
  const terms = noTerms();
  terms.run = 1 / speed.serial;
  for (const kernel of analysis.kernels)
    for (const [term, amount] of scaledTerms(profile, backend, kernel, speed, config.precision)) terms[term] += amount;
  return { backend, terms };
}

function noTerms(): Record<Term, number> {
  return Object.fromEntries(TERMS.map((term) => [term, 0])) as Record<Term, number>;
}

function clockOf(profile: BoardProfile, config: InferenceConfig): number {
  return Math.min(config.clockKHz ?? profile.maxClockKHz, profile.maxClockKHz) / profile.maxClockKHz;
}

/** Adds what each term of a kernel takes to `usByTerm`; returns the kernel's time, and what of it is work or memory. */
function kernelUs(
  scaled: [Term, number][],
  coefficients: Backend['coefficients'],
  usByTerm: Record<Term, number>,
): [us: number, workUs: number] {
  let total = 0;
  let work = 0;
  for (const [term, amount] of scaled) {
    const us = (coefficients[term] ?? 0) * amount;
    total += us;
    usByTerm[term] += us;
    if (classOf(term) !== 'serial') work += us;
  }
  return [total, work];
}

/** Normal quantile of a two-sided 95 % interval over the mean absolute deviation of a normal, √(2/π). */
const INTERVAL_OVER_MAPE = normalQuantile(0.975) / Math.sqrt(2 / Math.PI);

/** A profile is compared with some family of networks; for any other, its error is not taken to be smaller than this. */
const SMALLEST_MAPE = 0.05;
/**
 * Profiles were compared in float32; how much faster 8-bit work is comes from data sheets. Of six public models int8 made
 * large ones on an x86 processor as much faster as the profile x86-mini-pc says, small ones up to three times less so
 * (`npm run bench:quantisation`).
 */
const SMALLEST_MAPE_IN_OTHER_PRECISIONS = 0.4;

function intervalWithin(value: number, halfWidth: number): Interval {
  const factor = Math.exp(halfWidth);
  return [value / factor, value * factor];
}

/** The 95 % interval around a prediction whose mean absolute percentage error is known. */
export function intervalOf(value: number, mape: number | null): Interval | null {
  if (mape === null) return null;
  return intervalWithin(value, INTERVAL_OVER_MAPE * Math.max(mape, SMALLEST_MAPE));
}

/** Of latency and energy: of a fitted backend the further from the networks that were fitted, the wider. */
function uncertaintyOf(
  { latencyMs, energyJ }: { latencyMs: number; energyJ: number },
  { latencyMape, energyMape }: ProfileError,
  precision: Precision,
  fitted: { range: FittedRange; deviation: number } | null,
): { latencyMs: Interval | null; energyJ: Interval | null } {
  const other = {
    latencyMs: intervalOf(latencyMs, errorIn(precision, latencyMape)),
    energyJ: intervalOf(energyJ, errorIn(precision, energyMape)),
  };
  if (!fitted) return other;
  const isOther = precision !== 'float32';
  const halfWidth = Math.max(
    fitted.range.spread.quantile * fitted.deviation,
    isOther ? INTERVAL_OVER_MAPE * SMALLEST_MAPE_IN_OTHER_PRECISIONS : 0,
  );
  return {
    latencyMs: intervalWithin(latencyMs, halfWidth),
    // Energy is power by time: it is known no better than the latency.
    energyJ: other.energyJ && wider(other.energyJ, intervalWithin(energyJ, halfWidth)),
  };
}

function wider(one: Interval, two: Interval): Interval {
  return one[1] > two[1] ? one : two;
}

function errorIn(precision: Precision, mape: number | null): number | null {
  if (mape === null || precision === 'float32') return mape;
  return Math.max(mape, SMALLEST_MAPE_IN_OTHER_PRECISIONS);
}

function memoryOf(backend: Backend, analysis: RunnableModel): number {
  const scratch = Math.max(0, ...analysis.kernels.map((kernel) => kernel.unfoldedBytes));
  return Math.round(
    backend.runtimeBytes + backend.weightCopies * analysis.weightBytes + analysis.peakActivationBytes + scratch,
  );
}

/**
 * Predicts one run of the analysed batch.
 * @throws {UnsupportedConfigError} where the board cannot run the config at all, or the model is of another precision
 */
export function predict(
  profile: BoardProfile,
  analysis: RunnableModel,
  config: InferenceConfig,
  state: BoardState = {},
): Prediction {
  const mode = modeOf(profile, state.powerMode);
  const backend = backendFor(profile, config, mode.cores);
  refuseMismatch(analysis, config);
  const clockKHz = Math.min(config.clockKHz ?? mode.maxClockKHz, mode.maxClockKHz);
  const clock = (clockKHz / profile.maxClockKHz) * (state.thermalClock ?? 1);
  const speed = speedOf(backend, config.threads, mode.cores, clock, mode.speed);
  let workUs = 0;
  const coefficients = (backend.fit && knownCoefficients(backend.fit, analysis)) ?? backend.coefficients;
  const usByTerm = noTerms();
  usByTerm.run = (coefficients.run ?? 0) / speed.serial;
  const perKernel = analysis.kernels.map((kernel): KernelCost => {
    const scaled = scaledTerms(profile, backend, kernel, speed, config.precision);
    const [us, work] = kernelUs(scaled, coefficients, usByTerm);
    workUs += work;
    return { name: kernel.name, ops: kernel.ops, latencyMs: us / 1000 };
  });
  const latencyMs = usByTerm.run / 1000 + perKernel.reduce((sum, kernel) => sum + kernel.latencyMs, 0);
  const workShare = latencyMs > 0 ? Math.min(1, workUs / 1000 / latencyMs) : 0;
  const busyCores = backend.threads ? 1 + (config.threads - 1) * workShare : 1;
  const { power } = profile;
  const error = backend.error ?? profile.error;
  const scale = clock ** power.clockExponent;
  const coreW = mode.coreW ?? power.coreW * scale;
  const idleW = idlePowerW(profile, state.powerMode);
  const activeW = backend.threads
    ? busyCores * coreW + power.memoryW * workShare
    : backend.acceleratorW * workShare + coreW;
  const memoryBytes = memoryOf(backend, analysis);
  const fitted = backend.fit
    ? { range: backend.fit, deviation: logDeviation(backend.fit, analysis, config, usByTerm) }
    : null;
  const seconds = latencyMs / 1000 / analysis.batchSize;
  const energyJ = (idleW + activeW) * seconds;
  return {
    latencyMs,
    memoryBytes,
    runtimeBytes: backend.runtimeBytes,
    netEnergyJ: activeW * seconds,
    energyJ,
    powerW: idleW + activeW,
    busyCores,
    perKernel,
    uncertainty: {
      ...uncertaintyOf({ latencyMs, energyJ }, error, config.precision, fitted),
      memoryBytes: intervalOf(memoryBytes, error.memoryMape),
    },
    outOfMemory: memoryBytes > profile.memoryBytes - profile.reservedBytes,
  };
}
