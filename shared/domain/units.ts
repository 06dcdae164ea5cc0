/**
 * Quantities that people write ("30 ms", "64 MB", "0.5 J") and the base units in which EdgeTune keeps them.
 * Base units: time in milliseconds, memory in bytes, energy in joules, power in watts, rate in samples per second,
 * clock in kilohertz, ratio as a fraction (80 % = 0.8).
 */
import { didYouMean } from './did-you-mean.ts';

export type Dimension = 'time' | 'memory' | 'energy' | 'power' | 'rate' | 'clock' | 'ratio' | 'count';

const UNITS: Record<Dimension, Record<string, number>> = {
  time: { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1000, min: 60_000, h: 3_600_000 },
  memory: { B: 1, kB: 1e3, KB: 1e3, MB: 1e6, GB: 1e9, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 },
  energy: { uJ: 1e-6, µJ: 1e-6, mJ: 1e-3, J: 1, kJ: 1e3, Wh: 3600, kWh: 3.6e6 },
  power: { mW: 1e-3, W: 1, kW: 1e3 },
  rate: { '/s': 1, 'samples/s': 1, 'inferences/s': 1 },
  clock: { kHz: 1, MHz: 1e3, GHz: 1e6 },
  ratio: { '': 1, '%': 0.01 },
  count: { '': 1, k: 1e3, M: 1e6, G: 1e9 },
};

/** The unit in which values are kept; empty for plain numbers and fractions. */
export function baseUnitOf(dimension: Dimension): string {
  return unitsOf(dimension).find((unit) => UNITS[dimension][unit] === 1) as string;
}

/** The units in which a quantity of this dimension may be written. */
export function unitsOf(dimension: Dimension): string[] {
  return Object.keys(UNITS[dimension]);
}

/**
 * Parses a number with a unit into the base unit of `dimension`.
 * @throws {RangeError} naming the units that are allowed, where the text is not such a quantity.
 */
export function parseQuantity(text: string, dimension: Dimension): number {
  const match = /^\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(\S*)\s*$/.exec(text);
  const unit = match?.[2] ?? '';
  const factor = Object.hasOwn(UNITS[dimension], unit) ? UNITS[dimension][unit] : undefined;
  if (!match || factor === undefined || !Number.isFinite(Number(match[1]))) {
    const units = unitsOf(dimension).filter((unit) => unit !== '');
    throw new RangeError(
      `"${text.trim()}" is not ${dimension === 'energy' ? 'an' : 'a'} ${dimension}: write a number and one of ${units.join(', ')}${didYouMean(unit, units)}`,
    );
  }
  return Number(match[1]) * factor;
}

const SCALES: Partial<Record<Dimension, [limit: number, factor: number, unit: string][]>> = {
  time: [
    [1, 1e-3, 'µs'],
    [1000, 1, 'ms'],
    [120_000, 1000, 's'],
    [7_200_000, 60_000, 'min'],
    [Infinity, 3_600_000, 'h'],
  ],
  memory: [
    [1e3, 1, 'B'],
    [1e6, 1e3, 'kB'],
    [1e9, 1e6, 'MB'],
    [Infinity, 1e9, 'GB'],
  ],
  energy: [
    [1e-3, 1e-6, 'µJ'],
    [1, 1e-3, 'mJ'],
    [1e3, 1, 'J'],
    [3.6e6, 1e3, 'kJ'],
    [Infinity, 3.6e6, 'kWh'],
  ],
  power: [
    [1, 1e-3, 'mW'],
    [1e3, 1, 'W'],
    [Infinity, 1e3, 'kW'],
  ],
  rate: [[Infinity, 1, '/s']],
  clock: [
    [1e3, 1, 'kHz'],
    [1e6, 1e3, 'MHz'],
    [Infinity, 1e6, 'GHz'],
  ],
  ratio: [[Infinity, 0.01, '%']],
  count: [
    [1e3, 1, ''],
    [1e6, 1e3, 'k'],
    [1e9, 1e6, 'M'],
    [Infinity, 1e9, 'G'],
  ],
};

/** Writes a quantity given in its base unit for people: three significant digits and the handiest unit. */
export function formatQuantity(value: number, dimension: Dimension): string {
  if (!Number.isFinite(value)) return '–';
  const scales = SCALES[dimension] as [number, number, string][];
  const fits = ([limit, factor]: [number, number, string]) => (value === 0 ? factor === 1 : Math.abs(value) < limit);
  const [, factor, unit] = scales.find(fits) ?? (scales.at(-1) as [number, number, string]);
  const scaled = value / factor;
  const digits = Math.abs(scaled) >= 100 ? scaled.toFixed(0) : String(Number(scaled.toPrecision(3)));
  return unit === '' ? digits : `${digits} ${unit}`;
}
