/** Validation accuracy after each epoch, a line per trial. */
import type { TrialView } from '@edgetune/shared/protocol/http.ts';
import { useCallback, useMemo } from 'preact/hooks';
import type uPlot from 'uplot';
import { counted, quantity } from '../components/format.ts';
import { axisIn, type ChartColours, LineChart } from '../components/line-chart.tsx';

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
            Validation accuracy after each epoch of {counted(learned.length, 'trial')}, on the samples that judge epochs
            (512 at most, the same for all); the table of trials has that of the best epoch on all samples. Strong lines
            are on the Pareto front. The best now:
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
  const data = useMemo(() => chartData(trials), [trials]);
  const options = useCallback((colours: ChartColours) => chartOptions(colours, trials), [trials]);
  return <LineChart label="Line chart of the accuracy after each epoch" data={data} options={options} />;
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

function chartOptions(colours: ChartColours, trials: readonly TrialView[]): Pick<uPlot.Options, 'axes' | 'series'> {
  const { strong, weak } = colours;
  return {
    axes: [
      { ...axisIn(colours), label: 'Epoch', incrs: [1, 2, 5, 10, 20, 50, 100] },
      { ...axisIn(colours), size: 56, values: (_chart, ticks) => ticks.map((tick) => quantity(tick, 'ratio')) },
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
