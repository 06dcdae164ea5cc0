/** Runs our tuner on a benchmark function, on a simulated clock: one trial at a time, cost as the function says. */
import type { StudySpec } from '@edgetune/shared/domain/study.ts';
import { budgetLadderSchema, tunerSettingsSchema } from '@edgetune/shared/domain/study.ts';
import { createTuner } from '../../../coordinator/tuner/create-tuner.ts';
import { hypervolume } from '../../../coordinator/tuner/pareto.ts';
import type { Tuner } from '../../../coordinator/tuner/tuner.ts';
import type { BenchFunction, Values } from './functions.ts';

/** What was seen, at the full fidelity only: regret, or the share of the best hypervolume that is missing. */
export class Score {
  readonly #of: BenchFunction;
  readonly #front: number[][] = [];
  #least = Infinity;

  constructor(of: BenchFunction) {
    this.#of = of;
  }
  add(losses: number[], violation: number) {
    if (violation > 0) return;
    this.#least = Math.min(this.#least, losses[0] as number);
    this.#front.push(losses);
  }
  get value(): number {
    const { objectives, best, reference } = this.#of;
    if (objectives === 1) return this.#least - best;
    return 1 - hypervolume(this.#front, reference as number[]) / best;
  }
}

/** Epochs of the lowest and highest rung that stand for a function's fidelities. */
export function ladderOf(of: BenchFunction): StudySpec['budget'] {
  const maxEpochs = Math.round(1 / of.lowestFidelity);
  return budgetLadderSchema.parse({ minEpochs: 1, maxEpochs, minDataFraction: 1 });
}

const METRICS = ['loss', 'trainingTime', 'trainingEnergy'];

export function ourTuner(
  of: BenchFunction,
  seed: number,
  settings: Partial<StudySpec['tuner']>,
  maxTrials: number,
): Tuner {
  return createTuner({
    parameters: of.parameters,
    objectives: METRICS.slice(0, of.objectives).map((metric) => ({
      metric,
      direction: 'minimize',
      aggregate: 'worst',
    })),
    constraints: [],
    devices: [],
    ladder: ladderOf(of),
    settings: { ...tunerSettingsSchema.parse({}), seed, ...settings },
    maxTrials,
    synchronous: false,
  });
}

/** The score after a cost of `budget` full evaluations. */
export function runOurs(
  of: BenchFunction,
  seed: number,
  budget: number,
  settings: Partial<StudySpec['tuner']>,
): number {
  const tuner = ourTuner(of, seed, settings, 100_000);
  const score = new Score(of);
  const { maxEpochs } = ladderOf(of);
  const spentOn = new Map<number, number>();
  for (let spent = 0; spent < budget - 1e-9; ) {
    const ask = tuner.ask();
    if (!ask) break;
    const fidelity = ask.budget.epochs / maxEpochs;
    // A promoted trial resumes: it pays the difference.
    const cost = of.cost(fidelity);
    spent += cost - (spentOn.get(ask.trialId) ?? 0);
    spentOn.set(ask.trialId, cost);
    const { losses, violation } = of.evaluate(ask.candidate as Values, fidelity, seed * 1e6 + ask.ask);
    if (fidelity === 1) score.add(losses, violation);
    const metrics = Object.fromEntries(losses.map((value, i) => [METRICS[i] as string, value]));
    tuner.tell({
      trialId: ask.trialId,
      rung: ask.rung,
      status: 'ok',
      metrics,
      violation,
      cost: { seconds: cost, joules: 0 },
    });
  }
  return score.value;
}
