/** Accuracy against what it costs on a device, with those that none beats in these two. The study's front is marked beside. */

import { METRICS } from '@edgetune/shared/domain/objective.ts';
import type { TrialView } from '@edgetune/shared/protocol/http.ts';
import { useSignal } from '@preact/signals';
import { counted, metricValue, quantity } from '../components/format.ts';
import { ScrollRegion } from '../components/scroll-region.tsx';
import { frontOf, type PlotPoint } from './front.ts';
import { ScatterPlot } from './scatter-plot.tsx';

const CHOICES: Record<string, string> = {
  'latency.p50': 'Median latency',
  'latency.p99': 'Latency p99',
  energy: 'Energy per inference',
  throughput: 'Throughput',
  memory: 'Memory',
};

export function TradeOff({ trials, device }: { trials: readonly TrialView[]; device: string }) {
  const metric = useSignal('latency.p50');
  const points = plotPoints(trials, metric.value, device);
  const front = frontOf(points, METRICS[metric.value]?.direction !== 'maximize');
  const infeasible = points.filter(({ feasible }) => !feasible).length;
  const title = CHOICES[metric.value] ?? metric.value;
  return (
    <section class="card" aria-label="Accuracy against cost">
      <div class="card-head">
        <h2>Accuracy against {title.toLowerCase()}</h2>
        <label class="inline">
          Against{' '}
          <select value={metric.value} onChange={(event) => (metric.value = event.currentTarget.value)}>
            {Object.entries(CHOICES).map(([name, text]) => (
              <option key={name} value={name}>
                {text}
              </option>
            ))}
          </select>
        </label>
      </div>
      {points.length === 0 ? (
        <p class="empty">No trial has both an accuracy and this metric on {device} yet.</p>
      ) : (
        <>
          <ScatterPlot
            points={points}
            front={front}
            xLabel={`${title} on ${device}`}
            formatX={(value) => metricValue(metric.value, value)}
          />
          <p class="quiet">
            {counted(points.length, 'trial')}, {infeasible} infeasible; beaten by none in these two: {front.length}
          </p>
          <ScrollRegion label="Beaten by none">
            <table>
              <caption class="hidden">
                Trials that none beats in accuracy and {title.toLowerCase()} on {device}
              </caption>
              <thead>
                <tr>
                  <th scope="col">Trial</th>
                  <th scope="col" class="number">
                    Accuracy
                  </th>
                  <th scope="col" class="number">
                    {title}
                  </th>
                </tr>
              </thead>
              <tbody>
                {front.map(({ trialId, x, y }) => (
                  <tr key={trialId}>
                    <th scope="row">{trialId}</th>
                    <td class="number">{quantity(y, 'ratio')}</td>
                    <td class="number">{metricValue(metric.value, x)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </ScrollRegion>
        </>
      )}
    </section>
  );
}

function plotPoints(trials: readonly TrialView[], metric: string, device: string): PlotPoint[] {
  const name = `${metric}@${device}`;
  return trials.flatMap((trial) => {
    const { trialId, metrics, violation, status, onFront } = trial;
    const x = metrics[name];
    const y = metrics.accuracy;
    if (x === undefined || y === undefined) return [];
    const feasible = status !== 'infeasible' && (violation ?? 0) === 0;
    const predicted = trial.predicted.includes(name);
    const label = `Trial ${trialId}: ${quantity(y, 'ratio')}, ${metricValue(metric, x)}${predicted ? ' (predicted)' : ''}${feasible ? '' : ', infeasible'}`;
    return [{ trialId, x, y, feasible, onFront, predicted, label }];
  });
}
