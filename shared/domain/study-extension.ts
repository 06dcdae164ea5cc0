/** What a study that had ended was extended by, and how that reads: the same in report, terminal and page. */
import { z } from 'zod';
import { formatQuantity } from './units.ts';

/** What it could do in all before, and since; null: as much as before. */
const change = z.object({ from: z.number().positive(), to: z.number().positive() }).nullable();

export const studyExtensionSchema = z.object({
  /** When, as ISO 8601. */
  at: z.string(),
  /** Trials that it could start. */
  trials: change,
  /** Epochs of its highest rung. */
  epochs: change.default(null),
  /** Time and energy of `stop`. */
  timeS: change.default(null),
  energyJ: change.default(null),
  /** Devices that belong to it since. */
  devices: z.array(z.string()),
  /** Trials that it had started by then. */
  started: z.int().min(0),
});
export type StudyExtension = z.infer<typeof studyExtensionSchema>;

/** What grows in a study that is extended, by the name under which requests and events have it. */
export const EXTENDABLE = ['trials', 'epochs', 'timeS', 'energyJ'] as const;

export function extensionText({ at, trials, epochs, timeS, energyJ, devices, started }: StudyExtension): string {
  const time = (seconds: number) => formatQuantity(seconds * 1000, 'time');
  const energy = (joules: number) => formatQuantity(joules, 'energy');
  const by = [
    ...(trials ? [`from ${trials.from} to ${trials.to} trials`] : []),
    ...(epochs ? [`from ${epochs.from} to ${epochs.to} epochs at the highest rung, above the rungs of before`] : []),
    ...(timeS ? [`from ${time(timeS.from)} to ${time(timeS.to)}`] : []),
    ...(energyJ ? [`from ${energy(energyJ.from)} to ${energy(energyJ.to)} of training`] : []),
    ...(devices.length > 0
      ? [`by ${devices.join(', ')}: of the ${started} trials that it had started these were asked afterwards`]
      : []),
  ];
  return `Extended on ${at.slice(0, 10)} ${by.join(', and ')}.`;
}
