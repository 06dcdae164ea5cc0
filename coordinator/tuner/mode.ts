/**
 * The modes to compare with, as changes of the problem: the same code runs all of them. What a mode leaves out
 * (inference, for `accuracy-only` and `hierarchical`) the study does once at the end: see `inferenceTimingOf`.
 */
import type { Budget } from '@edgetune/shared/domain/budget.ts';
import { METRICS, type Objective, qualityObjective } from '@edgetune/shared/domain/objective.ts';
import type { Parameter, ParameterValue } from '@edgetune/shared/domain/search-space.ts';
import type { StudySpec } from '@edgetune/shared/domain/study.ts';
import { budgetLadder } from './ladder.ts';
import type { TunerProblem } from './tuner.ts';

export interface Plan {
  problem: TunerProblem;
  budgets: Budget[];
  /** What a second phase tunes; empty where there is none. */
  systemParameters: Parameter[];
}

/**
 * When a study of this mode asks the devices about an architecture: beside its training, never before the end, or
 * only to learn a predictive model, by which it then refuses architectures before their training.
 */
export type InferenceTiming = 'while-training' | 'at-the-end' | 'predicted-before-training';

export function inferenceTimingOf(mode: StudySpec['tuner']['mode']): InferenceTiming {
  if (mode === 'accuracy-only' || mode === 'hierarchical') return 'at-the-end';
  return mode === 'hyperpower' ? 'predicted-before-training' : 'while-training';
}

/** What the search of this mode optimises of a study's objectives: those on inference are left out where it waits. */
export function searchedObjectives(mode: StudySpec['tuner']['mode'], objectives: readonly Objective[]): Objective[] {
  return inferenceTimingOf(mode) === 'while-training' ? [...objectives] : [qualityObjective(objectives)];
}

/**
 * Whether the search of a study asks for anything that only devices can answer. Where it does not (a target of accuracy,
 * no constraint on a device), what they would say of a candidate that goes no further is of no use.
 */
export function searchReadsDevices({
  tuner: { mode },
  objectives,
  constraints,
  stop: { target },
}: Pick<StudySpec, 'tuner' | 'objectives' | 'constraints' | 'stop'>): boolean {
  // What `onefold` optimises while there is a target is the distance from it.
  const wanted = mode === 'onefold' && target.length > 0 ? [] : searchedObjectives(mode, objectives);
  return [...wanted, ...target, ...constraints].some(({ metric }) => METRICS[metric]?.of === 'device');
}

export function planOf(problem: TunerProblem): Plan {
  const { settings, ladder } = problem;
  const epochsOnly = { ...ladder, minDataFraction: ladder.maxDataFraction };
  // What is preferred is said of objectives that such a search does not have; the study's end follows it.
  const quality = { ...problem, objectives: searchedObjectives(settings.mode, problem.objectives), prefer: undefined };
  switch (settings.mode) {
    case 'onefold':
      return { problem, budgets: budgetLadder(ladder), systemParameters: [] };
    // Ray Tune's baseline: BOHB and Hyperband on the validation accuracy, one kind of budget.
    case 'accuracy-only': {
      const sampler = settings.sampler === 'auto' ? 'bohb' : settings.sampler;
      const scheduler = settings.scheduler === 'auto' ? 'hyperband' : settings.scheduler;
      const changed = { ...quality, constraints: [], settings: { ...settings, sampler, scheduler } };
      return { problem: changed, budgets: budgetLadder(epochsOnly), systemParameters: [] };
    }
    // Phase one: model and training parameters for accuracy; system parameters stay as they are until phase two.
    case 'hierarchical':
      return {
        problem: { ...quality, constraints: [], parameters: problem.parameters.map(frozenIfSystem) },
        budgets: budgetLadder(ladder),
        systemParameters: problem.parameters.filter(({ level }) => level === 'system'),
      };
    // Accuracy under constraints that are predicted before the training (the feasibility given to `ask`).
    case 'hyperpower':
      return { problem: quality, budgets: budgetLadder(epochsOnly), systemParameters: [] };
    // One epoch for all, the whole budget for the best.
    case 'top-k-after-one-epoch': {
      const full = { epochs: ladder.maxEpochs, dataFraction: ladder.maxDataFraction };
      return { problem, budgets: ladder.maxEpochs > 1 ? [{ ...full, epochs: 1 }, full] : [full], systemParameters: [] };
    }
  }
}

/** A system parameter as a constant: its initial value, else its first. */
function frozenIfSystem(parameter: Parameter): Parameter {
  if (parameter.level !== 'system' || parameter.type === 'constant') return parameter;
  const { name, level, when } = parameter;
  return {
    name,
    level,
    type: 'constant',
    value: parameter.initial ?? firstValue(parameter),
    ...(when ? { when } : {}),
  };
}

function firstValue(parameter: Exclude<Parameter, { type: 'constant' }>): ParameterValue {
  switch (parameter.type) {
    case 'boolean':
      return false;
    case 'categorical':
      return parameter.choices[0] as ParameterValue;
    case 'ordinal':
      return parameter.values[0] as ParameterValue;
    default:
      return parameter.min;
  }
}
