/** Benches on the database. */
import { precisionSchema } from '@edgetune/shared/domain/inference-config.ts';
import { constraintSchema, objectiveSchema } from '@edgetune/shared/domain/objective.ts';
import { scenarioSchema } from '@edgetune/shared/domain/scenario.ts';
import {
  benchDeviceSchema,
  benchMeasurementSchema,
  benchRequestSchema,
  benchViewSchema,
} from '@edgetune/shared/protocol/bench.ts';
import { desc, eq, sql } from 'drizzle-orm';
import { z } from 'zod';
import type { BenchRecord, BenchRepository } from '../bench/bench-repository.ts';
import type { Database, Queries } from './database.ts';
import { json, type RowReader } from './rows.ts';
import { benches } from './schema.ts';

/** A request has been parsed when it is stored: what people write as text is an object, and what earlier versions had besides is passed over. */
const planSchema = benchRequestSchema
  .omit({ shapes: true, inputValues: true })
  .strip()
  .extend({
    scenario: scenarioSchema,
    objectives: z.array(objectiveSchema),
    constraints: z.array(constraintSchema),
    batchSizes: z.array(z.int().positive()),
    precisions: z.array(precisionSchema),
    dimensions: benchViewSchema.shape.dimensions,
  });
/** The first benches were all in float32, and did not say what came from the history. */
const measurementSchema = benchMeasurementSchema.extend({
  from: benchMeasurementSchema.shape.from.default('measured'),
});
const viewSchema = benchViewSchema.extend({
  precision: precisionSchema.default('float32'),
  int8: benchViewSchema.shape.int8.default(null),
  devices: z.array(benchDeviceSchema.extend({ measurements: z.array(measurementSchema) })),
});
const rowSchema = z.object({ request: json(planSchema), view: json(viewSchema) });

export function createBenchTable({ read, write, writePatiently }: Database, rows: RowReader): BenchRepository {
  const columns = { id: benches.id, request: benches.request, view: benches.view };
  const parsed = (found: readonly { id: string }[]): BenchRecord[] => rows.read('bench', rowSchema, found);
  const save =
    ({ request, view }: BenchRecord) =>
    (tx: Queries): void => {
      const row = { request: JSON.stringify(request), view: JSON.stringify(view) };
      tx.insert(benches)
        .values({ id: view.id, ...row })
        .onConflictDoUpdate({ target: benches.id, set: row })
        .run();
    };
  return {
    add: (record) => write(save(record)),
    save: (record) => writePatiently(save(record)),
    get: (id) => parsed(read.select(columns).from(benches).where(eq(benches.id, id)).all())[0] ?? null,
    list: () => parsed(read.select(columns).from(benches).orderBy(desc(benches.number)).all()),
    models() {
      const isJson = sql`json_valid(${benches.view})`;
      const named = read
        .select({
          model: sql<string | null>`json_extract(${benches.view}, '$.modelSha256')`,
          int8: sql<string | null>`json_extract(${benches.view}, '$.int8.modelSha256')`,
        })
        .from(benches)
        .where(isJson)
        .all();
      // What a damaged row names may still be wanted: a copy of the data directory may bring it back.
      const damaged = read.select({ view: benches.view }).from(benches).where(sql`not ${isJson}`).all();
      return [
        ...named.flatMap(({ model, int8 }) => [model, int8].filter((sha256) => sha256 !== null)),
        ...damaged.flatMap(({ view }) => view.match(/[0-9a-f]{64}/g) ?? []),
      ];
    },
    remove: (id) => write((tx) => void tx.delete(benches).where(eq(benches.id, id)).run()),
  };
}
