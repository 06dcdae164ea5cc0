/**
 * Nothing that is read from the database is believed: each row is parsed by a schema. A row that does not pass is left
 * out and named in the log, so that one damaged row takes nothing else with it.
 */
import { mistakesIn } from '@edgetune/shared/domain/schema-mistakes.ts';
import type { Logger } from '@edgetune/shared/log/logger.ts';
import { z } from 'zod';

/** A column that holds JSON of this schema. */
export function json<T extends z.ZodType>(schema: T) {
  return z
    .string()
    .transform((text, context): unknown => {
      try {
        return JSON.parse(text);
      } catch {
        context.addIssue({ code: 'custom', message: 'not JSON' });
        return z.NEVER;
      }
    })
    .pipe(schema);
}

/** @throws {Error} saying where in the row it is not as it must be */
export function parseRow<T extends z.ZodType>(schema: T, row: unknown): z.output<T> {
  const parsed = schema.safeParse(row);
  if (parsed.success) return parsed.data;
  const [{ path, message } = { path: [], message: 'cannot be used' }] = mistakesIn(parsed.error);
  throw new Error(path.length > 0 ? `${path.map(String).join('.')}: ${message}` : message);
}

export interface RowReader {
  /** The rows that can be read; of each other one the log says once that it is left out, and why. */
  read<T extends z.ZodType>(kind: string, schema: T, rows: readonly { id: unknown }[]): z.output<T>[];
}

export function createRowReader(log: Logger): RowReader {
  const told = new Set<string>();
  return {
    read: (kind, schema, rows) =>
      rows.flatMap((row) => {
        try {
          return [parseRow(schema, row)];
        } catch (error) {
          const name = `${kind} ${String(row.id)}`;
          if (!told.has(name))
            log.warn(
              `${name} cannot be read and is left out; its row stays in the database (${(error as Error).message})`,
            );
          told.add(name);
          return [];
        }
      }),
  };
}
