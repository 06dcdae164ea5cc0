/** Validation accuracy after each epoch, a line per trial. */
import type { TrialView } from '@edgetune/shared/protocol/http.ts';
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { counted, quantity } from '../components/format.ts';

const HEIGHT_PX = 320;
/** So many of the best stand in the table beside the chart. */
const LISTED = 5;

export function LearningCurves({ trials }: { trials: readonly TrialView[] }) {
  const learned = trials.filter(({ curve }) => curve.some(({ accuracy }) => accuracy !== null));
  const best = [...learned].sort((a, b) => lastAccuracy(b) - lastAccuracy(a)).slice(0, LISTED);
  return (
    <section class="card" aria-label="Learning curves">
      <h2>Learning curves</h2>
      {learned.length === 0 ? (
        <p class="empty">No epoch is done yet.</p>
      ) : (
        <>
          <CurvesChart trials={learned} />
          <p class="quiet">
            Validation accuracy after each epoch of {counted(learned.length, 'trial')}; strong lines are on the Pareto
            front. The best now:
          </p>
          <table>
            <caption class="hidden">Trials with the best accuracy now</caption>
            <thead>
              <tr>
                <th scope="col">Trial</th>
                <th scope="col" class="number">
                  Epochs
                </th>
                <th scope="col" class="number">
                  First
                </th>
                <th scope="col" class="number">
                  Now
                </th>
              </tr>
            </thead>
            <tbody>
              {best.map((trial) => (
                <tr key={trial.trialId}>
                  <th scope="row">{trial.trialId}</th>
                  <td class="number">{trial.curve.at(-1)?.epoch}</td>
                  <td class="number">{quantity(trial.curve[0]?.accuracy, 'ratio')}</td>
                  <td class="number">{quantity(lastAccuracy(trial), 'ratio')}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </>
      )}
    </section>
  );
}

function lastAccuracy({ curve }: TrialView): number {
  return curve.findLast(({ accuracy }) => accuracy !== null)?.accuracy ?? 0;
}

function CurvesChart({ trials }: { trials: readonly TrialView[] }) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = place.current as HTMLDivElement;
    const draw = () => {
      element.replaceChildren();
      return new uPlot(chartOptions(element, trials), chartData(trials), element);
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
  }, [trials]);
  return <div ref={place} class="chart" role="img" aria-label="Line chart of the accuracy after each epoch" />;
}

/** One x column of all epochs, and a y column per trial; null where a trial has no such epoch. */
function chartData(trials: readonly TrialView[]): uPlot.AlignedData {
  const epochs = [...new Set(trials.flatMap(({ curve }) => curve.map(({ epoch }) => epoch)))].sort((a, b) => a - b);
  const columns = trials.map(({ curve }) => {
    const byEpoch = new Map(curve.map(({ epoch, accuracy }) => [epoch, accuracy]));
    return epochs.map((epoch) => byEpoch.get(epoch) ?? null);
  });
  return [epochs, ...columns];
}

/** The canvas takes its colours from the page's theme. */
function chartOptions(element: HTMLElement, trials: readonly TrialView[]): uPlot.Options {
  const style = getComputedStyle(element);
  const [text, grid, strong, weak] = ['--quiet', '--line', '--accent', '--mark'].map((name) =>
    resolvedColour(element, style.getPropertyValue(name)),
  ) as [string, string, string, string];
  const axis = { stroke: text, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1 } };
  return {
    width: element.clientWidth,
    height: HEIGHT_PX,
    legend: { show: false },
    cursor: { show: false },
    scales: { x: { time: false } },
    axes: [
      { ...axis, label: 'Epoch', incrs: [1, 2, 5, 10, 20, 50, 100] },
      { ...axis, size: 56, values: (_chart, ticks) => ticks.map((tick) => quantity(tick, 'ratio')) },
    ],
    series: [
      {},
      ...trials.map(({ onFront, trialId }) => ({
        label: `Trial ${trialId}`,
        stroke: onFront ? strong : weak,
        width: onFront ? 2.5 : 1,
        spanGaps: true,
        points: { show: true, size: onFront ? 6 : 4, stroke: onFront ? strong : weak, fill: onFront ? strong : weak },
      })),
    ],
  };
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
