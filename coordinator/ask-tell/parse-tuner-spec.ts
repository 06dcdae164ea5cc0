/** The specification of a tuner from YAML or JSON: every mistake at once, each with its line and what is allowed. */
import { mistakeText, readYaml } from '@edgetune/shared/domain/read-yaml.ts';
import { mistakesIn } from '@edgetune/shared/domain/schema-mistakes.ts';
import type { Problem } from '@edgetune/shared/protocol/http.ts';
import { type TunerSpec, tunerSpecSchema, tunerSpecSchemaFor } from '@edgetune/shared/protocol/tuner-lines.ts';
import { limitIssues, spaceLimitIssues } from '../tuner/limits.ts';
import { problemOf } from '../tuner/problem-of.ts';
import { type NamedParts, validateProblem } from '../tuner/validate-problem.ts';

type Issue = NonNullable<Problem['issues']>[number];

/** Lists every mistake, with its line. */
export class TunerSpecError extends Error {
  override name = 'TunerSpecError';
  readonly issues: readonly Issue[];
  /** Where the issues are told beside it. */
  readonly summary: string;
  constructor(issues: readonly Issue[], what = 'cannot be tuned', summary?: string) {
    super(`this specification ${what}:\n${issues.map((issue) => `  ${mistakeText(issue)}`).join('\n')}`);
    this.issues = issues;
    this.summary = summary ?? this.message;
  }
}

/**
 * @param parts what it may name
 * @throws {TunerSpecError}
 */
export function parseTunerSpec(text: string, parts: NamedParts): TunerSpec {
  const { values, mistakes: unread, locate } = readYaml(text);
  if (unread.length > 0) throw new TunerSpecError(unread, 'cannot be read', 'the text cannot be read');
  const parsed = tunerSpecSchemaFor(parts).safeParse(values);
  if (!parsed.success)
    throw new TunerSpecError(mistakesIn(parsed.error).map(locate), undefined, 'the request has mistakes');
  // What else stands in a study says nothing to a tuner.
  const own = Object.entries(parsed.data).filter(([key]) => Object.hasOwn(tunerSpecSchema.shape, key));
  const spec = Object.fromEntries(own) as TunerSpec;
  const mistakes = specMistakes(spec, parts);
  if (mistakes.length > 0) throw new TunerSpecError(mistakes.map(locate));
  return spec;
}

/** Lists what its schema cannot know. */
function specMistakes(spec: TunerSpec, parts: NamedParts): { path: string[]; message: string }[] {
  const problem = problemOf(spec);
  const limits = [
    ...spaceLimitIssues(problem.parameters).map(({ path, message }) => ({ path: ['space', ...path], message })),
    ...limitIssues(problem),
  ];
  // What is too large is not looked at any closer.
  if (limits.length > 0) return limits;
  return validateProblem(problem, parts).map(({ path, message }) => ({ path: placeOf(path), message }));
}

/** Where a specification says what a problem is. */
function placeOf([first = '', ...rest]: readonly string[]): string[] {
  if (['model', 'training', 'system', 'inference'].includes(first)) return ['space', first, ...rest];
  const blocks: Record<string, string[]> = { ladder: ['budget'], settings: ['tuner'], maxTrials: ['stop', 'trials'] };
  return [...(blocks[first] ?? [first]), ...rest];
}
