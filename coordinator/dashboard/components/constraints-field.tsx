/** What must hold, a line each, with the metrics that there are and their units. */
import { type MetricView, metricParts } from '@edgetune/shared/domain/metric-list.ts';
import type { Draft } from './draft.ts';
import { LinesField } from './fields.tsx';
import { constraintText } from './list-entries.ts';

interface ConstraintsFieldProps {
  draft: Draft;
  fields: Record<string, unknown>;
  metrics: readonly MetricView[];
}

export function ConstraintsField({ metrics, ...bound }: ConstraintsFieldProps) {
  return (
    <>
      <LinesField
        {...bound}
        path={['constraints']}
        label="Constraints"
        textOf={constraintText}
        hint="One a line, such as “latency.p99 <= 30 ms on kitchen-pi”, “memory <= 64 MB” or “energy <= 5 mJ”"
      />
      <details>
        <summary>Metrics and units</summary>
        <dl class="facts">
          {metricParts(metrics.filter(({ isLimitable }) => isLimitable)).map(({ name, description }) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{description}</dd>
            </div>
          ))}
        </dl>
      </details>
    </>
  );
}
