/** What tuners of programs over HTTP need of the store. A promise that resolves says: it is written durably. */
import type { TunerEntry, TunerProgress, TunerSpec, TunerSummary } from '@edgetune/shared/protocol/tuner-lines.ts';

export interface TunerRecord {
  id: string;
  createdAt: string;
  spec: TunerSpec;
}

export interface TunerRepository {
  insert(record: TunerRecord): Promise<void>;
  /** @throws {Error} where its row cannot be read, saying why */
  get(id: string): TunerRecord | null;
  /** Newest first. */
  list(): TunerSummary[];
  /**
   * Appends to the tuner's journal, all or nothing. While the disk is full it waits where something was told, which was
   * trained for; else it rejects at once.
   * @param progress what lists say of it from now on
   */
  append(id: string, entries: readonly TunerEntry[], progress?: TunerProgress): Promise<void>;
  /** The tuner's journal, oldest first. @throws {Error} where an entry cannot be read, saying why */
  entries(id: string): TunerEntry[];
  /** Also removes its journal. False: there was none. */
  remove(id: string): Promise<boolean>;
}
