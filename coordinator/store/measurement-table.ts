/** The history of measurements on the database. */
import { type StoredMeasurement, storedMeasurementSchema } from '@edgetune/shared/domain/measurement.ts';
import { scenarioKey } from '@edgetune/shared/domain/scenario.ts';
import { and, asc, desc, eq, gte, lt } from 'drizzle-orm';
import { z } from 'zod';
import type { MeasurementHistory } from '../inference/inference-server.ts';
import type { Database } from './database.ts';
import { json, type RowReader } from './rows.ts';
import { measurements } from './schema.ts';

const rowSchema = z.object({ measurement: json(storedMeasurementSchema) });

export function createMeasurementTable({ read, writePatiently }: Database, rows: RowReader): MeasurementHistory {
  const columns = { id: measurements.id, measurement: measurements.measurement };
  const parsed = (found: readonly { id: string }[]): StoredMeasurement[] =>
    rows.read('measurement', rowSchema, found).map(({ measurement }) => measurement);
  return {
    async save(measurement) {
      const row = {
        id: measurement.id,
        signature: measurement.signature,
        deviceClass: measurement.deviceClass,
        scenarioKey: scenarioKey(measurement.scenario),
        measurement: JSON.stringify(measurement),
      };
      // The same result may be delivered twice: an id is written once, and the later copy wins.
      await writePatiently(
        (tx) =>
          void tx.insert(measurements).values(row).onConflictDoUpdate({ target: measurements.id, set: row }).run(),
      );
    },
    find: (query) =>
      parsed(
        read
          .select(columns)
          .from(measurements)
          .where(
            and(
              eq(measurements.signature, query.signature),
              eq(measurements.scenarioKey, query.scenarioKey),
              eq(measurements.deviceClass, query.deviceClass),
            ),
          )
          .orderBy(asc(measurements.number))
          .all(),
      ),
    recent: ({ deviceClass, scenarioKey, limit }) =>
      parsed(
        read
          .select(columns)
          .from(measurements)
          .where(and(eq(measurements.deviceClass, deviceClass), eq(measurements.scenarioKey, scenarioKey)))
          .orderBy(desc(measurements.number))
          .limit(limit)
          .all(),
      ),
    classes: (beginning) =>
      read
        .selectDistinct({ deviceClass: measurements.deviceClass })
        .from(measurements)
        .where(and(gte(measurements.deviceClass, beginning), lt(measurements.deviceClass, `${beginning}\u{10ffff}`)))
        .orderBy(asc(measurements.deviceClass))
        .all()
        .map(({ deviceClass }) => deviceClass),
    get: (id) => parsed(read.select(columns).from(measurements).where(eq(measurements.id, id)).all())[0] ?? null,
  };
}
