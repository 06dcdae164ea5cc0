/** Refuses what a workload would train as something else: whatever asked for it, no model goes by a false name. */
import { didYouMean } from '@edgetune/shared/domain/did-you-mean.ts';
import { impossibleValue } from '@edgetune/shared/domain/possible-values.ts';
import type { Candidate } from '@edgetune/shared/domain/search-space.ts';
import type { WorkloadInfo } from '@edgetune/shared/domain/study-parts.ts';

/** A candidate that its workload cannot train. */
export class CandidateError extends Error {
  override name = 'CandidateError';
}

/** @throws {CandidateError} naming every parameter that the workload has not, or of which it cannot do the value */
export function checkCandidate(
  { name: workload, possible }: Pick<WorkloadInfo, 'name' | 'possible'>,
  candidate: Candidate,
): void {
  const known = new Map(Object.values(possible).flatMap((level) => Object.entries(level)));
  const mistakes = Object.entries(candidate).flatMap(([name, value]) => {
    const values = known.get(name);
    if (!values) return [`it has no parameter "${name}"${didYouMean(name, known.keys())}`];
    const problem = impossibleValue(values, value);
    return problem === null ? [] : [`${name} ${problem}`];
  });
  if (mistakes.length > 0) throw new CandidateError(`${workload} cannot train this: ${mistakes.join('; ')}`);
}
