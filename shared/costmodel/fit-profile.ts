/** Fits a board profile to a few measurements of a real board. */
import type { InferenceConfig } from '@edgetune/shared/domain/inference-config.ts';
import type { RunnableModel } from '@edgetune/shared/onnx/analyse.ts';
import type { Backend, BoardProfile } from './board-profile.ts';
import { predict, runTerms } from './predict.ts';
import { fitTowardsOne } from './ridge.ts';
import { TERMS, type Term } from './terms.ts';

/** One measurement: null where that quantity was not measured. */
export interface FitRow {
  analysis: RunnableModel;
  config: InferenceConfig;
  latencyMs: number | null;
  /** Per sample, above idle. */
  netEnergyJ: number | null;
  memoryBytes: number | null;
}

/** Mean absolute percentage errors as fractions; null where too few rows had the quantity. */
export interface FitError {
  latencyMape: number | null;
  energyMape: number | null;
  memoryMape: number | null;
}

export interface FittedProfile {
  profile: BoardProfile;
  /** On rows that the fit did not see (leave-one-out). */
  crossValidated: FitError;
}

/** How strongly the fit is held to the base's coefficients, times one common factor; chosen by leave-one-out. */
const LAMBDAS = [0.3, 0.1, 0.03, 0.01, 0.003, 0.001, 0.0003, 0.0001];
/** The same for the power's two parts: the first keeps the base's proportions. */
const POWER_LAMBDAS = [10, 1, 0.1, 0.01];
/** Leave-one-out costs one fit per row; beyond so many rows, folds of several rows are left out together. */
const MAX_FOLDS = 20;

interface Observation {
  /** Cost of each term under the base's coefficients, in microseconds. */
  baseUs: Float64Array;
  /** What the terms have to explain, in microseconds. */
  targetUs: number;
  row: FitRow;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, two) => one - two);
  return sorted[Math.floor(sorted.length / 2)] ?? 1;
}

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0);
}

function observe(base: BoardProfile, row: FitRow): Observation | null {
  if (row.latencyMs === null) return null;
  const { backend, terms } = runTerms(base, row.analysis, row.config);
  const baseUs = Float64Array.from(TERMS, (term) => terms[term] * (backend.coefficients[term] ?? 0));
  return { baseUs, targetUs: row.latencyMs * 1000, row };
}

/**
 * Multipliers of the base's coefficients. First one factor for all (the median of measured ÷ base), then each term on
 * its own, by relative error, non-negative, held to that factor by `lambda`.
 */
function multipliers(observations: readonly Observation[], lambda: number): Float64Array {
  const level = median(observations.map(({ baseUs, targetUs }) => targetUs / sum(baseUs)));
  const rows = observations.map(({ baseUs, targetUs }) => baseUs.map((us) => (us * level) / targetUs));
  return fitRobustly(rows, lambda).map((ratio) => ratio * level);
}

/** Rows that are further off than this many robust standard deviations weigh less (Huber, 1964). */
const HUBER = 1.345;
const REWEIGHTINGS = 8;

/** `fitTowardsOne`, reweighted: one disturbed measurement among ten must not bend every coefficient. */
function fitRobustly(rows: readonly Float64Array[], lambda: number): Float64Array {
  let ratios = fitTowardsOne(rows, lambda);
  for (let round = 0; round < REWEIGHTINGS; round += 1) {
    const residuals = rows.map((row) =>
      Math.abs(1 - row.reduce((s, z, index) => s + z * (ratios[index] as number), 0)),
    );
    const scale = Math.max(1.4826 * median(residuals), SMALLEST_SCALE);
    const weights = residuals.map((residual) => Math.min(1, (HUBER * scale) / Math.max(residual, 1e-12)));
    ratios = fitTowardsOne(rows, lambda, weights);
  }
  return ratios;
}

/** Measurements repeat no better than this: smaller residuals are all equally good. */
const SMALLEST_SCALE = 0.01;

function foldsOf<T>(items: readonly T[]): T[][] {
  const count = Math.min(items.length, MAX_FOLDS);
  return Array.from({ length: count }, (_, fold) => items.filter((_item, index) => index % count === fold));
}

function latencyErrors(observations: readonly Observation[], lambda: number): number[] {
  return foldsOf(observations).flatMap((fold) => {
    const ratios = multipliers(
      observations.filter((observation) => !fold.includes(observation)),
      lambda,
    );
    return fold.map(({ baseUs, targetUs }) => {
      const predicted = baseUs.reduce((total, us, index) => total + us * (ratios[index] as number), 0);
      return Math.abs(predicted / targetUs - 1);
    });
  });
}

function mean(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0) / values.length;
}

function fittedBackend(backend: Backend, ratios: Float64Array): Backend {
  const coefficients = Object.fromEntries(
    TERMS.flatMap((term: Term, index) => {
      const us = backend.coefficients[term];
      return us === undefined ? [] : [[term, us * (ratios[index] as number)]];
    }),
  );
  return { ...backend, coefficients };
}

/** Net power of each part while the model runs, as shares of the base's; fitted like the latency. */
function fitPower(profile: BoardProfile, rows: readonly FitRow[]): { profile: BoardProfile; mape: number | null } {
  const parts = rows.flatMap((row) => {
    if (row.netEnergyJ === null || row.netEnergyJ <= 0) return [];
    const seconds = (row.latencyMs ?? predict(profile, row.analysis, row.config).latencyMs) / 1000;
    const perPart = (power: Partial<BoardProfile['power']>) => {
      const only = { ...profile, power: { ...profile.power, coreW: 0, memoryW: 0, ...power } };
      const { netEnergyJ, latencyMs } = predict(only, row.analysis, row.config);
      return ((netEnergyJ * row.analysis.batchSize) / (latencyMs / 1000)) * (seconds / row.analysis.batchSize);
    };
    const baseJ = [perPart({ coreW: profile.power.coreW }), perPart({ memoryW: profile.power.memoryW })];
    return [{ baseJ: Float64Array.from(baseJ), targetJ: row.netEnergyJ }];
  });
  if (parts.length === 0) return { profile, mape: null };
  const solve = (some: typeof parts, lambda: number): Float64Array => {
    const level = median(some.map(({ baseJ, targetJ }) => targetJ / sum(baseJ)));
    const fitted = fitTowardsOne(
      some.map(({ baseJ, targetJ }) => baseJ.map((joules) => (joules * level) / targetJ)),
      lambda,
    );
    return fitted.map((ratio) => ratio * level);
  };
  const errorsOf = (lambda: number) =>
    foldsOf(parts).flatMap((fold) => {
      const rest = parts.filter((part) => !fold.includes(part));
      if (rest.length === 0) return [];
      const ratios = solve(rest, lambda);
      return fold.map(({ baseJ, targetJ }) =>
        Math.abs(baseJ.reduce((total, joules, index) => total + joules * (ratios[index] as number), 0) / targetJ - 1),
      );
    });
  const scored = POWER_LAMBDAS.map((lambda) => ({ lambda, errors: errorsOf(lambda) }));
  const best = scored.reduce((one, two) => (mean(two.errors) < mean(one.errors) ? two : one));
  const [core = 1, memory = 1] = solve(parts, best.lambda);
  const power = { ...profile.power, coreW: profile.power.coreW * core, memoryW: profile.power.memoryW * memory };
  return { profile: { ...profile, power }, mape: best.errors.length > 1 ? mean(best.errors) : null };
}

/** The runtime's own memory, from what is measured beyond weights and activations. */
function fitMemory(
  profile: BoardProfile,
  backend: Backend,
  rows: readonly FitRow[],
): { backend: Backend; mape: number | null } {
  const parts = rows.flatMap((row) => {
    if (row.memoryBytes === null) return [];
    const modelBytes = predict(profile, row.analysis, row.config).memoryBytes - backend.runtimeBytes;
    return [{ measured: row.memoryBytes, modelBytes, runtimeBytes: Math.max(0, row.memoryBytes - modelBytes) }];
  });
  if (parts.length === 0) return { backend, mape: null };
  const runtimeOf = (some: typeof parts) => median(some.map((part) => part.runtimeBytes));
  const errors = parts.map((part) => {
    const rest = parts.filter((each) => each !== part);
    return Math.abs((runtimeOf(rest.length > 0 ? rest : parts) + part.modelBytes) / part.measured - 1);
  });
  return { backend: { ...backend, runtimeBytes: runtimeOf(parts) }, mape: parts.length > 1 ? mean(errors) : null };
}

/**
 * Fits the backend that the rows ran on. Errors are relative, coefficients cannot be negative, and what the rows do not
 * tell stays at the base's proportions. All rows must use one execution provider and runner.
 * @throws {RangeError} where there are fewer than three latencies, or rows of different backends
 */
export function fitProfile(
  base: BoardProfile,
  rows: readonly FitRow[],
  options: { name?: string; lambda?: number } = {},
): FittedProfile {
  const observations = rows.flatMap((row) => observe(base, row) ?? []);
  if (observations.length < 3)
    throw new RangeError(`a fit needs at least 3 measured latencies, better 10; there are ${observations.length}`);
  const backends = new Set(rows.map((row) => runTerms(base, row.analysis, row.config).backend));
  if (backends.size !== 1) throw new RangeError('the rows ran on different backends; fit each on its own');
  const [backend] = backends as unknown as [Backend];
  const candidates = options.lambda === undefined ? LAMBDAS : [options.lambda];
  const scored = candidates.map((lambda) => ({ lambda, mape: mean(latencyErrors(observations, lambda)) }));
  const best = scored.reduce((one, two) => (two.mape < one.mape ? two : one));
  const fitted = fittedBackend(backend, multipliers(observations, best.lambda));
  const withLatency: BoardProfile = {
    ...base,
    backends: base.backends.map((each) => (each === backend ? fitted : each)),
  };
  const memory = fitMemory(withLatency, fitted, rows);
  const power = fitPower(withLatency, rows);
  const crossValidated = { latencyMape: best.mape, energyMape: power.mape, memoryMape: memory.mape };
  const profile: BoardProfile = {
    ...power.profile,
    name: options.name ?? `${base.name}-fitted`,
    backends: withLatency.backends.map((each) => (each === fitted ? memory.backend : each)),
    error: {
      ...crossValidated,
      comparedWith: `leave-one-out over the ${observations.length} rows of the fit`,
      estimated: [],
    },
    sources: { ...base.sources, coefficients: `${base.name}, fitted to ${observations.length} measurements` },
  };
  return { profile, crossValidated };
}
