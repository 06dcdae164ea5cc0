/** What a study may name, as clients are told. */
import { type DeviceView, runnersOf } from '@edgetune/shared/domain/device.ts';
import { POSSIBLE_INFERENCE } from '@edgetune/shared/domain/inference-config.ts';
import { METRIC_LIST } from '@edgetune/shared/domain/metric-list.ts';
import type { Part } from '@edgetune/shared/domain/part.ts';
import { possibleText } from '@edgetune/shared/domain/possible-values.ts';
import { SCENARIOS } from '@edgetune/shared/domain/scenario.ts';
import type { ParameterLevel } from '@edgetune/shared/domain/search-space.ts';
import { formatsFor, type StudyParts, settingsOf, type WorkloadInfo } from '@edgetune/shared/domain/study-parts.ts';
import type { StudyPartsView } from '@edgetune/shared/protocol/http.ts';

/** @param devices the fleet, whose boards say which runners there are */
export function studyPartsView(
  { workloads, formats, samplers, schedulers }: StudyParts,
  devices: readonly Pick<DeviceView, 'name' | 'board'>[],
): StudyPartsView {
  return {
    workloads: workloads.map((workload) => ({
      ...view(workload),
      exampleYaml: workload.exampleYaml,
      parameters: parametersOf(workload),
      formats: formatsFor(workload, formats).map(({ name }) => name),
    })),
    formats: formats.map((format) => ({ ...view(format), holds: format.holds, settings: settingsOf(format) })),
    samplers: samplers.map(view),
    schedulers: schedulers.map(view),
    scenarios: SCENARIOS.map((scenario) => ({ ...view(scenario), settings: settingsOf(scenario) })),
    metrics: [...METRIC_LIST],
    runners: [...runnersOf(devices)].map(([name, names]) => ({ name, devices: names })),
  };
}

/** What a study's space may hold, level by level. */
function parametersOf({ possible }: WorkloadInfo): StudyPartsView['workloads'][number]['parameters'] {
  const levels = { ...possible, inference: POSSIBLE_INFERENCE };
  return (Object.keys(levels) as ParameterLevel[]).flatMap((level) =>
    Object.entries(levels[level]).map(([name, values]) => ({
      name,
      level,
      possible: values,
      text: possibleText(values),
    })),
  );
}

const view = ({ name, description }: Part): Part => ({ name, description });
