/** The journal of jobs on the database. */
import { isTerminal, jobStateSchema } from '@edgetune/shared/protocol/job.ts';
import { and, asc, eq, inArray, lt, sql } from 'drizzle-orm';
import type { JobRepository } from '../fleet/job-repository.ts';
import type { Database } from './database.ts';
import { jobs } from './schema.ts';

const TERMINAL = jobStateSchema.options.filter(isTerminal);
const UNFINISHED = jobStateSchema.options.filter((state) => !isTerminal(state));

/**
 * Written without waiting for the disk, four times per job: after a restart every unfinished job is cancelled anyway,
 * and what was measured is written durably to the history before the agent may forget it.
 */
export function createJobTable({ read, writeSoon }: Database): JobRepository {
  return {
    insert: (record) => writeSoon((tx) => void tx.insert(jobs).values(record).run()),
    update: (id, change) => writeSoon((tx) => void tx.update(jobs).set(change).where(eq(jobs.id, id)).run()),
    get: (id) => read.select().from(jobs).where(eq(jobs.id, id)).get() ?? null,
    unfinished: () => read.select().from(jobs).where(inArray(jobs.state, UNFINISHED)).orderBy(asc(sql`rowid`)).all(),
    prune: (before) =>
      writeSoon((tx) =>
        tx
          .delete(jobs)
          .where(and(inArray(jobs.state, TERMINAL), lt(jobs.updatedAt, before)))
          .run(),
      ).changes,
  };
}
