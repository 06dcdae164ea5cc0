/** Texts as a table: a column of labels, one or several of texts; and AG News' own, whose columns are known. */
import { z } from 'zod';
import { DatasetError } from '../../training-service.ts';
import type { RawData, RawSplit } from '../data-kinds.ts';
import { datasetFormat, pathSetting, type Reading, splitSettings } from '../dataset-format.ts';
import { eachRow, isLabelName, openTable, type Table } from '../decode/table.ts';
import { decodeText, encodingSetting } from '../decode/text.ts';
import type { Notices } from '../notices.ts';
import type { DataSource } from '../source/data-source.ts';
import { isNumberTable } from './csv-images.ts';
import { namesFrom } from './name-file.ts';
import { hasSplitFiles, splitFiles } from './split-files.ts';
import {
  isTextName,
  type Rows,
  sameLabels,
  type TextColumns,
  textColumnsOf,
  textSettings,
  textSplit,
} from './text-samples.ts';

const NAME_FILES = ['classes.txt', 'labels.txt'];
const TEXT_TABLE = /\.(csv|tsv)(\.gz)?$/i;

const settings = z.object({
  path: pathSetting(
    'a CSV or TSV file, gzipped or not, or a folder with train.csv, test.csv and, for names, classes.txt',
    '/path/to/reviews.csv',
  ),
  ...textSettings,
  ...splitSettings,
});

async function read({
  settings: said,
  source,
  notices,
}: Reading<z.output<typeof settings>>): Promise<RawData<'texts'>> {
  return readTables(source, said.encoding, notices, (table) => {
    const rows = rowsOf(table, headerOf(table));
    return { rows, columns: textColumnsOf(rows, said, notices) };
  });
}

/** @param choose the columns of the training table, which are those of the others */
async function readTables(
  source: DataSource,
  encoding: string | undefined,
  notices: Notices,
  choose: (table: Table) => { rows: Rows; columns: TextColumns },
  first?: 1,
): Promise<RawData<'texts'>> {
  const files = splitFiles(source, TEXT_TABLE, notices);
  const open = async (name: string) => {
    const path = source.called(name);
    const bytes = await source.readUnpacked(name, 'a table of texts and labels');
    return openTable(path, decodeText(path, bytes, { encoding, notices, limits: source.limits }));
  };
  const { rows, columns } = choose(await open(files.train));
  const other = async (name: string | null): Promise<RawSplit<string[]> | null> => {
    if (name === null) return null;
    const table = await open(name);
    if (table.columns !== rows.columns)
      throw new DatasetError(`${table.path} has ${table.columns} columns, ${rows.path} has ${rows.columns}`);
    return textSplit(rowsOf(table, rows.header ? (table.preview[0] as string[]) : null), columns, notices);
  };
  const [train, validation, test] = sameLabels([
    textSplit(rows, columns, notices),
    await other(files.validation),
    await other(files.test),
  ]);
  const classNames = await namesFrom(source, NAME_FILES, notices, first);
  return {
    train: train as RawSplit<string[]>,
    validation: validation ?? null,
    test: test ?? null,
    ...(classNames ? { classNames } : {}),
  };
}

/** @throws {DatasetError} naming the row that has another number of columns */
function rowsOf(table: Table, header: string[] | null): Rows {
  const { path, columns } = table;
  const rows: string[][] = [];
  const origins: string[] = [];
  eachRow(table, (cells, number) => {
    if (number === 1 && header) return;
    if (cells.length !== columns)
      throw new DatasetError(
        `${path}, row ${number}: ${cells.length} columns, the others have ${columns}: is a quote missing around a text?`,
      );
    rows.push(cells);
    origins.push(`${nameOf(path)} row ${number}`);
    return;
  });
  if (rows.length === 0) throw new DatasetError(`${path} has no rows`);
  return { path, header, columns, rows, origins };
}

const nameOf = (path: string) => path.split('/').at(-1) as string;

/** The first row, where it names columns: by known names, a name above numbers, or one that is no label further down. */
function headerOf({ preview, columns }: Table): string[] | null {
  const [first, ...rest] = preview as [string[], ...string[][]];
  if (rest.length === 0) return null;
  if (first.some((cell) => isLabelName(cell) || isTextName(cell)) && first.every((cell) => cell.length < 40))
    return first;
  const below = (column: number) => rest.map((row) => (row[column] ?? '').trim());
  for (let column = 0; column < columns; column++) {
    const name = (first[column] ?? '').trim();
    const cells = below(column);
    const isName = name !== '' && !Number.isFinite(Number(name));
    if (isName && cells.every((cell) => cell !== '' && Number.isFinite(Number(cell)))) return first;
    const distinct = new Set(cells);
    // Few values, each of them often, and this one only here.
    if (isName && distinct.size >= 2 && distinct.size * 5 <= cells.length && !distinct.has(name)) return first;
  }
  return null;
}

export const csvTexts = datasetFormat({
  name: 'csv-texts',
  description: 'a table with a row a text: a column of labels (numbers or texts), one or several of texts',
  holds: 'texts',
  settings,
  recognises: async (source) =>
    hasSplitFiles(source, TEXT_TABLE) && (await isNumberTable(source)) !== true && !isAgNews(source),
  read,
});

/** Class index from 1, title, description (Zhang, Zhao & LeCun, 2015, https://arxiv.org/abs/1509.01626). */
const AG_COLUMNS = 3;

function isAgNews({ names }: DataSource): boolean {
  return ['train.csv', 'test.csv', 'classes.txt'].every((name) => names.includes(name));
}

const agSettings = z.object({
  path: pathSetting('folder with train.csv, test.csv and, for names, classes.txt', '/path/to/ag_news'),
  encoding: z.string().min(1).optional().describe(encodingSetting),
  ...splitSettings,
});

async function readAgNews({
  settings: said,
  source,
  notices,
}: Reading<z.output<typeof agSettings>>): Promise<RawData<'texts'>> {
  const data = await readTables(
    source,
    said.encoding,
    notices,
    (table) => {
      if (table.columns !== AG_COLUMNS)
        throw new DatasetError(`${table.path} has ${table.columns} columns, expected class, title, description`);
      const [first] = table.preview as [string[]];
      const rows = rowsOf(table, Number.isInteger(Number(first[0])) ? null : first);
      return { rows, columns: { label: 0, texts: [1, 2] } };
    },
    1,
  );
  for (const found of [data.train, data.test])
    for (const [index, label] of (found?.labels ?? []).entries())
      if (!Number.isInteger(Number(label)) || Number(label) < 1)
        throw new DatasetError(
          `${source.path}: ${found?.origins?.[index]}: the class is "${label}", expected a whole number from 1`,
        );
  return data;
}

export const agNewsCsv = datasetFormat({
  name: 'ag-news-csv',
  description: "AG News' CSV: class index from 1, title, description; with a header or without",
  holds: 'texts',
  settings: agSettings,
  recognises: isAgNews,
  read: readAgNews,
});
