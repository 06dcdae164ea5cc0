/** Checks of a whole problem before a tuner is made of it. Every mistake is listed. */
import { type Constraint, computedOnly, metricInfo, type Objective } from '@edgetune/shared/domain/objective.ts';
import { type Part, partNamed, unknownPart } from '@edgetune/shared/domain/part.ts';
import { preferIssues } from '@edgetune/shared/domain/prefer.ts';
import { type SearchSpace, searchSpaceSchema } from '@edgetune/shared/domain/search-space.ts';
import type { TunerProblem } from './tuner.ts';
import { candidateIssues, doubled, type SpaceIssue, validateSpace } from './validate-space.ts';

export class TunerProblemError extends RangeError {
  readonly issues: readonly SpaceIssue[];

  constructor(issues: readonly SpaceIssue[]) {
    super(`this cannot be tuned:\n${issues.map(({ path, message }) => `  ${path.join('.')}: ${message}`).join('\n')}`);
    this.name = 'TunerProblemError';
    this.issues = issues;
  }
}

/** What a problem may name. */
export interface NamedParts {
  readonly samplers: readonly Part[];
  readonly schedulers: readonly Part[];
}

/** Lists what is wrong with a problem; an empty list means that a tuner can be made of it. */
export function validateProblem(problem: TunerProblem, { samplers, schedulers }: NamedParts): SpaceIssue[] {
  const issues = validateSpace(spaceOf(problem));
  const add = (path: (string | number)[], message: string) => issues.push({ path: path.map(String), message });
  for (const { name, level } of problem.parameters)
    if (level === 'inference') add(['inference', name], 'belongs to the inference search, not to the tuner');
  for (const name of doubled(problem.parameters.map(({ name }) => name))) add(['parameters', name], 'is there twice');
  if (problem.objectives.length === 0) add(['objectives'], 'name at least one objective');
  for (const [index, objective] of problem.objectives.entries())
    for (const message of termIssues(problem, objective)) add(['objectives', index], message);
  if (problem.prefer)
    for (const { path, message } of preferIssues(problem.prefer, problem.objectives, problem.devices))
      add(['prefer', ...path], message);
  for (const [index, constraint] of problem.constraints.entries()) {
    for (const message of termIssues(problem, constraint)) add(['constraints', index], message);
    const refusal = computedOnly(constraint.metric);
    if (refusal !== undefined) add(['constraints', index], refusal);
    if (!Number.isFinite(constraint.limit))
      add(['constraints', index], `the limit must be finite, not ${constraint.limit}`);
  }
  const { minEpochs, maxEpochs, minDataFraction, maxDataFraction } = problem.ladder;
  if (minEpochs > maxEpochs) add(['ladder', 'minEpochs'], `must be at most maxEpochs (${maxEpochs}), not ${minEpochs}`);
  if (minDataFraction > maxDataFraction)
    add(['ladder', 'minDataFraction'], `must be at most maxDataFraction (${maxDataFraction}), not ${minDataFraction}`);
  if (!(problem.maxTrials >= 1)) add(['maxTrials'], `must be at least 1, not ${problem.maxTrials}`);
  const { sampler, scheduler } = problem.settings;
  if (!partNamed(samplers, sampler)) add(['settings', 'sampler'], unknownPart('sampler', sampler, samplers));
  if (!partNamed(schedulers, scheduler))
    add(['settings', 'scheduler'], unknownPart('scheduler', scheduler, schedulers));
  for (const [index, candidate] of problem.settings.initialCandidates.entries())
    for (const message of candidateIssues(problem.parameters, candidate))
      add(['settings', 'initialCandidates', index], message);
  for (const [index, { candidate }] of (problem.earlier ?? []).entries())
    for (const message of candidateIssues(problem.parameters, candidate)) add(['earlier', index], message);
  return issues;
}

function spaceOf({ parameters }: TunerProblem): SearchSpace {
  const space: SearchSpace = { model: {}, training: {}, system: {}, inference: {} };
  for (const { name, level, ...domain } of parameters) space[level][name] = domain;
  // The schema's own limits hold for problems that were not read from a file, too.
  return searchSpaceSchema.safeParse(space).data ?? space;
}

function termIssues({ devices }: TunerProblem, { metric, device }: Objective | Constraint): string[] {
  const info = metricInfo(metric);
  if (info.of === 'trial') return device === undefined ? [] : [`${metric} belongs to the trial, not to a device`];
  if (devices.length === 0) return [`${metric} is a device's metric, and no device is named`];
  if (device !== undefined && !devices.includes(device))
    return [`device "${device}" is not one of ${devices.join(', ')}`];
  return [];
}
