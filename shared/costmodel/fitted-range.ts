/** What a fitted profile knows of the networks that it was fitted to: for these it is surer, and for others less sure. */
import type { InferenceConfig } from '@edgetune/shared/domain/inference-config.ts';
import type { RunnableModel } from '@edgetune/shared/onnx/analyse.ts';
import { z } from 'zod';
import { familyOf, isSameFamily } from './network-family.ts';
import { TERMS, type Term } from './terms.ts';

const deviation = z.number().min(0);

export const fittedRangeSchema = z.strictObject({
  /** In microseconds, like the backend's, for networks of these families; the backend's own are for all others. */
  coefficients: z.partialRecord(z.enum(TERMS), z.number().min(0)),
  /** Kinds of kernels of each family, and the logarithm of measured over computed that all its networks share. */
  families: z.array(z.strictObject({ kernels: z.array(z.string()), logRatio: z.number() })).min(1),
  /** Elements of the whole batch's inputs, ascending; the logarithm as above. */
  sizes: z.array(z.strictObject({ inputElements: z.number().positive(), logRatio: z.number() })).min(1),
  threads: z.array(z.int().positive()).min(1),
  /** Standard deviations of the logarithm of measured over predicted. */
  spread: z
    .strictObject({
      /** Of one measurement from the next; what another size adds; what another family adds; what another number of threads adds. */
      row: deviation,
      size: deviation,
      family: deviation,
      threads: deviation,
      /** A 95 % interval is so many deviations to each side: Student's t by the groups that were left out, and their errors. */
      quantile: z.number().positive(),
      /** Covariance of the coefficients' logarithms: the lower half, row by row, in the order of `terms`. */
      terms: z.array(z.enum(TERMS)),
      covariance: z.array(z.number()),
    })
    .refine(
      ({ terms, covariance }) => covariance.length === (terms.length * (terms.length + 1)) / 2,
      'covariance holds the lower half of a matrix of all terms, row by row',
    ),
});
export type FittedRange = z.infer<typeof fittedRangeSchema>;

/** A network of no fitted size deviates by so much more for each e-fold of its inputs beyond the nearest one. */
const DRIFT = 0.12;
/** Sizes closer than this are one (logarithm). */
const SAME_SIZE = 0.05;
/** However well rows agree: a fitted network's latency is not the sum of its kernels' to within less. */
const MODEL_SD = 0.04;

/** A network without inputs, or with empty ones, counts as one of a single number. */
export function elementsOf({ inputElements }: RunnableModel): number {
  return Math.max(1, inputElements);
}

/** What all kernels cost more than the coefficients say at such a size: between two fitted sizes in proportion, beyond them as there. */
export function sizeLogRatio(sizes: FittedRange['sizes'], inputElements: number): number {
  const above = sizes.findIndex((size) => size.inputElements >= inputElements);
  const [low, high] = [sizes[above - 1], sizes[above]];
  if (!high) return sizes.at(-1)?.logRatio ?? 0;
  if (!low) return high.logRatio;
  const share = Math.log(inputElements / low.inputElements) / Math.log(high.inputElements / low.inputElements);
  return low.logRatio + share * (high.logRatio - low.logRatio);
}

/** The coefficients for a network of a family that was fitted, else null. */
export function knownCoefficients(range: FittedRange, analysis: RunnableModel): FittedRange['coefficients'] | null {
  const kernels = familyOf(analysis);
  const family = range.families.find((each) => isSameFamily(each.kernels, kernels));
  if (!family) return null;
  const factor = Math.exp(family.logRatio + sizeLogRatio(range.sizes, elementsOf(analysis)));
  return Object.fromEntries(
    (Object.entries(range.coefficients) as [Term, number][]).map(([term, us]) => [term, us * factor]),
  );
}

/** Variance that the uncertain coefficients give the latency's logarithm. `us`: what each term takes of it. */
function coefficientVariance({ terms, covariance }: FittedRange['spread'], us: Readonly<Record<Term, number>>): number {
  const total = Object.values(us).reduce((sum, value) => sum + value, 0);
  if (!(total > 0)) return 0;
  let variance = 0;
  let at = 0;
  for (const [row, term] of terms.entries())
    for (let column = 0; column <= row; column += 1, at += 1) {
      const product = (us[term] * us[terms[column] as Term]) / total ** 2;
      variance += (column < row ? 2 : 1) * product * (covariance[at] ?? 0);
    }
  return Math.max(0, variance);
}

/** Standard deviation of the logarithm of measured over predicted, for a network that takes `us` in each term. */
export function logDeviation(
  range: FittedRange,
  analysis: RunnableModel,
  config: InferenceConfig,
  us: Readonly<Record<Term, number>>,
): number {
  const { spread, sizes, families, threads } = range;
  let variance = coefficientVariance(spread, us) + spread.row ** 2 + MODEL_SD ** 2;
  const distance = Math.min(
    ...sizes.map(({ inputElements }) => Math.abs(Math.log(elementsOf(analysis) / inputElements))),
  );
  if (distance > SAME_SIZE) variance += (DRIFT * distance) ** 2 + spread.size ** 2 * (1 + 1 / sizes.length);
  const kernels = familyOf(analysis);
  if (!families.some((family) => isSameFamily(family.kernels, kernels)))
    variance += spread.family ** 2 * (1 + 1 / families.length);
  if (!threads.includes(config.threads)) variance += spread.threads ** 2;
  return Math.sqrt(variance);
}
