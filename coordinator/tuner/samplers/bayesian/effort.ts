/** How many points the search of a decision is refined from. */
export const LEADERS = 3;

export interface Effort {
  /** Observations in the model at most. */
  modelled: number;
  /** Points compared over the whole space and around good points. */
  spread: number;
  /** Steps that each of the best of them is moved by. */
  refinements: number;
}

/**
 * How much is computed for a decision: enough for its dimensions, and not so much that a program that asks without
 * pause would wait for it.
 */
export function effortFor(dimensions: number, observations: number): Effort {
  // With more observations searches get shorter: each decision counts for less and costs more.
  const share = Math.max(0.35, Math.min(1, (40 + 10 * dimensions) / observations));
  const searched = share * Math.min(150, 80 + 4 * dimensions);
  return {
    modelled: Math.min(120, 60 + 4 * dimensions),
    spread: Math.ceil(searched),
    refinements: Math.ceil(searched / LEADERS),
  };
}
