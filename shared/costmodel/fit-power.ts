/** Fits what a board draws, and what its runtime keeps in memory. */
import type { Backend, BoardProfile } from './board-profile.ts';
import type { FitRow } from './fit-profile.ts';
import { predict } from './predict.ts';
import { fitTowardsOne } from './ridge.ts';
import { mean, median } from './statistics.ts';

/** How strongly the power's two parts are held to the base's proportions: the first keeps them. */
const POWER_LAMBDAS = [10, 1, 0.1, 0.01];
/** Leaving out costs a fit each: beyond so many rows, several are left out together. */
const MOST_FOLDS = 20;

interface Share {
  /** Energy of each part that is fitted under the base, in joules per sample. */
  baseJ: Float64Array;
  targetJ: number;
}

/**
 * The profile with the power of one part only, for each part that is fitted, and with what is not: a core that feeds an
 * accelerator draws what it draws when it computes itself.
 */
function partsOf(profile: BoardProfile, backend: Backend): { fitted: BoardProfile[]; kept: BoardProfile } {
  const withPower = (coreW: number, memoryW: number, acceleratorW: number): BoardProfile => ({
    ...profile,
    power: { ...profile.power, coreW, memoryW },
    powerModes: [],
    backends: profile.backends.map((each) => (each === backend ? { ...each, acceleratorW } : each)),
  });
  const { coreW, memoryW } = profile.power;
  return backend.threads
    ? { fitted: [withPower(coreW, 0, 0), withPower(0, memoryW, 0)], kept: withPower(0, 0, 0) }
    : { fitted: [withPower(0, 0, backend.acceleratorW)], kept: withPower(coreW, 0, 0) };
}

function sharesOf(profile: BoardProfile, backend: Backend, rows: readonly FitRow[]): Share[] {
  const { fitted, kept } = partsOf(profile, backend);
  return rows.flatMap((row) => {
    if (row.netEnergyJ === null || row.netEnergyJ <= 0) return [];
    const drawn = (part: BoardProfile) => {
      const { netEnergyJ, latencyMs } = predict(part, row.analysis, row.config);
      return netEnergyJ * ((row.latencyMs ?? latencyMs) / latencyMs);
    };
    const baseJ = Float64Array.from(fitted, drawn);
    const targetJ = row.netEnergyJ - drawn(kept);
    return targetJ > 0 && total(baseJ) > 0 ? [{ baseJ, targetJ }] : [];
  });
}

function total(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0);
}

const joules = (baseJ: Float64Array, ratios: Float64Array) =>
  baseJ.reduce((sum, each, index) => sum + each * (ratios[index] as number), 0);

/** First one factor for all parts, the median; then each on its own, held to that factor by `lambda`. */
function ratiosOf(shares: readonly Share[], lambda: number): Float64Array {
  const level = median(shares.map(({ baseJ, targetJ }) => targetJ / total(baseJ)));
  const fitted = fitTowardsOne(
    shares.map(({ baseJ, targetJ }) => baseJ.map((each) => (each * level) / targetJ)),
    lambda,
  );
  return fitted.map((ratio) => ratio * level);
}

function errorOf(shares: readonly Share[], lambda: number): number {
  const count = Math.min(shares.length, MOST_FOLDS);
  const errors = Array.from({ length: count }, (_, fold) => {
    const rest = shares.filter((_share, index) => index % count !== fold);
    if (rest.length === 0) return [];
    const ratios = ratiosOf(rest, lambda);
    const left = shares.filter((_share, index) => index % count === fold);
    return left.map(({ baseJ, targetJ }) => Math.abs(joules(baseJ, ratios) / targetJ - 1));
  });
  return mean(errors.flat());
}

/** Cores and memory, or the accelerator: as the rows' energies say; without any as they are. */
export function fitPower(profile: BoardProfile, backend: Backend, rows: readonly FitRow[]): BoardProfile {
  const shares = sharesOf(profile, backend, rows);
  if (shares.length === 0) return profile;
  const scored = POWER_LAMBDAS.map((lambda) => ({ lambda, error: errorOf(shares, lambda) }));
  const { lambda } = scored.reduce((one, two) => (two.error < one.error ? two : one));
  const [first = 1, second = 1] = ratiosOf(shares, lambda);
  const { power } = profile;
  if (backend.threads)
    return { ...profile, power: { ...power, coreW: power.coreW * first, memoryW: power.memoryW * second } };
  const fitted = { ...backend, acceleratorW: backend.acceleratorW * first };
  return { ...profile, backends: profile.backends.map((each) => (each === backend ? fitted : each)) };
}

/** The runtime's own memory in bytes, from what is measured beyond weights and activations; null where nothing was. */
export function fitRuntimeBytes(profile: BoardProfile, backend: Backend, rows: readonly FitRow[]): number | null {
  const beyond = rows.flatMap((row) => {
    if (row.memoryBytes === null) return [];
    const modelBytes = predict(profile, row.analysis, row.config).memoryBytes - backend.runtimeBytes;
    return [Math.max(0, row.memoryBytes - modelBytes)];
  });
  return beyond.length === 0 ? null : median(beyond);
}
