/** Everything that outlives the coordinator, in one data directory: `edgetune.db`, `blobs/`, a lock. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Logger, plainLogger } from '@edgetune/shared/log/logger.ts';
import type { TunerRepository } from '../ask-tell/tuner-repository.ts';
import type { BenchRepository } from '../bench/bench-repository.ts';
import type { DeviceRepository } from '../fleet/device-repository.ts';
import type { JobRepository } from '../fleet/job-repository.ts';
import type { MeasurementHistory } from '../inference/inference-server.ts';
import { Troubles } from '../lifecycle/troubles.ts';
import type { BlobStore } from '../study/context/blob-store.ts';
import type { StudyRepository } from '../study/state/study-repository.ts';
import { createBenchTable } from './bench-table.ts';
import { openBlobDirectory } from './blob-directory.ts';
import { type Database, openDatabase } from './database.ts';
import { createDeviceTable } from './device-table.ts';
import { lockDirectory } from './directory-lock.ts';
import { createJobTable } from './job-table.ts';
import { createMeasurementTable } from './measurement-table.ts';
import { createRowReader } from './rows.ts';
import { createStudyTable } from './study-table.ts';
import { createTunerTable } from './tuner-table.ts';
import { explainWriteError } from './write-error.ts';

export interface Store {
  studies: StudyRepository;
  measurements: MeasurementHistory;
  benches: BenchRepository;
  tuners: TunerRepository;
  devices: DeviceRepository;
  jobs: JobRepository;
  blobs: BlobStore;
  /** Has the reason while what has happened waits to be written. */
  troubles: Troubles;
  /** Writes what waits to be written, then closes: for seconds at most where another program holds the database. */
  close(): void;
}

export interface StoreOptions {
  /** Bytes that models and checkpoints may take on the disk. */
  blobQuotaBytes?: number;
  /** Hears of rows that cannot be read, and of a database that others hold. */
  log?: Logger;
}

const DEFAULT_BLOB_QUOTA_BYTES = 10e9;

/**
 * Opens the data directory, creating what is missing and migrating what is old.
 * @throws {Error} where another coordinator uses it, it cannot be written, or it was written by a newer version
 */
export function openStore(dataDirectory: string, options: StoreOptions = {}): Store {
  try {
    // Credentials' hashes and models are nobody else's business.
    mkdirSync(dataDirectory, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw explainWriteError(error, dataDirectory);
  }
  const { log = plainLogger(console.error) } = options;
  const unlock = lockDirectory(dataDirectory);
  let database: Database | null = null;
  try {
    const troubles = new Troubles();
    database = openDatabase(join(dataDirectory, 'edgetune.db'), { log, troubles });
    return { ...storeOver(database, openBlobs(dataDirectory, options), unlock, log), troubles };
  } catch (error) {
    database?.close();
    unlock();
    throw error;
  }
}

function openBlobs(dataDirectory: string, { blobQuotaBytes = DEFAULT_BLOB_QUOTA_BYTES }: StoreOptions): BlobStore {
  const directory = join(dataDirectory, 'blobs');
  try {
    return openBlobDirectory(directory, { quotaBytes: blobQuotaBytes });
  } catch (error) {
    throw explainWriteError(error, directory);
  }
}

function storeOver(database: Database, blobs: BlobStore, unlock: () => void, log: Logger): Omit<Store, 'troubles'> {
  const rows = createRowReader(log);
  return {
    studies: createStudyTable(database),
    measurements: createMeasurementTable(database, rows),
    benches: createBenchTable(database, rows),
    tuners: createTunerTable(database),
    devices: createDeviceTable(database, rows),
    jobs: createJobTable(database, rows),
    blobs,
    close() {
      database.close();
      unlock();
    },
  };
}
