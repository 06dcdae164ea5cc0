/** How far the search has come: the hypervolume over time, and which parameters mattered. */
import type { StudyDetail } from '@edgetune/shared/protocol/http.ts';
import { useCallback, useMemo } from 'preact/hooks';
import uPlot from 'uplot';
import { counted, quantity } from '../components/format.ts';
import { axisIn, type ChartColours, LineChart } from '../components/line-chart.tsx';

/** So many of the latest changes stand in the table beside the chart. */
const LISTED = 5;

type Hypervolume = NonNullable<StudyDetail['search']['hypervolume']>;

export function HypervolumeOverTime({ study }: { study: StudyDetail }) {
  const { hypervolume } = study.search;
  return (
    <section class="card" aria-label="Hypervolume over time">
      <h2>Hypervolume over time</h2>
      {hypervolume === null ? (
        <p class="empty">It is not worked out for more than four objectives.</p>
      ) : hypervolume.length === 0 ? (
        <p class="empty">No feasible trial has all objectives yet.</p>
      ) : (
        <>
          <HypervolumeFigures hypervolume={hypervolume} startedAt={study.createdAt} />
          <PredictionNote trials={study.trialViews} />
        </>
      )}
    </section>
  );
}

function HypervolumeFigures({ hypervolume, startedAt }: { hypervolume: Hypervolume; startedAt: string }) {
  const minutes = (at: string) => Math.max(0, (Date.parse(at) - Date.parse(startedAt)) / 60_000);
  const data = useMemo<uPlot.AlignedData>(
    () => [hypervolume.map(({ at }) => minutes(at)), hypervolume.map(({ share }) => share)],
    [hypervolume],
  );
  const options = useCallback(chartOptions, []);
  const latest = hypervolume.slice(-LISTED).reverse();
  return (
    <>
      <LineChart label="Line chart of the hypervolume over the minutes of the study" data={data} options={options} />
      <p class="quiet">
        How much of the objectives’ range the Pareto front covers, from the best value of each to slightly beyond the
        worst: {quantity(hypervolume.at(-1)?.share, 'ratio')} now. The latest changes:
      </p>
      <table>
        <caption class="hidden">Latest changes of the hypervolume</caption>
        <thead>
          <tr>
            <th scope="col">Trial</th>
            <th scope="col" class="number">
              Rung
            </th>
            <th scope="col" class="number">
              Minute
            </th>
            <th scope="col" class="number">
              Hypervolume
            </th>
          </tr>
        </thead>
        <tbody>
          {latest.map(({ trialId, rung, at, share }) => (
            <tr key={`${trialId}/${rung}`}>
              <th scope="row">{trialId}</th>
              <td class="number">{rung}</td>
              <td class="number">{minutes(at).toFixed(1)}</td>
              <td class="number">{quantity(share, 'ratio')}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

function chartOptions(colours: ChartColours): Pick<uPlot.Options, 'axes' | 'series'> {
  const { strong } = colours;
  return {
    axes: [
      { ...axisIn(colours), label: 'Minutes' },
      { ...axisIn(colours), size: 56, values: (_chart, ticks) => ticks.map((tick) => quantity(tick, 'ratio')) },
    ],
    series: [
      {},
      {
        label: 'Hypervolume',
        stroke: strong,
        width: 2.5,
        paths: (uPlot.paths.stepped as NonNullable<typeof uPlot.paths.stepped>)({ align: 1 }),
        points: { show: true, size: 5, stroke: strong, fill: strong },
      },
    ],
  };
}

/** Predicted values stand for measured ones until these are there. */
function PredictionNote({ trials }: { trials: StudyDetail['trialViews'] }) {
  const count = trials.filter(({ predicted }) => predicted.length > 0).length;
  if (count === 0) return null;
  return (
    <p class="quiet">
      {counted(count, 'trial')} {count === 1 ? 'counts' : 'count'} with predicted values, which no device has measured.
    </p>
  );
}

export function ParameterImportance({ study }: { study: StudyDetail }) {
  const { importance } = study.search;
  return (
    <section class="card" aria-label="Parameter importance">
      <h2>Parameter importance</h2>
      {importance.length === 0 ? (
        <p class="empty">Known from ten feasible trials on that differ.</p>
      ) : (
        <>
          <table class="bars">
            <caption class="hidden">Share of each parameter in how good trials are</caption>
            <thead>
              <tr>
                <th scope="col">Parameter</th>
                <th scope="col" class="number">
                  Share
                </th>
                <td />
              </tr>
            </thead>
            <tbody>
              {importance.map(({ name, share }) => (
                <tr key={name}>
                  <th scope="row">{name}</th>
                  <td class="number">{quantity(share, 'ratio')}</td>
                  <td>
                    <div class="bar" style={{ width: `${(100 * share) / (importance[0]?.share ?? 1)}%` }} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
          <p class="quiet">
            How differently {counted(importance.length, 'parameter')} {importance.length === 1 ? 'is' : 'are'} set among
            the best tenth of the trials and among all of them (PED-ANOVA).
          </p>
          <PredictionNote trials={study.trialViews} />
        </>
      )}
    </section>
  );
}
