/**
 * What is best of several: the one rule for the tuner, studies, inference configs, pages and reports.
 *
 * 1. Constraints first: what meets them comes before what does not, and that by how little it misses them.
 * 2. The first objective leads: only what is within a stated distance of its best value competes (a lexicographic order
 *    with a tolerance: Tversky, "Intransitivity of preferences", 1969; Haimes et al.'s ε-constraint, 1971).
 * 3. Among those the best compromise wins: the product of the values, each to the power of its weight (the weighted
 *    product model: Bridgman, "Dimensional Analysis", 1922; Tofallis, "Add or multiply?", 2014). A difference counts as a
 *    share of the value, never of the range that the others happen to span.
 *
 * Nothing but the front decides: what is dominated, doubled or asked for besides changes nothing, nor do units. A device
 * of which nothing is known decides nothing.
 * The defaults and their reasons: docs/decisions/preference.md.
 */
import { dominates, lexicographic, paretoFront } from './dominance.ts';
import { metricInfo, type Objective } from './objective.ts';
import { type ObjectiveTerm, termsKnownTo } from './objective-terms.ts';
import { type AtMost, giveText, type Prefer } from './prefer.ts';
import type { Metrics } from './study-event.ts';
import { type Dimension, formatQuantity } from './units.ts';

/** One of those that are to be put in order. */
export interface Contender<T> {
  item: T;
  /** Sum of relative violations of the constraints; 0: it meets them. */
  violation: number;
  metrics: Metrics;
}

export interface Preference {
  /** Best first. What equals another in everything stays in the order given. */
  rank<T>(contenders: readonly Contender<T>[]): T[];
  /** Why the first is first, in a sentence or two; null of nothing. @param nameOf such as "trial 3" */
  why<T>(contenders: readonly Contender<T>[], nameOf: (item: T) => string): string | null;
}

export interface PreferenceProblem {
  /** In the order of their importance. */
  objectives: readonly Objective[];
  devices: readonly string[];
  prefer?: Prefer | undefined;
  /** False: all are alike in what leads, which is not among these objectives, so that all compete. */
  leads?: boolean;
}

type Give = AtMost['give'];

/** How much of what leads may be given for the rest, where nobody says. */
const DEFAULT_POINTS = 0.01;
const DEFAULT_SHARE_OF_QUALITY = 0.01;
const DEFAULT_SHARE_OF_COST = 0.1;

/**
 * Values below count as this: no meter of a board resolves less, and what is measured net of idling can come out as 0 or
 * less. In base units.
 */
const LEAST: Record<Dimension, number> = {
  time: 1e-6,
  memory: 1,
  energy: 1e-6,
  power: 1e-3,
  rate: 1e-6,
  clock: 1,
  ratio: 1e-3,
  count: 1,
};

/**
 * The logarithm of a value, by which differences are shares, with smaller being better. For metrics of EdgeTune that
 * have no scale of their own.
 */
export function logLoss(metric: string, direction: Objective['direction'], value: number): number {
  const { dimension, ratio, isOwn } = metricInfo(metric);
  const log = Math.log(Math.max(value, ratio || isOwn ? Number.MIN_VALUE : LEAST[dimension]));
  return direction === 'minimize' ? log : -log;
}

export function createPreference({ objectives, devices, prefer, leads = true }: PreferenceProblem): Preference {
  const order = <T>(contenders: readonly Contender<T>[]) => {
    const known = contenders.map(({ metrics }) => metrics);
    return inOrder(contenders, { terms: termsKnownTo(objectives, devices, known), prefer, lead: leads ? 0 : null });
  };
  return {
    rank: (contenders) => order(contenders).map(({ item }) => item),
    why: (contenders, nameOf) => reasonOf(order(contenders), nameOf),
  };
}

/** A contender with all that its place among those of the same violation depends on; smaller is better. */
interface Standing<T> extends Contender<T> {
  losses: number[];
  competes: boolean;
  /** Shares by which it is worse than the best in what leads. */
  behind: number;
  /** Sum of all its shares: the logarithm of the product. In steps too small to mean anything. */
  compromise: number;
  /** Those that it was compared in. */
  terms: readonly ObjectiveTerm[];
  /** What may be given of the leading objective; null where none leads. */
  give: Give | null;
}

/** Differences below are rounding. */
const SAME = 1e-9;

interface Rule {
  terms: readonly ObjectiveTerm[];
  prefer: Prefer | undefined;
  /** The place of the objective that leads; null: none does. */
  lead: number | null;
}

function inOrder<T>(contenders: readonly Contender<T>[], rule: Rule): Standing<T>[] {
  const violations = [...new Set(contenders.map(({ violation }) => violation))].sort((a, b) => a - b);
  return violations.flatMap((of) =>
    inOrderOfOneViolation(
      contenders.filter(({ violation }) => violation === of),
      rule,
    ),
  );
}

/** What nobody could measure (energy without a meter) decides nothing; what lacks a value that others have comes behind them. */
function inOrderOfOneViolation<T>(contenders: readonly Contender<T>[], rule: Rule): Standing<T>[] {
  if (contenders.length === 0) return [];
  const isKnown = (term: ObjectiveTerm, { metrics }: Contender<T>) => Number.isFinite(term.valueOf(metrics));
  const terms = rule.terms.filter((term) => contenders.some((each) => isKnown(term, each)));
  const isComplete = (each: Contender<T>) => terms.every((term) => isKnown(term, each));
  const complete = contenders.filter(isComplete);
  if (complete.length === 0) {
    const common = terms.filter((term) => contenders.every((each) => isKnown(term, each)));
    return byRule(contenders, { ...rule, terms: common });
  }
  const others = contenders.filter((each) => !isComplete(each));
  return [...byRule(complete, { ...rule, terms }), ...inOrderOfOneViolation(others, rule)];
}

/** Contenders of one violation, of which all terms are known. */
function byRule<T>(
  contenders: readonly Contender<T>[],
  { terms, prefer, lead: leadingObjective }: Rule,
): Standing<T>[] {
  const known = contenders.map((each) => ({
    ...each,
    losses: terms.map((term) => signOf(term) * (term.valueOf(each.metrics) as number)),
  }));
  const front = paretoFront(known.map(({ losses }) => losses)).map((index) => known[index]?.losses as number[]);
  const scales = scalesOf(terms, front);
  const shares = sharesOf(terms, front, scales);
  const leading = terms.map(({ objective }) => objective === leadingObjective);
  const lead = leading[0] ? (terms[0] as ObjectiveTerm) : null;
  const best = bestOf(front, (losses) => mean(shares(losses), leading));
  const give = lead && giveOf(lead.metric, prefer, scales[0] ?? null);
  const weights = weightsOf(terms, prefer, best, scales);
  const standings = known.map((each): Standing<T> => {
    const own = shares(each.losses);
    const behind = inSteps(mean(own, leading) - mean(shares(best), leading));
    return {
      ...each,
      competes: !lead || !give || isNear(each.losses, best, behind, lead, give, scales[0] ?? null),
      behind,
      compromise: inSteps(own.reduce((sum, share, i) => sum + (weights[i] as number) * share, 0)),
      terms,
      give,
    };
  });
  return standings.sort(compare);
}

const signOf = ({ direction }: Pick<ObjectiveTerm, 'direction'>) => (direction === 'minimize' ? 1 : -1);

const inSteps = (value: number) => Math.round(value / SAME) * SAME;

function compare(a: Standing<unknown>, b: Standing<unknown>): number {
  if (a.competes !== b.competes) return Number(b.competes) - Number(a.competes);
  const [x, y] = a.competes ? [a.compromise, b.compromise] : [a.behind, b.behind];
  return (x !== y ? x - y : a.compromise - b.compromise) || lexicographic(a.losses, b.losses);
}

/** The mean over the chosen of some values. */
function mean(values: readonly number[], chosen: readonly boolean[]): number {
  const of = values.filter((_, i) => chosen[i]);
  return of.length === 0 ? 0 : of.reduce((sum, value) => sum + value, 0) / of.length;
}

/** @param front of one point at least */
function bestOf(front: readonly number[][], loss: (losses: readonly number[]) => number): number[] {
  return front.reduce((best, losses) => (loss(best) <= loss(losses) ? best : losses));
}

/**
 * What differences of a term are divided by; null: they are shares of the value. A program's own metric counts in its own
 * unit where it reaches 0 or less on the front.
 */
function scalesOf(terms: readonly ObjectiveTerm[], front: readonly number[][]): (number | null)[] {
  return terms.map((term, i) => {
    const { scale = null, isOwn } = metricInfo(term.metric);
    return isOwn && front.some((losses) => signOf(term) * (losses[i] as number) <= 0) ? 1 : scale;
  });
}

/** Losses as shares relative to the best value of each term on the front: a difference of 0.01 is 1 % of the value. */
function sharesOf(terms: readonly ObjectiveTerm[], front: readonly number[][], scales: readonly (number | null)[]) {
  const ideal = terms.map((_, i) => Math.min(...front.map((losses) => losses[i] as number)));
  return (losses: readonly number[]): number[] =>
    losses.map((loss, i) => {
      const term = terms[i] as ObjectiveTerm;
      const [best, scale] = [ideal[i] as number, scales[i] ?? null];
      if (scale !== null) return (loss - best) / scale;
      const { metric, direction } = term;
      return logLoss(metric, direction, signOf(term) * loss) - logLoss(metric, direction, signOf(term) * best);
    });
}

/** An objective for each of several devices counts once. */
function weightsOf(
  terms: readonly ObjectiveTerm[],
  prefer: Prefer | undefined,
  best: readonly number[],
  scales: readonly (number | null)[],
): number[] {
  return terms.map((term, i) => {
    const parts = terms.filter(({ objective }) => objective === term.objective).length;
    return weightOf(term, prefer, best[i] as number, scales[i] ?? null) / parts;
  });
}

/**
 * How often a share of an objective counts. What may be given of one is worth what is asked for it: all of it, so that
 * much of the other.
 * @param best loss
 */
export function weightOf(
  term: Pick<ObjectiveTerm, 'metric' | 'direction'>,
  prefer: Prefer | undefined,
  best: number,
  scale: number | null = null,
): number {
  const said = prefer?.weights[term.metric] ?? 1;
  const { atMost } = prefer ?? {};
  if (!atMost?.for || atMost.metric !== term.metric) return said;
  return (said * -Math.log1p(-atMost.for.share)) / shareOf(atMost.give, term, best, scale);
}

/** What may be given, as a share as they are summed. @param best loss */
function shareOf(
  give: Give,
  { metric, direction }: Pick<ObjectiveTerm, 'metric' | 'direction'>,
  best: number,
  scale: number | null,
): number {
  const amount = 'share' in give ? give.share * Math.abs(best) : give.amount;
  if (scale !== null) return amount / scale;
  const value = signOf({ direction }) * best;
  const worst = value + signOf({ direction }) * amount;
  return logLoss(metric, direction, worst) - logLoss(metric, direction, value);
}

/** The worst value of what leads with which one still competes, where `best` is the best, for metrics without a scale. */
export function worstCompeting(
  metric: string,
  direction: Objective['direction'],
  best: number,
  prefer: Prefer | undefined,
): number {
  const give = giveOf(metric, prefer, null);
  const sign = signOf({ direction });
  if ('amount' in give) return best + sign * give.amount;
  return Math.max(best, LEAST[metricInfo(metric).dimension]) * (1 + sign * give.share);
}

/** Whether losses are near enough to the best of what leads. @param behind by how much they are worse, as a share */
function isNear(
  losses: readonly number[],
  best: readonly number[],
  behind: number,
  lead: ObjectiveTerm,
  give: Give,
  scale: number | null,
): boolean {
  // An amount is of one term only: `preferIssues` sees to it.
  if ('amount' in give) return (losses[0] as number) - (best[0] as number) <= give.amount * (1 + SAME);
  if (scale !== null) return behind <= shareOf(give, lead, best[0] as number, scale) + SAME;
  return behind <= (lead.direction === 'minimize' ? Math.log1p(give.share) : -Math.log1p(-give.share)) + SAME;
}

function giveOf(metric: string, prefer: Prefer | undefined, scale: number | null): Give {
  return prefer?.atMost?.metric === metric ? prefer.atMost.give : defaultGive(metric, scale);
}

/**
 * Accuracy: one point, which a study gives for an int8 variant, too, and about what MLPerf Inference allows a submission
 * (99 % of the reference's; Reddi et al., 2020). A loss: 0.01 nats, a hundredth of the likelihood. What is measured on
 * devices or is a cost: 10 %, by which medians of repeated runs on a board lie apart (a Raspberry Pi 4 in MLPerf: 9.6 %).
 */
function defaultGive(metric: string, scale: number | null): Give {
  const { dimension, isOwn } = metricInfo(metric);
  if (dimension === 'ratio') return { amount: DEFAULT_POINTS };
  if (scale !== null) return { amount: DEFAULT_POINTS * scale };
  return { share: isOwn ? DEFAULT_SHARE_OF_QUALITY : DEFAULT_SHARE_OF_COST };
}

function reasonOf<T>(ranked: readonly Standing<T>[], nameOf: (item: T) => string): string | null {
  const [first, second] = ranked;
  if (!first) return null;
  const name = nameOf(first.item);
  if (first.violation > 0)
    return `None meets the constraints; ${name} misses them by least (${missed(first.violation)} of the limits).`;
  if (!second) return `${capital(name)} is the only one.`;
  if (second.violation > 0) return `${capital(name)} is the only one that meets the constraints.`;
  if (second.terms !== first.terms) return `${capital(name)} is the only one of which all objectives are known.`;
  const { terms, give } = first;
  const [lead] = terms;
  if (!lead) return `Nothing of the objectives is known: ${name} is first by its place.`;
  if (dominates(first.losses, second.losses) && ranked.every((each) => isNoBetter(each, first)))
    return `${capital(name)} is best in every objective.`;
  const leading = terms.filter(({ objective }) => objective === lead.objective);
  const leadName = leading.length > 1 ? lead.metric : lead.name;
  const competing = ranked.filter(({ terms: of, violation, competes }) => violation === 0 && of === terms && competes);
  if (give && competing.length === 1)
    return `${capital(leadName)} leads: no other is within ${giveText(give, lead.metric)} of ${name} (${valuesText(first, leading)}); the next is ${nameOf(second.item)} (${valuesText(second, leading)}).`;
  const among = give
    ? `${leadName} leads: ${competing.length} are within ${giveText(give, lead.metric)} of the best. Among them `
    : '';
  return `${capital(`${among}${name} is the best compromise`)}: against ${nameOf(second.item)}, ${differences(first, second, terms)}.`;
}

const isNoBetter = (each: Standing<unknown>, first: Standing<unknown>) =>
  each.violation > 0 ||
  (each.terms === first.terms && each.losses.every((loss, i) => loss >= (first.losses[i] as number)));

const missed = (violation: number) =>
  violation >= 1e6 ? 'it cannot run' : `${Number((100 * violation).toPrecision(2))} %`;

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

/** Of several devices each: "latency.p50@a 10 ms, latency.p50@b 12 ms". */
function valuesText(contender: Contender<unknown>, terms: readonly ObjectiveTerm[]): string {
  const [only] = terms;
  if (only && terms.length === 1) return valueText(contender, only);
  return terms.map((term) => `${term.name} ${valueText(contender, term)}`).join(', ');
}

function valueText({ metrics }: Contender<unknown>, term: ObjectiveTerm): string {
  return formatQuantity(term.valueOf(metrics) as number, metricInfo(term.metric).dimension);
}

/** "accuracy 92.1 % (instead of 93 %), latency.p50@pi 20 ms (instead of 40 ms)". */
function differences(first: Contender<unknown>, second: Contender<unknown>, terms: readonly ObjectiveTerm[]): string {
  return terms
    .map((term) => {
      const [a, b] = [valueText(first, term), valueText(second, term)];
      return a === b ? `the same ${term.name} (${a})` : `${term.name} ${a} instead of ${b}`;
    })
    .join(', ');
}
