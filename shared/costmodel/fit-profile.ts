/** Fits a board profile to a few measurements of a real board. */
import type { InferenceConfig } from '@edgetune/shared/domain/inference-config.ts';
import { studentQuantile95 } from '@edgetune/shared/math/student-t.ts';
import type { RunnableModel } from '@edgetune/shared/onnx/analyse.ts';
import type { Backend, BoardProfile, ProfileError } from './board-profile.ts';
import {
  type Adoption,
  chooseAdoption,
  type Fitted,
  fitAndLeaveOut,
  fittedBackend,
  type LeftOut,
  observe,
  statedDeviation,
} from './fit-latency.ts';
import { fitPower, fitRuntimeBytes } from './fit-power.ts';
import { predict, runTerms } from './predict.ts';
import { TRANSFER_ESTIMATE } from './profiles/transfer-estimate.ts';
import { mean } from './statistics.ts';

/** One measurement: null where that quantity was not measured. */
export interface FitRow {
  analysis: RunnableModel;
  config: InferenceConfig;
  latencyMs: number | null;
  /** Per sample, above idle. */
  netEnergyJ: number | null;
  memoryBytes: number | null;
}

export interface FittedProfile {
  profile: BoardProfile;
  /** On sizes and families that were left out; it is the published error of the backend that was fitted. */
  crossValidated: ProfileError;
}

/** Standard deviation of a normal distribution over its mean absolute deviation. */
const SD_OVER_MAPE = Math.sqrt(Math.PI / 2);
/** A base that errs by less was compared with networks like those it was fitted to. */
const SMALLEST_BASE_MAPE = 0.05;
/** The stated deviations count as much as so many groups that were left out. */
const PRIOR_GROUPS = 4;

interface Context {
  base: BoardProfile;
  backend: Backend;
  /** Of the base: what its error is taken to be where it was never compared, too. */
  baseError: ProfileError & { latencyMape: number };
  baseSd: number;
}

const QUANTITIES = ['latency', 'energy', 'memory'] as const;
type Quantity = (typeof QUANTITIES)[number];

function measuredOf(row: FitRow, quantity: Quantity): number | null {
  return { latency: row.latencyMs, energy: row.netEnergyJ, memory: row.memoryBytes }[quantity];
}

/** The base with what these rows say of its latency, power and memory. */
function assemble(
  { base, backend, baseSd }: Context,
  fitted: Fitted,
  adoption: Adoption,
  rows: readonly FitRow[],
  quantile: number,
): { profile: BoardProfile; backend: Backend & { fit: NonNullable<Backend['fit']> } } {
  const withLatency = fittedBackend(backend, fitted, adoption, baseSd, quantile);
  const place = base.backends.indexOf(backend);
  const put = (profile: BoardProfile, own: Backend): BoardProfile => ({
    ...profile,
    backends: profile.backends.map((each, index) => (index === place ? own : each)),
  });
  const before = put(base, withLatency);
  const runtimeBytes = fitRuntimeBytes(before, withLatency, rows) ?? withLatency.runtimeBytes;
  const powered = fitPower(before, withLatency, rows);
  const { acceleratorW } = powered.backends[place] as Backend;
  const own = { ...withLatency, runtimeBytes, acceleratorW };
  return { profile: put(powered, own), backend: own };
}

interface HeldOut {
  by: LeftOut['by'];
  /** Mean absolute percentage error of the group; null where it has no such measurement. */
  mape: Record<Quantity, number | null>;
  /** Mean square of the latency's error over the stated deviation. */
  square: number;
}

/** What a fit without a group says of that group. `rows`: all rows with a latency, in the order of the observations. */
function heldOut(context: Context, leftOut: LeftOut, adoption: Adoption, rows: readonly FitRow[]): HeldOut {
  const left = new Set(leftOut.indices);
  const rest = rows.filter((_, index) => !left.has(index));
  const { profile, backend } = assemble(context, leftOut.fitted, adoption, rest, 1);
  const predictions = leftOut.left.map(({ analysis, config }) => predict(profile, analysis, config));
  const errors = (quantity: Quantity) =>
    predictions.flatMap(({ latencyMs, netEnergyJ, memoryBytes }, index) => {
      const measured = measuredOf(rows[leftOut.indices[index] as number] as FitRow, quantity);
      const predicted = { latency: latencyMs, energy: netEnergyJ, memory: memoryBytes }[quantity];
      return measured === null || measured <= 0 ? [] : [Math.abs(predicted / measured - 1)];
    });
  const mapeOf = (quantity: Quantity) => {
    const all = errors(quantity);
    return all.length === 0 ? null : mean(all);
  };
  const squares = leftOut.left.map((row, index) => {
    const off = Math.log((predictions[index]?.latencyMs as number) / row.latencyMs);
    return (off / statedDeviation(backend, row, context.backend)) ** 2;
  });
  return {
    by: leftOut.by,
    mape: { latency: mapeOf('latency'), energy: mapeOf('energy'), memory: mapeOf('memory') },
    square: mean(squares),
  };
}

/** Deviations to each side that hold 95 %: wider by how far groups that were left out were off, and by how few there were. */
function quantileOf(held: readonly HeldOut[]): number {
  const squares = held.reduce((sum, { square }) => sum + square, PRIOR_GROUPS);
  const inflation = Math.max(1, squares / (PRIOR_GROUPS + held.length));
  return studentQuantile95(PRIOR_GROUPS + held.length - 1) * Math.sqrt(inflation);
}

/** The mean over groups; the base's error is one more, as it says what is known of groups that nobody measured. */
function blended(baseMape: number | null, errors: readonly number[]): number | null {
  const all = baseMape === null ? errors : [baseMape, ...errors];
  return all.length === 0 ? null : mean(all);
}

function published(context: Context, rows: readonly FitRow[], held: readonly HeldOut[]): ProfileError {
  const groupsBy = (by: LeftOut['by']) => held.filter((each) => each.by === by);
  const mapeOf = (quantity: Quantity): number | null => {
    if (!rows.some((row) => (measuredOf(row, quantity) ?? 0) > 0)) return null;
    const found = (['size', 'family'] as const).map((by) =>
      blended(
        context.baseError[`${quantity}Mape`],
        groupsBy(by).flatMap((each) => each.mape[quantity] ?? []),
      ),
    );
    const known = found.filter((mape) => mape !== null);
    return known.length === 0 ? null : Math.max(...known);
  };
  const [latencyMape, energyMape, memoryMape] = QUANTITIES.map(mapeOf) as [number, number | null, number | null];
  const isPartial = groupsBy('size').length === 0 || groupsBy('family').length === 0;
  const mapes = { latency: latencyMape, energy: energyMape, memory: memoryMape };
  return {
    latencyMape,
    energyMape,
    memoryMape,
    comparedWith: basisOf(context, rows.length, groupsBy('size').length, groupsBy('family').length),
    estimated: isPartial ? QUANTITIES.filter((quantity) => mapes[quantity] !== null) : [],
  };
}

/** Over what the error was estimated, for people. */
function basisOf({ base, baseError }: Context, rows: number, sizes: number, families: number): string {
  const own = `the error of ${base.name} (${(baseError.latencyMape * 100).toFixed(1)} %)`;
  const groups = [
    sizes > 0 ? `each of ${sizes} input sizes` : [],
    families > 0 ? `each of ${families} families of networks` : [],
  ].flat();
  const only = sizes > 0 ? 'family of networks' : 'input size';
  if (groups.length === 0)
    return `estimate: ${rows} measurements at one input size of one family of networks leave none to compare with; taken is ${own}`;
  const compared = `${groups.join(' and ')} predicted from the others, ${rows} measurements; ${own} counts as one more`;
  return groups.length === 2
    ? compared
    : `${compared}; there is only one ${only}, so that for another this is an estimate: ${own}`;
}

function contextOf(base: BoardProfile, rows: readonly FitRow[]): Context {
  const backends = new Set(rows.map((row) => runTerms(base, row.analysis, row.config).backend));
  if (backends.size !== 1) throw new RangeError('the rows ran on different backends; fit each on its own');
  const [backend] = backends as unknown as [Backend];
  const known = backend.error ?? base.error;
  const baseError = { ...known, latencyMape: known.latencyMape ?? (TRANSFER_ESTIMATE.latencyMape as number) };
  return { base, backend, baseError, baseSd: SD_OVER_MAPE * Math.max(baseError.latencyMape, SMALLEST_BASE_MAPE) };
}

/** The error belongs to the backend that was fitted: others that had the profile's keep it. */
function withError(profile: BoardProfile, place: number, error: ProfileError): BoardProfile {
  const backend = profile.backends[place] as Backend;
  const own = backend.error !== undefined;
  const backends = profile.backends.map((each, index) => {
    if (index === place) return own ? { ...each, error } : each;
    return own || each.error ? each : { ...each, error: profile.error };
  });
  return { ...profile, backends, error: own ? profile.error : error };
}

/**
 * Fits the backend that the rows ran on. Errors are relative, coefficients stay positive, and what the rows do not tell
 * stays as the base says. All rows must use one execution provider and runner.
 * @throws {RangeError} where there are fewer than three latencies, or rows of different backends
 */
export function fitProfile(
  base: BoardProfile,
  rows: readonly FitRow[],
  options: { name?: string } = {},
): FittedProfile {
  const timed = rows.filter((row) => row.latencyMs !== null);
  if (timed.length < 3)
    throw new RangeError(`a fit needs at least 3 measured latencies, better 10; there are ${timed.length}`);
  const context = contextOf(base, rows);
  const observations = timed.map((row) => observe(base, { ...row, latencyMs: row.latencyMs as number }));
  const { whole, leftOut } = fitAndLeaveOut(observations, context.baseSd);
  const adoption = chooseAdoption(whole, leftOut, context.baseSd);
  const held = leftOut.map((each) => heldOut(context, each, adoption, timed));
  const crossValidated = published(context, rows, held);
  const { profile } = assemble(context, whole, adoption, rows, quantileOf(held));
  return {
    profile: {
      ...withError(profile, base.backends.indexOf(context.backend), crossValidated),
      name: options.name ?? `${base.name}-fitted`,
      sources: { ...base.sources, coefficients: `${base.name}, fitted to ${timed.length} measurements` },
    },
    crossValidated,
  };
}
