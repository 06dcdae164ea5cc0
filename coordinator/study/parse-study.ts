/** A study from YAML: every mistake at once, each with its line and what is allowed. */

import { inOrder, readYaml } from '@edgetune/shared/domain/read-yaml.ts';
import type { Asked, DatasetSpec } from '@edgetune/shared/domain/study.ts';
import type { Problem } from '@edgetune/shared/protocol/http.ts';
import type { CheckedStudySpec } from './context/study-context.ts';
import { readStudy } from './readable-study.ts';
import { StudyInputError } from './state/study-errors.ts';
import { askedOf, type PlacedMistake, type StudyChecks, studyMistakes } from './study-mistakes.ts';

type Issue = NonNullable<Problem['issues']>[number];

/** What was read of a study. */
export interface ExaminedStudy {
  /** Every mistake with its line and column, in their order in the text. */
  mistakes: Issue[];
  /** Null where there is a mistake. */
  spec: CheckedStudySpec | null;
  /** What of it can be looked at even so: null where it cannot be read. */
  data: { workload: string; dataset: DatasetSpec; asked: Asked } | null;
  /** Another mistake at this place. */
  locate(mistake: PlacedMistake): Issue;
}

/** Reads and checks a study; where it names no search space, the workload's is filled in. */
export function examineStudy(yaml: string, checks: StudyChecks): ExaminedStudy {
  const { values, mistakes: unread, locate } = readYaml(yaml);
  if (values === undefined) return { mistakes: unread, spec: null, data: null, locate };

  const { mistakes, spec, broken: brokenKeys, placeOf } = readStudy(checks.parts, values);
  const format: unknown = Object((Object(values) as { dataset?: unknown }).dataset).format;
  const beyond = studyMistakes(spec, brokenKeys, typeof format === 'string' ? format : undefined, checks);
  const all = [
    ...unread,
    ...mistakes.map(locate),
    ...beyond.map(({ path, message }) => locate({ path: placeOf(path), message })),
  ];
  const { workload, dataset } = spec;
  const space = spec.space ?? checks.parts.workloads.find(({ name }) => name === workload)?.defaultSpace;
  const isUsable = !brokenKeys.has('workload') && !brokenKeys.has('dataset') && !beyond.some(isOfFormat);
  return {
    mistakes: inOrder(all),
    // Without a mistake nothing is missing.
    spec: all.length === 0 ? ({ ...spec, space } as CheckedStudySpec) : null,
    data:
      isUsable && workload !== undefined && dataset !== undefined ? { workload, dataset, asked: askedOf(spec) } : null,
    locate: ({ path, message }) => locate({ path: placeOf(path), message }),
  };
}

/** @throws {StudyInputError} with every mistake, its line and column */
export function parseStudy(yaml: string, checks: StudyChecks): CheckedStudySpec {
  const { mistakes, spec } = examineStudy(yaml, checks);
  if (spec === null) throw inputError(mistakes);
  return spec;
}

const isOfFormat = ({ path }: PlacedMistake) => path[0] === 'dataset';

/** All of these at once. */
export function inputError(issues: Issue[]): StudyInputError {
  const count = issues.length === 1 ? 'a mistake' : `${issues.length} mistakes`;
  return new StudyInputError({
    error: `the study has ${count}`,
    hint: 'mend the lines named and run it again',
    issues,
  });
}
