/** A study from YAML: every mistake at once, each with its line and what is allowed. */

import { type DeviceView, runnersOf } from '@edgetune/shared/domain/device.ts';
import { precisionSchema } from '@edgetune/shared/domain/inference-config.ts';
import { partNamed } from '@edgetune/shared/domain/part.ts';
import { mistakesIn } from '@edgetune/shared/domain/schema-mistakes.ts';
import { listedValues, mayTake, type ParameterLevel, type SearchSpace } from '@edgetune/shared/domain/search-space.ts';
import { metricsNamedIn, type StudySpec } from '@edgetune/shared/domain/study.ts';
import {
  type DatasetFormatInfo,
  formatMismatch,
  type StudyParts,
  studySchemaFor,
  type WorkloadInfo,
} from '@edgetune/shared/domain/study-parts.ts';
import type { Problem } from '@edgetune/shared/protocol/http.ts';
import { isAlias, isNode, LineCounter, parseDocument, visit } from 'yaml';
import { validateSpace } from '../tuner/validate-space.ts';
import type { CheckedStudySpec } from './context/study-context.ts';
import { StudyInputError } from './state/study-errors.ts';
import { unmeasurable } from './unmeasurable.ts';

type Issue = NonNullable<Problem['issues']>[number];
type Path = readonly PropertyKey[];
/** A mistake at a place of the document. */
export interface PlacedMistake {
  path: Path;
  message: string;
}

/** What a study is checked against beyond its schema. */
export interface StudyChecks {
  /** What it may name. */
  parts: StudyParts;
  /** All devices of the fleet. */
  devices: readonly Pick<DeviceView, 'name' | 'board'>[];
}

/**
 * Parses and checks a study; where it names no search space, the workload's is filled in.
 * @throws {StudyInputError} with every mistake, its line and column
 */
export function parseStudy(yaml: string, checks: StudyChecks): CheckedStudySpec {
  const lines = new LineCounter();
  const document = parseDocument(yaml, { lineCounter: lines, prettyErrors: false });
  if (document.errors.length > 0) {
    throw inputError(
      document.errors.map((error) => ({ path: '', message: error.message, ...place(lines.linePos(error.pos[0])) })),
    );
  }
  const locate = ({ path, message }: PlacedMistake): Issue => ({
    path: path.map(String).join('.'),
    message,
    ...place(positionOf(document, lines, path)),
  });
  const parsed = studySchemaFor(checks.parts).safeParse(valuesOf(document, lines));
  if (!parsed.success) throw inputError(mistakesIn(parsed.error).map(locate));

  // The schema takes only names of parts that there are.
  const workload = partNamed(checks.parts.workloads, parsed.data.workload) as WorkloadInfo;
  const spec: CheckedStudySpec = { ...parsed.data, space: parsed.data.space ?? workload.defaultSpace };
  const mistakes = [
    ...unknownDevices(spec, checks.devices),
    ...unfitFormat(spec, workload, checks.parts.formats),
    ...validateSpace(spec.space).map(({ path, message }) => ({ path: ['space', ...path], message })),
    ...foreignParameters(spec.space, workload.defaultSpace),
    ...precisionMistakes(spec),
    ...runnerMistakes(spec, checks.devices),
    ...unmeasurable(spec, checks.devices),
    ...deterministicMistakes(spec),
  ];
  if (mistakes.length > 0) throw inputError(mistakes.map(locate));
  return spec;
}

/** @throws {StudyInputError} where an alias stands for nothing, such as `*.csv` that was meant as a text */
function valuesOf(document: ReturnType<typeof parseDocument>, lines: LineCounter): unknown {
  const anchors = new Set<string>();
  const dangling: Issue[] = [];
  visit(document, {
    Node(_, node) {
      if (!isAlias(node) && 'anchor' in node && node.anchor) anchors.add(node.anchor);
    },
    Alias(_, { source, range }) {
      if (anchors.has(source)) return;
      const message = `*${source} refers to an anchor &${source} that is not there: write "*${source}" where it is a text`;
      dangling.push({ path: '', message, ...place(range ? lines.linePos(range[0]) : null) });
    },
  });
  if (dangling.length > 0) throw inputError(dangling);
  try {
    return document.toJS();
  } catch (error) {
    // Aliases of aliases that would fill the memory.
    throw inputError([{ path: '', message: (error as Error).message, line: null, column: null }]);
  }
}

function inputError(issues: Issue[]): StudyInputError {
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

function unknownDevices(spec: StudySpec, devices: StudyChecks['devices']): PlacedMistake[] {
  const deviceNames = devices.map(({ name }) => name);
  const known = deviceNames.length === 0 ? 'the fleet is empty' : `the fleet has ${deviceNames.join(', ')}`;
  return spec.devices.flatMap((name, index) =>
    deviceNames.includes(name)
      ? []
      : [
          {
            path: ['devices', index],
            message: `unknown device "${name}": ${known}; add it with "edgetune device add ${name}"`,
          },
        ],
  );
}

function unfitFormat(
  { dataset }: StudySpec,
  workload: WorkloadInfo,
  formats: readonly DatasetFormatInfo[],
): PlacedMistake[] {
  const format = partNamed(formats, dataset.format) as DatasetFormatInfo;
  const message = formatMismatch(workload, format, formats);
  return message === null ? [] : [{ path: ['dataset', 'format'], message }];
}

/** Parameters that the workload does not read would be tuned without any effect. */
function foreignParameters(space: SearchSpace, workloadSpace: SearchSpace): PlacedMistake[] {
  const levels = Object.keys(space) as ParameterLevel[];
  return levels
    .filter((level) => level !== 'inference')
    .flatMap((level) => {
      const known = Object.keys(workloadSpace[level]);
      return Object.keys(space[level])
        .filter((name) => !known.includes(name))
        .map((name) => ({
          path: ['space', level, name],
          message: `the workload has no ${level} parameter "${name}": it has ${known.join(', ') || 'none'}`,
        }));
    });
}

/** Models are trained in float32; EdgeTune quantises them to int8, and TensorRT makes float16 of them by itself. */
function precisionMistakes(spec: CheckedStudySpec): PlacedMistake[] {
  const parameter = spec.space.inference.precision;
  if (!parameter) return [];
  const path = ['space', 'inference', 'precision'];
  const values = listedValues(parameter);
  if (!values) return [{ path, message: `must be categorical: ${precisionSchema.options.join(', ')}` }];
  const unknown = values.filter((value) => !precisionSchema.safeParse(value).success);
  const mistakes = unknown.map((value) => ({
    path,
    message: `unknown precision "${value}": use ${precisionSchema.options.join(', ')}`,
  }));
  if (values.includes('float16') && !mayTake(spec.space, 'executionProvider', 'tensorrt'))
    mistakes.push({
      path,
      message:
        'float16 needs "tensorrt" among the values of executionProvider: no other provider makes it of a float32 model',
    });
  return mistakes;
}

/** Runners are those that the boards of the fleet say they have; one that has not joined yet may have any. */
function runnerMistakes(spec: CheckedStudySpec, devices: StudyChecks['devices']): PlacedMistake[] {
  const parameter = spec.space.inference.runner;
  if (!parameter) return [];
  const path = ['space', 'inference', 'runner'];
  const runners = [...runnersOf(devices).keys()];
  const there =
    runners.length > 0 ? `the boards of the fleet have ${runners.join(', ')}` : 'no board of the fleet has any';
  const values = listedValues(parameter);
  if (!values) return [{ path, message: `must be categorical: ${there}` }];
  if (devices.some(({ name, board }) => board === null && spec.devices.includes(name))) return [];
  return values
    .filter((value) => !runners.includes(String(value)))
    .map((value) => ({ path, message: `unknown runner "${value}": ${there}` }));
}

const MEASURED_TRAINING_COSTS = ['trainingTime', 'trainingEnergy'];

function deterministicMistakes(spec: StudySpec): PlacedMistake[] {
  if (!spec.deterministic) return [];
  return metricsNamedIn(spec).flatMap(({ path, list }) =>
    list.flatMap(({ metric }: { metric: string }, index: number) =>
      MEASURED_TRAINING_COSTS.includes(metric)
        ? [
            {
              path: [...path, index],
              message: `${metric} is measured and differs from run to run: leave it out or set deterministic: false`,
            },
          ]
        : [],
    ),
  );
}
