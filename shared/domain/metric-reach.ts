/** What a metric can be, and limits that it can never meet or never miss. */
import { type Constraint, formatConstraint, metricInfo } from './objective.ts';
import { formatQuantity } from './units.ts';

interface Reach {
  /** In the base unit of the metric. */
  least: number;
  /** Whether it is always greater than that. */
  isAbove: boolean;
  most: number;
}

/** What is measured takes some time, memory and energy; what is counted is there. */
const OF_MEASURED: Reach = { least: 0, isAbove: true, most: Infinity };
const OF_SHARES: Reach = { least: 0, isAbove: false, most: 1 };
const OF_LOSSES: Reach = { least: 0, isAbove: false, most: Infinity };

/** Why a limit on one of EdgeTune's metrics makes no sense, and what may be meant; null where it does. */
export function senselessLimit(constraint: Pick<Constraint, 'metric' | 'operator' | 'limit'>): string | null {
  const { metric, operator, limit } = constraint;
  const info = metricInfo(metric);
  if (info.isOwn) return null;
  const { least, isAbove, most } = info.dimension === 'ratio' ? OF_SHARES : info.isQuality ? OF_LOSSES : OF_MEASURED;
  const isTooLow = limit < least || (isAbove && operator === '<=' && limit === least);
  if (!isTooLow && limit <= most) return null;
  const isNever = isTooLow === (operator === '<=');
  const text = (value: number) => (info.dimension === 'ratio' ? String(value) : formatQuantity(value, info.dimension));
  const range =
    most < Infinity
      ? `a fraction from ${least} to ${most}`
      : isAbove
        ? `always greater than ${text(least)}`
        : `never below ${text(least)}`;
  const never = operator === '<=' ? 'at most' : 'at least';
  const says = isNever ? `can never be ${never} ${text(limit)}` : `"${operator} ${text(limit)}" always holds`;
  return `${metric} is ${range}: ${isNever ? `it ${says}` : says}${meant(constraint, most)}`;
}

/** A percentage that was written as a number, or a sign that slipped in. */
function meant({ metric, operator, limit }: Pick<Constraint, 'metric' | 'operator' | 'limit'>, most: number): string {
  if (most === 1 && limit > 1 && limit <= 100)
    return `; did you mean "${metric} ${operator} ${Number((limit / 100).toPrecision(12))}" (${limit} %)?`;
  if (limit < 0 && -limit <= most) return `; did you mean "${formatConstraint({ metric, operator, limit: -limit })}"?`;
  return '';
}
