/** What a device reports for architecture × inference config × scenario. */
import { z } from 'zod';
import { inferenceConfigSchema } from './inference-config.ts';
import { scenarioSchema } from './scenario.ts';

export const sha256Schema = z.string().regex(/^[0-9a-f]{64}$/, 'expected a SHA-256 as 64 hexadecimal digits');

export const outcomeSchema = z.enum(['ok', 'invalid', 'out-of-memory', 'crashed', 'timed-out']);
export type Outcome = z.infer<typeof outcomeSchema>;

/** Latency of one query in milliseconds, from its scheduled issue time (outside scenarios: one run of the whole batch). */
export const latencyStatisticsSchema = z.object({
  count: z.int().positive(),
  mean: z.number(),
  /** Coefficient of variation: standard deviation ÷ mean. */
  cv: z.number(),
  min: z.number(),
  p50: z.number(),
  p90: z.number(),
  p95: z.number(),
  p99: z.number(),
  p999: z.number(),
  max: z.number(),
  /**
   * Upper bounds of percentiles at 99 % confidence (MLPerf's early stopping estimate, `early-stopping.ts`); null: too few
   * queries. Absent in measurements of before they were made.
   */
  p90Bound: z.number().nullable().optional(),
  p99Bound: z.number().nullable().optional(),
  /** 95 % confidence interval of the median. */
  p50Interval: z.tuple([z.number(), z.number()]),
});
export type LatencyStatistics = z.infer<typeof latencyStatisticsSchema>;

/** Where an energy figure comes from. `estimate` and `simulated` are shown as such wherever the number is shown. */
export const energySourceSchema = z.enum(['meter', 'estimate', 'simulated']);

export const energySchema = z.object({
  /** Joules per sample above the idle baseline. */
  netJ: z.number(),
  /** Joules per sample including what the board draws when idle. */
  grossJ: z.number(),
  meanPowerW: z.number(),
  /** What the board drew just before, with the model loaded and nothing running. */
  idlePowerW: z.number().optional(),
  source: energySourceSchema,
  /** Name of the meter (or of the method, for an estimate). */
  meter: z.string(),
  /** Readings of the meter within the window, and how many that is a second. */
  sampleCount: z.int().min(0),
  sampleRateHz: z.number().optional(),
});
export type Energy = z.infer<typeof energySchema>;

/** The state of the board around the measured window. */
export const conditionsSchema = z.object({
  clockKHzBefore: z.number().nullable(),
  /** Median of what was seen during the window. */
  clockKHzDuring: z.number().nullable(),
  /** Lowest that was seen during the window. */
  clockKHzLowest: z.number().nullable().optional(),
  clockKHzAfter: z.number().nullable(),
  /** Median of the GPU's clock during the window, where the board has one that tells. */
  gpuClockKHzDuring: z.number().nullable().optional(),
  /** Lowest of it that was seen during the window. */
  gpuClockKHzLowest: z.number().nullable().optional(),
  temperatureCBefore: z.number().nullable(),
  temperatureCAfter: z.number().nullable(),
  governor: z.string().nullable(),
  /** Cores kept busy by other processes during the window (0 = none). */
  otherLoadCores: z.number().nullable(),
  throttled: z.boolean().nullable(),
  underVoltage: z.boolean().nullable(),
  /** What the board warned of during the window, in words. */
  warnings: z.array(z.string()).optional(),
});
export type Conditions = z.infer<typeof conditionsSchema>;

/** Why the load generator stopped: the interval of the median was narrow, or the time (or count) was up. */
export const stopReasonSchema = z.enum(['converged', 'max-duration', 'max-runs', 'min-reached']);

export const measurementSchema = z.object({
  /** Hash of the graph without its weights. */
  signature: z.string(),
  modelSha256: sha256Schema,
  deviceClass: z.string(),
  config: inferenceConfigSchema,
  scenario: scenarioSchema,
  outcome: outcomeSchema,
  /** For every outcome but ok: what happened, such as "out of memory at 212 MB". */
  reason: z.string().nullable(),
  /** How often it was measured until this outcome; those before were invalid. */
  attempts: z.int().positive().optional(),
  latencyMs: latencyStatisticsSchema.nullable(),
  /** Samples per second. */
  throughputPerS: z.number().nullable(),
  /** Peak resident memory of the model and the runtime's work on it, above what the runtime takes when it has no model. */
  peakMemoryBytes: z.number().nullable(),
  /** Peak resident memory of the whole process that ran the model; absent where it was not looked at. */
  processPeakMemoryBytes: z.number().nullable().optional(),
  /** Per sample; null where the board has no meter: absent, never zero. */
  energy: energySchema.nullable(),
  /** Why there is no energy, where the agent knows. */
  energyAbsence: z.string().nullable().optional(),
  conditions: conditionsSchema,
  stopReason: stopReasonSchema.nullable(),
  /** CPU cores that the measured process kept busy, on average over the window. */
  busyCores: z.number().nullable(),
  /** What the measurement cost the board (a simulated board: what it would have cost). */
  cost: z.object({ deviceSeconds: z.number(), deviceJoules: z.number().nullable() }),
  simulated: z.boolean(),
  startedAt: z.string(),
});
export type Measurement = z.infer<typeof measurementSchema>;

/** A measurement as the store keeps it. */
export const storedMeasurementSchema = measurementSchema.extend({
  id: z.string(),
  deviceId: z.string(),
  deviceName: z.string(),
  studyId: z.string().nullable(),
});
export type StoredMeasurement = z.infer<typeof storedMeasurementSchema>;
