/** Images as a table: a row a sample, its pixels row by row and its label, first or last (scikit-learn's digits.csv, Kaggle's MNIST). */
import { z } from 'zod';
import { DatasetError } from '../../training-service.ts';
import type { Label, RawData, RawSplit } from '../data-kinds.ts';
import { datasetFormat, imageSettings, pathSetting, type Reading, splitSettings } from '../dataset-format.ts';
import { inSize, needRoom } from '../decode/image-size.ts';
import { scaleOf, scaleText, toBytes } from '../decode/pixel-values.ts';
import { columnNamed, eachRow, isLabelName, numberIn, openTable, type Table } from '../decode/table.ts';
import { decodeText } from '../decode/text.ts';
import { counted, type Notices, some } from '../notices.ts';
import type { DataSource } from '../source/data-source.ts';
import { hasSplitFiles, splitFiles } from './split-files.ts';

const TABLE_FILE = /\.(csv|tsv)(\.gz)?$/i;
/** Of so few columns an image would be smaller than 4×4. */
const FEWEST_COLUMNS = 17;
const HEAD_BYTES = 65_536;

const settings = z.object({
  path: pathSetting('a CSV file, gzipped or not, or a folder with one for each split', '/path/to/digits.csv'),
  width: z.int().positive().optional().describe('pixels of a row; otherwise images are taken to be square'),
  height: z.int().positive().optional().describe('rows of an image'),
  maxValue: z
    .number()
    .positive()
    .optional()
    .describe('value of a white pixel; otherwise taken from the data, and said'),
  labelColumn: z
    .union([z.string().min(1), z.int().positive()])
    .optional()
    .describe('the column of the labels, by its name or its number from 1; otherwise found out, and said'),
  imageSize: imageSettings.imageSize,
  ...splitSettings,
});
type Settings = z.output<typeof settings>;

async function read({ settings: said, source, notices, limits }: Reading<Settings>): Promise<RawData<'images'>> {
  const files = splitFiles(source, TABLE_FILE, notices);
  const train = readNumbers(await tableOf(source, files.train, notices));
  const columns = columnsOf(train, said, notices);
  const { width, height } = sizeOf(train.path, columns.pixels.length, said);
  needRoom(train.rows, width * height, limits);
  const others = { validation: null as Numbers | null, test: null as Numbers | null };
  for (const split of ['validation', 'test'] as const) {
    const name = files[split];
    if (name === null) continue;
    const table = await tableOf(source, name, notices);
    if (table.columns === train.columns - 1)
      notices.warn(
        `${source.called(name)} has one column fewer than ${source.called(files.train)}, no labels therefore, and is left out`,
      );
    else others[split] = readNumbers(table, train);
  }
  const all = [train, others.validation, others.test].filter((numbers) => numbers !== null);
  const pixels = all.map((numbers) => take(numbers, columns.pixels));
  const scale = scaleOf(pixels, said.maxValue, notices);
  const splits = all.map(
    (numbers, index): RawSplit<Uint8Array> => ({
      values: toBytes(pixels[index] as Float32Array, scale),
      labels: labelsOf(numbers, columns.label),
      origins: Array.from(numbers.rowNumbers, (row) => `${numbers.path.split('/').at(-1)} row ${row}`),
    }),
  );
  const splitOf = (numbers: Numbers | null) =>
    numbers ? (splits[all.indexOf(numbers)] as RawSplit<Uint8Array>) : null;
  const raw = {
    ...{ height, width, channels: 1, preparation: scaleText(scale) },
    train: splitOf(train) as RawSplit<Uint8Array>,
    validation: splitOf(others.validation),
    test: splitOf(others.test),
  };
  return inSize(raw, said.imageSize, notices, limits);
}

async function tableOf(source: DataSource, name: string, notices: Notices): Promise<Table> {
  const path = source.called(name);
  const bytes = await source.readUnpacked(name, 'a CSV file of images');
  return openTable(path, decodeText(path, bytes, { notices, limits: source.limits }));
}

/** A table of numbers, with at most one column of texts. */
interface Numbers {
  path: string;
  header: string[] | null;
  columns: number;
  rows: number;
  /** Row by row; of a text 0. */
  values: Float32Array;
  /** The column that holds texts, and what stands in it. */
  texts: { column: number; cells: string[] } | null;
  /** Where each stands in the file. */
  rowNumbers: Uint32Array;
}

/** @param like one that was read before: the same columns are expected @throws {DatasetError} naming row and column */
function readNumbers(table: Table, like?: Numbers): Numbers {
  const { path, columns, decimalComma } = table;
  if (like && columns !== like.columns)
    throw new DatasetError(`${path} has ${columns} columns, ${like.path} has ${like.columns}`);
  const header = headerOf(table);
  const textColumn = like ? (like.texts?.column ?? null) : textColumnOf(table, header);
  const lines = table.text.split('\n').length;
  const values = new Float32Array(lines * columns);
  const cells: string[] = [];
  const rowNumbers = new Uint32Array(lines);
  let rows = 0;
  eachRow(table, (row, number) => {
    if (number === 1 && header) return;
    if (row.length !== columns)
      throw new DatasetError(`${path}, row ${number}: ${row.length} columns, the others have ${columns}`);
    for (let column = 0; column < columns; column++) {
      if (column === textColumn) cells.push((row[column] as string).trim());
      else {
        const value = numberIn(row[column] as string, decimalComma);
        if (!Number.isFinite(value))
          throw new DatasetError(
            `${path}, row ${number}, column ${column + 1}: expected a number, not "${row[column]}"`,
          );
        values[rows * columns + column] = value;
      }
    }
    rowNumbers[rows++] = number;
    return;
  });
  if (rows === 0) throw new DatasetError(`${path} has no rows of pixels`);
  return {
    ...{ path, header, columns, rows },
    values: values.subarray(0, rows * columns),
    texts: textColumn === null ? null : { column: textColumn, cells },
    rowNumbers: rowNumbers.subarray(0, rows),
  };
}

/** The first row, where it has a name above numbers. */
function headerOf({ preview, decimalComma }: Pick<Table, 'preview' | 'decimalComma'>): string[] | null {
  const [first, ...rest] = preview as [string[], ...string[][]];
  const isNumber = (cell: string | undefined) => Number.isFinite(numberIn(cell ?? '', decimalComma));
  const isHeader = first.some(
    (cell, column) => !isNumber(cell) && rest.length > 0 && rest.every((row) => isNumber(row[column])),
  );
  return isHeader ? first : null;
}

function textColumnOf({ path, preview, columns, decimalComma }: Table, header: string[] | null): number | null {
  const rows = header ? preview.slice(1) : preview;
  const texts = Array.from({ length: columns }, (_, column) => column).filter(
    (column) =>
      rows.filter((row) => !Number.isFinite(numberIn(row[column] ?? '', decimalComma))).length > rows.length / 2,
  );
  if (texts.length > 1)
    throw new DatasetError(
      `${path}: ${texts.length} columns hold no numbers (${some(texts.map((column) => header?.[column] || `column ${column + 1}`))}): expected pixels and one label`,
    );
  return texts[0] ?? null;
}

interface Columns {
  label: number;
  pixels: number[];
}

/** Which column is the label, and which are pixels; what was found out is said. @throws {DatasetError} where it is not clear */
function columnsOf(numbers: Numbers, { width, height, labelColumn }: Settings, notices: Notices): Columns {
  const { path, header, columns } = numbers;
  const counts = new Array(columns).fill(0).map((_, column) => column);
  const label =
    labelColumn === undefined ? foundLabel(numbers, notices) : columnNamed(path, header, columns, labelColumn);
  const rest = counts.filter((column) => column !== label);
  if (width !== undefined && height !== undefined && rest.length === width * height) return { label, pixels: rest };
  const isIndex = (column: number) => /^(id|index|unnamed: ?\d+|)$/i.test((header?.[column] ?? 'x').trim());
  const left = header ? rest.filter(isIndex) : [];
  if (left.length > 0)
    notices.note(`left out as no pixels: ${some(left.map((column) => header?.[column] || `column ${column + 1}`))}`);
  const pixels = rest.filter((column) => !left.includes(column));
  if (width !== undefined && height !== undefined && pixels.length !== width * height)
    throw new DatasetError(
      `${path} has ${columns} columns, but ${width}×${height} pixels and a label are ${width * height + 1}`,
    );
  return { label, pixels };
}

interface Looks {
  column: number;
  distinct: number;
  /** Whole numbers from 0 or 1 on without a gap. */
  isStrong: boolean;
  /** Whole numbers, each of them often. */
  isWeak: boolean;
}

function looksOf({ values, columns, rows }: Numbers, column: number): Looks {
  const found = new Set<number>();
  let isWhole = true;
  for (let row = 0; row < rows; row++) {
    const value = values[row * columns + column] as number;
    if (!Number.isInteger(value) || value < 0) isWhole = false;
    found.add(value);
  }
  const [least, most] = [Math.min(...found), Math.max(...found)];
  const isFew = found.size >= 2 && found.size <= 256;
  return {
    ...{ column, distinct: found.size },
    isStrong: isWhole && isFew && least <= 1 && found.size === most - least + 1 && found.size <= Math.max(2, rows / 2),
    isWeak: isWhole && isFew && found.size <= rows / 4,
  };
}

function foundLabel(numbers: Numbers, notices: Notices): number {
  const { path, header, columns, texts } = numbers;
  if (texts) {
    notices.note(
      `column ${texts.column + 1}${header ? ` ("${header[texts.column]}")` : ''} holds texts: they are taken for the labels`,
    );
    return texts.column;
  }
  const named = (header ?? []).flatMap((name, column) => (isLabelName(name) ? [column] : []));
  if (named.length === 1) {
    notices.note(`the column "${header?.[named[0] as number]}" is taken for the labels`);
    return named[0] as number;
  }
  const [first, last] = [looksOf(numbers, 0), looksOf(numbers, columns - 1)];
  const chosen = clearer(first, last);
  if (!chosen)
    throw new DatasetError(
      `${path}: the labels may stand in the first column (${first.distinct} values) or in the last (${last.distinct} values): say "labelColumn: 1" or "labelColumn: ${columns}"`,
    );
  notices.note(
    `the ${chosen === first ? 'first' : 'last'} column is taken for the labels: it has ${counted(chosen.distinct, 'value')}, the ${chosen === first ? 'last' : 'first'} ${chosen === first ? last.distinct : first.distinct}`,
  );
  return chosen.column;
}

/** The one that looks like labels, where the other does not or has at least twice as many values; null: it is not clear. */
function clearer(first: Looks, last: Looks): Looks | null {
  if (first.isStrong !== last.isStrong) return first.isStrong ? first : last;
  if (!first.isStrong && first.isWeak !== last.isWeak) return first.isWeak ? first : last;
  if (!first.isStrong && !first.isWeak) return null;
  if (2 * last.distinct <= first.distinct) return last;
  return 2 * first.distinct <= last.distinct ? first : null;
}

function sizeOf(path: string, pixels: number, { width, height }: Settings): { width: number; height: number } {
  const one = width ?? height;
  const side = Math.round(Math.sqrt(pixels));
  if (width !== undefined && height !== undefined) return { width, height };
  if (one === undefined && side * side === pixels) return { width: side, height: side };
  if (one !== undefined && pixels % one === 0) return { width: width ?? pixels / one, height: height ?? pixels / one };
  throw new DatasetError(
    `${path} has ${pixels.toLocaleString('en')} columns of pixels, which ${one === undefined ? 'is no square: say width and height' : `${one} does not divide`}`,
  );
}

function take({ values, columns, rows }: Numbers, pixels: readonly number[]): Float32Array {
  const taken = new Float32Array(rows * pixels.length);
  let at = 0;
  for (let row = 0; row < rows; row++)
    for (const column of pixels) taken[at++] = values[row * columns + column] as number;
  return taken;
}

/** @throws {DatasetError} */
function labelsOf({ path, values, columns, rows, texts, rowNumbers }: Numbers, label: number): Label[] {
  if (texts?.column === label) {
    const empty = texts.cells.indexOf('');
    if (empty >= 0) throw new DatasetError(`${path}, row ${rowNumbers[empty]}: the label is empty`);
    return texts.cells;
  }
  return Array.from({ length: rows }, (_, row) => {
    const value = values[row * columns + label] as number;
    if (!Number.isInteger(value))
      throw new DatasetError(
        `${path}, row ${rowNumbers[row]}, column ${label + 1}: the label is ${value}, expected a whole number or a text`,
      );
    return value;
  });
}

/** A table that is nearly all numbers, by its first rows. */
export async function isNumberTable(source: DataSource): Promise<boolean | null> {
  if (!hasSplitFiles(source, TABLE_FILE)) return null;
  const names = source.names.filter((name) => TABLE_FILE.test(name));
  const name = names.find((each) => /train/i.test(each)) ?? (names[0] as string);
  const packed = /\.gz$/i.test(name);
  const head = packed
    ? (await source.readUnpacked(name, 'a table')).subarray(0, HEAD_BYTES)
    : await source.head(name, HEAD_BYTES);
  const lines = new TextDecoder('utf-8').decode(head).split('\n');
  // The last line may be cut.
  const text = (lines.length > 2 ? lines.slice(0, -1) : lines).join('\n');
  try {
    const { columns, preview, decimalComma } = openTable(name, text);
    const row = preview.at(-1) as string[];
    const numbers = row.filter((cell) => Number.isFinite(numberIn(cell, decimalComma))).length;
    return columns >= FEWEST_COLUMNS && numbers >= columns - 2;
  } catch (error) {
    if (error instanceof DatasetError) return false;
    throw error;
  }
}

export const csvImages = datasetFormat({
  name: 'csv-images',
  description: 'a table with a row a sample: pixels row by row, and the label',
  holds: 'images',
  settings,
  recognises: async (source) => (await isNumberTable(source)) === true,
  read,
});
