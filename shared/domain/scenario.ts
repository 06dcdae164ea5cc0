/** Load scenarios as MLPerf Inference defines them (Reddi et al., 2020, https://arxiv.org/abs/1911.02549). */
import { z } from 'zod';
import { formatQuantity } from './units.ts';

export const scenarioSchema = z.discriminatedUnion('kind', [
  /** Queries of one batch, back to back. */
  z.object({ kind: z.literal('single-stream') }),
  /** One query carries `samplesPerQuery` samples (MLPerf: 8), back to back. */
  z.object({ kind: z.literal('multi-stream'), samplesPerQuery: z.int().min(1).max(1024).default(8) }),
  /**
   * Single samples arrive as a Poisson process, at `arrivalsPerS` or, given `p99BoundMs`, at the highest rate at which the
   * 99th percentile of the latency keeps that bound; the runner may wait `batchingWindowMs` to fill a batch.
   */
  z
    .object({
      kind: z.literal('server'),
      arrivalsPerS: z.number().positive().optional(),
      p99BoundMs: z.number().positive().optional(),
      batchingWindowMs: z.number().min(0).default(0),
    })
    .refine(({ arrivalsPerS, p99BoundMs }) => (arrivalsPerS === undefined) !== (p99BoundMs === undefined), {
      error: 'give either arrivalsPerS, a rate, or p99BoundMs, to find the highest rate within it',
    }),
  /** All samples are there at once. */
  z.object({ kind: z.literal('offline') }),
]);
export type Scenario = z.infer<typeof scenarioSchema>;

export const SCENARIO_KINDS: readonly Scenario['kind'][] = scenarioSchema.options.map(({ shape }) => shape.kind.value);

/** One canonical text per scenario: equal scenarios have equal keys. */
export function scenarioKey(scenario: Scenario): string {
  switch (scenario.kind) {
    case 'multi-stream':
      return `multi-stream-${scenario.samplesPerQuery}`;
    case 'server':
      return `server-${scenario.arrivalsPerS ?? `p99-${scenario.p99BoundMs}`}-${scenario.batchingWindowMs}`;
    default:
      return scenario.kind;
  }
}

/** A scenario as people read it. */
export function scenarioText(scenario: Scenario): string {
  if (scenario.kind === 'multi-stream') return `multi-stream, ${scenario.samplesPerQuery} samples per query`;
  if (scenario.kind !== 'server') return scenario.kind;
  const { arrivalsPerS, p99BoundMs, batchingWindowMs } = scenario;
  const rate =
    arrivalsPerS === undefined
      ? `the highest rate with p99 <= ${formatQuantity(p99BoundMs as number, 'time')}`
      : formatQuantity(arrivalsPerS, 'rate');
  return `server, ${rate}${batchingWindowMs > 0 ? `, batching window ${formatQuantity(batchingWindowMs, 'time')}` : ''}`;
}
