/** Points, and the line of their front, as SVG: it scales with the page and follows its colours. */
import { quantity } from '../components/format.ts';
import { PlotFrame } from '../components/plot-frame.tsx';
import { Mark, MarkShape } from '../components/plot-mark.tsx';
import type { PlotPoint } from './front.ts';

interface ScatterPlotProps {
  points: readonly PlotPoint[];
  front: readonly PlotPoint[];
  xLabel: string;
  formatX(value: number): string;
}

export function ScatterPlot({ points, front, xLabel, formatX }: ScatterPlotProps) {
  return (
    <>
      <PlotFrame
        description={`Scatter plot of ${points.length} trials: accuracy against ${xLabel}. The table below lists the front.`}
        xs={points.map((point) => point.x)}
        ys={points.map((point) => point.y)}
        xLabel={xLabel}
        formatX={formatX}
        formatY={(value) => quantity(value, 'ratio')}
      >
        {(x, y) => (
          <>
            <polyline class="front" points={front.map((point) => `${x.at(point.x)},${y.at(point.y)}`).join(' ')} />
            {points.map((point) => (
              <Point key={point.trialId} point={point} x={x.at(point.x)} y={y.at(point.y)} />
            ))}
          </>
        )}
      </PlotFrame>
      <ul class="legend">
        <li>
          <Mark kind="feasible" /> feasible
        </li>
        <li>
          <Mark kind="feasible best" /> on the front of the study’s objectives
        </li>
        <li>
          <Mark kind="feasible predicted" /> predicted still
        </li>
        <li>
          <Mark kind="infeasible" /> infeasible
        </li>
        <li>
          <svg width="22" height="14" aria-hidden="true">
            <line class="front" x1="1" x2="21" y1="7" y2="7" />
          </svg>{' '}
          beaten by none of what is shown
        </li>
      </ul>
    </>
  );
}

function Point({ point, x, y }: { point: PlotPoint; x: number; y: number }) {
  const kind = [
    point.feasible ? 'feasible' : 'infeasible',
    point.onFront ? 'best' : '',
    point.predicted ? 'predicted' : '',
  ];
  return (
    <g>
      <title>{point.label}</title>
      <MarkShape kind={kind.join(' ')} x={x} y={y} />
    </g>
  );
}
