/** Throughput against latency of every config that was measured on a device, the recommended one marked. */

import type { StoredMeasurement } from '@edgetune/shared/domain/measurement.ts';
import { meetsConstraints } from '@edgetune/shared/domain/measurement-metrics.ts';
import type { Constraint } from '@edgetune/shared/domain/objective.ts';
import type { BenchDevice } from '@edgetune/shared/protocol/bench.ts';
import { quantity } from '../components/format.ts';
import { PLOT_WIDTH, PlotFrame } from '../components/plot-frame.tsx';
import { Mark, MarkShape } from '../components/plot-mark.tsx';
import { configText } from './config-text.ts';

export function ConfigPlot({ entry, constraints }: { entry: BenchDevice; constraints: readonly Constraint[] }) {
  const points = entry.measurements.flatMap((measurement) => pointOf(measurement, entry, constraints));
  if (points.length === 0) return null;
  return (
    <>
      <PlotFrame
        description={`Throughput against latency of ${points.length} configs on ${entry.device}. The table below lists them.`}
        xs={points.map(({ x }) => x)}
        ys={points.map(({ y }) => y)}
        xLabel={`Median latency on ${entry.device}`}
        yLabel="Samples per second"
        formatX={(value) => quantity(value, 'time')}
        formatY={(value) => quantity(value, 'rate')}
      >
        {(x, y) =>
          points.map((point) => (
            <g key={point.id}>
              <title>{point.label}</title>
              <MarkShape kind={point.kind} x={x.at(point.x)} y={y.at(point.y)} />
              {point.isBest && <Label x={x.at(point.x)} y={y.at(point.y)} />}
            </g>
          ))
        }
      </PlotFrame>
      <ul class="legend">
        <li>
          <Mark kind="feasible" /> keeps the constraints
        </li>
        <li>
          <Mark kind="feasible best" /> recommended
        </li>
        <li>
          <Mark kind="infeasible" /> breaks a constraint
        </li>
      </ul>
    </>
  );
}

/** Beside its point, on the side where there is room. */
function Label({ x, y }: { x: number; y: number }) {
  const isRight = x > PLOT_WIDTH / 2;
  return (
    <text class="marked" x={isRight ? x - 9 : x + 9} y={y + 4} text-anchor={isRight ? 'end' : 'start'}>
      recommended
    </text>
  );
}

function pointOf(measurement: StoredMeasurement, { best, device }: BenchDevice, constraints: readonly Constraint[]) {
  const { id, latencyMs, throughputPerS, config } = measurement;
  if (measurement.outcome !== 'ok' || !latencyMs || throughputPerS === null) return [];
  const isBest = id === best?.id;
  const feasible = meetsConstraints(measurement, constraints, device);
  const kind = `${feasible ? 'feasible' : 'infeasible'}${isBest ? ' best' : ''}`;
  const label = `${configText(config)}: ${quantity(latencyMs.p50, 'time')}, ${quantity(throughputPerS, 'rate')}`;
  return [{ id, x: latencyMs.p50, y: throughputPerS, isBest, kind, label }];
}
