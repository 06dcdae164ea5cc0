/** Studies and their events on the database. */
import { studyStateSchema } from '@edgetune/shared/domain/study.ts';
import { type StudyEvent, type StudyEventBody, studyEventBodySchema } from '@edgetune/shared/domain/study-event.ts';
import { and, asc, desc, eq, getTableColumns, gt, max } from 'drizzle-orm';
import { z } from 'zod';
import type { Appended, StudyRecord, StudyRepository } from '../study/state/study-repository.ts';
import type { Database, Queries } from './database.ts';
import { readEventBody, versionOf } from './event-versions.ts';
import { parseRow } from './rows.ts';
import { studies, studyEvents } from './schema.ts';

const recordSchema: z.ZodType<StudyRecord> = z.object({
  id: z.string(),
  name: z.string(),
  yaml: z.string(),
  state: studyStateSchema,
  reason: z.string().nullable(),
  createdAt: z.iso.datetime(),
  finishedAt: z.string().nullable(),
});
const eventSchema = z.object({
  seq: z.int(),
  at: z.iso.datetime(),
  body: z.string(),
  version: z.int().positive(),
});

export function createStudyTable({ read, write, writePatiently }: Database): StudyRepository {
  const { number: _, ...columns } = getTableColumns(studies);
  /** By study: the number of the event that was appended last, written or not. Where one fails a new log begins. */
  const logs = new Map<string, { lastSeq: number; failure: Error | null }>();

  const lastWritten = (studyId: string) =>
    read
      .select({ seq: max(studyEvents.seq) })
      .from(studyEvents)
      .where(eq(studyEvents.studyId, studyId))
      .get()?.seq ?? 0;

  function append(
    studyId: string,
    bodies: readonly StudyEventBody[],
    alter: (tx: Queries) => void,
    writeWith = writePatiently,
  ): Appended {
    const log = logs.get(studyId) ?? { lastSeq: lastWritten(studyId), failure: null };
    const before = log.lastSeq;
    const at = new Date().toISOString();
    const events = bodies.map((body, index) => ({ seq: before + index + 1, studyId, at, body: checked(body) }));
    const rows = events.map((event) => ({
      ...event,
      body: JSON.stringify(event.body),
      version: versionOf(event.body.type),
    }));
    log.lastSeq += bodies.length;
    logs.set(studyId, log);
    const written = writeWith((tx) => {
      // What was appended after it is lost for the same reason.
      if (log.failure) throw log.failure;
      alter(tx);
      if (lastWritten(studyId) !== before)
        throw new Error(
          `event ${before + 1} of study ${studyId} cannot follow: another program has changed its events`,
        );
      for (const row of rows) tx.insert(studyEvents).values(row).run();
    });
    written.catch((error: Error) => {
      log.failure ??= error;
      if (logs.get(studyId) === log) logs.delete(studyId);
    });
    return { events, written };
  }

  return {
    async insert(record, first) {
      const add = (tx: Queries) => void tx.insert(studies).values(record).run();
      const { events, written } = append(record.id, [first], add, write);
      await written;
      return events[0] as StudyEvent;
    },
    list: () =>
      read
        .select(columns)
        .from(studies)
        .orderBy(desc(studies.number))
        .all()
        .map((row) => {
          try {
            return parseRow(recordSchema, row);
          } catch (error) {
            const { id, name, createdAt } = row;
            const problem = `its row in the database cannot be read (${(error as Error).message})`;
            return { id: String(id), name: String(name), createdAt: String(createdAt), problem };
          }
        }),
    async remove(id) {
      await write((tx) => void tx.delete(studies).where(eq(studies.id, id)).run());
      logs.delete(id);
    },
    append: (studyId, bodies, change = {}) =>
      append(studyId, bodies, (tx) => {
        if (Object.keys(change).length > 0) tx.update(studies).set(change).where(eq(studies.id, studyId)).run();
      }),
    events: (studyId, afterSeq = 0, limit = -1) =>
      read
        .select()
        .from(studyEvents)
        .where(and(eq(studyEvents.studyId, studyId), gt(studyEvents.seq, afterSeq)))
        .orderBy(asc(studyEvents.seq))
        .limit(limit)
        .all()
        .map((row, index) => readEvent(row, Math.floor(afterSeq) + 1 + index)),
    blobsNamed: (studyId) =>
      read
        .select({ body: studyEvents.body })
        .from(studyEvents)
        .where(eq(studyEvents.studyId, studyId))
        .all()
        .flatMap(({ body }) => String(body).match(/\b[0-9a-f]{64}\b/g) ?? []),
  };
}

/** What could not be read again is not written. */
function checked(body: StudyEventBody): StudyEventBody {
  try {
    return parseRow(studyEventBodySchema, body);
  } catch (error) {
    throw new Error(
      `the event ${body.type} is not written, as it could not be read again: ${(error as Error).message}`,
    );
  }
}

function readEvent(row: typeof studyEvents.$inferSelect, expectedSeq: number): StudyEvent {
  const { studyId, seq } = row;
  if (seq !== expectedSeq) throw new Error(`its event ${expectedSeq} is missing`);
  try {
    const { at, body, version } = parseRow(eventSchema, row);
    return { seq, studyId, at, body: readEventBody(body, version) };
  } catch (error) {
    throw new Error(`its event ${seq} cannot be read (${(error as Error).message})`, { cause: error });
  }
}
