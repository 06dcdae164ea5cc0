/** What is wrong with a study beyond the form of its keys: what its fleet, its workload and the metrics cannot do. */

import { contradictingObjectives, excludedLimits } from '@edgetune/shared/domain/contradictions.ts';
import { type DeviceView, runnersOf } from '@edgetune/shared/domain/device.ts';
import { didYouMean } from '@edgetune/shared/domain/did-you-mean.ts';
import { POSSIBLE_INFERENCE, precisionSchema } from '@edgetune/shared/domain/inference-config.ts';
import { senselessLimit } from '@edgetune/shared/domain/metric-reach.ts';
import { metricInfo } from '@edgetune/shared/domain/objective.ts';
import { partNamed } from '@edgetune/shared/domain/part.ts';
import { impossibleParts, type PossibleByName } from '@edgetune/shared/domain/possible-values.ts';
import {
  listedValues,
  mayTake,
  type ParameterLevel,
  parametersOf,
  type SearchSpace,
} from '@edgetune/shared/domain/search-space.ts';
import {
  type Asked,
  metricsNamedIn,
  type ReadableStudy,
  type StudySpec,
  studyIssues,
} from '@edgetune/shared/domain/study.ts';
import { formatMismatch, type StudyParts, type WorkloadInfo } from '@edgetune/shared/domain/study-parts.ts';
import { spaceLimitIssues } from '../tuner/limits.ts';
import { validateSpace, valueProblem } from '../tuner/validate-space.ts';
import { type NamedStudy, onlyStudyNamed } from './study-names.ts';
import { unmeasurable } from './unmeasurable.ts';

/** A mistake at a place of the document. */
export interface PlacedMistake {
  path: readonly PropertyKey[];
  message: string;
}

/** What a study is checked against beyond its schema. */
export interface StudyChecks {
  /** What it may name. */
  parts: StudyParts;
  /** All devices of the fleet. */
  devices: readonly Pick<DeviceView, 'name' | 'board'>[];
  /** All studies that there are. */
  studies: readonly NamedStudy[];
}

type Metrics = Asked & Pick<StudySpec, 'devices'>;

/** What could be read of objectives, limits and target. */
export function askedOf({ objectives = [], constraints = [], stop = { target: [] } }: Partial<Asked>): Asked {
  return { objectives, constraints, stop };
}

/**
 * Every mistake in what could be read.
 * @param broken keys of which something could not: nothing is said to be missing there
 * @param format the data format that is named, also where its settings cannot be read
 */
export function studyMistakes(
  spec: ReadableStudy,
  broken: ReadonlySet<string>,
  format: string | undefined,
  { parts, devices, studies }: StudyChecks,
): PlacedMistake[] {
  const workload = broken.has('workload') ? undefined : partNamed(parts.workloads, spec.workload ?? '');
  const metrics: Metrics = { ...askedOf(spec), devices: spec.devices ?? [] };
  const space = spec.space ?? workload?.defaultSpace;
  return [
    ...studyIssues(spec, broken),
    ...(spec.from === undefined ? [] : unknownStudy(spec.from, studies)),
    ...unknownDevices(metrics.devices, devices),
    ...(workload && format !== undefined ? unfitFormat(format, workload, parts) : []),
    ...(spec.space ? spaceMistakes(spec.space, workload, metrics.devices, devices) : []),
    ...(space && !broken.has('space') ? initialMistakes(spec.tuner?.initialCandidates ?? [], space) : []),
    ...metricMistakes(metrics),
    ...unmeasurable(metrics, devices),
    ...(spec.deterministic ? deterministicMistakes(metrics) : []),
  ];
}

function unknownDevices(named: readonly string[], devices: StudyChecks['devices']): PlacedMistake[] {
  const deviceNames = devices.map(({ name }) => name);
  const known = deviceNames.length === 0 ? 'the fleet is empty' : `the fleet has ${deviceNames.join(', ')}`;
  return named.flatMap((name, index) =>
    deviceNames.includes(name)
      ? []
      : [
          {
            path: ['devices', index],
            message: `unknown device "${name}": ${known}${didYouMean(name, deviceNames) || `; add it with "edgetune device add ${name}"`}`,
          },
        ],
  );
}

function unknownStudy(from: string, studies: readonly NamedStudy[]): PlacedMistake[] {
  const path = ['from'];
  try {
    if (onlyStudyNamed(from, studies) !== null) return [];
  } catch (error) {
    return [{ path, message: (error as Error).message }];
  }
  const names = new Set(studies.map(({ name }) => name));
  const known = names.size === 0 ? 'there is none' : 'see "edgetune study list"';
  return [{ path, message: `unknown study "${from}": ${known}${didYouMean(from, names)}` }];
}

function unfitFormat(named: string, workload: WorkloadInfo, { formats }: StudyParts): PlacedMistake[] {
  const format = partNamed(formats, named);
  const message = format ? formatMismatch(workload, format, formats) : null;
  return message === null ? [] : [{ path: ['dataset', 'format'], message }];
}

function spaceMistakes(
  space: SearchSpace,
  workload: WorkloadInfo | undefined,
  named: readonly string[],
  devices: StudyChecks['devices'],
): PlacedMistake[] {
  return [
    ...[...validateSpace(space), ...spaceLimitIssues(parametersOf(space))].map(({ path, message }) => ({
      path: ['space', ...path],
      message,
    })),
    ...(workload ? impossibleParameters(space, workload) : []),
    ...precisionMistakes(space),
    ...runnerMistakes(space, named, devices),
  ];
}

/** Those of a level that are listed by themselves, with the boards that there are. */
const RUNNER = 'runner';
const WITH_WORDS_OF_THEIR_OWN = [RUNNER, 'precision'];

/** Parameters that nobody reads would be tuned without any effect; what the code cannot do would be something else. */
function impossibleParameters(space: SearchSpace, { possible }: WorkloadInfo): PlacedMistake[] {
  const levels: Record<ParameterLevel, PossibleByName> = { ...possible, inference: POSSIBLE_INFERENCE };
  return (Object.keys(levels) as ParameterLevel[]).flatMap((level) =>
    Object.entries(space[level]).flatMap(([name, domain]): PlacedMistake[] => {
      const path = ['space', level, name];
      if (level === 'inference' && WITH_WORDS_OF_THEIR_OWN.includes(name)) return [];
      const values = Object.hasOwn(levels[level], name) ? levels[level][name] : undefined;
      if (!values) return [{ path, message: unknownParameter(level, name, levels) }];
      return impossibleParts(values, domain).map((part) => ({ path: [...path, ...part.path], message: part.message }));
    }),
  );
}

function unknownParameter(level: ParameterLevel, name: string, levels: Record<ParameterLevel, PossibleByName>): string {
  const known = [...Object.keys(levels[level]), ...(level === 'inference' ? [RUNNER] : [])];
  const whose = level === 'inference' ? 'there is no inference parameter' : `the workload has no ${level} parameter`;
  const elsewhere = (Object.keys(levels) as ParameterLevel[]).find((other) => Object.hasOwn(levels[other], name));
  const hint = elsewhere ? `; it belongs to the level ${elsewhere}` : didYouMean(name, known);
  const are = level === 'inference' ? 'use one of' : 'it has';
  return `${whose} "${name}": ${are} ${known.join(', ') || 'none'}${hint}`;
}

/** Models are trained in float32; EdgeTune quantises them to int8, and TensorRT makes float16 of them by itself. */
function precisionMistakes(space: SearchSpace): PlacedMistake[] {
  const parameter = space.inference.precision;
  if (!parameter) return [];
  const path = ['space', 'inference', 'precision'];
  const values = listedValues(parameter);
  if (!values) return [{ path, message: `must be categorical: ${precisionSchema.options.join(', ')}` }];
  const unknown = values.filter((value) => !precisionSchema.safeParse(value).success);
  const mistakes = unknown.map((value) => ({
    path,
    message: `unknown precision "${value}": use ${precisionSchema.options.join(', ')}${didYouMean(value, precisionSchema.options)}`,
  }));
  if (values.includes('float16') && !mayTake(space, 'executionProvider', 'tensorrt'))
    mistakes.push({
      path,
      message:
        'float16 needs "tensorrt" among the values of executionProvider: no other provider makes it of a float32 model',
    });
  return mistakes;
}

/** Runners are those that the boards of the fleet say they have; one that has not joined yet may have any. */
function runnerMistakes(
  space: SearchSpace,
  named: readonly string[],
  devices: StudyChecks['devices'],
): PlacedMistake[] {
  const parameter = space.inference[RUNNER];
  if (!parameter) return [];
  const path = ['space', 'inference', RUNNER];
  const runners = [...runnersOf(devices).keys()];
  const there =
    runners.length > 0 ? `the boards of the fleet have ${runners.join(', ')}` : 'no board of the fleet has any';
  const values = listedValues(parameter);
  if (!values) return [{ path, message: `must be categorical: ${there}` }];
  if (devices.some(({ name, board }) => board === null && named.includes(name))) return [];
  return values
    .filter((value) => !runners.includes(String(value)))
    .map((value) => ({ path, message: `unknown runner "${value}": ${there}${didYouMean(value, runners)}` }));
}

function initialMistakes(candidates: StudySpec['tuner']['initialCandidates'], space: SearchSpace): PlacedMistake[] {
  const parameters = parametersOf(space, ['model', 'training', 'system']);
  const names = parameters.map(({ name }) => name);
  return candidates.flatMap((candidate, index) =>
    Object.entries(candidate).flatMap(([name, value]) => {
      const parameter = parameters.find((known) => known.name === name);
      const message = parameter
        ? valueProblem(parameter, value)
        : `"${name}" is no parameter of the study: use some of ${names.join(', ')}${didYouMean(name, names)}`;
      return message === null ? [] : [{ path: ['tuner', 'initialCandidates', index, name], message }];
    }),
  );
}

/** Objectives, limits and targets that no model can follow. */
function metricMistakes({ objectives, constraints, devices, stop }: Metrics): PlacedMistake[] {
  const limits = [
    ...constraints.map((constraint, index) => ({ constraint, path: ['constraints', index] })),
    ...stop.target.map((constraint, index) => ({ constraint, path: ['stop', 'target', index] })),
  ];
  return [
    ...metricsNamedIn({ objectives, constraints, stop }).flatMap(({ path, list }) =>
      list.flatMap(({ metric, device }: { metric: string; device?: string | undefined }, index: number) =>
        device !== undefined && metricInfo(metric).of === 'trial'
          ? [{ path: [...path, index], message: `${metric} belongs to the trial, not to a device; leave out "device"` }]
          : [],
      ),
    ),
    ...contradictingObjectives(objectives, devices).map(({ index, message }) => ({
      path: ['objectives', index],
      message,
    })),
    ...limits.flatMap(({ constraint, path }) => {
      const message = senselessLimit(constraint);
      return message === null ? [] : [{ path, message }];
    }),
    ...excludedLimits(limits.map(({ constraint }) => constraint)).map(({ index, message }) => ({
      path: limits[index]?.path ?? [],
      message,
    })),
  ];
}

const MEASURED_TRAINING_COSTS = ['trainingTime', 'trainingEnergy'];

function deterministicMistakes(metrics: Metrics): PlacedMistake[] {
  return metricsNamedIn(metrics).flatMap(({ path, list }) =>
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
