/** Texts as JSON: an object a line (https://jsonlines.org), or a list of objects. */
import { z } from 'zod';
import { DatasetError } from '../../training-service.ts';
import type { RawData, RawSplit } from '../data-kinds.ts';
import { datasetFormat, pathSetting, type Reading, splitSettings } from '../dataset-format.ts';
import { decodeText } from '../decode/text.ts';
import type { DataSource } from '../source/data-source.ts';
import { namesFrom } from './name-file.ts';
import { hasSplitFiles, splitFiles } from './split-files.ts';
import { type Rows, sameLabels, textColumnsOf, textSettings, textSplit } from './text-samples.ts';

const JSON_FILE = /\.(jsonl|ndjson)(\.gz)?$/i;
/** A list of objects; in a folder it may be anything. */
const JSON_LIST = /\.json(\.gz)?$/i;

const settings = z.object({
  path: pathSetting(
    'a JSONL file, gzipped or not, or a folder with train.jsonl and test.jsonl',
    '/path/to/reviews.jsonl',
  ),
  ...textSettings,
  ...splitSettings,
});

async function read({
  settings: said,
  source,
  notices,
}: Reading<z.output<typeof settings>>): Promise<RawData<'texts'>> {
  const files = splitFiles(source, JSON_FILE, notices);
  const open = async (name: string, header?: readonly string[]) => {
    const path = source.called(name);
    const bytes = await source.readUnpacked(name, 'texts as JSON');
    return rowsOf(path, decodeText(path, bytes, { encoding: said.encoding, notices, limits: source.limits }), header);
  };
  const train = await open(files.train);
  const columns = textColumnsOf(train, said, notices);
  const other = async (name: string | null): Promise<RawSplit<string[]> | null> =>
    name === null ? null : textSplit(await open(name, train.header as readonly string[]), columns, notices);
  const [first, validation, test] = sameLabels([
    textSplit(train, columns, notices),
    await other(files.validation),
    await other(files.test),
  ]);
  const classNames = await namesFrom(source, ['classes.txt', 'labels.txt'], notices);
  return {
    train: first as RawSplit<string[]>,
    validation: validation ?? null,
    test: test ?? null,
    ...(classNames ? { classNames } : {}),
  };
}

/** @param header the keys of the training file: those of the others @throws {DatasetError} naming the line */
function rowsOf(path: string, text: string, header?: readonly string[]): Rows {
  const objects = objectsOf(path, text);
  const keys = header ?? [...new Set(objects.flatMap(({ value }) => Object.keys(value)))];
  const cellOf = (value: unknown, key: string, origin: string) => {
    if (value === undefined || value === null) return '';
    if (typeof value === 'object') return NESTED;
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return String(value);
    throw new DatasetError(`${origin}: "${key}" is neither text nor number`);
  };
  const rows = objects.map(({ value, origin }) => keys.map((key) => cellOf(value[key], key, origin)));
  // What holds lists or objects is neither a text nor a label.
  const flat = keys.map((_, column) => !rows.some((row) => row[column] === NESTED));
  if (flat.filter(Boolean).length < 2)
    throw new DatasetError(`${path}: its objects have no two keys with texts or numbers: expected a text and a label`);
  const blanked = rows.map((row) => row.map((cell, column) => (flat[column] ? cell : '')));
  return { path, header: keys, columns: keys.length, rows: blanked, origins: objects.map(({ origin }) => origin) };
}

const nameOf = (path: string) => path.split('/').at(-1) as string;

const NESTED = '\0nested';

type Objects = { value: Record<string, unknown>; origin: string }[];

function objectsOf(path: string, text: string): Objects {
  const isObject = (value: unknown): value is Record<string, unknown> =>
    typeof value === 'object' && value !== null && !Array.isArray(value);
  const found: Objects = [];
  if (/^\s*\[/.test(text)) {
    const list = parsed(path, text, 'file') as unknown[];
    for (const [index, value] of list.entries()) {
      if (!isObject(value))
        throw new DatasetError(`${path}: entry ${index + 1} of its list is no object with a text and a label`);
      found.push({ value, origin: `${nameOf(path)} entry ${index + 1}` });
    }
  } else
    for (const [index, line] of text.split('\n').entries()) {
      if (line.trim() === '') continue;
      const value = parsed(path, line, `line ${index + 1}`);
      if (!isObject(value))
        throw new DatasetError(
          `${path}, line ${index + 1}: expected an object with a text and a label, on a line of its own`,
        );
      found.push({ value, origin: `${nameOf(path)} line ${index + 1}` });
    }
  if (found.length === 0) throw new DatasetError(`${path} has no lines`);
  return found;
}

function parsed(path: string, text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new DatasetError(`${path}, ${where}: no JSON (${(error as Error).message.slice(0, 100)})`);
  }
}

export const jsonlTexts = datasetFormat({
  name: 'jsonl-texts',
  description: 'texts as JSON, an object a line, with a label each',
  holds: 'texts',
  settings,
  recognises: (source: DataSource) =>
    hasSplitFiles(source, JSON_FILE) || (source.isFile && JSON_LIST.test(source.names[0] as string)),
  read,
});
