/** Points, and the line of their front, as SVG: it scales with the page and follows its colours. */
import { quantity } from '../components/format.ts';
import type { PlotPoint } from './front.ts';

interface ScatterPlotProps {
  points: readonly PlotPoint[];
  front: readonly PlotPoint[];
  xLabel: string;
  formatX(value: number): string;
}

const WIDTH = 560;
const HEIGHT = 320;
const LEFT = 58;
const RIGHT = 18;
const TOP = 14;
const BOTTOM = 46;

export function ScatterPlot({ points, front, xLabel, formatX }: ScatterPlotProps) {
  const x = linearScale(
    points.map((point) => point.x),
    LEFT,
    WIDTH - RIGHT,
  );
  const y = linearScale(
    points.map((point) => point.y),
    HEIGHT - BOTTOM,
    TOP,
  );
  return (
    <>
      <svg
        class="plot"
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        role="img"
        aria-label={`Scatter plot of ${points.length} trials: accuracy against ${xLabel}. The table below lists the front.`}
      >
        {y.ticks.map((tick) => (
          <g key={tick}>
            <line class="grid" x1={LEFT} x2={WIDTH - RIGHT} y1={y.at(tick)} y2={y.at(tick)} />
            <text x={LEFT - 6} y={y.at(tick) + 4} text-anchor="end">
              {quantity(tick, 'ratio')}
            </text>
          </g>
        ))}
        {x.ticks.map((tick) => (
          <g key={tick}>
            <line class="grid" x1={x.at(tick)} x2={x.at(tick)} y1={TOP} y2={HEIGHT - BOTTOM} />
            <text x={x.at(tick)} y={HEIGHT - BOTTOM + 17} text-anchor="middle">
              {formatX(tick)}
            </text>
          </g>
        ))}
        <text x={(LEFT + WIDTH - RIGHT) / 2} y={HEIGHT - 8} text-anchor="middle">
          {xLabel}
        </text>
        <polyline class="front" points={front.map((point) => `${x.at(point.x)},${y.at(point.y)}`).join(' ')} />
        {points.map((point) => (
          <Point key={point.trialId} point={point} x={x.at(point.x)} y={y.at(point.y)} />
        ))}
      </svg>
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
          front of what is shown
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
      <Shape kind={kind.join(' ')} x={x} y={y} />
    </g>
  );
}

function Mark({ kind }: { kind: string }) {
  return (
    <svg width="14" height="14" aria-hidden="true">
      <Shape kind={kind} x={7} y={7} />
    </svg>
  );
}

/** A circle for feasible points, a cross for others: told apart without colours. */
function Shape({ kind, x, y }: { kind: string; x: number; y: number }) {
  return kind.startsWith('infeasible') ? (
    <path class={`point ${kind}`} d={`M${x - 4} ${y - 4} l8 8 m0 -8 l-8 8`} />
  ) : (
    <circle class={`point ${kind}`} cx={x} cy={y} r={5} />
  );
}

/** Maps values to pixels with a margin, and gives about five round ticks. */
export function linearScale(values: readonly number[], from: number, to: number) {
  const least = Math.min(...values);
  const most = Math.max(...values);
  const margin = (most - least) * 0.06 || Math.abs(most) * 0.1 || 1;
  const [low, high] = [least - margin, most + margin];
  const at = (value: number) => from + ((value - low) / (high - low)) * (to - from);
  const rough = (high - low) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10);
  const first = Math.ceil(low / step);
  const ticks = Array.from(
    { length: Math.max(0, Math.floor(high / step) - first + 1) },
    (_, index) => (first + index) * step,
  );
  return { at, ticks };
}
