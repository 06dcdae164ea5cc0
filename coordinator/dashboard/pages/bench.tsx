/** One bench: what to run on each device, and everything that was measured for it. */
import { formatConstraint } from '@edgetune/shared/domain/objective.ts';
import { scenarioText } from '@edgetune/shared/domain/scenario.ts';
import { type BenchView, benchViewSchema } from '@edgetune/shared/protocol/bench.ts';
import { benchAims, int8Note } from '@edgetune/shared/protocol/bench-report.ts';
import { useEffect } from 'preact/hooks';
import { BenchActions } from '../bench/bench-actions.tsx';
import { BenchState } from '../bench/bench-state.tsx';
import { DeviceSection } from '../bench/device-section.tsx';
import { Badge } from '../components/badge.tsx';
import { dateTime } from '../components/format.ts';
import { SettingsTable } from '../components/settings-table.tsx';
import { announce } from '../state/announce.ts';
import { usePolled } from '../state/poll.ts';

export function BenchPage({ id }: { id: string }) {
  const path = `/api/bench/${encodeURIComponent(id)}`;
  const { value: view, error } = usePolled(path, benchViewSchema, ({ state }) => state === 'running').value;
  useEffect(() => {
    if (view) announce(`Bench of ${view.modelName} is ${view.state}`);
  }, [view?.modelName, view?.state]);
  if (view === null) return error === null ? <p>Reading the bench …</p> : <p class="error">{error}</p>;
  const recommended = view.devices.flatMap(({ device, best, feasible }) =>
    best ? [{ device, measurement: best, feasible }] : [],
  );
  const note = int8Note(view);
  return (
    <>
      <div class="title">
        <h1>
          {view.modelName} <BenchState state={view.state} />
        </h1>
        <BenchActions view={view} />
      </div>
      {error !== null && <p class="error">{error}</p>}
      {view.waiting && (
        <p>
          <Badge tone="notice">waiting</Badge> {view.waiting}
        </p>
      )}
      <p class="quiet">{describe(view)}</p>
      {(view.assumptions ?? []).map((assumption) => (
        <p key={assumption} class="quiet">
          Assumed: {assumption}.
        </p>
      ))}
      {note !== null && <p class="quiet">{note}</p>}
      <section class="card" aria-label="Recommended">
        <h2>Recommended</h2>
        {recommended.length === 0 ? (
          <p class="empty">{view.state === 'running' ? 'Nothing yet.' : 'No device could run the model.'}</p>
        ) : (
          <SettingsTable label="Recommended configs" caption="Recommended config per device" rows={recommended} />
        )}
      </section>
      {view.devices.map((entry) => (
        <DeviceSection key={entry.device} entry={entry} view={view} />
      ))}
    </>
  );
}

function describe({ scenario, objectives, constraints, dimensions, startedAt, finishedAt }: BenchView): string {
  const sizes = Object.entries(dimensions).map(([name, size]) => `${name} = ${size}`);
  return [
    scenarioText(scenario),
    benchAims(objectives),
    ...(constraints.length > 0 ? [`within ${constraints.map(formatConstraint).join(', ')}`] : []),
    ...sizes,
    `started ${dateTime(startedAt)}`,
    ...(finishedAt === null ? [] : [`ended ${dateTime(finishedAt)}`]),
  ].join(' · ');
}
