/** AG News' CSV (Zhang, Zhao & LeCun, 2015, https://arxiv.org/abs/1509.01626): class index from 1, title, description. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { DatasetError } from '../training-service.ts';
import { datasetFormat } from './dataset-format.ts';
import { stratifiedOrder } from './image-dataset.ts';
import { readDatasetFile } from './read-file.ts';

export interface TextSplit {
  texts: string[];
  labels: Uint8Array;
}

export interface TextDataset {
  classes: string[];
  train: TextSplit;
  validation: TextSplit;
  test: TextSplit;
}

/** Share of train.csv that becomes the validation split, which the format does not have. */
const VALIDATION_FRACTION = 0.15;
const COLUMNS = 3;

/** @throws {DatasetError} */
export function readAgNews(folder: string): TextDataset {
  const [all, test] = [readRows(join(folder, 'train.csv')), readRows(join(folder, 'test.csv'))];
  const highest = Math.max(...[all, test].map(({ labels }) => labels.reduce((max, label) => Math.max(max, label), 0)));
  const order = stratifiedOrder(all.labels, 1);
  const held = Math.max(1, Math.round(order.length * VALIDATION_FRACTION));
  return {
    classes: classNames(folder, highest + 1),
    train: take(all, order.subarray(held)),
    validation: take(all, order.subarray(0, held)),
    test,
  };
}

function take({ texts, labels }: TextSplit, indices: Uint32Array): TextSplit {
  return {
    texts: Array.from(indices, (index) => texts[index] as string),
    labels: Uint8Array.from(indices, (index) => labels[index] as number),
  };
}

function readRows(path: string): TextSplit {
  const text = Buffer.from(readDatasetFile(path, 'rows of "class","title","description"')).toString('utf8');
  const rows = parseCsv(path, text);
  if (rows.length === 0) throw new DatasetError(`${path} has no rows`);
  const labels = new Uint8Array(rows.length);
  const texts = rows.map(({ line, cells }, index) => {
    const label = Number(cells[0]);
    if (cells.length !== COLUMNS)
      throw new DatasetError(`${path}, line ${line}: ${cells.length} columns, expected class, title, description`);
    if (!Number.isInteger(label) || label < 1 || label > 256)
      throw new DatasetError(`${path}, line ${line}: the class is "${cells[0]}", expected a whole number from 1`);
    labels[index] = label - 1;
    return `${cells[1]} ${cells[2]}`;
  });
  return { texts, labels };
}

/** Rows of comma-separated values (RFC 4180): a quote within quotes is doubled. */
export function parseCsv(path: string, text: string): { line: number; cells: string[] }[] {
  const rows: { line: number; cells: string[] }[] = [];
  const cell = /"((?:[^"]|"")*)"|([^",\r\n]*)/y;
  let [at, line] = [0, 1];
  while (at < text.length) {
    const row = { line, cells: [] as string[] };
    for (;;) {
      cell.lastIndex = at;
      const match = cell.exec(text) as RegExpExecArray;
      at = cell.lastIndex;
      line += match[0].split('\n').length - 1;
      row.cells.push(match[1]?.replaceAll('""', '"') ?? (match[2] as string));
      if (text[at] !== ',') break;
      at++;
    }
    const end = /\r?\n|$/y;
    end.lastIndex = at;
    const match = end.exec(text);
    if (!match)
      throw new DatasetError(
        `${path}, line ${row.line}, column ${row.cells.length}: a quote is not closed or not doubled`,
      );
    at = end.lastIndex;
    line++;
    if (row.cells.length > 1 || row.cells[0] !== '') rows.push(row);
  }
  return rows;
}

/** `classes.txt` names the classes, a line each, where it is there. */
function classNames(folder: string, count: number): string[] {
  const path = join(folder, 'classes.txt');
  const names = existsSync(path)
    ? Buffer.from(readDatasetFile(path, 'class names'))
        .toString('utf8')
        .split(/\r?\n/)
        .map((name) => name.trim())
        .filter(Boolean)
    : Array.from({ length: count }, (_, label) => String(label + 1));
  if (names.length < Math.max(2, count))
    throw new DatasetError(
      `${path} names ${names.length} classes, but the rows have classes up to ${count}: a classifier needs at least two, all named`,
    );
  return names;
}

export const agNewsCsv = datasetFormat({
  name: 'ag-news-csv',
  description: "AG News' CSV: class index from 1, title, description",
  holds: 'texts',
  settings: z.object({
    path: z
      .string()
      .min(1)
      .meta({
        description: 'folder with train.csv, test.csv and, for names, classes.txt',
        examples: ['/path/to/ag_news'],
      }),
  }),
  read: ({ path }) => readAgNews(path),
});
