/** The specification of a tuner from YAML or JSON: every mistake at once, each with its line and what is allowed. */
import { mistakesIn } from '@edgetune/shared/domain/schema-mistakes.ts';
import { endlessAliases, yamlExcess } from '@edgetune/shared/domain/yaml-bounds.ts';
import type { Problem } from '@edgetune/shared/protocol/http.ts';
import { type TunerSpec, tunerSpecSchema, tunerSpecSchemaFor } from '@edgetune/shared/protocol/tuner-lines.ts';
import { isNode, LineCounter, parseDocument } from 'yaml';
import { limitIssues, spaceLimitIssues } from '../tuner/limits.ts';
import { type NamedParts, validateProblem } from '../tuner/validate-problem.ts';
import { problemOf } from './tuner-problem.ts';

type Issue = NonNullable<Problem['issues']>[number];

/** Lists every mistake, with its line. */
export class TunerSpecError extends Error {
  override name = 'TunerSpecError';
  readonly issues: readonly Issue[];
  /** Where the issues are told beside it. */
  readonly summary: string;
  constructor(issues: readonly Issue[], what = 'cannot be tuned', summary?: string) {
    super(`this specification ${what}:\n${issues.map((issue) => `  ${described(issue)}`).join('\n')}`);
    this.issues = issues;
    this.summary = summary ?? this.message;
  }
}

function described({ path, message, line }: Issue): string {
  return `${line === null ? '' : `line ${line}: `}${path === '' ? '' : `${path}: `}${message}`;
}

/**
 * @param parts what it may name
 * @throws {TunerSpecError}
 */
export function parseTunerSpec(text: string, parts: NamedParts): TunerSpec {
  const excess = yamlExcess(text);
  if (excess) throw new TunerSpecError([{ path: '', ...excess }]);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (position: number | undefined) => {
    const place = position === undefined ? null : lines.linePos(position);
    return { line: place?.line ?? null, column: place?.col ?? null };
  };
  const unreadable = [
    ...document.errors.map(({ message, pos }) => ({ path: '', message, ...at(pos[0]) })),
    ...endlessAliases(document).map(({ message, position }) => ({ path: '', message, ...at(position) })),
  ];
  if (unreadable.length > 0) throw new TunerSpecError(unreadable, 'is neither YAML nor JSON');
  const located = ({ path, message }: { path: readonly PropertyKey[]; message: string }): Issue => {
    for (let length = path.length; length >= 0; length--) {
      const node = document.getIn(path.slice(0, length), true);
      if (isNode(node) && node.range) return { path: path.map(String).join('.'), message, ...at(node.range[0]) };
    }
    return { path: path.map(String).join('.'), message, ...at(undefined) };
  };
  const parsed = tunerSpecSchemaFor(parts).safeParse(valuesOf(document));
  if (!parsed.success)
    throw new TunerSpecError(mistakesIn(parsed.error).map(located), undefined, 'the request has mistakes');
  // What else stands in a study says nothing to a tuner.
  const own = Object.entries(parsed.data).filter(([key]) => Object.hasOwn(tunerSpecSchema.shape, key));
  const spec = Object.fromEntries(own) as TunerSpec;
  const mistakes = specMistakes(spec, parts);
  if (mistakes.length > 0) throw new TunerSpecError(mistakes.map(located));
  return spec;
}

/** @throws {TunerSpecError} where aliases of aliases would fill the memory, or stand for nothing */
function valuesOf(document: ReturnType<typeof parseDocument>): unknown {
  try {
    return document.toJS() ?? null;
  } catch (error) {
    throw new TunerSpecError([{ path: '', message: (error as Error).message, line: null, column: null }]);
  }
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
