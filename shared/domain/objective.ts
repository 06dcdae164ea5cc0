/**
 * Metrics, objectives ("minimize latency.p99 on kitchen-pi") and constraints ("latency.p99 <= 30 ms on kitchen-pi").
 * All values are kept in the base unit of the metric's dimension.
 */
import { z } from 'zod';
import { CLASS_METRICS, classMetric, parseClassMetric } from './classification.ts';
import { didYouMean, nearestName } from './did-you-mean.ts';
import { everyObjectHas } from './named-values.ts';
import { type Dimension, formatQuantity, parseQuantity } from './units.ts';

export interface MetricInfo {
  /** For people, such as "median latency". */
  description: string;
  /** Forms offer it at once, the others on demand. */
  isCommon?: true;
  dimension: Dimension;
  /** Which way is better when nobody says. */
  direction: 'minimize' | 'maximize';
  /** `trial`: one value per trial; `device`: one per device of the study. */
  of: 'trial' | 'device';
  /** A named scalarisation: a trial's metric × a device's metric ÷ another one of the trial. Only for objectives. */
  ratio?: { ofTrial: string; ofDevice: string; over: string };
  /** Differences count as shares of this, not of the value: for what may be 0 where it is best. */
  scale?: number;
  /** Of how well a model does its task, judged on the validation split: what training may be after. */
  isQuality?: true;
  /** A program's own metric, of which nothing is known. */
  isOwn?: true;
}

const LATENCIES = {
  mean: { description: 'mean latency' },
  p50: { description: 'median latency', isCommon: true },
  p90: { description: 'latency of the slowest 10 % (p90)' },
  p95: { description: 'latency of the slowest 5 % (p95)' },
  p99: { description: 'latency of the slowest 1 % (p99)', isCommon: true },
  p999: { description: 'latency of the slowest 0.1 % (p99.9)' },
} as const satisfies Readonly<Record<string, Pick<MetricInfo, 'description' | 'isCommon'>>>;

/** Which figures of the latency there are; the metric is `latency.` and one of these. */
export const LATENCY_NAMES = Object.keys(LATENCIES) as readonly (keyof typeof LATENCIES)[];

/** What a share of the validation samples is. */
const SHARE = { dimension: 'ratio', direction: 'maximize', of: 'trial', isQuality: true } as const;

/**
 * Every metric that an objective or a constraint may name, but for those of one class (`recall.dog`), which are as many as
 * a data set has classes: see `metricInfo`. `latency` alone means `latency.p50`.
 */
export const METRICS: Readonly<Record<string, MetricInfo>> = {
  accuracy: { ...SHARE, description: 'accuracy', isCommon: true },
  f1: { ...SHARE, description: 'F1, the mean over the classes', isCommon: true },
  top5: { ...SHARE, description: 'share of the samples whose class is among the first five answers' },
  // In nats: a difference of 0.01 is 1 % of the likelihood that the model gives the truth.
  loss: { description: 'loss', dimension: 'count', direction: 'minimize', of: 'trial', scale: 1, isQuality: true },
  trainingTime: { description: 'training time', dimension: 'time', direction: 'minimize', of: 'trial' },
  trainingEnergy: { description: 'training energy', dimension: 'energy', direction: 'minimize', of: 'trial' },
  parameters: { description: 'number of parameters', dimension: 'count', direction: 'minimize', of: 'trial' },
  macs: { description: 'multiply-accumulates per inference', dimension: 'count', direction: 'minimize', of: 'trial' },
  modelSize: { description: 'size of the model file', dimension: 'memory', direction: 'minimize', of: 'trial' },
  ...Object.fromEntries(
    Object.entries(LATENCIES).map(([name, described]) => [
      `latency.${name}`,
      { ...described, dimension: 'time', direction: 'minimize', of: 'device' } satisfies MetricInfo,
    ]),
  ),
  throughput: { description: 'throughput', isCommon: true, dimension: 'rate', direction: 'maximize', of: 'device' },
  memory: { description: 'memory', isCommon: true, dimension: 'memory', direction: 'minimize', of: 'device' },
  energy: {
    description: 'energy per inference',
    isCommon: true,
    dimension: 'energy',
    direction: 'minimize',
    of: 'device',
  },
  power: { description: 'power', dimension: 'power', direction: 'minimize', of: 'device' },
  // EdgeTune's ratio and its energy form (Rocha et al., Middleware 2022).
  'edgetune.time': {
    description: 'training time × latency ÷ accuracy',
    isCommon: true,
    dimension: 'count',
    direction: 'minimize',
    of: 'device',
    ratio: { ofTrial: 'trainingTime', ofDevice: 'latency.p50', over: 'accuracy' },
  },
  'edgetune.energy': {
    description: 'training energy × energy per inference ÷ accuracy',
    isCommon: true,
    dimension: 'count',
    direction: 'minimize',
    of: 'device',
    ratio: { ofTrial: 'trainingEnergy', ofDevice: 'energy', over: 'accuracy' },
  },
};

/** Why a metric cannot be limited or told; undefined where it can. */
export function computedOnly(metric: string): string | undefined {
  const { ratio } = metricInfo(metric);
  return (
    ratio &&
    `${metric} is an objective that is computed (${ratio.ofTrial} × ${ratio.ofDevice} ÷ ${ratio.over}): name one of its parts instead`
  );
}

const OF_CLASSES = Object.keys(CLASS_METRICS).map((kind) => `${kind}.CLASS`);
const unknownMetric = (name: unknown) =>
  `unknown metric "${name}": use one of ${[...Object.keys(METRICS), ...OF_CLASSES].join(', ')}${didYouMean(name, Object.keys(METRICS))}`;
const isKnown = (name: string) => !metricInfo(name).isOwn && fullMetricName(name) === name;
const metricSchema = z.string().refine(isKnown, { error: ({ input }) => unknownMetric(input) });

const limitable = (schema: z.ZodString) =>
  schema.refine((name) => computedOnly(name) === undefined, { error: ({ input }) => computedOnly(String(input)) });

const objectiveParts = z.object({
  metric: metricSchema,
  direction: z.enum(['minimize', 'maximize']),
  /** Over the study's devices: the worst, the mean, or an objective for each. Ignored where `device` is given. */
  aggregate: z.enum(['worst', 'mean', 'each']).default('worst'),
  device: z.string().optional(),
});

const isSensible = ({ metric, direction }: { metric: string; direction: string }) =>
  direction === 'minimize' || metricInfo(metric).ratio === undefined;
const SMALLER_IS_BETTER = { path: ['direction'], error: 'a ratio of costs to accuracy can only be minimised' };

export const objectiveSchema = objectiveParts.refine(isSensible, SMALLER_IS_BETTER);
/** As somebody writes it: a key that says nothing here is a mistake. */
export const objectiveInputSchema = objectiveParts.strict().refine(isSensible, SMALLER_IS_BETTER);
export type Objective = z.infer<typeof objectiveSchema>;

export const constraintSchema = z.object({
  metric: limitable(metricSchema),
  operator: z.enum(['<=', '>=']),
  /** In the base unit of the metric's dimension. */
  limit: z.number(),
  /** Device name; absent: must hold on every device of the study. */
  device: z.string().optional(),
});
/** As somebody writes it: a key that says nothing here is a mistake. */
export const constraintInputSchema = constraintSchema.strict();
export type Constraint = z.infer<typeof constraintSchema>;

const unusableName = (name: unknown) => `"${name}" cannot be used as the name of a metric`;
const anyMetricSchema = z
  .string()
  .min(1)
  .refine((name) => !everyObjectHas(name), { error: ({ input }) => unusableName(input) });

/** Those of ask and tell, which may name a program's own metrics. */
export const anyObjectiveSchema = objectiveParts
  .extend({ metric: anyMetricSchema })
  .strict()
  .refine(isSensible, SMALLER_IS_BETTER);
export const anyConstraintSchema = constraintInputSchema.extend({ metric: limitable(anyMetricSchema) });

/** A number without unit that a program measures by itself and tells for each trial: only for ask and tell. */
const OWN_METRIC: MetricInfo = {
  description: "the program's own",
  dimension: 'count',
  direction: 'minimize',
  of: 'trial',
  isOwn: true,
};

/** What is known of a metric; one with a name that is none of EdgeTune's is the program's own. */
export function metricInfo(metric: string): MetricInfo {
  if (Object.hasOwn(METRICS, metric)) return METRICS[metric] as MetricInfo;
  const ofClass = parseClassMetric(metric);
  return ofClass
    ? { ...SHARE, description: CLASS_METRICS[ofClass.kind].replace('CLASS', `“${ofClass.className}”`) }
    : OWN_METRIC;
}

/** How a metric's name is written, as the source of a regular expression: a class may be quoted. */
export const METRIC_NAME = '([\\w.]+(?:"[^"]*")?)';

export const BY_ACCURACY: Objective = { metric: 'accuracy', direction: 'maximize', aggregate: 'worst' };

/** What training is after: the first objective on how well a model does its task; accuracy where none is. */
export function qualityObjective(objectives: readonly Objective[]): Objective {
  return objectives.find(({ metric }) => metricInfo(metric).isQuality) ?? BY_ACCURACY;
}

/** Short forms that people write, and quotes that a class does not need. */
export function fullMetricName(name: string): string {
  const ofClass = parseClassMetric(name);
  return (ofClass && classMetric(ofClass.kind, ofClass.className)) ?? (name === 'latency' ? 'latency.p50' : name);
}

const OBJECTIVE = new RegExp(
  `^\\s*(?:(minimi[sz]e|maximi[sz]e)\\s+)?${METRIC_NAME}(?:\\s+(worst|mean|each))?(?:\\s+on\\s+([\\w.-]+))?\\s*$`,
);
const CONSTRAINT = new RegExp(`^\\s*${METRIC_NAME}\\s*(<=|>=|<|>|≤|≥)\\s*(.+?)(?:\\s+on\\s+([\\w.-]+))?\\s*$`);

function anyMetric(name: string): string {
  if (everyObjectHas(name)) throw new RangeError(unusableName(name));
  return fullMetricName(name);
}

function knownMetric(name: string): string {
  if (!isKnown(fullMetricName(name))) throw new RangeError(unknownMetric(name));
  return fullMetricName(name);
}

/**
 * Parses "[minimize|maximize] METRIC [worst|mean|each] [on DEVICE]".
 * @throws {RangeError} saying what is wrong and what is allowed.
 */
export function parseObjective(text: string): Objective {
  return objectiveFrom(text, knownMetric);
}

/** The same, and it may name a metric of a program's own, with its direction: "minimize regret". */
export function parseAnyObjective(text: string): Objective {
  return objectiveFrom(text, anyMetric);
}

function objectiveFrom(text: string, metricNamed: (name: string) => string): Objective {
  const match = OBJECTIVE.exec(text);
  if (!match)
    throw new RangeError(
      misspeltDirection(text) ??
        `"${text}" is not an objective: write it like "minimize latency.p99 on kitchen-pi" or "maximize accuracy"`,
    );
  const metric = metricNamed(match[2] as string);
  const info = metricInfo(metric);
  if (match[1] === undefined && info === OWN_METRIC)
    throw new RangeError(`"${text}": say "minimize ${metric}" or "maximize ${metric}"`);
  if (match[4] !== undefined && info.of === 'trial')
    throw new RangeError(`"${text}": ${metric} belongs to the trial, not to a device; leave out "on ${match[4]}"`);
  const direction = match[1] === undefined ? info.direction : match[1].startsWith('min') ? 'minimize' : 'maximize';
  if (!isSensible({ metric, direction })) throw new RangeError(`"${text}": ${SMALLER_IS_BETTER.error}`);
  return {
    metric,
    direction,
    aggregate: (match[3] as Objective['aggregate'] | undefined) ?? 'worst',
    ...(match[4] === undefined ? {} : { device: match[4] }),
  };
}

const DIRECTIONS = ['minimize', 'maximize'];

/** Of a text that is no objective: that its first word is no direction; null where something else is wrong. */
function misspeltDirection(text: string): string | null {
  const [, first = ''] = /^\s*(\w+)\s+\S/.exec(text) ?? [];
  const nearest = nearestName(first, DIRECTIONS);
  if (nearest === null || DIRECTIONS.includes(first)) return null;
  return `"${text}": unknown direction "${first}": use one of ${DIRECTIONS.join(', ')}; did you mean "${nearest}"?`;
}

/**
 * Parses "METRIC <= QUANTITY [on DEVICE]", the quantity with a unit of the metric's dimension.
 * @throws {RangeError} saying what is wrong and what is allowed.
 */
export function parseConstraint(text: string): Constraint {
  return constraintFrom(text, knownMetric);
}

/** The same, and it may limit a metric of a program's own by a plain number: "collisions <= 3". */
export function parseAnyConstraint(text: string): Constraint {
  return constraintFrom(text, anyMetric);
}

function constraintFrom(text: string, metricNamed: (name: string) => string): Constraint {
  const match = CONSTRAINT.exec(text);
  if (!match)
    throw new RangeError(
      `"${text}" is not a constraint: write it like "latency.p99 <= 30 ms on kitchen-pi" or "memory <= 64 MB"`,
    );
  const metric = metricNamed(match[1] as string);
  const info = metricInfo(metric);
  const refusal = computedOnly(metric);
  if (refusal !== undefined) throw new RangeError(`"${text}": ${refusal}`);
  if (match[4] !== undefined && info.of === 'trial')
    throw new RangeError(`"${text}": ${metric} belongs to the trial, not to a device; leave out "on ${match[4]}"`);
  return {
    metric,
    operator: ['<=', '<', '≤'].includes(match[2] as string) ? '<=' : '>=',
    limit: parseQuantity(match[3] as string, info.dimension),
    ...(match[4] === undefined ? {} : { device: match[4] }),
  };
}

/** Writes a constraint as `parseConstraint` reads it. */
export function formatConstraint(constraint: Constraint): string {
  const { metric, operator, limit, device } = constraint;
  return `${metric} ${operator} ${formatQuantity(limit, metricInfo(metric).dimension)}${device === undefined ? '' : ` on ${device}`}`;
}

/** Writes an objective as `parseObjective` reads it. */
export function formatObjective(objective: Objective): string {
  const { metric, direction, aggregate, device } = objective;
  const over = METRICS[metric]?.of !== 'device' ? '' : device === undefined ? ` ${aggregate}` : ` on ${device}`;
  return `${direction} ${metric}${over}`;
}

/** How far `value` is from meeting the constraint, relative to the limit: 0 when it holds, positive when violated. */
export function violationOf(constraint: Constraint, value: number): number {
  const excess = constraint.operator === '<=' ? value - constraint.limit : constraint.limit - value;
  if (Number.isNaN(excess)) return Infinity;
  return excess <= 0 ? 0 : excess / Math.max(Math.abs(constraint.limit), Number.MIN_VALUE);
}
