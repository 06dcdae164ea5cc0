/** Reads a data set from its section of a study: source, format, samples, checks. In a process of its own, see `process/`. */
import { partNamed, unknownPart } from '@edgetune/shared/domain/part.ts';
import { mistakesIn } from '@edgetune/shared/domain/schema-mistakes.ts';
import { AUTO_FORMAT, type DatasetSpec } from '@edgetune/shared/domain/study.ts';
import { DatasetError } from '../training-service.ts';
import { DATASET_FORMATS } from './all.ts';
import type { DataKind } from './data-kinds.ts';
import { type DatasetFormat, NO_SOURCE, type Reading } from './dataset-format.ts';
import { type Finished, finish } from './finish/finish.ts';
import { refusePickled } from './formats/cifar.ts';
import { PICTURE_NAME } from './formats/image-folder.ts';
import { RECORDING } from './formats/speech-commands.ts';
import { Notices, some } from './notices.ts';
import { DataSource } from './source/data-source.ts';
import { type Identity, identityOfSettings } from './source/identity.ts';
import { LIMITS, type Limits } from './source/limits.ts';

export type ReadDataset = {
  [Kind in DataKind]: {
    holds: Kind;
    /** With the format that was found out, and without what a study need not say. */
    dataset: DatasetSpec;
    isFormatFound: boolean;
    identity: Identity;
    finished: Finished<Kind>;
    notices: Notices;
  };
}[DataKind];

/**
 * @param dataset the section of a study
 * @param takes the kind of data that is wanted; absent: whatever it is
 * @throws {DatasetError} saying what is missing, damaged or not clear, where, and what to do
 */
export async function readDataset(dataset: DatasetSpec, takes?: string, limits: Limits = LIMITS): Promise<ReadDataset> {
  const source = typeof dataset.path === 'string' ? await DataSource.open(dataset.path, limits) : null;
  const isFormatFound = dataset.format === AUTO_FORMAT;
  const format = isFormatFound ? await foundFormat(source, takes) : formatNamed(dataset.format);
  const named = { ...dataset, format: format.name };
  needSettings(format, named);
  const notices = new Notices();
  const reading: Reading<unknown> = {
    ...{ settings: named, notices, limits },
    get source() {
      if (!source) throw NO_SOURCE;
      return source;
    },
  };
  const seed = typeof dataset.seed === 'number' && source ? dataset.seed : 1;
  const finished = await finishedOf(format, reading, seed);
  const identity = source ? await source.identity() : identityOfSettings(named);
  // The compiler does not see that the kind is that of the format.
  return { holds: format.holds, dataset: named, isFormatFound, identity, finished, notices } as ReadDataset;
}

async function finishedOf(format: DatasetFormat, reading: Reading<unknown>, seed: number) {
  const { notices } = reading;
  switch (format.holds) {
    case 'images':
      return finish('images', await format.read(reading), seed, notices);
    case 'speech':
      return finish('speech', await format.read(reading), seed, notices);
    case 'texts':
      return finish('texts', await format.read(reading), seed, notices);
  }
}

function formatNamed(name: string): DatasetFormat {
  const format = partNamed(DATASET_FORMATS, name);
  if (!format) throw new DatasetError(unknownPart('data format', name, DATASET_FORMATS));
  return format;
}

/** The one that recognises the source. @throws {DatasetError} where none does, or several do */
async function foundFormat(source: DataSource | null, takes: string | undefined): Promise<DatasetFormat> {
  if (!source)
    throw new DatasetError(
      `say where the data are ("path: /path/to/data"), or which format they have: ${DATASET_FORMATS.map(({ name }) => name).join(', ')}`,
    );
  const found: DatasetFormat[] = [];
  for (const format of DATASET_FORMATS) if (await format.recognises?.(source)) found.push(format);
  const fitting = takes === undefined ? found : found.filter(({ holds }) => holds === takes);
  const [only, ...more] = fitting;
  if (only && more.length === 0) return only;
  if (more.length > 0)
    throw new DatasetError(
      `${source.path} may be ${fitting.map(({ name, description }) => `${name} (${description})`).join(', or ')}: say which ("format: ${only?.name}")`,
    );
  const [other] = found;
  if (other)
    throw new DatasetError(
      `${source.path} looks like ${other.name}, which holds ${other.holds}; the workload takes ${takes}`,
    );
  refusePickled(source);
  throw new DatasetError(`${source.path} is in no format that is known: ${whatIsThere(source)}`);
}

/** What is in the way, where that can be told. */
function whatIsThere(source: DataSource): string {
  const of = (pattern: RegExp) => source.names.filter((name) => pattern.test(name));
  for (const [what, pattern] of LOOSE) {
    const loose = of(pattern);
    if (loose.length > 0)
      return `it holds ${what} (${some(loose)}), and not in a folder for each of at least two classes: expected CLASS/FILE, or train/CLASS/FILE`;
  }
  const tables = of(TABLES);
  if (tables.length > 1)
    return `it holds several tables (${some(tables)}), and none is called "train": name the file itself`;
  const names = DATASET_FORMATS.filter(({ recognises }) => recognises).map(({ name }) => name);
  return `it holds ${kindsOfFiles(source)}. There are ${names.join(', ')}; "edgetune study run --help" says what each is`;
}

const LOOSE: readonly [string, RegExp][] = [
  ['recordings', RECORDING],
  ['pictures', PICTURE_NAME],
];
const TABLES = /\.(csv|tsv|jsonl|ndjson)(\.gz)?$/i;

/** "160 .jpg, 2 .json". */
function kindsOfFiles({ names }: DataSource): string {
  const counts = new Map<string, number>();
  for (const name of names) {
    const kind = (name.split('/').at(-1) as string).match(/\.[A-Za-z0-9]+$/)?.[0].toLowerCase() ?? 'without an ending';
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  const sorted = [...counts].sort(([, a], [, b]) => b - a);
  return some(
    sorted.map(([kind, count]) => `${count.toLocaleString('en')} ${kind}`),
    6,
  );
}

/** What a study says to a format that it did not name was not looked at before. @throws {DatasetError} */
function needSettings({ name, settings }: DatasetFormat, { format: _, ...said }: DatasetSpec): void {
  const parsed = settings.strict().safeParse(said);
  if (parsed.success) return;
  const mistakes = mistakesIn(parsed.error).map(({ path, message }) => `${path.join('.')} ${message}`.trim());
  throw new DatasetError(`as ${name}: ${mistakes.join('; ')}`);
}
