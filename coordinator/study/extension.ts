/** What a study that has ended may be extended by, and why not by more. */
import type { extendStudyRequestSchema } from '@edgetune/shared/protocol/http.ts';
import type { z } from 'zod';
import type { CheckedStudySpec } from './context/study-context.ts';

export type Extension = z.infer<typeof extendStudyRequestSchema>;

/** The study as it is from then on. */
export function extendedSpec(spec: CheckedStudySpec, trials: number): CheckedStudySpec {
  return { ...spec, stop: { ...spec.stop, trials } };
}

/** What of it cannot be, and what can; null where all of it can. */
export function whyNotExtended(
  { stop, tuner }: Pick<CheckedStudySpec, 'stop' | 'tuner'>,
  { id, trials, epochs, device }: Extension & { id: string },
): string | null {
  const instead = `start a new study with "from: ${id}", which begins with what this one knows`;
  if (epochs !== undefined)
    return `another budget makes other rungs than those at which its trials were compared; ${instead}`;
  if (device !== undefined)
    return `its trials were judged without ${device}; ${instead}, or let ${device} take the place of a device ("edgetune study replace")`;
  if (tuner.mode === 'hierarchical' || tuner.mode === 'top-k-after-one-epoch')
    return `the mode ${tuner.mode} goes through phases that are over; ${instead}`;
  if (trials === undefined) return `say how many trials it may start in all: more than ${stop.trials}`;
  if (trials <= stop.trials) return `it may start ${stop.trials} trials already: name more in all, not ${trials}`;
  return null;
}
