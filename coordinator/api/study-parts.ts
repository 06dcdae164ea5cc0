/** What a study may name, as clients are told. */
import type { Part } from '@edgetune/shared/domain/part.ts';
import { formatsFor, type StudyParts, settingsOf } from '@edgetune/shared/domain/study-parts.ts';
import type { StudyPartsView } from '@edgetune/shared/protocol/http.ts';

export function studyPartsView({ workloads, formats, samplers, schedulers }: StudyParts): StudyPartsView {
  return {
    workloads: workloads.map((workload) => ({
      ...view(workload),
      exampleYaml: workload.exampleYaml,
      formats: formatsFor(workload, formats).map(({ name }) => name),
    })),
    formats: formats.map((format) => ({ ...view(format), holds: format.holds, settings: settingsOf(format) })),
    samplers: samplers.map(view),
    schedulers: schedulers.map(view),
  };
}

const view = ({ name, description }: Part): Part => ({ name, description });
