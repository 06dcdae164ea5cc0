/** Load scenarios as MLPerf Inference defines them (Reddi et al., 2020, https://arxiv.org/abs/1911.02549). */
import { z } from 'zod';

export const scenarioSchema = z.discriminatedUnion('kind', [
  /** Queries of one batch, back to back. */
  z.object({ kind: z.literal('single-stream') }),
  /** One query carries `samplesPerQuery` samples (MLPerf: 8), back to back. */
  z.object({ kind: z.literal('multi-stream'), samplesPerQuery: z.int().min(1).max(1024).default(8) }),
  /** Single samples arrive as a Poisson process; the runner may wait `batchingWindowMs` to fill a batch. */
  z.object({
    kind: z.literal('server'),
    arrivalsPerS: z.number().positive(),
    batchingWindowMs: z.number().min(0).default(0),
  }),
  /** All samples are there at once. */
  z.object({ kind: z.literal('offline') }),
]);
export type Scenario = z.infer<typeof scenarioSchema>;

/** One canonical text per scenario: equal scenarios have equal keys. */
export function scenarioKey(scenario: Scenario): string {
  switch (scenario.kind) {
    case 'multi-stream':
      return `multi-stream-${scenario.samplesPerQuery}`;
    case 'server':
      return `server-${scenario.arrivalsPerS}-${scenario.batchingWindowMs}`;
    default:
      return scenario.kind;
  }
}
