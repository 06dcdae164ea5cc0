/** What of a study's objectives several ways to run models on one device differ in: configs of one file, or files. */
import { METRICS, type Objective } from '@edgetune/shared/domain/objective.ts';
import type { Prefer } from '@edgetune/shared/domain/prefer.ts';

type Aim = Pick<Objective, 'metric' | 'direction'>;

export interface Decided {
  /** In their order, each of a metric that differs; the median latency where none is on the device. */
  objectives: Objective[];
  /** By the names of these objectives. */
  prefer: Prefer | undefined;
  /** Whether the first objective of the study is among them; else all are alike in what leads. */
  leads: boolean;
}

/** @param partsOf in which metrics the ways differ where they differ in this one; empty: they are alike in it */
export function decidedOn(
  deviceName: string,
  { objectives, prefer }: { objectives: readonly Objective[]; prefer?: Prefer | undefined },
  partsOf: (aim: Aim) => readonly Aim[],
): Decided {
  const decidedOf = (objective: Objective): Objective[] => {
    const { device, metric } = objective;
    const isElsewhere = METRICS[metric]?.of === 'device' && device !== undefined && device !== deviceName;
    return isElsewhere ? [] : partsOf(objective).map((part) => ({ ...part, aggregate: 'worst' }));
  };
  const decided = objectives.map(decidedOf);
  const wanted = decided.flat();
  const isOnDevice = wanted.some(({ metric }) => METRICS[metric]?.of === 'device');
  return {
    objectives: isOnDevice ? wanted : [...wanted, { metric: 'latency.p50', direction: 'minimize', aggregate: 'worst' }],
    prefer: prefer && preferOf(prefer, (metric) => partsOf({ metric, direction: 'minimize' })),
    leads: decided[0] !== undefined && decided[0].length > 0,
  };
}

/** What a config decides: its device's metrics; of a ratio the device's part, as the rest is the same for all. */
export function partsOfConfigs({ metric, direction }: Aim): Aim[] {
  const { of, ratio } = METRICS[metric] ?? {};
  if (of !== 'device') return [];
  return [ratio ? { metric: ratio.ofDevice, direction: 'minimize' } : { metric, direction }];
}

/** What is said of a metric holds for each of its parts. */
function preferOf({ atMost, weights }: Prefer, partsOf: (metric: string) => readonly Aim[]): Prefer {
  const leading = (metric: string) => partsOf(metric)[0]?.metric ?? metric;
  return {
    atMost: atMost && {
      ...atMost,
      metric: leading(atMost.metric),
      ...(atMost.for ? { for: { ...atMost.for, metric: leading(atMost.for.metric) } } : {}),
    },
    weights: Object.fromEntries(
      Object.entries(weights).flatMap(([metric, weight]) => partsOf(metric).map((part) => [part.metric, weight])),
    ),
  };
}
