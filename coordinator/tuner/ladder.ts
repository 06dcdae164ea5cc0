/** The budget ladder: what each rung may spend, over epochs, data fraction, or both together (multi-budget). */
import type { Budget } from '@edgetune/shared/domain/budget.ts';
import type { StudySpec } from '@edgetune/shared/domain/study.ts';

/**
 * Budgets from the lowest to the highest rung; the product epochs × data fraction grows by about η a rung. Both parts
 * grow from the lowest rung on, the data first: what more data would teach no number of epochs does, and from the rung
 * that sees all of it on a trial is as good as with epochs as the only budget. Epochs are whole, cumulative, and rise
 * at every rung, because a promoted trial resumes from its checkpoint: by one while the data grows, then geometrically;
 * where they may not grow (data fraction only), each rung trains `minEpochs` more on its larger share.
 * From each of `throughEpochs` on epochs grow geometrically to the next.
 */
export function budgetLadder({ throughEpochs = [], ...ladder }: StudySpec['budget']): Budget[] {
  const budgets: Budget[] = [];
  // Rungs above are added, so that those of before stand where they stood, whatever a study is extended to.
  for (const maxEpochs of [...throughEpochs, ladder.maxEpochs]) {
    const top = budgets.at(-1);
    if (!top) budgets.push(...straightLadder({ ...ladder, maxEpochs }));
    else if (maxEpochs > top.epochs)
      budgets.push(
        ...straightLadder({
          ...ladder,
          ...{ minEpochs: top.epochs, maxEpochs },
          minDataFraction: ladder.maxDataFraction,
        }).slice(1),
      );
  }
  return budgets;
}

/** From `minEpochs` to `maxEpochs` at one go. */
function straightLadder(ladder: Omit<StudySpec['budget'], 'throughEpochs'>): Budget[] {
  const { minEpochs, maxEpochs, minDataFraction, maxDataFraction, reductionFactor } = ladder;
  const epochsGrow = maxEpochs > minEpochs;
  const dataGrowth = maxDataFraction / minDataFraction;
  const growth = (maxEpochs / minEpochs) * dataGrowth;
  const factorsOf = (of: number) => Math.log(of) / Math.log(reductionFactor);
  // The small number: log(243)/log(3) is 4.999…, and a rung must not be lost to it.
  const wanted = Math.floor(factorsOf(growth) + 1e-9) + 1;
  const top = Math.max(growth > 1 ? 1 : 0, epochsGrow ? Math.min(wanted - 1, maxEpochs - minEpochs) : wanted - 1);
  // The rung from which on all data is seen.
  const dataRungs = dataGrowth > 1 ? Math.max(1, Math.round(factorsOf(dataGrowth))) : 0;
  const whole = epochsGrow ? Math.min(top, dataRungs) : top;
  const budgets: Budget[] = [];
  for (let rung = 0; rung <= top; rung++) {
    const first = minEpochs + Math.min(rung, whole);
    const share = rung === top ? 1 : Math.max(0, (rung - whole) / (top - whole));
    const least = (budgets.at(-1)?.epochs ?? minEpochs - 1) + 1;
    // Leaves at least one epoch for each of the rungs above.
    const most = maxEpochs - (top - rung);
    const epochs = Math.round(first * (maxEpochs / first) ** share);
    budgets.push({
      epochs: epochsGrow ? Math.min(most, Math.max(least, epochs)) : minEpochs * (rung + 1),
      dataFraction: rung >= whole ? maxDataFraction : minDataFraction * dataGrowth ** (rung / whole),
    });
  }
  return budgets;
}
