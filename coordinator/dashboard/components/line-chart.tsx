/** A chart of lines that keeps to the width of its place and to the colours of the page's theme. */
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';

const HEIGHT_PX = 320;

export interface ChartColours {
  text: string;
  grid: string;
  strong: string;
  weak: string;
}

export interface LineChartProps {
  /** What a screen reader says of it. */
  label: string;
  data: uPlot.AlignedData;
  /** Axes and series in the theme's colours. Drawn anew when it is another function: keep it while the data is the same. */
  options: (colours: ChartColours) => Pick<uPlot.Options, 'axes' | 'series'>;
}

export function LineChart({ label, data, options }: LineChartProps) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = place.current as HTMLDivElement;
    const draw = () => {
      element.replaceChildren();
      return new uPlot(completed(element, options(coloursOf(element))), data, element);
    };
    let chart = draw();
    const redraw = () => {
      chart.destroy();
      chart = draw();
    };
    const resize = new ResizeObserver(() => chart.setSize({ width: element.clientWidth, height: HEIGHT_PX }));
    resize.observe(element);
    const dark = matchMedia('(prefers-color-scheme: dark)');
    dark.addEventListener('change', redraw);
    return () => {
      resize.disconnect();
      dark.removeEventListener('change', redraw);
      chart.destroy();
    };
  }, [data, options]);
  return <div ref={place} class="chart" role="img" aria-label={label} />;
}

/** An axis in the theme's colours. */
export function axisIn({ text, grid }: ChartColours): uPlot.Axis {
  return { stroke: text, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1 } };
}

function completed(element: HTMLElement, options: Pick<uPlot.Options, 'axes' | 'series'>): uPlot.Options {
  return {
    width: element.clientWidth,
    height: HEIGHT_PX,
    legend: { show: false },
    cursor: { show: false },
    scales: { x: { time: false } },
    ...options,
  };
}

/** The canvas takes its colours from the page's theme. */
function coloursOf(element: HTMLElement): ChartColours {
  const style = getComputedStyle(element);
  const [text, grid, strong, weak] = ['--quiet', '--line', '--accent', '--mark'].map((name) =>
    resolvedColour(element, style.getPropertyValue(name)),
  ) as [string, string, string, string];
  return { text, grid, strong, weak };
}

/** Canvas does not know light-dark(): the browser resolves it in a style. */
function resolvedColour(element: HTMLElement, colour: string): string {
  const probe = document.createElement('span');
  probe.style.color = colour;
  element.append(probe);
  const resolved = getComputedStyle(probe).color;
  probe.remove();
  return resolved;
}
