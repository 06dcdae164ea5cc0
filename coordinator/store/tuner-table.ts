/** Tuners of programs, and their journals, on the database. */
import { asc, desc, eq } from 'drizzle-orm';
import type { TunerRepository } from '../ask-tell/tuner-repository.ts';
import type { Database } from './database.ts';
import { tunerEntries, tuners } from './schema.ts';

export function createTunerTable({ read, write }: Database): TunerRepository {
  return {
    insert: (record) => write((tx) => void tx.insert(tuners).values(record).run()),
    get: (id) =>
      read
        .select({ id: tuners.id, createdAt: tuners.createdAt, spec: tuners.spec })
        .from(tuners)
        .where(eq(tuners.id, id))
        .get() ?? null,
    list: () =>
      read.select({ id: tuners.id, createdAt: tuners.createdAt }).from(tuners).orderBy(desc(tuners.number)).all(),
    append(id, entries) {
      if (entries.length === 0) return;
      write((tx) => {
        for (const entry of entries) tx.insert(tunerEntries).values({ tunerId: id, entry }).run();
      });
    },
    entries: (id) =>
      read
        .select({ entry: tunerEntries.entry })
        .from(tunerEntries)
        .where(eq(tunerEntries.tunerId, id))
        .orderBy(asc(tunerEntries.number))
        .all()
        .map(({ entry }) => entry),
    remove: (id) => write((tx) => void tx.delete(tuners).where(eq(tuners.id, id)).run()),
  };
}
