/** What a study may name, as clients are told. */
import type { Part } from '@edgetune/shared/domain/part.ts';
import type { StudyParts } from '@edgetune/shared/domain/study-parts.ts';
import type { StudyPartsView } from '@edgetune/shared/protocol/http.ts';

export function studyPartsView(
  { samplers, schedulers }: StudyParts,
  workloads: StudyPartsView['workloads'],
): StudyPartsView {
  return { workloads, samplers: samplers.map(view), schedulers: schedulers.map(view) };
}

const view = ({ name, description }: Part): Part => ({ name, description });
