/** What a study that had ended was extended by, and how that reads: the same in report, terminal and page. */
import { z } from 'zod';

export const studyExtensionSchema = z.object({
  /** When, as ISO 8601. */
  at: z.string(),
  /** How many trials it could start in all before, and since; null: as many as before. */
  trials: z.object({ from: z.int().positive(), to: z.int().positive() }).nullable(),
  /** Devices that belong to it since. */
  devices: z.array(z.string()),
  /** Trials that it had started by then. */
  started: z.int().min(0),
});
export type StudyExtension = z.infer<typeof studyExtensionSchema>;

export function extensionText({ at, trials, devices, started }: StudyExtension): string {
  const by = [
    ...(trials ? [`from ${trials.from} to ${trials.to} trials`] : []),
    ...(devices.length > 0
      ? [`by ${devices.join(', ')}: of the ${started} trials that it had started these were asked afterwards`]
      : []),
  ];
  return `Extended on ${at.slice(0, 10)} ${by.join(', and ')}.`;
}
