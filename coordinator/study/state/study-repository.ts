/** What studies need of the store. Every call that returns has been written durably. */
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

export interface StudyRepository {
  insert(record: StudyRecord): void;
  update(id: string, change: Partial<Pick<StudyRecord, 'state' | 'reason' | 'finishedAt'>>): void;
  get(id: string): StudyRecord | null;
  /** Newest first. */
  list(): StudyRecord[];
  remove(id: string): void;
  /** Appends events in one transaction and returns them with their numbers (per study, from 1, without gaps) and times. */
  append(studyId: string, bodies: readonly StudyEventBody[]): StudyEvent[];
  /** Events with seq > afterSeq, oldest first. */
  events(studyId: string, afterSeq?: number, limit?: number): StudyEvent[];
}
