/** The journal of jobs. A promise that resolves says: it is written so that it outlives the process. */
import type { JobRequest, JobState } from '@edgetune/shared/protocol/job.ts';

/** A job as its journal keeps it. */
export interface JobRecord {
  id: string;
  deviceId: string;
  studyId: string | null;
  request: JobRequest;
  state: JobState;
  attempt: number;
  leaseToken: string;
  reason: string | null;
  createdAt: string;
  updatedAt: string;
}

/** What happens to jobs, noted in order. Nobody waits for it but who tells others of it: see `JobRepository.written`. */
export interface JobJournal {
  insert(record: JobRecord): void;
  update(id: string, change: JobChange): void;
}

export type JobChange = Partial<Pick<JobRecord, 'state' | 'attempt' | 'leaseToken' | 'reason' | 'updatedAt'>>;

export interface JobRepository {
  insert(record: JobRecord): Promise<void>;
  update(id: string, change: JobChange): Promise<void>;
  get(id: string): JobRecord | null;
  /** Jobs in a state that is not terminal, oldest first. */
  unfinished(): JobRecord[];
  /** Forgets finished jobs last changed before this time; returns how many. */
  prune(before: string): Promise<number>;
  /**
   * Resolves when everything that the store was given before, by anybody, is written or has failed; null: nothing waits.
   */
  written(): Promise<void> | null;
  /**
   * How many writes of what has happened have failed so far, of anybody: who looks twice knows whether something was lost
   * in between. A full disk fails none of them.
   */
  failures(): number;
}
