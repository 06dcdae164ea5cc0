/** What a study takes over from an earlier one that it starts from (`from:`): data of its own, kept with its making. */
import { z } from 'zod';
import { budgetSchema } from './budget.ts';
import { candidateSchema } from './search-space.ts';

/** What an earlier study found of a candidate at a budget. */
export const earlierTrialSchema = z.object({
  candidate: candidateSchema,
  budget: budgetSchema,
  /** By the names that this study gives its devices; nothing that was predicted. */
  metrics: z.record(z.string(), z.number()),
  /** Devices of this study that nothing is known of there: they decide nothing of it. Absent: none. */
  pending: z.array(z.string()).optional(),
  /** Of this study's constraints, as far as they are known. */
  violation: z.number().min(0),
});
export type EarlierTrial = z.infer<typeof earlierTrialSchema>;

const usedAndNot = z.object({ used: z.array(z.string()), leftOut: z.array(z.string()) });

/** What was taken over, in figures. */
export const earlierSummarySchema = z.object({
  study: z.object({ id: z.string(), name: z.string() }),
  /** Rungs of its trials that inform the search. */
  rungs: z.int().min(0),
  /** Trials that these are of. */
  trials: z.int().min(0),
  /** Rungs that do not, and why. */
  notTaken: z.array(z.object({ rungs: z.int().min(1), reason: z.string() })),
  /** `leftOut`: those of the earlier study that this one has not. */
  parameters: usedAndNot,
  /** `leftOut`: those that this study names and the earlier one does not know. */
  metrics: usedAndNot,
});
export type EarlierSummary = z.infer<typeof earlierSummarySchema>;

export const earlierSchema = earlierSummarySchema.extend({ told: z.array(earlierTrialSchema) });
export type Earlier = z.infer<typeof earlierSchema>;

/** In sentences: how much, from where, and what of it not. */
export function earlierText({ study, rungs, trials, notTaken, parameters, metrics }: EarlierSummary): string {
  const left = notTaken.map(({ rungs: count, reason }) => `${count}: ${reason}`);
  return [
    `Starts from study "${study.name}" (${study.id}): ${rungs} rungs of ${trials} of its trials inform the search`,
    ...(left.length > 0 ? [`; not taken over are ${left.join('; ')}`] : []),
    `. Parameters: ${parameters.used.join(', ') || 'none'}`,
    ...(parameters.leftOut.length > 0 ? [` (without ${parameters.leftOut.join(', ')}, which this study has not)`] : []),
    `. Metrics: ${metrics.used.join(', ') || 'none'}`,
    ...(metrics.leftOut.length > 0 ? [` (without ${metrics.leftOut.join(', ')}, of which it knows nothing)`] : []),
    '.',
  ].join('');
}
