/**
 * `edgetune device calibrate`: fits a board profile to a device by measuring about ten architectures on it.
 * POST /api/calibrations → `calibrationViewSchema`; GET /api/calibrations/:id → the same, later;
 * POST /api/calibrations/:id/cancel. The last hundred are kept until the coordinator ends.
 */
import { z } from 'zod';
import { boardProfileSchema, profileErrorSchema } from '../costmodel/board-profile.ts';
import { deviceNameSchema } from '../domain/device.ts';

export const calibrationRequestSchema = z.object({
  device: deviceNameSchema,
  /** The profile to start from: by name, or one's own as a whole. */
  base: z.union([z.string(), boardProfileSchema]),
  /** Name of the fitted profile. */
  name: boardProfileSchema.shape.name,
  /** How many architectures are measured. */
  architectures: z.int().min(3).max(40).default(10),
});
export type CalibrationRequestBody = z.input<typeof calibrationRequestSchema>;
export type CalibrationRequest = z.infer<typeof calibrationRequestSchema>;

export const calibrationViewSchema = z.object({
  id: z.string(),
  state: z.enum(['running', 'finished', 'failed', 'cancelled']),
  device: deviceNameSchema,
  /** The device itself is simulated: what is fitted imitates a simulation. */
  simulated: z.boolean(),
  base: z.string(),
  planned: z.int().min(0),
  /** What was measured, and what base and fitted profile say of it (the fit has seen it). */
  rows: z.array(
    z.object({
      architecture: z.string(),
      latencyMs: z.number().nullable(),
      baseLatencyMs: z.number(),
      fittedLatencyMs: z.number().nullable(),
      /** Why there is no latency. */
      reason: z.string().nullable(),
    }),
  ),
  reason: z.string().nullable(),
  /** Mean absolute percentage errors on rows that the fit did not see, as fractions. */
  crossValidated: profileErrorSchema.omit({ comparedWith: true }).nullable(),
  /** The fitted profile, for `edgetune-agent run --simulate mine.yaml`. */
  profileYaml: z.string().nullable(),
});
export type CalibrationView = z.infer<typeof calibrationViewSchema>;
