/** The budget ladder: what each rung may spend, over epochs, data fraction, or both together (multi-budget). */
import type { Budget } from '@edgetune/shared/domain/budget.ts';
import type { StudySpec } from '@edgetune/shared/domain/study.ts';

/**
 * Budgets from the lowest to the highest rung; the product epochs × data fraction grows by about η a rung. Both parts
 * grow from the lowest rung on, the data first: what more data would teach no number of epochs does, and from the rung
 * that sees all of it on a trial is as good as with epochs as the only budget. Epochs are whole, cumulative, and rise
 * at every rung, because a promoted trial resumes from its checkpoint: by one while the data grows, then geometrically;
 * where they may not grow (data fraction only), each rung trains `minEpochs` more on its larger share.
 */
export function budgetLadder(ladder: StudySpec['budget']): Budget[] {
  const { minEpochs, maxEpochs, minDataFraction, maxDataFraction } = ladder;
  const [epochGrowth, dataGrowth] = [maxEpochs / minEpochs, maxDataFraction / minDataFraction];
  const rungs = rungCount(ladder);
  const top = rungs - 1;
  // The rung from which on all data is seen.
  const whole = epochGrowth > 1 ? Math.min(top, dataRungs(ladder)) : top;
  const budgets: Budget[] = [];
  for (let rung = 0; rung < rungs; rung++) {
    const dataFraction = rung >= whole ? maxDataFraction : minDataFraction * dataGrowth ** (rung / whole);
    budgets.push({ epochs: epochsAt(rung), dataFraction });
  }
  return budgets;

  function epochsAt(rung: number): number {
    if (epochGrowth === 1) return minEpochs * (rung + 1);
    if (rung === top) return maxEpochs;
    const first = minEpochs + Math.min(rung, whole);
    const wanted = Math.round(first * (maxEpochs / first) ** (Math.max(0, rung - whole) / Math.max(1, top - whole)));
    const least = (budgets.at(-1)?.epochs ?? minEpochs - 1) + 1;
    // Leaves at least one epoch for each of the rungs above.
    return Math.min(maxEpochs - (top - rung), Math.max(least, wanted));
  }
}

function rungCount({ minEpochs, maxEpochs, minDataFraction, maxDataFraction, reductionFactor }: StudySpec['budget']) {
  const growth = (maxEpochs / minEpochs) * (maxDataFraction / minDataFraction);
  // The small number: log(243)/log(3) is 4.999…, and a rung must not be lost to it.
  const wanted = Math.floor(Math.log(growth) / Math.log(reductionFactor) + 1e-9) + 1;
  const epochsGrow = maxEpochs > minEpochs;
  return Math.max(growth > 1 ? 2 : 1, epochsGrow ? Math.min(wanted, maxEpochs - minEpochs + 1) : wanted);
}

/** Rungs by which the data has grown to its maximum; 0 where it does not grow. */
function dataRungs({ minDataFraction, maxDataFraction, reductionFactor }: StudySpec['budget']): number {
  const growth = maxDataFraction / minDataFraction;
  return growth > 1 ? Math.max(1, Math.round(Math.log(growth) / Math.log(reductionFactor))) : 0;
}
