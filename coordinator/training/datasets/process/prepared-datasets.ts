/** Data sets as they are prepared for training: read once, known by their content, and compared with the disk at each use. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { shortHash } from '@edgetune/shared/domain/dataset-report.ts';
import type { DatasetSpec } from '@edgetune/shared/domain/study.ts';
import { DatasetChangedError, DatasetError } from '../../training-service.ts';
import { changesSince, changesText } from '../source/identity.ts';
import { LIMITS } from '../source/limits.ts';
import type { Prepared } from './dataset-messages.ts';

/** So many are kept; the one that was used longest ago goes. */
const MOST_KEPT = 16;

export interface PreparedDatasetsOptions {
  /** Where samples lie; emptied at the start. Absent: a temporary folder. */
  folder: string | undefined;
  read(dataset: DatasetSpec, takes: string, into: string): Promise<Prepared>;
}

export class PreparedDatasets {
  readonly #folder: string;
  readonly #read: PreparedDatasetsOptions['read'];
  /** By what a study says of them; the one that was used last is last. */
  readonly #known = new Map<string, Promise<Prepared>>();

  constructor({ folder, read }: PreparedDatasetsOptions) {
    this.#read = read;
    if (folder === undefined) this.#folder = mkdtempSync(join(tmpdir(), 'edgetune-samples-'));
    else {
      rmSync(folder, { recursive: true, force: true });
      mkdirSync(folder, { recursive: true });
      this.#folder = folder;
    }
  }

  /**
   * The data set as it is on the disk now.
   * @param expected the hash of the one that is meant; absent: any
   * @throws {DatasetError}, {DatasetChangedError} where it is not the one that is meant
   */
  async ready(dataset: DatasetSpec, takes: string, expected?: string): Promise<Prepared> {
    const key = JSON.stringify([dataset, takes]);
    const known = this.#known.get(key);
    const before = await known?.catch(() => null);
    const changes = before && (await changesSince(before.identity, LIMITS).catch((error: Error) => error.message));
    if (before && changes === null) return this.#meant(key, before, expected);
    if (changes && expected !== undefined && before?.evidence.sha256 === expected)
      throw new DatasetChangedError(
        dataset,
        typeof changes === 'string' ? changes : changesText(changes, before.identity),
      );
    if (this.#known.get(key) === known) this.#known.delete(key);
    // Whoever asks at the same time waits for the same reading.
    const reading = this.#known.get(key) ?? this.#read(dataset, takes, this.#folder);
    this.#known.set(key, reading);
    try {
      return this.#meant(key, await reading, expected);
    } catch (error) {
      if (this.#known.get(key) === reading) await reading.catch(() => this.#known.delete(key));
      if (expected === undefined || !(error instanceof DatasetError) || error instanceof DatasetChangedError)
        throw error;
      throw new DatasetChangedError(dataset, error.message);
    }
  }

  close(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #meant(key: string, prepared: Prepared, expected: string | undefined): Prepared {
    const { sha256 } = prepared.evidence;
    if (expected !== undefined && sha256 !== expected)
      throw new DatasetChangedError(
        prepared.dataset,
        `its content is another: sha256 ${shortHash(sha256)}, and was ${shortHash(expected)}`,
      );
    const reading = this.#known.get(key);
    if (reading) {
      this.#known.delete(key);
      this.#known.set(key, reading);
    }
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= MOST_KEPT) break;
      const gone = this.#known.get(oldest);
      this.#known.delete(oldest);
      gone?.then(
        ({ file }) => this.#remove(file),
        () => {},
      );
    }
    return prepared;
  }

  /** Unless another section of a study means the same samples. */
  async #remove(file: string): Promise<void> {
    const others = await Promise.allSettled(this.#known.values());
    if (!others.some((other) => other.status === 'fulfilled' && other.value.file === file))
      rmSync(file, { force: true });
  }
}
