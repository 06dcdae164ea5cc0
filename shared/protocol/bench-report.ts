/** A bench as Markdown for people, as CSV for spreadsheets; its JSON is the view itself. */
import { describeSimulated } from '../domain/device.ts';
import { queriesFor } from '../domain/early-stopping.ts';
import type { StoredMeasurement } from '../domain/measurement.ts';
import { formatConstraint, type Objective } from '../domain/objective.ts';
import { scenarioText } from '../domain/scenario.ts';
import { formatQuantity } from '../domain/units.ts';
import type { BenchDevice, BenchMeasurement, BenchView } from './bench.ts';

const COLUMNS = [
  'device',
  'batch',
  'threads',
  'clock kHz',
  'precision',
  'provider',
  'runner',
  'outcome',
  'p50 ms',
  'p99 ms',
  'p99 bound ms',
  'samples/s',
  'memory MB',
  'energy mJ',
  'source',
] as const;

function cellsOf(device: string, measurement: StoredMeasurement | BenchMeasurement): string[] {
  const { config, latencyMs, throughputPerS, peakMemoryBytes, energy, outcome, simulated } = measurement;
  const number = (value: number | null | undefined) =>
    value === null || value === undefined ? '' : String(Number(value.toPrecision(4)));
  return [
    device,
    String(config.batchSize),
    String(config.threads),
    config.clockKHz === null ? 'auto' : String(config.clockKHz),
    config.precision,
    config.executionProvider,
    config.runner,
    outcome,
    number(latencyMs?.p50),
    number(latencyMs?.p99),
    number(latencyMs?.p99Bound),
    number(throughputPerS),
    number(peakMemoryBytes === null ? null : peakMemoryBytes / 1e6),
    // A figure without a meter behind it says so wherever it is shown.
    energy === null ? '' : `${number(energy.netJ * 1000)}${energy.source === 'meter' ? '' : ` (${energy.source})`}`,
    `${simulated ? 'simulated' : 'measured'}${'from' in measurement && measurement.from !== 'measured' ? ', reused' : ''}`,
  ];
}

const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
const table = (rows: readonly string[][]) => [line(COLUMNS), line(COLUMNS.map(() => '---')), ...rows.map(line)];

function recommendationLines(entry: BenchDevice): string[] {
  const saved = entry.possible === null ? '' : ` of ${entry.possible} possible configs`;
  const counts = `${entry.measured} measured, ${entry.reused} reused${saved}`;
  const verdict =
    entry.state === 'running' ? 'running' : entry.feasible ? 'meets the constraints' : (entry.reason ?? entry.state);
  const simulated = entry.simulated ? `SIMULATED, ${describeSimulated(entry.simulated)}; ` : '';
  return [`- **${entry.device}**: ${simulated}${verdict} (${counts})`];
}

/** What is wanted of each device by itself: over devices nothing is aggregated. */
export function benchAims(objectives: readonly Objective[]): string {
  const aims = objectives.map(
    ({ direction, metric, device }) => `${direction} ${metric}${device === undefined ? '' : ` on ${device}`}`,
  );
  return aims.join(', ') || 'minimize latency.p50';
}

/** What stands behind configs of precision int8; null where nobody asked for any. */
export function int8Note({
  precision,
  int8,
  modelBytes,
}: Pick<BenchView, 'precision' | 'int8' | 'modelBytes'>): string | null {
  if (precision === 'int8')
    return 'The model is quantised already: it is measured as it is, in int8, and not quantised again.';
  if (!int8) return null;
  if ('reason' in int8) return `There is no int8 variant of the model: ${int8.reason}.`;
  if (int8.modelBytes > modelBytes) {
    const [larger, own] = [int8.modelBytes, modelBytes].map((bytes) => formatQuantity(bytes, 'memory'));
    return `The int8 variant is larger than the model (${larger}, ${own}): beside the model it is not measured.`;
  }
  return 'Configs in int8 run a variant that was calibrated on random inputs: it shows what int8 would cost, not how accurate it would be. One that is slower than the model itself is not recommended.';
}

/** What to run on each device, and everything that was measured. */
export function benchMarkdown(view: BenchView): string {
  const aims = benchAims(view.objectives);
  const note = int8Note(view);
  const limits = view.constraints.map(formatConstraint).join(', ') || 'none';
  const sizes = Object.entries(view.dimensions)
    .map(([name, size]) => `; ${name} = ${size}`)
    .join('');
  const best = view.devices.flatMap(({ device, best }) => (best ? [cellsOf(device, best)] : []));
  const all = view.devices.flatMap(({ device, measurements }) => measurements.map((each) => cellsOf(device, each)));
  return [
    `# ${view.modelName}`,
    '',
    `Scenario: ${scenarioText(view.scenario)}; objectives: ${aims}; constraints: ${limits}${sizes}.`,
    '',
    ...(view.assumptions ?? []).flatMap((assumption) => [`Assumed: ${assumption}.`, '']),
    ...(note === null ? [] : [note, '']),
    '## Recommended',
    '',
    ...table(best),
    '',
    ...view.devices.flatMap(recommendationLines),
    '',
    '## Measured',
    '',
    ...table(all),
    '',
    'p99 bound: the 99th percentile is below it with 99 % confidence (early stopping, as MLPerf LoadGen defines it); blank',
    `where there were fewer than ${queriesFor(1, 0.99)} queries.`,
    '',
  ].join('\n');
}

/** One row per measurement (RFC 4180); the column `recommended` marks the best config of each device. */
export function benchCsv(view: BenchView): string {
  const rows = view.devices.flatMap(({ device, measurements, best }) =>
    measurements.map((each) => [...cellsOf(device, each), each.id === best?.id ? 'yes' : 'no']),
  );
  const quote = (cell: string) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);
  return `${[[...COLUMNS, 'recommended'], ...rows].map((row) => row.map(quote).join(',')).join('\r\n')}\r\n`;
}
