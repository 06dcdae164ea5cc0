/**
 * A job: one request to one device. queued → sent → accepted → running → succeeded | failed | timed-out | rejected | cancelled.
 * `attempt` and `leaseToken` are its fence: an update that does not carry the job's current pair changes nothing.
 */
import { z } from 'zod';
import { inferenceConfigSchema } from '../domain/inference-config.ts';
import { sha256Schema } from '../domain/measurement.ts';
import { namedValues } from '../domain/named-values.ts';
import { scenarioSchema } from '../domain/scenario.ts';

export const jobStateSchema = z.enum([
  'queued',
  'sent',
  'accepted',
  'running',
  'succeeded',
  'failed',
  'timed-out',
  'rejected',
  'cancelled',
]);
export type JobState = z.infer<typeof jobStateSchema>;

/** Which states may follow. `queued` follows an attempt that was lost: the same job, one attempt later. */
export const JOB_TRANSITIONS: Readonly<Record<JobState, readonly JobState[]>> = {
  queued: ['sent', 'cancelled', 'timed-out'],
  sent: ['accepted', 'running', 'succeeded', 'failed', 'timed-out', 'rejected', 'cancelled', 'queued'],
  accepted: ['running', 'succeeded', 'failed', 'timed-out', 'rejected', 'cancelled', 'queued'],
  running: ['succeeded', 'failed', 'timed-out', 'rejected', 'cancelled', 'queued'],
  succeeded: [],
  failed: [],
  'timed-out': [],
  rejected: [],
  cancelled: [],
};

export function isTerminal(state: JobState): boolean {
  return JOB_TRANSITIONS[state].length === 0;
}

export function canFollow(from: JobState, to: JobState): boolean {
  return JOB_TRANSITIONS[from].includes(to);
}

/** When to stop measuring: both minima are reached and the median's interval is narrow, or a maximum is reached. */
export const stopRuleSchema = z.object({
  warmupRuns: z.int().min(0).default(3),
  minRuns: z.int().min(1).default(50),
  minDurationMs: z.number().min(0).default(1000),
  maxRuns: z.int().min(1).default(100_000),
  maxDurationMs: z.number().positive().default(30_000),
  /** Half-width of the 95 % interval of the median ÷ median at which to stop; null: stop at the minima. */
  medianPrecision: z.number().positive().nullable().default(null),
});
export type StopRule = z.infer<typeof stopRuleSchema>;

export const measureRequestSchema = z.object({
  kind: z.literal('measure'),
  modelSha256: sha256Schema,
  modelBytes: z.int().positive(),
  signature: z.string(),
  config: inferenceConfigSchema,
  scenario: scenarioSchema,
  stopRule: stopRuleSchema,
  /** Sizes of named axes; one that names the batch fixes it. */
  dimensions: namedValues(z.int().min(0)).default({}),
  /** What the model may take above what the runtime takes without it (see `peakMemoryBytes`); null: what the board can spare. */
  memoryLimitBytes: z.int().positive().nullable().default(null),
  /** Seeds the input values and, on a simulated device, the noise. */
  seed: z.int().default(0),
});
export type MeasureRequest = z.infer<typeof measureRequestSchema>;

export const jobRequestSchema = z.discriminatedUnion('kind', [measureRequestSchema]);
export type JobRequest = z.infer<typeof jobRequestSchema>;

export const jobSchema = z.object({
  jobId: z.string().min(1),
  attempt: z.int().min(1),
  leaseToken: z.string().min(1),
  /** The agent ends the job as timed-out when it is neither done nor reporting progress for so long. */
  stepTimeoutMs: z.number().positive(),
  /**
   * The device is on the coordinator's own machine: when the model is loaded and warm the agent reports `running` and
   * waits for `proceed`, so that training stands still for the measured window only. `accepted` again: the window was
   * disturbed, and training goes on until the next one.
   */
  waitForHost: z.boolean().default(false),
  request: jobRequestSchema,
});
export type Job = z.infer<typeof jobSchema>;
