/** The standard normal distribution, to a few units of the last place also far out in its tails. */
import { erf, erfcx, expOfSquare } from './error-function.ts';
import { rational } from './polynomial.ts';

export const ROOT_TWO_PI = 2.5066282746310002;
export const LOG_ROOT_TWO_PI = 0.9189385332046728;

/** Density φ(z). */
export function normalDensity(z: number): number {
  return expOfSquare(z, -0.5) / ROOT_TWO_PI;
}

/** Distribution function Φ(z): the probability of at most z. */
export function normalCdf(z: number): number {
  if (z < -0.66) return (erfcx(-z * Math.SQRT1_2) * expOfSquare(z, -0.5)) / 2;
  if (z > 0.66) return 1 - normalCdf(-z);
  return (1 + erf(z * Math.SQRT1_2)) / 2;
}

/** Logarithm of the distribution function, log Φ(z): about −z²/2 where Φ itself is too small for a number. */
export function logNormalCdf(z: number): number {
  if (z < -0.66) return Math.log(erfcx(-z * Math.SQRT1_2) / 2) - (z * z) / 2;
  return Math.log1p(-normalCdf(-z));
}

/** Coefficients of Wichura's PPND16, as doubles: around the median, in the tails, and beyond a probability of exp(−25). */
const CENTRE = {
  numerator: [
    2509.0809287301227, 33430.57558358813, 67265.7709270087, 45921.95393154987, 13731.69376550946, 1971.5909503065513,
    133.14166789178438, 3.3871328727963665,
  ],
  denominator: [
    5226.495278852854, 28729.085735721943, 39307.89580009271, 21213.794301586597, 5394.196021424751, 687.1870074920579,
    42.31333070160091, 1,
  ],
};
const TAIL = {
  numerator: [
    0.0007745450142783414, 0.022723844989269184, 0.2417807251774506, 1.2704582524523684, 3.6478483247632045,
    5.769497221460691, 4.630337846156546, 1.4234371107496835,
  ],
  denominator: [
    1.0507500716444169e-9, 0.0005475938084995345, 0.015198666563616457, 0.14810397642748008, 0.6897673349851,
    1.6763848301838038, 2.053191626637759, 1,
  ],
};
const FAR_TAIL = {
  numerator: [
    2.0103343992922881e-7, 2.7115555687434876e-5, 0.0012426609473880784, 0.026532189526576124, 0.29656057182850487,
    1.7848265399172913, 5.463784911164114, 6.657904643501103,
  ],
  denominator: [
    2.0442631033899397e-15, 1.421511758316446e-7, 1.8463183175100548e-5, 0.0007868691311456133, 0.014875361290850615,
    0.1369298809227358, 0.599832206555888, 1,
  ],
};

/**
 * The value that is not exceeded with this probability (M. J. Wichura, "Algorithm AS 241: The percentage points of the
 * normal distribution", Applied Statistics 37, 1988): −∞ at 0, ∞ at 1.
 * @throws {RangeError} where the probability is none
 */
export function normalQuantile(probability: number): number {
  if (!(probability >= 0 && probability <= 1)) throw new RangeError(`${probability} is not a probability`);
  const offset = probability - 0.5;
  if (Math.abs(offset) <= 0.425) return offset * rational(CENTRE.numerator, CENTRE.denominator, 0.180625 - offset ** 2);
  const depth = Math.sqrt(-Math.log(Math.min(probability, 1 - probability)));
  if (depth === Infinity) return offset * Infinity;
  const distance =
    depth <= 5
      ? rational(TAIL.numerator, TAIL.denominator, depth - 1.6)
      : rational(FAR_TAIL.numerator, FAR_TAIL.denominator, depth - 5);
  return offset < 0 ? -distance : distance;
}
