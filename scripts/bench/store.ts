/** What the store costs: events written one after the other and together, and the longest question about measurements. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { StudyEventBody } from '@edgetune/shared/domain/study-event.ts';
import { openStore } from '../../coordinator/store/store.ts';
import type { StudyRecord } from '../../coordinator/study/state/study-repository.ts';
import { storedMeasurement } from '../../test/support/measurement.ts';
import { type BenchTable, report } from './support.ts';

const STUDY = 's-bench';
const SCENARIO = 'single-stream';
const record: StudyRecord = {
  ...{ id: STUDY, name: 'bench', yaml: '', reason: null, finishedAt: null },
  state: 'running',
  createdAt: new Date(0).toISOString(),
};
const epoch = (index: number): StudyEventBody => ({
  ...{
    type: 'epoch',
    trialId: index % 20,
    rung: 0,
    epoch: index,
    metrics: { accuracy: 0.5 + index * 1e-6, loss: 1.25 },
  },
});

/** Writes `events` events, twice, and asks for the latest measurements of a class among `measurements` of another one. */
export async function benchStore({ events = 5000, measurements = 100_000 } = {}): Promise<BenchTable> {
  const directory = mkdtempSync(join(tmpdir(), 'edgetune-bench-'));
  const store = openStore(directory);
  try {
    await store.studies.insert(record, { type: 'warning', message: 'first' });
    const oneByOneS = await seconds(async () => {
      for (let index = 0; index < events; index++) await store.studies.append(STUDY, [epoch(index)]).written;
    });
    const togetherS = await seconds(async () => {
      const all = Array.from({ length: events }, (_, index) => store.studies.append(STUDY, [epoch(index)]).written);
      await Promise.all(all);
    });
    const readS = await seconds(async () => void store.studies.events(STUDY));
    const saved = Array.from({ length: measurements }, (_, index) =>
      store.measurements.save(storedMeasurement({ id: `m-${index}`, deviceClass: 'another class' })),
    );
    await Promise.all(saved);
    const askedS = await seconds(
      async () => void store.measurements.recent?.({ deviceClass: 'nobody', scenarioKey: SCENARIO, limit: 600 }),
    );
    return {
      title: 'Store: a durable write each, on this machine',
      rows: [
        { what: 'events, one after the other', value: events / oneByOneS, unit: 'events/s' },
        { what: 'events, handed over together', value: events / togetherS, unit: 'events/s' },
        { what: 'events read and parsed', value: (2 * events) / readS, unit: 'events/s' },
        { what: `a class without a row among ${measurements} measurements`, value: askedS * 1000, unit: 'ms' },
      ],
    };
  } finally {
    store.close();
    rmSync(directory, { recursive: true });
  }
}

async function seconds(work: () => Promise<void>): Promise<number> {
  const startMs = performance.now();
  await work();
  return (performance.now() - startMs) / 1000;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) report([await benchStore()]);
