/** The journal of jobs on the database. */
import { isTerminal, jobRequestSchema, jobStateSchema } from '@edgetune/shared/protocol/job.ts';
import { and, asc, eq, inArray, lt, sql } from 'drizzle-orm';
import { z } from 'zod';
import type { JobRecord, JobRepository } from '../fleet/job-repository.ts';
import type { Database } from './database.ts';
import { json, type RowReader } from './rows.ts';
import { jobs } from './schema.ts';

const TERMINAL = jobStateSchema.options.filter(isTerminal);
const UNFINISHED = jobStateSchema.options.filter((state) => !isTerminal(state));

const rowSchema = z.object({
  id: z.string(),
  deviceId: z.string(),
  studyId: z.string().nullable(),
  request: json(jobRequestSchema),
  state: jobStateSchema,
  attempt: z.int(),
  leaseToken: z.string(),
  reason: z.string().nullable(),
  createdAt: z.string(),
  updatedAt: z.string(),
});

/**
 * Written without waiting for the disk, four times per job: after a restart every unfinished job is cancelled anyway,
 * and what was measured is written durably to the history before the agent may forget it.
 */
export function createJobTable({ read, writeSoon, written, failures }: Database, rows: RowReader): JobRepository {
  const parsed = (found: readonly { id: string }[]): JobRecord[] => rows.read('job', rowSchema, found);
  return {
    insert: (record) =>
      writeSoon((tx) => {
        tx.insert(jobs)
          .values({ ...record, request: JSON.stringify(record.request) })
          .run();
      }),
    update: (id, change) => writeSoon((tx) => void tx.update(jobs).set(change).where(eq(jobs.id, id)).run()),
    get: (id) => parsed(read.select().from(jobs).where(eq(jobs.id, id)).all())[0] ?? null,
    unfinished: () =>
      parsed(read.select().from(jobs).where(inArray(jobs.state, UNFINISHED)).orderBy(asc(sql`rowid`)).all()),
    async prune(before) {
      const old = and(inArray(jobs.state, TERMINAL), lt(jobs.updatedAt, before));
      return (await writeSoon((tx) => tx.delete(jobs).where(old).run())).changes;
    },
    written,
    failures,
  };
}
