/** What studies need of the store. A promise that resolves says: it is written durably. */
import type { StudyState } from '@edgetune/shared/domain/study.ts';
import type { StudyEvent, StudyEventBody } from '@edgetune/shared/domain/study-event.ts';

export interface StudyRecord {
  id: string;
  name: string;
  /** As written by the user. */
  yaml: string;
  state: StudyState;
  reason: string | null;
  createdAt: string;
  finishedAt: string | null;
}

/** What is known of a study whose record cannot be read, and why it cannot. */
export type UnreadableStudy = Pick<StudyRecord, 'id' | 'name' | 'createdAt'> & { problem: string };

export interface Appended {
  events: StudyEvent[];
  written: Promise<void>;
}

export interface StudyRepository {
  /**
   * Adds a study with its first event: neither is ever there without the other. Rejects at once where the disk is full.
   */
  insert(record: StudyRecord, first: StudyEventBody): Promise<StudyEvent>;
  /** Newest first. */
  list(): (StudyRecord | UnreadableStudy)[];
  remove(id: string): Promise<void>;
  /**
   * Appends events, and changes the record with them, in one transaction. They are numbered at once (per study, from 1,
   * without gaps), and written after all that came before: while the disk is full they wait. Where writing them fails
   * nothing of it is there, nor of what was appended after it: `written` rejects for each, and then the study goes on
   * from what `events` knows.
   * @throws {Error} where a body is none that `events` could read again: nothing has happened
   */
  append(
    studyId: string,
    bodies: readonly StudyEventBody[],
    change?: Partial<Pick<StudyRecord, 'state' | 'reason' | 'finishedAt'>>,
  ): Appended;
  /**
   * Events that are written, with seq > afterSeq, oldest first.
   * @throws {Error} naming the event that is missing or cannot be read, and why
   */
  events(studyId: string, afterSeq?: number, limit?: number): StudyEvent[];
  /** SHA-256 of all blobs that the study's events name, also of events that cannot be read. */
  blobsNamed(studyId: string): string[];
}
