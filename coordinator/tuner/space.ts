/**
 * A search space as the samplers see it. A point has a coordinate per dimension: numeric dimensions in [0, 1], choices
 * as an index, NaN where a conditional parameter is inactive. Constants have no dimension.
 */
import type { Candidate, Parameter, ParameterValue } from '@edgetune/shared/domain/search-space.ts';
import type { Random } from '@edgetune/shared/math/random.ts';
import { doublesBetween, isTooFine, nthDouble } from './doubles.ts';

export type SpacePoint = readonly number[];

export interface Dimension {
  readonly name: string;
  /** Number of choices of an unordered dimension; 0 for a numeric one. */
  readonly choices: number;
  /** Number of distinct values; Infinity for a float without step. */
  readonly count: number;
  /** The value at a coordinate (clamped to the domain). */
  valueAt(coordinate: number): ParameterValue;
  coordinateOf(value: ParameterValue): number;
  /** Value number `index` of a dimension of finite count. */
  nth(index: number): ParameterValue;
}

const clamp = (value: number, low: number, high: number) => Math.min(high, Math.max(low, value));

/** `count` values in order, each with an equal share of [0, 1]. */
function ordered(
  name: string,
  count: number,
  value: (index: number) => ParameterValue,
  index: (value: ParameterValue) => number,
): Dimension {
  return {
    name,
    choices: 0,
    count,
    valueAt: (coordinate) => value(clamp(Math.floor(coordinate * count), 0, count - 1)),
    coordinateOf: (of) => (index(of) + 0.5) / count,
    nth: value,
  };
}

function unordered(name: string, values: readonly ParameterValue[]): Dimension {
  return {
    name,
    choices: values.length,
    count: values.length,
    valueAt: (coordinate) => values[clamp(Math.floor(coordinate), 0, values.length - 1)] as ParameterValue,
    coordinateOf: (of) => values.indexOf(of),
    nth: (index) => values[index] as ParameterValue,
  };
}

/** On a range so narrow a logarithmic scale is a linear one, and logarithms would not tell its values apart. */
const NARROW = 1.01;

function continuous(name: string, min: number, max: number, log: boolean): Dimension {
  const count = doublesBetween(min, max);
  if (count < LEAST_CONTINUOUS)
    return ordered(
      name,
      count,
      (index) => nthDouble(min, index),
      (of) => doublesBetween(min, of as number) - 1,
    );
  const isLog = log && max / min >= NARROW;
  const [low, high] = isLog ? [Math.log(min), Math.log(max)] : [min, max];
  const range = high - low;
  // A range may be larger than any number.
  const isHuge = !Number.isFinite(range);
  const value = (share: number) => (isHuge ? low * (1 - share) + high * share : low + share * range);
  const share = (of: number) => (isHuge ? (of / 2 - low / 2) / (high / 2 - low / 2) : (of - low) / range);
  const valueAt = (coordinate: number) => {
    const at = value(clamp(coordinate, 0, 1));
    return clamp(isLog ? Math.exp(at) : at, min, max);
  };
  return {
    name,
    choices: 0,
    count: Infinity,
    valueAt,
    coordinateOf: (of) => share(isLog ? Math.log(of as number) : (of as number)),
    // One after the other as far as possible from those before.
    nth: (index) => valueAt((index * GOLDEN) % 1),
  };
}

const GOLDEN = (Math.sqrt(5) - 1) / 2;

/** Whole numbers on a log scale: each has the share of [0, 1] that lies nearest to it. */
function logInteger(name: string, min: number, max: number): Dimension {
  if (max / min < NARROW) return wholeSteps(name, { min, max, step: 1 });
  const [low, high] = [Math.log(min - 0.5), Math.log(max + 0.5)];
  return {
    name,
    choices: 0,
    count: max - min + 1,
    valueAt: (coordinate) => clamp(Math.round(Math.exp(low + clamp(coordinate, 0, 1) * (high - low))), min, max),
    coordinateOf: (of) => (Math.log(of as number) - low) / (high - low),
    nth: (index) => clamp(min + index, min, max),
  };
}

/** From `min` on in steps. */
function stepped(name: string, { min, max, step }: { min: number; max: number; step: number }): Dimension {
  const count = Math.floor((max - min) / step + 1e-9) + 1;
  const value = (index: number) => {
    const exact = min + index * step;
    // Twelve significant digits hide what 0.1 · 3 leaves behind.
    const short = Number(exact.toPrecision(12));
    return clamp(Math.abs(short - exact) < 1e-7 * step ? short : exact, min, max);
  };
  return ordered(name, count, value, (of) => Math.round(((of as number) - min) / step));
}

/** Whole numbers from `min` on in steps; exactly, also where the range is wider than doubles can count. */
function wholeSteps(name: string, { min, max, step }: { min: number; max: number; step: number }): Dimension {
  const isExact = Number.isSafeInteger(max - min);
  const count = isExact ? Math.floor((max - min) / step) + 1 : Number((BigInt(max) - BigInt(min)) / BigInt(step)) + 1;
  const value = (index: number) =>
    clamp(isExact ? min + index * step : Number(BigInt(min) + BigInt(index) * BigInt(step)), min, max);
  return ordered(name, count, value, (of) => Math.round(((of as number) - min) / step));
}

function dimensionOf(parameter: Parameter): Dimension | null {
  const { name } = parameter;
  switch (parameter.type) {
    case 'constant':
      return null;
    case 'boolean':
      return unordered(name, [false, true]);
    case 'categorical':
      return unordered(name, parameter.choices);
    case 'ordinal': {
      const { values } = parameter;
      return ordered(
        name,
        values.length,
        (index) => values[index] as ParameterValue,
        (value) => values.indexOf(value as never),
      );
    }
    case 'float':
    case 'int': {
      const { min, max, scale, step } = parameter;
      if (parameter.type === 'int')
        return scale === 'log' ? logInteger(name, min, max) : wholeSteps(name, { min, max, step: step ?? 1 });
      return step === undefined || isTooFine(step, min, max)
        ? continuous(name, min, max, scale === 'log')
        : stepped(name, { min, max, step });
    }
  }
}

interface Condition {
  parent: string;
  allowed: readonly ParameterValue[];
}

interface Slot {
  parameter: Parameter;
  /** Index of the dimension; −1 for a constant. */
  at: number;
  conditions: Condition[];
}

/** A range of fewer numbers than this is a list of them: somebody might try them all. */
const LEAST_CONTINUOUS = 2 ** 20;

/** Above so many combinations a space counts as infinite: its candidates are not counted one by one. */
const LARGEST_COUNTED = 50_000;

export class Space {
  readonly dimensions: readonly Dimension[];
  /** True where some parameter is conditional. */
  readonly conditional: boolean;
  /** Number of distinct candidates; Infinity where the space is continuous or large. */
  readonly size: number;
  /** True where some dimension has separate values. */
  readonly #separate: boolean;
  readonly #slots: readonly Slot[];
  readonly #order: readonly Slot[];

  constructor(parameters: readonly Parameter[]) {
    const dimensions: Dimension[] = [];
    this.#slots = parameters.map((parameter) => {
      const dimension = dimensionOf(parameter);
      const conditions = Object.entries(parameter.when ?? {}).map(([parent, allowed]) => ({
        parent,
        allowed: [allowed].flat(),
      }));
      return { parameter, at: dimension === null ? -1 : dimensions.push(dimension) - 1, conditions };
    });
    this.dimensions = dimensions;
    this.#separate = dimensions.some(({ count }) => Number.isFinite(count));
    this.conditional = this.#slots.some(({ conditions }) => conditions.length > 0);
    this.#order = parentsFirst(this.#slots);
    this.size = this.#countCandidates();
  }

  /** The candidate at a point; coordinates of inactive parameters are ignored. Names are in the order of the space. */
  candidateAt(point: SpacePoint): Candidate {
    const values: Candidate = {};
    for (const slot of this.#order) {
      if (!isActive(slot, values)) continue;
      const { parameter, at } = slot;
      values[parameter.name] =
        parameter.type === 'constant'
          ? parameter.value
          : (this.dimensions[at] as Dimension).valueAt(point[at] as number);
    }
    return this.#inOrder(values);
  }

  /** The point of a candidate (at the middle of what rounds to it). */
  pointOf(candidate: Candidate): number[] {
    return this.dimensions.map((dimension) => {
      const value = candidate[dimension.name];
      return value === undefined ? Number.NaN : dimension.coordinateOf(value);
    });
  }

  /** The point of the candidate at a point: separate values at the middle of what rounds to them. */
  snapped(point: SpacePoint): SpacePoint {
    if (this.conditional) return this.pointOf(this.candidateAt(point));
    if (!this.#separate) return point;
    return this.dimensions.map((dimension, at) => {
      const coordinate = point[at] as number;
      return Number.isFinite(dimension.count) ? dimension.coordinateOf(dimension.valueAt(coordinate)) : coordinate;
    });
  }

  /**
   * One number per candidate, the same for equal ones: a hash of 53 bits (cyrb53, by bryc), so that two of a million
   * different candidates share one with a probability below 1e-4.
   */
  keyOf(candidate: Candidate): number {
    let [high, low] = [0xdeadbeef, 0x41c6ce57];
    for (const { name } of this.dimensions) {
      const text = `${JSON.stringify(candidate[name])},`;
      for (let i = 0; i < text.length; i++) {
        const code = text.charCodeAt(i);
        high = Math.imul(high ^ code, 2654435761);
        low = Math.imul(low ^ code, 1597334677);
      }
    }
    high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
    low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909);
    return 4294967296 * (2097151 & low) + (high >>> 0);
  }

  /** A uniform point (a coordinate for inactive parameters too). */
  randomPoint(random: Random): number[] {
    return this.dimensions.map(({ choices }) => (choices > 0 ? random.below(choices) : random.uniform()));
  }

  /** Number of points of the full grid with at most `levels` values on continuous dimensions. */
  gridSize(levels: number): number {
    return this.dimensions.reduce((product, { count }) => product * (Number.isFinite(count) ? count : levels), 1);
  }

  /** Point number `index` of that grid (inactive parameters included, so that candidates may repeat). */
  gridPoint(index: number, levels: number): number[] {
    let rest = index;
    return this.dimensions.map((dimension) => {
      const values = Number.isFinite(dimension.count) ? dimension.count : levels;
      const at = rest % values;
      rest = Math.floor(rest / values);
      if (Number.isFinite(dimension.count)) return dimension.coordinateOf(dimension.nth(at));
      return values === 1 ? 0.5 : at / (values - 1);
    });
  }

  /** Every candidate, once each; of a space of infinite size always others. */
  candidates(): Generator<Candidate> {
    return this.#walk(0, {});
  }

  /** Goes through the values of the active parameters from number `depth` of the order on. */
  *#walk(depth: number, values: Candidate): Generator<Candidate> {
    const slot = this.#order[depth];
    if (!slot) {
      yield this.#inOrder(values);
      return;
    }
    const { parameter, at } = slot;
    if (!isActive(slot, values)) return yield* this.#walk(depth + 1, values);
    if (parameter.type === 'constant')
      return yield* this.#walk(depth + 1, { ...values, [parameter.name]: parameter.value });
    const dimension = this.dimensions[at] as Dimension;
    for (let index = 0; index < dimension.count; index++)
      yield* this.#walk(depth + 1, { ...values, [parameter.name]: dimension.nth(index) });
  }

  #countCandidates(): number {
    const always = this.#slots.filter(({ at, conditions }) => at >= 0 && conditions.length === 0);
    const least = always.reduce((product, { at }) => product * (this.dimensions[at] as Dimension).count, 1);
    if (least > LARGEST_COUNTED) return Infinity;
    let count = 0;
    for (const _ of this.candidates()) if (++count > LARGEST_COUNTED) return Infinity;
    return count;
  }

  #inOrder(values: Candidate): Candidate {
    if (!this.conditional) return values;
    const inOrder: Candidate = {};
    for (const { parameter } of this.#slots)
      if (Object.hasOwn(values, parameter.name)) inOrder[parameter.name] = values[parameter.name] as ParameterValue;
    return inOrder;
  }
}

function isActive({ conditions }: Slot, values: Candidate): boolean {
  for (const { parent, allowed } of conditions)
    if (!Object.hasOwn(values, parent) || !allowed.includes(values[parent] as ParameterValue)) return false;
  return true;
}

/** The slots in an order in which every parameter comes after those that its conditions name. */
function parentsFirst(slots: readonly Slot[]): Slot[] {
  const [order, placed] = [[] as Slot[], new Set<string>()];
  while (order.length < slots.length) {
    const ready = slots.filter(
      ({ parameter, conditions }) =>
        !placed.has(parameter.name) && conditions.every(({ parent }) => placed.has(parent)),
    );
    if (ready.length === 0)
      throw new RangeError('conditions name unknown parameters or form a cycle: see validateSpace');
    for (const slot of ready) {
      order.push(slot);
      placed.add(slot.parameter.name);
    }
  }
  return order;
}
