/** Models that are never recommended: of weights that are no numbers, or that have not learned anything. */

export class UnfitError extends Error {
  override name = 'UnfitError';
}

/** A study of which nothing can be recommended, because no model of it has learned anything. */
export class NothingLearnedError extends Error {
  override name = 'NothingLearnedError';
  /** @param others how many more were no better when the search left them */
  constructor(unfit: readonly UnfitError[], others: number) {
    const rest = others > 0 ? [`${others} more were no better when the search left them`] : [];
    super(
      `no model is recommended, because none has shown that it has learned anything: ${[...unfit.map(({ message }) => message), ...rest].join('; ')}. Look at the labels of the data set, train for longer or on more data, or widen the search space; then start a new study`,
    );
  }
}

/** What training and export say of weights that are no numbers, also across processes. */
const NOT_FINITE = new Set(['DivergedError', 'NotFiniteError']);

/** @throws {UnfitError} where the weights of the trial are no numbers */
export async function unlessNotFinite<T>(trialId: number, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { name, message } = error as Error;
    throw NOT_FINITE.has(name) ? new UnfitError(`trial ${trialId}: ${message}`) : error;
  }
}
