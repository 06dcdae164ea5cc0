/** The history of measurements on the database. */
import { scenarioKey } from '@edgetune/shared/domain/scenario.ts';
import { and, asc, desc, eq } from 'drizzle-orm';
import type { MeasurementHistory } from '../inference/inference-server.ts';
import type { Database } from './database.ts';
import { measurements } from './schema.ts';

export function createMeasurementTable({ read, write }: Database): MeasurementHistory {
  return {
    save: (measurement) => {
      const row = {
        id: measurement.id,
        signature: measurement.signature,
        deviceClass: measurement.deviceClass,
        scenarioKey: scenarioKey(measurement.scenario),
        measurement,
      };
      // The same result may be delivered twice: an id is written once, and the later copy wins.
      write(
        (tx) =>
          void tx.insert(measurements).values(row).onConflictDoUpdate({ target: measurements.id, set: row }).run(),
      );
    },
    find: (query) =>
      read
        .select({ measurement: measurements.measurement })
        .from(measurements)
        .where(
          and(
            eq(measurements.signature, query.signature),
            eq(measurements.scenarioKey, query.scenarioKey),
            eq(measurements.deviceClass, query.deviceClass),
          ),
        )
        .orderBy(asc(measurements.number))
        .all()
        .map((row) => row.measurement),
    recent: ({ deviceClass, scenarioKey, limit }) =>
      read
        .select({ measurement: measurements.measurement })
        .from(measurements)
        .where(and(eq(measurements.deviceClass, deviceClass), eq(measurements.scenarioKey, scenarioKey)))
        .orderBy(desc(measurements.number))
        .limit(limit)
        .all()
        .map((row) => row.measurement),
    get: (id) =>
      read.select({ measurement: measurements.measurement }).from(measurements).where(eq(measurements.id, id)).get()
        ?.measurement ?? null,
  };
}
