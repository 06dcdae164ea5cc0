/** One device of a bench: how far its search is, what it found, and everything that it measured. */
import type { BenchDevice, BenchView } from '@edgetune/shared/protocol/bench.ts';
import { Badge } from '../components/badge.tsx';
import { SimulatedNotice } from '../components/simulated-notice.tsx';
import { devices } from '../state/overview.ts';
import { BenchState } from './bench-state.tsx';
import { ConfigPlot } from './config-plot.tsx';
import { MeasuredTable } from './measured-table.tsx';

export function DeviceSection({ entry, view }: { entry: BenchDevice; view: BenchView }) {
  const { device, state, simulated, reason, measured, reused, possible, planned, measurements } = entry;
  const presence = devices.value?.find(({ name }) => name === device)?.presence;
  const counts = `${measured} measured, ${reused} reused${possible === null ? '' : ` of ${possible} possible configs`}`;
  return (
    <section class="card" aria-label={`Bench on ${device}`}>
      <div class="card-head">
        <h2>{device}</h2>
        <BenchState state={state} />
      </div>
      {simulated && <SimulatedNotice simulated={simulated} />}
      {state === 'running' && (
        <div class="progress-row">
          <progress max={planned ?? 1} value={measured} aria-label={`Progress on ${device}`} />
          <span>{planned === null ? 'starting' : `${measured} of at most ${planned} measured`}</span>
        </div>
      )}
      {state === 'running' && presence === 'offline' && (
        <p>
          <Badge tone="notice">offline</Badge> The bench goes on when {device} is back.
        </p>
      )}
      {reason !== null && <p class={entry.best ? undefined : 'error'}>{reason}</p>}
      <p class="quiet">{counts}</p>
      <div class="bench-plot">
        <ConfigPlot entry={entry} constraints={view.constraints} />
      </div>
      {measurements.length > 0 && <MeasuredTable entry={entry} />}
    </section>
  );
}
