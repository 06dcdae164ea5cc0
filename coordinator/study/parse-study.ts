/** A study from YAML: every mistake at once, each with its line and what is allowed. */

import type { Asked, DatasetSpec } from '@edgetune/shared/domain/study.ts';
import { endlessAliases, type YamlExcess, yamlExcess } from '@edgetune/shared/domain/yaml-bounds.ts';
import type { Problem } from '@edgetune/shared/protocol/http.ts';
import { isAlias, isNode, LineCounter, parseDocument, Scalar, visit } from 'yaml';
import type { CheckedStudySpec } from './context/study-context.ts';
import { readStudy } from './readable-study.ts';
import { StudyInputError } from './state/study-errors.ts';
import { askedOf, type PlacedMistake, type StudyChecks, studyMistakes } from './study-mistakes.ts';

type Issue = NonNullable<Problem['issues']>[number];
type Path = readonly PropertyKey[];

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
  const excess = yamlExcess(yaml);
  if (excess) return unreadable(excess);
  const lines = new LineCounter();
  const document = parseDocument(yaml, { lineCounter: lines, prettyErrors: false });
  const locate = ({ path, message }: PlacedMistake): Issue => ({
    path: path.map(String).join('.'),
    message,
    ...place(positionOf(document, lines, path)),
  });
  const broken = document.errors.map(({ code, message, pos }) => ({
    path: '',
    message: code === 'DUPLICATE_KEY' ? 'this key stands here twice: leave out one of the two' : message,
    ...place(lines.linePos(pos[0])),
  }));
  // Only a key that stands there twice leaves no doubt about what is meant by the others.
  const isLegible = document.errors.every(({ code }) => code === 'DUPLICATE_KEY');
  if (!isLegible) return { mistakes: inOrder(broken), spec: null, data: null, locate };
  const { values, mistakes: unread } = valuesOf(document, lines);
  if (values === undefined) return { mistakes: inOrder([...broken, ...unread]), spec: null, data: null, locate };

  const { mistakes, spec, broken: brokenKeys, placeOf } = readStudy(checks.parts, values);
  const format: unknown = Object((Object(values) as { dataset?: unknown }).dataset).format;
  const beyond = studyMistakes(spec, brokenKeys, typeof format === 'string' ? format : undefined, checks);
  const all = [
    ...broken,
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

function unreadable(excess: YamlExcess): ExaminedStudy {
  const locate = ({ path, message }: PlacedMistake) => ({ path: path.map(String).join('.'), message, ...place(null) });
  return { mistakes: [{ path: '', ...excess }], spec: null, data: null, locate };
}

/** @throws {StudyInputError} with every mistake, its line and column */
export function parseStudy(yaml: string, checks: StudyChecks): CheckedStudySpec {
  const { mistakes, spec } = examineStudy(yaml, checks);
  if (spec === null) throw inputError(mistakes);
  return spec;
}

const isOfFormat = ({ path }: PlacedMistake) => path[0] === 'dataset';

const inOrder = (issues: Issue[]) =>
  issues.sort((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0));

/** The values, or none where aliases would fill the memory; an alias of nothing, such as `*.csv`, is read as that text. */
function valuesOf(
  document: ReturnType<typeof parseDocument>,
  lines: LineCounter,
): { values: unknown; mistakes: Issue[] } {
  const anchors = new Set<string>();
  const mistakes: Issue[] = [];
  visit(document, {
    Node(_, node) {
      if (!isAlias(node) && 'anchor' in node && node.anchor) anchors.add(node.anchor);
    },
    Alias(_, { source, range }) {
      if (anchors.has(source)) return;
      const message = `*${source} refers to an anchor &${source} that is not there: write "*${source}" where it is a text`;
      mistakes.push({ path: '', message, ...place(range ? lines.linePos(range[0]) : null) });
      const text = new Scalar(`*${source}`);
      if (range) text.range = range;
      return text;
    },
  });
  const endless = endlessAliases(document).map(({ message, position }) => ({
    path: '',
    message,
    ...place(lines.linePos(position)),
  }));
  if (endless.length > 0) return { values: undefined, mistakes: [...mistakes, ...endless] };
  try {
    return { values: document.toJS() ?? null, mistakes };
  } catch (error) {
    // Aliases of aliases that would fill the memory.
    return {
      values: undefined,
      mistakes: [...mistakes, { path: '', message: (error as Error).message, ...place(null) }],
    };
  }
}

/** All of these at once. */
export function inputError(issues: Issue[]): StudyInputError {
  const count = issues.length === 1 ? 'a mistake' : `${issues.length} mistakes`;
  return new StudyInputError({
    error: `the study has ${count}`,
    hint: 'mend the lines named and run it again',
    issues,
  });
}

function place(position: { line: number; col: number } | null): Pick<Issue, 'line' | 'column'> {
  return position === null ? { line: null, column: null } : { line: position.line, column: position.col };
}

/** The position of the deepest node of the path that the document has (a missing key: its parent); null where it is empty. */
function positionOf(document: ReturnType<typeof parseDocument>, lines: LineCounter, path: Path) {
  for (let length = path.length; length >= 0; length--) {
    const node = document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return lines.linePos(node.range[0]);
  }
  return null;
}
