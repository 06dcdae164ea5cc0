/** The budget ladder: what each rung may spend, over epochs, data fraction, or both together (multi-budget). */
import type { Budget } from '@edgetune/shared/domain/budget.ts';
import type { StudySpec } from '@edgetune/shared/domain/study.ts';

/**
 * Budgets from the lowest to the highest rung. The product epochs × data fraction grows by about η a rung, and both
 * parts grow together, geometrically. Epochs are whole, cumulative, and rise at every rung, because a promoted trial
 * resumes from its checkpoint: where the epochs may not grow (data fraction only), each rung trains `minEpochs` more
 * on its larger share.
 */
export function budgetLadder(ladder: StudySpec['budget']): Budget[] {
  const { minEpochs, maxEpochs, minDataFraction, maxDataFraction, reductionFactor } = ladder;
  const growth = (maxEpochs / minEpochs) * (maxDataFraction / minDataFraction);
  // The small number: log(243)/log(3) is 4.999…, and a rung must not be lost to it.
  const wanted = Math.floor(Math.log(growth) / Math.log(reductionFactor) + 1e-9) + 1;
  const epochsGrow = maxEpochs > minEpochs;
  const rungs = Math.max(growth > 1 ? 2 : 1, epochsGrow ? Math.min(wanted, maxEpochs - minEpochs + 1) : wanted);
  const budgets: Budget[] = [];
  for (let rung = 0; rung < rungs; rung++) {
    const share = rungs === 1 ? 1 : rung / (rungs - 1);
    const least = (budgets.at(-1)?.epochs ?? minEpochs - 1) + 1;
    // Leaves at least one epoch for each of the rungs above.
    const most = maxEpochs - (rungs - 1 - rung);
    const epochs = Math.round(minEpochs * (maxEpochs / minEpochs) ** share);
    budgets.push({
      epochs: epochsGrow ? Math.min(most, Math.max(least, epochs)) : minEpochs * (rung + 1),
      dataFraction:
        rung === rungs - 1 ? maxDataFraction : minDataFraction * (maxDataFraction / minDataFraction) ** share,
    });
  }
  return budgets;
}
