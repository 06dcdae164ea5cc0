/** Load scenarios as MLPerf Inference defines them (Reddi et al., 2020, https://arxiv.org/abs/1911.02549). */
import { z } from 'zod';
import { formatQuantity } from './units.ts';

export const scenarioSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('single-stream') }).describe('queries of one batch, back to back'),
  z
    .object({
      kind: z.literal('multi-stream'),
      samplesPerQuery: z.int().min(1).max(1024).default(8).describe('samples in one query (MLPerf: 8)'),
    })
    .describe('queries of several samples, back to back'),
  z
    .object({
      kind: z.literal('server'),
      arrivalsPerS: z.number().positive().optional().describe('samples that arrive in a second'),
      p99BoundMs: z
        .number()
        .positive()
        .optional()
        .describe('instead of a rate: the highest is looked for at which the p99 latency keeps this bound (ms)'),
      batchingWindowMs: z.number().min(0).default(0).describe('how long the runner may wait to fill a batch (ms)'),
    })
    .refine(({ arrivalsPerS, p99BoundMs }) => (arrivalsPerS === undefined) !== (p99BoundMs === undefined), {
      error: 'give either arrivalsPerS, a rate, or p99BoundMs, to find the highest rate within it',
    })
    .describe('single samples that arrive as a Poisson process'),
  z.object({ kind: z.literal('offline') }).describe('all samples are there at once'),
]);
export type Scenario = z.infer<typeof scenarioSchema>;

const [singleStream, multiStream, server, offline] = scenarioSchema.options;
/** As somebody writes it: a key that is no setting of the scenario is a mistake. */
export const scenarioInputSchema = z.discriminatedUnion('kind', [
  strictly(singleStream),
  strictly(multiStream),
  strictly(server),
  strictly(offline),
]);

function strictly<Shape extends z.ZodRawShape>(settings: z.ZodObject<Shape>) {
  return settings.strict().describe(settings.description ?? '');
}

/** The scenarios that there are, each with its settings as a schema. */
export const SCENARIOS = scenarioSchema.options.map((settings) => ({
  name: settings.shape.kind.value,
  description: settings.description ?? '',
  settings,
}));
export const SCENARIO_KINDS: readonly Scenario['kind'][] = SCENARIOS.map(({ name }) => name);

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
