/** What the agent and a measuring process say to each other. */
import { inferenceConfigSchema } from '@edgetune/shared/domain/inference-config.ts';
import { stopReasonSchema } from '@edgetune/shared/domain/measurement.ts';
import { scenarioSchema } from '@edgetune/shared/domain/scenario.ts';
import { stopRuleSchema } from '@edgetune/shared/protocol/job.ts';
import { z } from 'zod';

export const measureOrderSchema = z.object({
  modelPath: z.string(),
  config: inferenceConfigSchema,
  scenario: scenarioSchema,
  stopRule: stopRuleSchema,
  dimensions: z.record(z.string(), z.int().min(0)),
  seed: z.number(),
});
export type MeasureOrder = z.infer<typeof measureOrderSchema>;

/** The agent's answers to `started` and `ready`. */
export const agentWordSchema = z.enum(['load', 'begin']);
export type AgentWord = z.infer<typeof agentWordSchema>;

export const measureReportSchema = z.discriminatedUnion('type', [
  /** An engine is being built, which takes minutes on a slow board: the process is not stuck. */
  z.object({ type: z.literal('preparing') }),
  /** The runtime is up: what is used from here on is the model's. It is loaded when the agent answers "load". */
  z.object({ type: z.literal('started') }),
  /** The model is loaded and warm: the window begins when the agent answers "begin". */
  z.object({ type: z.literal('ready') }),
  z.object({
    type: z.literal('done'),
    latenciesMs: z.array(z.number()).min(1),
    /** Samples that were run in the window, when it began (monotonic clock of the machine), and how long it was. */
    samples: z.int().positive(),
    windowStartMs: z.number(),
    windowMs: z.number().positive(),
    /** How much of the window the agent itself took between back-to-back queries. */
    overheadMs: z.number().min(0),
    /** Of the process that executes the model, and of the measuring process where that is another one. */
    cpuSeconds: z.number(),
    attendingCpuSeconds: z.number(),
    peakMemoryBytes: z.number().nullable(),
    processPeakMemoryBytes: z.number().nullable(),
    /** Rows of the first output: the batch that the runtime really ran. */
    outputRows: z.int().nullable(),
    stopReason: stopReasonSchema,
  }),
  /** `rejected`: this model or config can never run here. */
  z.object({ type: z.literal('failed'), rejected: z.boolean(), message: z.string() }),
]);
export type MeasureReport = z.infer<typeof measureReportSchema>;
