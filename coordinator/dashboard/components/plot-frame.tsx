/** The frame of a plot as SVG: grid, ticks and labels; what is drawn inside gets the scales. It scales with the page. */
import type { ComponentChildren } from 'preact';

export interface Scale {
  at(value: number): number;
  ticks: number[];
}

interface PlotFrameProps {
  /** Said instead of the picture. */
  description: string;
  xs: readonly number[];
  ys: readonly number[];
  xLabel: string;
  yLabel?: string;
  formatX(value: number): string;
  formatY(value: number): string;
  children(x: Scale, y: Scale): ComponentChildren;
}

export const PLOT_WIDTH = 560;
const HEIGHT = 320;
const LEFT = 58;
const RIGHT = 18;
const TOP = 24;
const BOTTOM = 46;

export function PlotFrame({ description, xs, ys, xLabel, yLabel, formatX, formatY, children }: PlotFrameProps) {
  const x = linearScale(xs, LEFT, PLOT_WIDTH - RIGHT);
  const y = linearScale(ys, HEIGHT - BOTTOM, TOP);
  return (
    <svg class="plot" viewBox={`0 0 ${PLOT_WIDTH} ${HEIGHT}`} role="img" aria-label={description}>
      {y.ticks.map((tick) => (
        <g key={tick}>
          <line class="grid" x1={LEFT} x2={PLOT_WIDTH - RIGHT} y1={y.at(tick)} y2={y.at(tick)} />
          <text x={LEFT - 6} y={y.at(tick) + 4} text-anchor="end">
            {formatY(tick)}
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
      <text x={(LEFT + PLOT_WIDTH - RIGHT) / 2} y={HEIGHT - 8} text-anchor="middle">
        {xLabel}
      </text>
      {yLabel !== undefined && (
        <text x={4} y={13}>
          {yLabel}
        </text>
      )}
      {children(x, y)}
    </svg>
  );
}

/** Maps values to pixels with a margin, and gives about five round ticks. */
function linearScale(values: readonly number[], from: number, to: number): Scale {
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
