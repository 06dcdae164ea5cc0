/** What a rung may spend. */
import { z } from 'zod';

export const budgetSchema = z.object({
  /** Epochs that the trial has run in all when the rung is done (cumulative over its rungs). */
  epochs: z.number().positive(),
  /** Share of the training split that each epoch sees. */
  dataFraction: z.number().gt(0).max(1),
});
export type Budget = z.infer<typeof budgetSchema>;
