/** What a person asked of a study that cannot be. */
import type { Problem } from '@edgetune/shared/protocol/http.ts';

/** A study that cannot be started as it is written. */
export class StudyInputError extends Error {
  override name = 'StudyInputError';
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(
      [
        problem.error,
        ...(problem.issues ?? []).map(
          (issue) => `  ${issue.line === null ? '' : `line ${issue.line}: `}${issue.path}: ${issue.message}`,
        ),
      ].join('\n'),
    );
    this.problem = problem;
  }
}

/** A request that does not fit the study's state, such as resuming one that runs. */
export class StudyStateError extends Error {
  override name = 'StudyStateError';
}
