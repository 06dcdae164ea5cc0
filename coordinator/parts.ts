/** Everything that a study or a tuner may name. */
import type { SearchSpace } from '@edgetune/shared/domain/search-space.ts';
import { DATASET_FORMATS } from './training/datasets/all.ts';
import type { DatasetFormat } from './training/datasets/dataset-format.ts';
import { WORKLOADS } from './training/workloads/all.ts';
import type { Workload } from './training/workloads/workload.ts';
import { TUNER_PARTS, type TunerParts } from './tuner/tuner-parts.ts';

export interface Parts extends TunerParts {
  readonly workloads: readonly Workload[];
  readonly formats: readonly DatasetFormat[];
}

/**
 * What workloads can do where training has so many cores: a trial that asks for more would be trained on fewer, under the
 * number that it asked for. Of the spaces that they propose what is beyond that is left out.
 */
export function partsOn(cores: number, parts: Parts): Parts {
  const because = `the cores that training has on this coordinator: --training-cores`;
  const limited = ({ possible, defaultSpace, ...workload }: Workload): Workload => {
    const limit = possible.system.trainingCores;
    if (limit?.kind !== 'whole') return { ...workload, possible, defaultSpace };
    const trainingCores = { ...limit, max: Math.min(limit.max, cores), because };
    return {
      ...workload,
      possible: { ...possible, system: { ...possible.system, trainingCores } },
      defaultSpace: { ...defaultSpace, system: withoutMore(defaultSpace.system, cores) },
    };
  };
  return { ...parts, workloads: parts.workloads.map(limited) };
}

function withoutMore(system: SearchSpace['system'], cores: number): SearchSpace['system'] {
  const { trainingCores } = system;
  if (trainingCores?.type !== 'ordinal') return system;
  const values = trainingCores.values.filter((value) => Number(value) <= cores);
  return { ...system, trainingCores: { ...trainingCores, values } };
}

export const PARTS: Parts = { workloads: WORKLOADS, formats: DATASET_FORMATS, ...TUNER_PARTS };
