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
 * Nothing but the front decides: what is dominated, doubled or asked for besides changes nothing, nor do units.
 * The defaults and their reasons: docs/decisions/preference.md.
 */
import { dominates, lexicographic, paretoFront } from './dominance.ts';
import { metricInfo, type Objective } from './objective.ts';
import { type ObjectiveTerm, objectiveTerms } from './objective-terms.ts';
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
  const terms = objectiveTerms(objectives, devices);
  const order = <T>(contenders: readonly Contender<T>[]) => inOrder(contenders, terms, prefer, leads);
  return {
    rank: (contenders) => order(contenders).ranked.map(({ item }) => item),
    why: (contenders, nameOf) => reasonOf(order(contenders), nameOf),
  };
}

/** A contender with all that its place depends on; smaller is better. */
interface Standing<T> extends Contender<T> {
  /** By term; null where one that others have is missing. */
  losses: number[] | null;
  competes: boolean;
  /** Shares by which it is worse than the best in what leads. */
  behind: number;
  /** Sum of all its shares: the logarithm of the product. In steps too small to mean anything. */
  compromise: number;
}

interface Order<T> {
  ranked: Standing<T>[];
  terms: readonly ObjectiveTerm[];
  /** What may be given of the leading objective; null where none leads. */
  give: Give | null;
}

/** Differences below are rounding. */
const SAME = 1e-9;

function inOrder<T>(
  contenders: readonly Contender<T>[],
  allTerms: readonly ObjectiveTerm[],
  prefer: Prefer | undefined,
  mayLead: boolean,
): Order<T> {
  // What nobody could measure (energy without a meter) decides nothing.
  const isKnown = (term: ObjectiveTerm, { metrics }: Contender<T>) => Number.isFinite(term.valueOf(metrics));
  const terms = allTerms.filter((term) => contenders.some((each) => isKnown(term, each)));
  const lossesOf = ({ metrics }: Contender<T>) => {
    const losses = terms.map(
      (term) => (term.direction === 'minimize' ? 1 : -1) * (term.valueOf(metrics) ?? Number.NaN),
    );
    return losses.every(Number.isFinite) ? losses : null;
  };
  const known = contenders.map((each) => ({ ...each, losses: lossesOf(each) }));
  const feasible = known.flatMap(({ violation, losses }) => (violation === 0 && losses ? [losses] : []));
  const front = paretoFront(feasible).map((index) => feasible[index] as number[]);
  const shares = sharesOf(terms, front);
  const lead = mayLead && terms[0]?.objective === allTerms[0]?.objective ? (terms[0] ?? null) : null;
  const leading = terms.map(({ objective }) => objective === lead?.objective);
  const best = bestOf(front, (losses) => mean(shares(losses), leading));
  const give = lead && best ? giveOf(lead.metric, prefer) : null;
  const weights = weightsOf(terms, prefer, best, leading);
  const standings = known.map((each): Standing<T> => {
    const { losses } = each;
    if (!losses) return { ...each, competes: false, behind: Infinity, compromise: Infinity };
    const own = shares(losses);
    const behind = inSteps(best ? mean(own, leading) - mean(shares(best), leading) : 0);
    return {
      ...each,
      competes: !lead || !give || !best || isNear(losses, best, behind, lead, give),
      behind,
      compromise: inSteps(own.reduce((sum, share, i) => sum + (weights[i] as number) * share, 0)),
    };
  });
  return { ranked: standings.sort(compare), terms, give };
}

const inSteps = (value: number) => Math.round(value / SAME) * SAME;

function compare(a: Standing<unknown>, b: Standing<unknown>): number {
  if (a.violation !== b.violation) return a.violation - b.violation;
  if (!a.losses || !b.losses) return Number(a.losses === null) - Number(b.losses === null);
  if (a.competes !== b.competes) return Number(b.competes) - Number(a.competes);
  const [x, y] = a.competes ? [a.compromise, b.compromise] : [a.behind, b.behind];
  return (x !== y ? x - y : a.compromise - b.compromise) || lexicographic(a.losses, b.losses);
}

/** The mean over the chosen of some values. */
function mean(values: readonly number[], chosen: readonly boolean[]): number {
  const of = values.filter((_, i) => chosen[i]);
  return of.length === 0 ? 0 : of.reduce((sum, value) => sum + value, 0) / of.length;
}

function bestOf(front: readonly number[][], loss: (losses: readonly number[]) => number): number[] | null {
  return front.reduce<number[] | null>((best, losses) => (best && loss(best) <= loss(losses) ? best : losses), null);
}

/**
 * Losses as shares relative to the best value of each term on the front: a difference of 0.01 is 1 % of the value. What
 * has a scale of its own (nats of a loss) counts in that; a program's own metric in its own unit where it reaches 0 or less.
 */
function sharesOf(terms: readonly ObjectiveTerm[], front: readonly number[][]) {
  const ideal = terms.map((_, i) => Math.min(...front.map((losses) => losses[i] as number)));
  const scales = terms.map(({ metric, direction }, i) => {
    const { scale, isOwn } = metricInfo(metric);
    const sign = direction === 'minimize' ? 1 : -1;
    return scale ?? (isOwn && front.some((losses) => sign * (losses[i] as number) <= 0) ? 1 : null);
  });
  return (losses: readonly number[]): number[] =>
    losses.map((loss, i) => {
      const [{ metric, direction }, scale] = [terms[i] as ObjectiveTerm, scales[i]];
      const [best, sign] = [ideal[i] as number, direction === 'minimize' ? 1 : -1];
      if (scale != null) return (loss - best) / scale;
      return logLoss(metric, direction, sign * loss) - logLoss(metric, direction, sign * best);
    });
}

/** An objective for each of several devices counts once. */
function weightsOf(
  terms: readonly ObjectiveTerm[],
  prefer: Prefer | undefined,
  best: readonly number[] | null,
  leading: readonly boolean[],
): number[] {
  return terms.map((term, i) => {
    const { objective, metric } = term;
    const parts = terms.filter((other) => other.objective === objective).length;
    const said = prefer?.weights[metric] ?? 1;
    return (leading[i] ? said * worthOfLead(term, prefer, best?.[i]) : said) / parts;
  });
}

/** How often a share of what leads counts so that all that may be given of it is worth what is asked for it. */
function worthOfLead(lead: ObjectiveTerm, prefer: Prefer | undefined, best: number | undefined): number {
  const { atMost } = prefer ?? {};
  if (!atMost?.for || atMost.metric !== lead.metric || best === undefined) return 1;
  return -Math.log1p(-atMost.for.share) / shareOf(atMost.give, lead, best);
}

/** What may be given, as a share as they are summed. @param best loss */
function shareOf(give: Give, { metric, direction }: ObjectiveTerm, best: number): number {
  const { scale } = metricInfo(metric);
  if (scale !== undefined) return 'share' in give ? give.share : give.amount / scale;
  const share = 'share' in give ? give.share : give.amount / Math.abs(best);
  return direction === 'minimize' ? Math.log1p(share) : -Math.log1p(-Math.min(share, 1 - SAME));
}

/** The worst value of what leads with which one still competes, where `best` is the best. */
export function worstCompeting(
  metric: string,
  direction: Objective['direction'],
  best: number,
  prefer: Prefer | undefined,
): number {
  const give = giveOf(metric, prefer);
  const sign = direction === 'minimize' ? 1 : -1;
  if ('amount' in give) return best + sign * give.amount;
  return best * (1 + sign * give.share);
}

/** Whether losses are near enough to the best of what leads. @param behind by how much they are worse, as a share */
function isNear(
  losses: readonly number[],
  best: readonly number[],
  behind: number,
  lead: ObjectiveTerm,
  give: Give,
): boolean {
  // An amount is of one term only: `preferIssues` sees to it.
  if ('amount' in give) return (losses[0] as number) - (best[0] as number) <= give.amount * (1 + SAME);
  return behind <= shareOf(give, lead, best[0] as number) + SAME;
}

function giveOf(metric: string, prefer: Prefer | undefined): Give {
  return prefer?.atMost?.metric === metric ? prefer.atMost.give : defaultGive(metric);
}

/**
 * Accuracy: one point, which a study gives for an int8 variant, too, and about what MLPerf Inference allows a submission
 * (99 % of the reference's; Reddi et al., 2020). A loss: 0.01 nats, a hundredth of the likelihood. What is measured on
 * devices or is a cost: 10 %, by which medians of repeated runs on a board lie apart (a Raspberry Pi 4 in MLPerf: 9.6 %).
 */
function defaultGive(metric: string): Give {
  const { dimension, scale, isOwn } = metricInfo(metric);
  if (dimension === 'ratio') return { amount: DEFAULT_POINTS };
  if (scale !== undefined) return { amount: DEFAULT_POINTS * scale };
  return { share: isOwn ? DEFAULT_SHARE_OF_QUALITY : DEFAULT_SHARE_OF_COST };
}

function reasonOf<T>({ ranked, terms, give }: Order<T>, nameOf: (item: T) => string): string | null {
  const [first, second] = ranked;
  if (!first) return null;
  const name = nameOf(first.item);
  if (first.violation > 0)
    return `None meets the constraints; ${name} misses them by least (${missed(first.violation)} of the limits).`;
  if (!second) return `${capital(name)} is the only one.`;
  if (second.violation > 0) return `${capital(name)} is the only one that meets the constraints.`;
  if (!first.losses || !second.losses) return `${capital(name)} is the only one of which all objectives are known.`;
  const lead = terms[0] as ObjectiveTerm;
  if (dominates(first.losses, second.losses) && ranked.every((each) => isNoBetter(each, first)))
    return `${capital(name)} is best in every objective.`;
  const competing = ranked.filter(({ violation, competes }) => violation === 0 && competes);
  if (competing.length === 1)
    return `${capital(lead.name)} leads: no other is within ${giveText(give as Give, lead.metric)} of ${name} (${valueText(first, lead)}); the next is ${nameOf(second.item)} (${valueText(second, lead)}).`;
  const among = give
    ? `${lead.name} leads: ${competing.length} are within ${giveText(give, lead.metric)} of the best. Among them `
    : '';
  return `${capital(`${among}${name} is the best compromise`)}: against ${nameOf(second.item)}, ${differences(first, second, terms)}.`;
}

const isNoBetter = (each: Standing<unknown>, first: Standing<unknown>) =>
  each.violation > 0 || each.losses?.every((loss, i) => loss >= (first.losses?.[i] as number)) !== false;

const missed = (violation: number) =>
  violation >= 1e6 ? 'it cannot run' : `${Number((100 * violation).toPrecision(2))} %`;

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

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
