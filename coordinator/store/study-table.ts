/** Studies and their events on the database. */
import type { StudyEvent } from '@edgetune/shared/domain/study-event.ts';
import { and, asc, desc, eq, getTableColumns, gt, max } from 'drizzle-orm';
import type { StudyRecord, StudyRepository } from '../study/state/study-repository.ts';
import type { Database } from './database.ts';
import { studies, studyEvents } from './schema.ts';

export function createStudyTable({ read, write }: Database): StudyRepository {
  const { number: _, ...columns } = getTableColumns(studies);

  return {
    insert: (record) => write((tx) => void tx.insert(studies).values(record).run()),
    update: (id, change) => {
      if (Object.keys(change).length === 0) return;
      write((tx) => void tx.update(studies).set(change).where(eq(studies.id, id)).run());
    },
    get: (id) => read.select(columns).from(studies).where(eq(studies.id, id)).get() ?? null,
    list: (): StudyRecord[] => read.select(columns).from(studies).orderBy(desc(studies.number)).all(),
    remove: (id) => write((tx) => void tx.delete(studies).where(eq(studies.id, id)).run()),
    append: (studyId, bodies) =>
      write((tx) => {
        const last = tx
          .select({ seq: max(studyEvents.seq) })
          .from(studyEvents)
          .where(eq(studyEvents.studyId, studyId))
          .get();
        const at = new Date().toISOString();
        const events = bodies.map(
          (body, index): StudyEvent => ({ seq: (last?.seq ?? 0) + index + 1, studyId, at, body }),
        );
        for (const event of events) tx.insert(studyEvents).values(event).run();
        return events;
      }),
    events: (studyId, afterSeq = 0, limit = -1) =>
      read
        .select()
        .from(studyEvents)
        .where(and(eq(studyEvents.studyId, studyId), gt(studyEvents.seq, afterSeq)))
        .orderBy(asc(studyEvents.seq))
        .limit(limit)
        .all(),
  };
}
