/**
 * What a person says of their preference: how much of the leading objective may be given for the others, and what a
 * share of each objective is worth. How it is applied: `preference.ts`.
 */
import { z } from 'zod';
import { namedValues } from './named-values.ts';
import { fullMetricName, METRIC_NAME, metricInfo, type Objective } from './objective.ts';
import { baseUnitOf, parseQuantity } from './units.ts';
import { written } from './written.ts';

/** "At most 1 point of accuracy for 20 % of latency.p50". */
export const atMostSchema = z.strictObject({
  /** The metric of the first objective. */
  metric: z.string().min(1),
  /** In the metric's base unit, or as a share of its best value (0.05: 5 %). */
  give: z.union([z.strictObject({ amount: z.number().positive() }), z.strictObject({ share: z.number().gt(0).lt(1) })]),
  /** So much better this objective has to become for all that may be given: a share of its value. */
  for: z.strictObject({ metric: z.string().min(1), share: z.number().gt(0).lt(1) }).optional(),
});
export type AtMost = z.infer<typeof atMostSchema>;

export const preferSchema = z.strictObject({
  atMost: written(atMostSchema, parseAtMost).optional(),
  /** How often a share of this objective counts, by metric; 1 where nothing is said. */
  weights: namedValues(z.number().positive()).default({}),
});
export type Prefer = z.infer<typeof preferSchema>;

/** `prefer` as one line: what `atMost` says. @throws {RangeError} saying what is wrong and what is allowed */
export function parsePrefer(text: string): Prefer {
  return { atMost: parseAtMost(text), weights: {} };
}

const AT_MOST = new RegExp(
  `^\\s*at most\\s+(.+?)\\s+of\\s+${METRIC_NAME}(?:\\s+for\\s+(.+?)\\s+of\\s+${METRIC_NAME})?\\s*$`,
  'i',
);
const HOW = 'write it like "at most 1 point of accuracy" or "at most 2 % of latency.p50 for 10 % of energy"';

/**
 * Parses "at most GIVE of METRIC [for SHARE of METRIC]": GIVE in points (of a fraction), in % of the best value, or in the metric's unit.
 * @throws {RangeError} saying what is wrong and what is allowed
 */
export function parseAtMost(text: string): AtMost {
  const match = AT_MOST.exec(text);
  if (!match) throw new RangeError(`"${text}" is not a preference: ${HOW}`);
  const metric = fullMetricName(match[2] as string);
  const give = parseGive(match[1] as string, metric);
  if (match[3] === undefined) return { metric, give };
  const worth = parseGive(match[3], fullMetricName(match[4] as string));
  if (!('share' in worth))
    throw new RangeError(`"${text}": say what it has to bring as a share, like "for 20 % of ${match[4]}"`);
  return { metric, give, for: { metric: fullMetricName(match[4] as string), share: worth.share } };
}

function parseGive(text: string, metric: string): AtMost['give'] {
  const percent = /^([\d.]+)\s*%$/.exec(text);
  if (percent) return { share: within(Number(percent[1]) / 100, text) };
  const { dimension } = metricInfo(metric);
  const points = /^([\d.]+)\s+points?$/.exec(text);
  if (points && dimension !== 'ratio')
    throw new RangeError(`"${text}" of ${metric}: points are hundredths of a fraction, such as accuracy; say % here`);
  const amount = points ? Number(points[1]) / 100 : parseQuantity(text, dimension);
  if (!(amount > 0)) throw new RangeError(`"${text}" of ${metric}: it must be more than 0`);
  return { amount };
}

function within(share: number, text: string): number {
  if (!(share > 0 && share < 1)) throw new RangeError(`"${text}": a share is more than 0 % and less than 100 %`);
  return share;
}

/** Writes it as `parseAtMost` reads it. */
export function formatAtMost({ metric, give, for: worth }: AtMost): string {
  return `at most ${giveText(give, metric)} of ${metric}${worth ? ` for ${percent(worth.share)} of ${worth.metric}` : ''}`;
}

/** The whole of it in words. */
export function formatPrefer({ atMost, weights }: Prefer): string {
  const weighed = Object.entries(weights).map(([metric, weight]) => `${metric} × ${number(weight)}`);
  return [...(atMost ? [formatAtMost(atMost)] : []), ...weighed].join(', ') || 'as usual';
}

const number = (value: number) => String(Number(value.toPrecision(6)));
const percent = (share: number) => `${number(100 * share)} %`;

/** What may be given in words: "5 %", "1 point" of a fraction, else in the base unit. */
export function giveText(give: AtMost['give'], metric: string): string {
  if ('share' in give) return percent(give.share);
  const { amount } = give;
  const { dimension } = metricInfo(metric);
  if (dimension !== 'ratio') return `${number(amount)} ${baseUnitOf(dimension)}`.trimEnd();
  const points = number(100 * amount);
  return `${points} ${points === '1' ? 'point' : 'points'}`;
}

/** What of a preference does not fit the objectives, each with its place below `prefer`. */
export function preferIssues(
  { atMost, weights }: Prefer,
  objectives: readonly Objective[],
  devices: readonly string[],
): { path: string[]; message: string }[] {
  const names = objectives.map(({ metric }) => metric);
  const issues = Object.keys(weights)
    .filter((name) => !names.includes(name))
    .map((name) => ({ path: ['weights', name], message: `is not an objective: use one of ${names.join(', ')}` }));
  if (!atMost) return issues;
  const issue = (message: string) => issues.push({ path: ['atMost'], message });
  const [lead] = objectives;
  if (atMost.metric !== names[0])
    issue(
      `names ${atMost.metric}, but the first objective leads: it is ${names[0]}. Name that, or put the other first`,
    );
  const isEach = lead && metricInfo(lead.metric).of === 'device' && lead.aggregate === 'each' && !lead.device;
  if (isEach && devices.length > 1 && 'amount' in atMost.give)
    issue(`an amount does not say of which device: give a share in %, or write "${lead.metric} worst"`);
  const { for: worth } = atMost;
  if (worth && !names.slice(1).includes(worth.metric))
    issue(
      `is given for ${worth.metric}, which is none of the other objectives: ${names.slice(1).join(', ') || 'none'}`,
    );
  if (worth)
    for (const metric of [atMost.metric, worth.metric])
      if (Object.hasOwn(weights, metric))
        issue(`says what ${metric} is worth, and so does weights.${metric}: leave out one of them`);
  return issues;
}
