/** Objectives and limits that stand in each other's way. */
import { type Constraint, formatConstraint, formatObjective, metricInfo, type Objective } from './objective.ts';
import { objectiveTerms } from './objective-terms.ts';

export interface ListMistake {
  /** Place in the list. */
  index: number;
  message: string;
}

/** Objectives on what an earlier one is about already: in the other direction, or again. */
export function contradictingObjectives(objectives: readonly Objective[], devices: readonly string[]): ListMistake[] {
  return objectives.flatMap((objective, index): ListMistake[] => {
    const same = objectives
      .slice(0, index)
      .filter(({ metric, device }) => metric === objective.metric && doMeet(device, objective.device));
    const [opposite] = same.filter(({ direction }) => direction !== objective.direction);
    if (opposite)
      return [
        {
          index,
          message: `contradicts "${formatObjective(opposite)}": what is minimised cannot be maximised, too; leave out one of the two`,
        },
      ];
    const names = new Set(termNames(objective, devices));
    const [first] = same.filter((other) => termNames(other, devices).some((name) => names.has(name)));
    return first
      ? [
          {
            index,
            message: `is "${formatObjective(first)}" once more, which would count twice; leave out one of the two`,
          },
        ]
      : [];
  });
}

const termNames = (objective: Objective, devices: readonly string[]) =>
  objectiveTerms([objective], devices).map(({ name }) => name);

/** Two devices, or all of them where none is named, of which one may be both. */
const doMeet = (a: string | undefined, b: string | undefined) => a === undefined || b === undefined || a === b;

/** Each is as large as the one before it, or larger. */
const PERCENTILES = ['p50', 'p90', 'p95', 'p99', 'p999'].map((name) => `latency.${name}`);

/** Limits that no value can meet together with an earlier one. */
export function excludedLimits(constraints: readonly Constraint[]): ListMistake[] {
  return constraints.flatMap((constraint, index) => {
    const [other] = constraints.slice(0, index).filter((earlier) => doExclude(earlier, constraint));
    return other
      ? [
          {
            index,
            message: `excludes "${formatConstraint(other)}": nothing can meet both; leave out or change one of the two`,
          },
        ]
      : [];
  });
}

function doExclude(a: Constraint, b: Constraint): boolean {
  if (a.operator === b.operator || !doMeet(a.device, b.device)) return false;
  const [most, least] = a.operator === '<=' ? [a, b] : [b, a];
  return isNeverLess(most.metric, least.metric) && least.limit > most.limit;
}

/** Whether the one metric is at least as large as the other wherever both are known. */
function isNeverLess(metric: string, than: string): boolean {
  if (metric === than) return !metricInfo(metric).isOwn;
  const [upper, lower] = [PERCENTILES.indexOf(metric), PERCENTILES.indexOf(than)];
  return lower >= 0 && upper > lower;
}
