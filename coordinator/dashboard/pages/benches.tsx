/** Benches: a form for a new one, and the earlier ones. */
import { scenarioText } from '@edgetune/shared/domain/scenario.ts';
import { type BenchSummary, benchListSchema } from '@edgetune/shared/protocol/bench.ts';
import { BenchForm } from '../bench/bench-form.tsx';
import { BenchState } from '../bench/bench-state.tsx';
import { type Column, DataTable } from '../components/data-table.tsx';
import { dateTime } from '../components/format.ts';
import { paths } from '../route.ts';
import { usePolled } from '../state/poll.ts';

const COLUMNS: readonly Column<BenchSummary>[] = [
  {
    key: 'model',
    title: 'Model',
    sortBy: ({ modelName }) => modelName,
    show: ({ id, modelName }) => <a href={paths.bench(id)}>{modelName}</a>,
  },
  {
    key: 'state',
    title: 'State',
    sortBy: ({ state }) => state,
    show: ({ state, waiting }) => (
      <>
        <BenchState state={state} /> {waiting && <small>{waiting}</small>}
      </>
    ),
  },
  {
    key: 'scenario',
    title: 'Scenario',
    sortBy: ({ scenario }) => scenario.kind,
    show: ({ scenario }) => scenarioText(scenario),
  },
  {
    key: 'devices',
    title: 'Devices',
    sortBy: ({ devices }) => devices.map(({ device }) => device).join(', '),
    show: ({ devices }) =>
      devices.map(({ device, simulated }) => (simulated ? `${device} (simulated)` : device)).join(', '),
  },
  {
    key: 'measurements',
    title: 'Measurements',
    numeric: true,
    sortBy: ({ measurements }) => measurements,
    show: ({ measurements }) => measurements,
  },
  {
    key: 'started',
    title: 'Started',
    sortBy: ({ startedAt }) => startedAt,
    show: ({ startedAt }) => dateTime(startedAt),
  },
];

export function BenchesPage() {
  const { value: list, error } = usePolled('/api/bench', benchListSchema, ({ benches }) =>
    benches.some(({ state }) => state === 'running'),
  ).value;
  return (
    <>
      <div class="title">
        <h1>Bench</h1>
      </div>
      <p class="quiet">Bring any ONNX model; get the best way to run it on each of your devices.</p>
      <BenchForm />
      {error !== null && <p class="error">{error}</p>}
      <section class="card" aria-label="Earlier benches">
        <h2>Benches</h2>
        {list === null ? (
          <p>Reading the benches …</p>
        ) : list.benches.length === 0 ? (
          <p class="empty">No bench yet.</p>
        ) : (
          <DataTable caption="Benches" columns={COLUMNS} rows={list.benches} rowKey={({ id }) => id} />
        )}
      </section>
    </>
  );
}
