/** All trials of a study with what is known of them. */
import { metricInfo } from '@edgetune/shared/domain/objective.ts';
import { metricsNamedIn } from '@edgetune/shared/domain/study.ts';
import type { StudyDetail, TrialView } from '@edgetune/shared/protocol/http.ts';
import { Badge, type Tone } from '../components/badge.tsx';
import { type Column, DataTable } from '../components/data-table.tsx';
import { counted, metricValue, parameterText, quantity } from '../components/format.ts';

const TONES: Record<TrialView['status'], Tone> = {
  asked: 'neutral',
  training: 'busy',
  paused: 'neutral',
  infeasible: 'bad',
  failed: 'bad',
  stopped: 'neutral',
  finished: 'good',
};

export function TrialsTable({ study: { trialViews: trials, spec }, device }: { study: StudyDetail; device: string }) {
  return (
    <section class="card" aria-label="Trials">
      <h2>{counted(trials.length, 'trial')}</h2>
      {trials.length === 0 ? (
        <p class="empty">The first trial starts soon.</p>
      ) : (
        <DataTable
          caption={`Trials, with their metrics on ${device}`}
          columns={columnsFor(trials, device, otherQuality(spec))}
          rows={trials}
          rowKey={({ trialId }) => trialId}
        />
      )}
    </section>
  );
}

/** What else than accuracy the study wants to know of how well a model does. */
function otherQuality(spec: StudyDetail['spec']): string[] {
  const named = metricsNamedIn(spec).flatMap(({ list }) => list.map(({ metric }) => metric));
  return [...new Set(named)].filter((metric) => metric !== 'accuracy' && metricInfo(metric).isQuality);
}

function columnsFor(trials: readonly TrialView[], device: string, quality: readonly string[]): Column<TrialView>[] {
  const parameters = [...new Set(trials.flatMap(({ candidate }) => Object.keys(candidate)))];
  return [
    { key: 'trial', title: 'Trial', numeric: true, sortBy: ({ trialId }) => trialId, show: ({ trialId }) => trialId },
    {
      key: 'status',
      title: 'Status',
      sortBy: ({ status }) => status,
      show: ({ status, onFront, reason }) => (
        <>
          <Badge tone={TONES[status]} title={reason ?? ''}>
            {status}
          </Badge>
          {onFront && <Badge tone="good">front</Badge>}
          {reason && <small class="reason">{reason}</small>}
        </>
      ),
    },
    metricColumn('Accuracy', 'accuracy'),
    ...quality.map((name) => metricColumn(name, name)),
    metricColumn('Latency p50', `latency.p50@${device}`),
    metricColumn('Latency p99', `latency.p99@${device}`),
    metricColumn('Energy', `energy@${device}`),
    metricColumn('Model size', 'modelSize'),
    { key: 'rung', title: 'Rung', numeric: true, sortBy: ({ rung }) => rung, show: ({ rung }) => rung },
    { key: 'epochs', title: 'Epochs', numeric: true, sortBy: ({ epochs }) => epochs, show: ({ epochs }) => epochs },
    {
      key: 'data',
      title: 'Data',
      numeric: true,
      sortBy: ({ dataFraction }) => dataFraction,
      show: ({ dataFraction }) => quantity(dataFraction, 'ratio'),
    },
    ...parameters.map(
      (name): Column<TrialView> => ({
        key: `parameter ${name}`,
        title: name,
        numeric: trials.some(({ candidate }) => typeof candidate[name] === 'number'),
        sortBy: ({ candidate }) => sortable(candidate[name]),
        show: ({ candidate }) => (candidate[name] === undefined ? '–' : parameterText(candidate[name])),
      }),
    ),
  ];
}

function metricColumn(title: string, name: string): Column<TrialView> {
  return {
    key: name,
    title,
    numeric: true,
    sortBy: ({ metrics }) => metrics[name] ?? null,
    show: ({ metrics, predicted, intervals }) => (
      <>
        {predicted.includes(name) && (
          <abbr title="predicted from what the device has measured" class="quiet">
            ≈{' '}
          </abbr>
        )}
        {metricValue(name, metrics[name])}
        {intervals[name] && (
          <small class="quiet"> ({intervals[name].map((end) => metricValue(name, end)).join(' to ')})</small>
        )}
      </>
    ),
  };
}

function sortable(value: number | string | boolean | undefined): number | string | null {
  if (value === undefined) return null;
  return typeof value === 'boolean' ? Number(value) : value;
}
