/** Texts and their labels out of rows with columns, however the rows were stored. */
import { z } from 'zod';
import { DatasetError } from '../../training-service.ts';
import type { Label, RawSplit } from '../data-kinds.ts';
import { columnNamed, isLabelName } from '../decode/table.ts';
import { encodingSetting } from '../decode/text.ts';
import { counted, type Notices, some } from '../notices.ts';

export interface Rows {
  /** For people. */
  path: string;
  header: readonly string[] | null;
  columns: number;
  rows: readonly (readonly string[])[];
  /** Where each stands in the file: "row 7". */
  origins: readonly string[];
}

export interface TextColumns {
  label: number;
  texts: readonly number[];
}

export const textSettings = {
  labelColumn: z
    .union([z.string().min(1), z.int().positive()])
    .optional()
    .describe('the column (key) of the labels, by its name or its number from 1; otherwise found out, and said'),
  textColumns: z
    .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
    .optional()
    .describe('the column (key) of the texts, or several, which are joined; otherwise found out, and said'),
  encoding: z.string().min(1).optional().describe(encodingSetting),
};

const TEXT_NAMES =
  /^(texts?|sentences?|reviews?|review[ _]?text|contents?|messages?|titles?|descriptions?|headlines?|tweets?|comments?|body|questions?|documents?|query|queries|utterances?|abstract|summary|sms|email|news|article)$/i;
export const isTextName = (name: string) => TEXT_NAMES.test(name.trim());
const FILE_NAME = /\.(png|jpe?g|webp|gif|wav|mp3|flac)$/i;
const MOST_CLASSES = 256;
const LONGEST_LABEL = 60;

interface Looks {
  column: number;
  distinct: number;
  filled: number;
  isNumber: boolean;
  /** Characters on average. */
  length: number;
  /** Share that has several words. */
  wordy: number;
}

function looksOf({ rows }: Pick<Rows, 'rows'>, column: number): Looks {
  const cells = rows.map((row) => (row[column] ?? '').trim()).filter((cell) => cell !== '');
  const share = (is: (cell: string) => boolean) => cells.filter(is).length / Math.max(1, cells.length);
  return {
    column,
    distinct: new Set(cells).size,
    filled: cells.length / Math.max(1, rows.length),
    isNumber: share((cell) => Number.isFinite(Number(cell))) > 0.95,
    length: cells.reduce((sum, { length }) => sum + length, 0) / Math.max(1, cells.length),
    wordy: share((cell) => /\S\s+\S/.test(cell)),
  };
}

/** Which column is the label and which are texts; what was found out is said. @throws {DatasetError} where it is not clear */
export function textColumnsOf(
  table: Rows,
  said: { labelColumn?: string | number | undefined; textColumns?: string | string[] | undefined },
  notices: Notices,
): TextColumns {
  const { path, header, columns, rows } = table;
  if (columns < 2)
    throw new DatasetError(
      `${path} has one column: expected a text and a label (is the separator a comma, semicolon, tab or bar?)`,
    );
  const looks = Array.from({ length: columns }, (_, column) => looksOf(table, column));
  const called = (column: number) => (header?.[column] ? `"${header[column]}"` : `column ${column + 1}`);
  const label =
    said.labelColumn === undefined
      ? foundLabel(path, looks, header, rows.length, called)
      : columnNamed(path, header, columns, said.labelColumn);
  const texts =
    said.textColumns === undefined
      ? foundTexts(path, looks, header, label, called)
      : [said.textColumns].flat().map((name) => columnNamed(path, header, columns, name));
  if (texts.includes(label)) throw new DatasetError(`${path}: ${called(label)} cannot be the text and the label`);
  const files = rows.filter((row) => texts.some((column) => FILE_NAME.test((row[column] ?? '').trim()))).length;
  if (files > rows.length / 2)
    throw new DatasetError(
      `${path}: ${called(texts[0] as number)} holds names of files, no texts: put the files into a folder for each class`,
    );
  if (said.labelColumn === undefined || said.textColumns === undefined) {
    const left = looks.map(({ column }) => column).filter((column) => column !== label && !texts.includes(column));
    notices.note(
      `the labels are those of ${called(label)}, the texts those of ${texts.map(called).join(' and ')}${left.length > 0 ? `; left out: ${some(left.map(called))}` : ''}`,
    );
  }
  return { label, texts };
}

function foundLabel(
  path: string,
  looks: readonly Looks[],
  header: readonly string[] | null,
  rows: number,
  called: (column: number) => string,
): number {
  const named = (header ?? []).flatMap((name, column) => (isLabelName(name) ? [column] : []));
  const exact = named.filter((column) => /^(label|class|category|target)$/i.test((header?.[column] ?? '').trim()));
  if (named.length === 1) return named[0] as number;
  if (exact.length === 1) return exact[0] as number;
  const candidates = (named.length > 1 ? looks.filter(({ column }) => named.includes(column)) : looks).filter(
    ({ distinct, length, filled, wordy }) =>
      distinct >= 2 &&
      distinct <= Math.min(MOST_CLASSES, Math.max(2, rows / 5)) &&
      length <= LONGEST_LABEL &&
      filled > 0.5 &&
      wordy < 0.9,
  );
  const [only, ...more] = candidates;
  if (only && more.length === 0) return only.column;
  throw new DatasetError(
    candidates.length === 0
      ? `${path}: no column looks like labels (few values, each of them often): say which one by labelColumn`
      : `${path}: the labels may be ${candidates.map(({ column, distinct }) => `${called(column)} (${distinct} values)`).join(' or ')}: say which by labelColumn`,
  );
}

function foundTexts(
  path: string,
  looks: readonly Looks[],
  header: readonly string[] | null,
  label: number,
  called: (column: number) => string,
): number[] {
  const others = looks.filter(({ column, filled }) => column !== label && filled > 0);
  const named = others.filter(({ column }) => isTextName(header?.[column] ?? '')).map(({ column }) => column);
  if (named.length > 0) return named;
  const wordy = others.filter(({ wordy: share, isNumber }) => share > 0.5 && !isNumber);
  if (wordy.length > 0) return wordy.map(({ column }) => column);
  const words = others.filter(({ isNumber }) => !isNumber);
  if (words.length === 1) return [(words[0] as Looks).column];
  throw new DatasetError(
    `${path}: ${words.length === 0 ? 'no column holds texts' : `the texts may be ${words.map(({ column }) => called(column)).join(' or ')}`}: say which by textColumns`,
  );
}

/** The samples of a table; rows without a label are left out, and said. */
export function textSplit(
  { path, rows, origins }: Rows,
  { label, texts }: TextColumns,
  notices: Notices,
): RawSplit<string[]> {
  const cells = rows.map((row) => (row[label] ?? '').trim());
  const kept = cells.flatMap((cell, index) => (cell === '' ? [] : [index]));
  if (kept.length < rows.length)
    notices.warn(
      `${path}: ${counted(rows.length - kept.length, 'row')} without a label ${rows.length - kept.length === 1 ? 'is' : 'are'} left out`,
    );
  const areNumbers = kept.every((index) => /^[+-]?\d+(\.0+)?$/.test(cells[index] as string));
  return {
    values: kept.map((index) => texts.map((column) => rows[index]?.[column] ?? '').join(' ')),
    labels: kept.map((index): Label => (areNumbers ? Number(cells[index]) : (cells[index] as string))),
    origins: kept.map((index) => origins[index] as string),
  };
}

/** Labels of some splits may be numbers and of others texts, where one holds "n/a", say: then all are texts. */
export function sameLabels<T extends RawSplit<string[]> | null>(splits: T[]): T[] {
  const kinds = new Set(splits.flatMap((split) => (split ? split.labels.map((each) => typeof each) : [])));
  if (kinds.size < 2) return splits;
  return splits.map((split) => (split ? { ...split, labels: split.labels.map(String) } : split));
}
