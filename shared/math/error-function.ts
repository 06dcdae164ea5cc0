/**
 * The error function and its complement without the exponential, by the rational approximations of W. J. Cody, "Rational
 * Chebyshev approximations for the error function", Mathematics of Computation 23 (1969), with the coefficients of his
 * CALERF, as doubles (SPECFUN, Algorithm 715, ACM TOMS 19, 1993). Relative error: a few units of the last place.
 */
import { rational } from './polynomial.ts';

/** Up to here erf is approximated as it is, from here on erfcx. */
const SMALL = 0.46875;
const ERF = {
  numerator: [0.18577770618460315, 3.1611237438705655, 113.86415415105016, 377.485237685302, 3209.3775891384694],
  denominator: [1, 23.601290952344122, 244.02463793444417, 1282.6165260773723, 2844.236833439171],
};
/** erfcx up to 4. */
const MIDDLE = {
  numerator: [
    2.1531153547440383e-8, 0.5641884969886701, 8.883149794388377, 66.11919063714163, 298.6351381974001,
    881.952221241769, 1712.0476126340707, 2051.0783778260716, 1230.3393547979972,
  ],
  denominator: [
    1, 15.744926110709835, 117.6939508913125, 537.1811018620099, 1621.3895745666903, 3290.7992357334597,
    4362.619090143247, 3439.3676741437216, 1230.3393548037495,
  ],
};
/** What x · erfcx(x) is less than 1/√π from 4 on, times x², by 1/x². */
const FAR = {
  numerator: [
    0.016315387137302097, 0.30532663496123236, 0.36034489994980445, 0.12578172611122926, 0.016083785148742275,
    0.0006587491615298378,
  ],
  denominator: [
    1, 2.568520192289822, 1.8729528499234604, 0.5279051029514285, 0.06051834131244132, 0.0023352049762686918,
  ],
};
const ONE_BY_ROOT_PI = 0.5641895835477563;

/** The error function, 2/√π ∫₀ˣ exp(−t²) dt. */
export function erf(x: number): number {
  if (Math.abs(x) <= SMALL) return x * rational(ERF.numerator, ERF.denominator, x * x);
  const rest = 1 - erfcx(Math.abs(x)) * expOfSquare(x, -1);
  return x < 0 ? -rest : rest;
}

/** The scaled complementary error function, exp(x²) · (1 − erf(x)): neither 0 nor cancelled for large x; ∞ below −26.7. */
export function erfcx(x: number): number {
  if (Math.abs(x) <= SMALL) return expOfSquare(x, 1) * (1 - erf(x));
  if (x < 0) return 2 * expOfSquare(x, 1) - erfcx(-x);
  if (x <= 4) return rational(MIDDLE.numerator, MIDDLE.denominator, x);
  const inverse = 1 / (x * x);
  return (ONE_BY_ROOT_PI - inverse * rational(FAR.numerator, FAR.denominator, inverse)) / x;
}

/** exp(factor · x²) for a factor of about 1: x² is split, lest its rounding error be multiplied by the exponent. */
export function expOfSquare(x: number, factor: number): number {
  if (Math.abs(x) > 64) return Math.exp(factor * x * x);
  const head = Math.trunc(x * 16) / 16;
  return Math.exp(factor * head * head) * Math.exp(factor * (x - head) * (x + head));
}
