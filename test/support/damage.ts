/** What another program, a failing disk or another version of EdgeTune may have done to a database. */
import { join } from 'node:path';
import Libsql from 'libsql';

/** Runs SQL on the database of a data directory that no coordinator uses. */
export function damage(dataDirectory: string, sql: string): void {
  const client = new Libsql(join(dataDirectory, 'edgetune.db'));
  client.exec(sql);
  client.close();
}
