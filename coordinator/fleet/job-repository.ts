/** The journal of jobs. A call that returns has been written so that it outlives the process. */
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

export interface JobRepository {
  insert(record: JobRecord): void;
  update(
    id: string,
    change: Partial<Pick<JobRecord, 'state' | 'attempt' | 'leaseToken' | 'reason' | 'updatedAt'>>,
  ): void;
  get(id: string): JobRecord | null;
  /** Jobs in a state that is not terminal, oldest first. */
  unfinished(): JobRecord[];
  /** Forgets finished jobs last changed before this time; returns how many. */
  prune(before: string): number;
}
