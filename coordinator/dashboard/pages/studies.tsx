/** All studies, newest first. */
import type { StudySummary } from '@edgetune/shared/protocol/http.ts';
import { SyntheticBadge } from '../components/badge.tsx';
import { type Column, DataTable } from '../components/data-table.tsx';
import { dateTime, quantity } from '../components/format.ts';
import { paths } from '../route.ts';
import { setAside, studies } from '../state/overview.ts';
import { SetAside } from '../study/set-aside.tsx';
import { StateBadge } from '../study/state-badge.tsx';

const COLUMNS: readonly Column<StudySummary>[] = [
  {
    key: 'name',
    title: 'Name',
    sortBy: ({ name }) => name,
    show: ({ id, name, syntheticData }) => (
      <>
        <a href={paths.study(id)}>{name}</a> {syntheticData && <SyntheticBadge />}
      </>
    ),
  },
  {
    key: 'state',
    title: 'State',
    sortBy: ({ state }) => state,
    show: ({ state, reason }) => (
      <>
        <StateBadge state={state} /> {reason && <small>{reason}</small>}
      </>
    ),
  },
  {
    key: 'progress',
    title: 'Progress',
    numeric: true,
    sortBy: ({ progress }) => progress,
    show: ({ progress }) => quantity(progress, 'ratio'),
  },
  {
    key: 'trials',
    title: 'Trials',
    numeric: true,
    sortBy: ({ trials }) => trials.started,
    show: ({ trials }) => `${trials.started} of ${trials.planned}`,
  },
  {
    key: 'accuracy',
    title: 'Best accuracy',
    numeric: true,
    sortBy: ({ bestAccuracy }) => bestAccuracy,
    show: ({ bestAccuracy }) => quantity(bestAccuracy, 'ratio'),
  },
  {
    key: 'devices',
    title: 'Devices',
    sortBy: ({ devices }) => devices.join(', '),
    show: ({ devices }) => devices.join(', '),
  },
  {
    key: 'created',
    title: 'Started',
    sortBy: ({ createdAt }) => createdAt,
    show: ({ createdAt }) => dateTime(createdAt),
  },
];

export function StudiesPage() {
  const list = studies.value;
  return (
    <>
      <div class="title">
        <h1>Studies</h1>
        <a class="button primary" href={paths.newStudy}>
          New study
        </a>
      </div>
      <SetAside studies={setAside.value} />
      {list === null ? (
        <p>Reading the studies …</p>
      ) : list.length === 0 ? (
        <p class="empty">No study yet. A study trains models and finds, for your devices, the best one to run.</p>
      ) : (
        <DataTable
          caption="Studies"
          columns={COLUMNS}
          rows={[...list].sort((a, b) => b.createdAt.localeCompare(a.createdAt))}
          rowKey={({ id }) => id}
        />
      )}
    </>
  );
}
