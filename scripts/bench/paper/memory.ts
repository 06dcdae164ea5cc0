/** The ports of a study in memory: its events, blobs and measurements live as long as the benchmark's run. */
import { createHash } from 'node:crypto';
import type { StoredMeasurement } from '@edgetune/shared/domain/measurement.ts';
import { scenarioKey } from '@edgetune/shared/domain/scenario.ts';
import type { StudyEvent } from '@edgetune/shared/domain/study-event.ts';
import type { MeasurementHistory } from '../../../coordinator/inference/inference-server.ts';
import type { BlobStore } from '../../../coordinator/study/context/blob-store.ts';
import type { StudyRecord, StudyRepository } from '../../../coordinator/study/state/study-repository.ts';

export function memoryStudies(): StudyRepository {
  const records = new Map<string, StudyRecord>();
  const logs = new Map<string, StudyEvent[]>();
  const logOf = (id: string) => logs.get(id) ?? [];
  const append: StudyRepository['append'] = (studyId, bodies, change = {}) => {
    Object.assign(records.get(studyId) ?? {}, change);
    const log = logOf(studyId);
    logs.set(studyId, log);
    const at = new Date().toISOString();
    const events = bodies.map((body, i) => ({ seq: log.length + i + 1, studyId, at, body }));
    log.push(...events);
    return { events, written: Promise.resolve() };
  };
  return {
    async insert(record, first) {
      records.set(record.id, { ...record });
      return append(record.id, [first]).events[0] as StudyEvent;
    },
    list: () => [...records.values()],
    async remove(id) {
      records.delete(id);
      logs.delete(id);
    },
    append,
    events: (studyId, afterSeq = 0, limit = Infinity) => logOf(studyId).slice(afterSeq, afterSeq + limit),
    blobsNamed: () => [],
  };
}

export function memoryBlobs(): BlobStore {
  const blobs = new Map<string, Uint8Array>();
  return {
    async put(bytes) {
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      blobs.set(sha256, bytes);
      return sha256;
    },
    async get(sha256) {
      const bytes = blobs.get(sha256);
      if (!bytes) throw new Error(`no blob ${sha256}`);
      return bytes;
    },
    has: (sha256) => blobs.has(sha256),
    path: () => null,
    collect: async () => 0,
  };
}

export function memoryHistory(): MeasurementHistory {
  const saved: StoredMeasurement[] = [];
  const like = (query: { deviceClass: string; scenarioKey: string }) =>
    saved.filter((m) => m.deviceClass === query.deviceClass && scenarioKey(m.scenario) === query.scenarioKey);
  return {
    save: async (measurement) => void saved.push(measurement),
    find: (query) => like(query).filter(({ signature }) => signature === query.signature),
    recent: (query) => like(query).reverse().slice(0, query.limit),
    get: (id) => saved.find((m) => m.id === id) ?? null,
  };
}
