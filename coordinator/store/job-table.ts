/** The journal of jobs on the database. */
import { isTerminal, jobStateSchema } from '@edgetune/shared/protocol/job.ts';
import { and, asc, eq, inArray, lt, sql } from 'drizzle-orm';
import type { JobRepository } from '../fleet/job-repository.ts';
import type { Database } from './database.ts';
import { jobs } from './schema.ts';

const TERMINAL = jobStateSchema.options.filter(isTerminal);
const UNFINISHED = jobStateSchema.options.filter((state) => !isTerminal(state));

export function createJobTable({ read, write }: Database): JobRepository {
  return {
    insert: (record) => write((tx) => void tx.insert(jobs).values(record).run()),
    update: (id, change) => write((tx) => void tx.update(jobs).set(change).where(eq(jobs.id, id)).run()),
    get: (id) => read.select().from(jobs).where(eq(jobs.id, id)).get() ?? null,
    unfinished: () => read.select().from(jobs).where(inArray(jobs.state, UNFINISHED)).orderBy(asc(sql`rowid`)).all(),
    prune: (before) =>
      write((tx) =>
        tx
          .delete(jobs)
          .where(and(inArray(jobs.state, TERMINAL), lt(jobs.updatedAt, before)))
          .run(),
      ).changes,
  };
}
