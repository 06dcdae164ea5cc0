/**
 * A Parzen mixture over the mixed space: one product kernel per observation — a normal cut off at [0, 1] on numeric
 * dimensions, "the same choice, or by the rest of the mass any" on choices — and a flat one as prior. Where a
 * conditional parameter is inactive, its factor is flat.
 */
import { normalCdf, ROOT_TWO_PI } from '@edgetune/shared/math/normal.ts';
import type { Random } from '@edgetune/shared/math/random.ts';
import type { Space, SpacePoint } from '../../space.ts';

export interface ParzenKernels {
  points: readonly SpacePoint[];
  /** One per point; not normalised. */
  weights: readonly number[];
  /** Of the flat kernel. */
  priorWeight: number;
  /** Standard deviation on each numeric dimension; on each unordered one the mass that is spread over all choices. */
  widths: readonly number[];
}

export class ParzenMixture {
  readonly #space: Space;
  readonly #kernels: ParzenKernels;
  readonly #total: number;
  /** Per kernel: the logarithm of its weight and of the constant factors of its dimensions. */
  readonly #logFactors: Float64Array;
  readonly #exponents: Float64Array;
  /** Per dimension: logarithms of the density of the same and of another choice; 0 on numeric ones. */
  readonly #same: Float64Array;
  readonly #other: Float64Array;
  readonly #isChoice: boolean[];

  constructor(space: Space, kernels: ParzenKernels) {
    this.#space = space;
    this.#kernels = kernels;
    this.#total = kernels.priorWeight + kernels.weights.reduce((sum, weight) => sum + weight, 0);
    this.#exponents = new Float64Array(kernels.points.length);
    const choices = space.dimensions.map((dimension) => dimension.choices);
    this.#isChoice = choices.map((count) => count > 0);
    const density = (mass: number, count: number) => (count > 0 ? Math.log(mass) : 0);
    this.#same = Float64Array.from(choices, (count, at) =>
      density((1 - (kernels.widths[at] as number)) * count + (kernels.widths[at] as number), count),
    );
    this.#other = Float64Array.from(choices, (count, at) => density(kernels.widths[at] as number, count));
    this.#logFactors = Float64Array.from(kernels.points, (point, i) => {
      let log = Math.log((kernels.weights[i] as number) / this.#total);
      for (const [at, { choices }] of space.dimensions.entries()) {
        const [x, width] = [point[at] as number, kernels.widths[at] as number];
        if (choices > 0 || Number.isNaN(x)) continue;
        const inside = normalCdf((1 - x) / width) - normalCdf(-x / width);
        log -= Math.log(width * ROOT_TWO_PI * inside);
      }
      return log;
    });
  }

  sample(random: Random): number[] {
    let mass = random.uniform() * this.#total - this.#kernels.priorWeight;
    if (mass < 0 || this.#kernels.points.length === 0) return this.#space.randomPoint(random);
    let chosen = 0;
    for (; chosen < this.#kernels.points.length - 1; chosen++) {
      mass -= this.#kernels.weights[chosen] as number;
      if (mass < 0) break;
    }
    const center = this.#kernels.points[chosen] as SpacePoint;
    return this.#space.dimensions.map(({ choices }, at) => {
      const [x, width] = [center[at] as number, this.#kernels.widths[at] as number];
      if (choices > 0) return Number.isNaN(x) || random.uniform() < width ? random.below(choices) : x;
      return Number.isNaN(x) ? random.uniform() : cutNormal(x, width, random);
    });
  }

  /** Logarithm of the density, a uniform density being 0. NaN coordinates (inactive) are left out. */
  logDensity(point: SpacePoint): number {
    const { points, widths, priorWeight } = this.#kernels;
    const [isChoice, same, other] = [this.#isChoice, this.#same, this.#other];
    let largest = priorWeight > 0 ? Math.log(priorWeight / this.#total) : -Infinity;
    const prior = largest;
    for (let k = 0; k < points.length; k++) {
      const center = points[k] as SpacePoint;
      let [log, squares] = [this.#logFactors[k] as number, 0];
      for (let at = 0; at < isChoice.length; at++) {
        const [x, c] = [point[at] as number, center[at] as number];
        // Inactive in the candidate or in the observation.
        if (Number.isNaN(x) || Number.isNaN(c)) continue;
        if (isChoice[at]) log += (x === c ? same[at] : other[at]) as number;
        else squares += ((x - c) / (widths[at] as number)) ** 2;
      }
      const exponent = log - squares / 2;
      this.#exponents[k] = exponent;
      if (exponent > largest) largest = exponent;
    }
    let sum = Math.exp(prior - largest);
    for (let k = 0; k < points.length; k++) sum += Math.exp((this.#exponents[k] as number) - largest);
    return largest + Math.log(sum);
  }
}

/** A normal variate cut off at [0, 1], by rejection; after many rejections uniform. */
function cutNormal(mean: number, deviation: number, random: Random): number {
  for (let attempt = 0; attempt < 50; attempt++) {
    const x = mean + deviation * random.normal();
    if (x >= 0 && x <= 1) return x;
  }
  return random.uniform();
}
