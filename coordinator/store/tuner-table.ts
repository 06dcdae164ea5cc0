/** Tuners of programs, and their journals, on the database. */
import { tunerEntrySchema, tunerSpecSchema } from '@edgetune/shared/protocol/tuner-lines.ts';
import { asc, desc, eq } from 'drizzle-orm';
import { z } from 'zod';
import type { TunerRepository } from '../ask-tell/tuner-repository.ts';
import type { Database } from './database.ts';
import { json, parseRow } from './rows.ts';
import { tunerEntries, tuners } from './schema.ts';

const recordSchema = z.object({ id: z.string(), createdAt: z.string(), spec: json(tunerSpecSchema) });
const entrySchema = z.object({ entry: json(tunerEntrySchema) });

export function createTunerTable({ read, write, writePatiently }: Database): TunerRepository {
  return {
    insert: (record) =>
      write((tx) => {
        tx.insert(tuners)
          .values({ ...record, name: record.spec.name ?? null, spec: JSON.stringify(record.spec) })
          .run();
      }),
    get: (id) => {
      const row = read
        .select({ id: tuners.id, createdAt: tuners.createdAt, spec: tuners.spec })
        .from(tuners)
        .where(eq(tuners.id, id))
        .get();
      return row ? parseRow(recordSchema, row) : null;
    },
    list: () =>
      read
        .select({
          id: tuners.id,
          name: tuners.name,
          createdAt: tuners.createdAt,
          state: tuners.state,
          trials: tuners.trials,
        })
        .from(tuners)
        .orderBy(desc(tuners.number))
        .all(),
    async append(id, entries, progress) {
      if (entries.length === 0) return;
      // What was told has been trained; what was only asked can be asked again.
      const writeWith = entries.some((entry) => 'tell' in entry || 'amend' in entry) ? writePatiently : write;
      await writeWith((tx) => {
        for (const entry of entries)
          tx.insert(tunerEntries)
            .values({ tunerId: id, entry: JSON.stringify(entry) })
            .run();
        if (progress) tx.update(tuners).set(progress).where(eq(tuners.id, id)).run();
      });
    },
    entries: (id) =>
      read
        .select({ entry: tunerEntries.entry })
        .from(tunerEntries)
        .where(eq(tunerEntries.tunerId, id))
        .orderBy(asc(tunerEntries.number))
        .all()
        .map((row) => parseRow(entrySchema, row).entry),
    async remove(id) {
      return (await write((tx) => tx.delete(tuners).where(eq(tuners.id, id)).run())).changes > 0;
    },
  };
}
