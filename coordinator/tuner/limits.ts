/**
 * How large a problem may be at most: what is larger would be searched, but each decision would take so long that its
 * asker gives up. Only new problems are held to it: what was begun goes on.
 */
import { objectiveTerms } from '@edgetune/shared/domain/objective-terms.ts';
import type { Parameter } from '@edgetune/shared/domain/search-space.ts';
import { isTooFine } from './doubles.ts';
import type { TunerProblem } from './tuner.ts';
import type { SpaceIssue } from './validate-space.ts';

/** A longer list is a range: an int or a float. */
const MOST_VALUES = 1000;
const MOST_PARAMETERS = 100;
const MOST_OBJECTIVES = 32;
const MOST_LISTED = 1000;

/** Lists what is too much of a space, with the limit. */
export function spaceLimitIssues(parameters: readonly Parameter[]): SpaceIssue[] {
  const issues = atMost([], parameters.length, MOST_PARAMETERS, 'parameters');
  for (const parameter of parameters) {
    const path = [parameter.level, parameter.name];
    if (parameter.type === 'categorical')
      issues.push(...atMost([...path, 'choices'], parameter.choices.length, MOST_VALUES, 'choices'));
    if (parameter.type === 'ordinal')
      issues.push(...atMost([...path, 'values'], parameter.values.length, MOST_VALUES, 'values'));
    if (parameter.type !== 'float' || parameter.step === undefined) continue;
    const { step, min, max } = parameter;
    const message = `${step} is lost among the digits of numbers from ${min} to ${max}: leave it out`;
    if (isTooFine(step, min, max)) issues.push({ path: [...path, 'step'], message });
  }
  return issues;
}

/** Lists what is too much of all but the space. Paths as in a specification. */
export function limitIssues({
  objectives,
  devices,
  constraints,
  settings: { initialCandidates },
  stop,
}: TunerProblem): SpaceIssue[] {
  const terms = objectiveTerms(objectives, devices).length;
  return [
    ...atMost(['objectives'], terms, MOST_OBJECTIVES, 'values to optimise ("each" counts for every device)'),
    ...atMost(['constraints'], constraints.length, MOST_LISTED, 'constraints'),
    ...atMost(['stop', 'target'], stop?.target?.length ?? 0, MOST_LISTED, 'limits'),
    ...atMost(['devices'], devices.length, MOST_LISTED, 'devices'),
    ...atMost(['tuner', 'initialCandidates'], initialCandidates.length, MOST_LISTED, 'candidates'),
  ];
}

function atMost(path: string[], count: number, most: number, what: string): SpaceIssue[] {
  return count > most ? [{ path, message: `${count} ${what} are too many: ${most} at most` }] : [];
}
