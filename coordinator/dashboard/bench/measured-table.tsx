/** Every config that was measured on a device. */
import type { StoredMeasurement } from '@edgetune/shared/domain/measurement.ts';
import type { BenchDevice, BenchMeasurement } from '@edgetune/shared/protocol/bench.ts';
import { Badge } from '../components/badge.tsx';
import { type Column, DataTable } from '../components/data-table.tsx';
import { dateTime, quantity } from '../components/format.ts';
import { EnergyFigure } from '../components/settings-table.tsx';

const numeric = (
  key: string,
  title: string,
  read: (measurement: BenchMeasurement) => number | null | undefined,
  dimension: Parameters<typeof quantity>[1],
): Column<BenchMeasurement> => ({
  key,
  title,
  numeric: true,
  sortBy: (row) => read(row) ?? null,
  show: (row) => quantity(read(row), dimension),
});

function columnsFor(best: StoredMeasurement | null): Column<BenchMeasurement>[] {
  return [
    numeric('batch', 'Batch', ({ config }) => config.batchSize, 'count'),
    numeric('threads', 'Threads', ({ config }) => config.threads, 'count'),
    {
      key: 'clock',
      title: 'Clock',
      numeric: true,
      sortBy: ({ config }) => config.clockKHz,
      show: ({ config }) => (config.clockKHz === null ? 'governor' : quantity(config.clockKHz, 'clock')),
    },
    {
      key: 'runs',
      title: 'Runs as',
      sortBy: ({ config }) => `${config.precision} ${config.executionProvider} ${config.runner}`,
      show: ({ config: { precision, executionProvider, runner } }) => `${precision}, ${executionProvider}, ${runner}`,
    },
    numeric('p50', 'Latency p50', ({ latencyMs }) => latencyMs?.p50, 'time'),
    numeric('p99', 'Latency p99', ({ latencyMs }) => latencyMs?.p99, 'time'),
    numeric('bound', 'p99 bound', ({ latencyMs }) => latencyMs?.p99Bound, 'time'),
    numeric('throughput', 'Throughput', ({ throughputPerS }) => throughputPerS, 'rate'),
    numeric('memory', 'Memory', ({ peakMemoryBytes }) => peakMemoryBytes, 'memory'),
    {
      key: 'energy',
      title: 'Energy per inference',
      numeric: true,
      sortBy: ({ energy }) => energy?.netJ ?? null,
      show: (measurement) => <EnergyFigure measurement={measurement} />,
    },
    {
      key: 'outcome',
      title: 'Outcome',
      sortBy: ({ outcome }) => outcome,
      show: ({ id, outcome, reason, simulated, from, deviceName, startedAt }) => (
        <>
          {outcome} {id === best?.id && <Badge tone="good">recommended</Badge>}
          {simulated && <Badge tone="notice">simulated</Badge>}
          {from !== 'measured' && (
            <Badge tone="neutral" title={`measured on ${deviceName}, ${dateTime(startedAt)}`}>
              reused
            </Badge>
          )}
          {reason !== null && <small class="reason">{reason}</small>}
        </>
      ),
    },
  ];
}

export function MeasuredTable({ entry: { device, measurements, best } }: { entry: BenchDevice }) {
  return (
    <DataTable
      caption={`Measured on ${device}`}
      columns={columnsFor(best)}
      rows={measurements}
      rowKey={({ id }) => id}
      pageSize={12}
    />
  );
}
