/** Reads the tables of the measurements folder. */
import { readFileSync } from 'node:fs';
import { sharedData } from '../../../test/support/data.ts';

/** The rows of a CSV file under the data folder, by column name. Cells may be quoted. @throws {Error} where it is not there */
export function readTable(path: string): Record<string, string>[] {
  const file = sharedData(path);
  if (!file) throw new Error(`the measurements are not there: ../shared/data/${path}`);
  const [head = '', ...lines] = readFileSync(file, 'utf8').trim().split(/\r?\n/);
  const columns = head.split(',');
  return lines.map((line) => {
    const cells = [...`,${line}`.matchAll(/,(?:"([^"]*)"|([^,]*))/g)].map((match) => match[1] ?? match[2] ?? '');
    return Object.fromEntries(columns.map((column, index) => [column, cells[index] ?? '']));
  });
}
