/** Benches on the database. */
import { desc, eq, sql } from 'drizzle-orm';
import type { BenchRepository } from '../bench/bench-repository.ts';
import type { Database } from './database.ts';
import { benches } from './schema.ts';

export function createBenchTable({ read, write }: Database): BenchRepository {
  const columns = { request: benches.request, view: benches.view };
  return {
    save: ({ request, view }) =>
      write(
        (tx) =>
          void tx
            .insert(benches)
            .values({ id: view.id, request, view })
            .onConflictDoUpdate({ target: benches.id, set: { request, view } })
            .run(),
      ),
    get: (id) => read.select(columns).from(benches).where(eq(benches.id, id)).get() ?? null,
    list: () => read.select(columns).from(benches).orderBy(desc(benches.number)).all(),
    models: () =>
      read
        .select({
          model: sql<string>`json_extract(${benches.view}, '$.modelSha256')`,
          int8: sql<string | null>`json_extract(${benches.view}, '$.int8.modelSha256')`,
        })
        .from(benches)
        .all()
        .flatMap(({ model, int8 }) => (int8 === null ? [model] : [model, int8])),
    remove: (id) => write((tx) => void tx.delete(benches).where(eq(benches.id, id)).run()),
  };
}
