/** Reads the tables of the measurements folder. */
import { readFileSync } from 'node:fs';
import { sharedData } from '../../../test/support/data.ts';

/** The lines of a CSV file under the data folder as cells, which may be quoted. @throws {Error} where it is not there */
export function readLines(path: string): string[][] {
  const file = sharedData(path);
  if (!file) throw new Error(`the measurements are not there: ../shared/data/${path}`);
  const lines = readFileSync(file, 'utf8').trim().split(/\r?\n/);
  return lines.map((line) =>
    [...`,${line}`.matchAll(/,(?:"([^"]*)"|([^,]*))/g)].map((match) => match[1] ?? match[2] ?? ''),
  );
}

/** The rows of a CSV file under the data folder, by the names in its first line. @throws {Error} as `readLines` */
export function readTable(path: string): Record<string, string>[] {
  const [columns = [], ...rows] = readLines(path);
  return rows.map((cells) => Object.fromEntries(columns.map((column, index) => [column, cells[index] ?? ''])));
}
