/** What to run on each device, with the evidence: the inference config and its measurement. */
import type { StoredMeasurement } from '@edgetune/shared/domain/measurement.ts';
import { deviceText } from '@edgetune/shared/domain/recommendation-text.ts';
import { Badge } from './badge.tsx';
import { counted, quantity } from './format.ts';
import { ScrollRegion } from './scroll-region.tsx';

export interface DeviceSettings {
  device: string;
  measurement: StoredMeasurement;
  feasible: boolean;
}

const COLUMNS: readonly [title: string, numeric: boolean][] = [
  ['Device', false],
  ['Batch', true],
  ['Threads', true],
  ['Clock', false],
  ['Runs as', false],
  ['Latency p50', true],
  ['Latency p99', true],
  ['Throughput', true],
  ['Memory', true],
  ['Energy per inference', true],
];

export function SettingsTable(props: { label: string; caption: string; rows: readonly DeviceSettings[] }) {
  const { label, caption, rows } = props;
  return (
    <ScrollRegion label={label}>
      <table>
        <caption class="hidden">{caption}</caption>
        <thead>
          <tr>
            {COLUMNS.map(([title, numeric]) => (
              <th key={title} scope="col" class={numeric ? 'number' : undefined}>
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <Row key={row.device} {...row} />
          ))}
        </tbody>
      </table>
    </ScrollRegion>
  );
}

function Row({ device, measurement, feasible }: DeviceSettings) {
  const { config } = measurement;
  return (
    <tr>
      <th scope="row">
        {deviceText({ device, measurement })} {measurement.simulated && <Badge tone="notice">SIMULATED</Badge>}{' '}
        {!feasible && <Badge tone="bad">breaks a constraint</Badge>}
      </th>
      <td class="number">{config.batchSize}</td>
      <td class="number">{config.threads}</td>
      <td>{config.clockKHz === null ? 'governor' : quantity(config.clockKHz, 'clock')}</td>
      <td>
        {config.precision}, {config.executionProvider}, {config.runner}
      </td>
      <td class="number">{quantity(measurement.latencyMs?.p50, 'time')}</td>
      <td class="number">{quantity(measurement.latencyMs?.p99, 'time')}</td>
      <td class="number">{quantity(measurement.throughputPerS, 'rate')}</td>
      <td class="number">{quantity(measurement.peakMemoryBytes, 'memory')}</td>
      <td class="number">
        <EnergyFigure measurement={measurement} />
      </td>
    </tr>
  );
}

/** Never without its source: an estimate is not a measurement. */
export function EnergyFigure({
  measurement: { energy, energyAbsence },
}: {
  measurement: Pick<StoredMeasurement, 'energy' | 'energyAbsence'>;
}) {
  if (energy === null) return <span title={energyAbsence ?? undefined}>not measured</span>;
  const { meter, grossJ, sampleCount } = energy;
  return (
    <>
      {quantity(energy.netJ, 'energy')}{' '}
      <Badge
        tone={energy.source === 'meter' ? 'good' : 'notice'}
        title={`${meter}: ${quantity(grossJ, 'energy')} with what the board draws when idle, ${counted(sampleCount, 'reading')}`}
      >
        {energy.source}
      </Badge>
    </>
  );
}
