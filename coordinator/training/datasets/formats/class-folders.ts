/** A folder for each class, perhaps below one for each split: how people keep photos and recordings. */
import { DatasetError } from '../../training-service.ts';
import type { SplitName } from '../../workloads/workload.ts';
import { counted, type Notices, some } from '../notices.ts';
import type { DataSource } from '../source/data-source.ts';

const SPLITS: readonly [SplitName, RegExp][] = [
  ['train', /^(train|training)$/i],
  ['validation', /^(val|valid|validation|dev)$/i],
  ['test', /^(test|testing)$/i],
];

export const splitNamed = (name: string): SplitName | null =>
  SPLITS.find(([, pattern]) => pattern.test(name))?.[0] ?? null;

export interface SampleFile {
  name: string;
  /** The folder that it lies in, below that of a split. */
  label: string;
  /** Null: its folder is no split's. */
  split: SplitName | null;
}

/** Background noise in Speech Commands lies in such a folder: no word. */
const NO_CLASS = /^_/;

/** Files by the folders in which they lie; those that lie in none are not among them. */
export function sampleFiles(source: DataSource, pattern: RegExp): SampleFile[] {
  const withSplits = hasSplits(source);
  return source.names.filter((name) => pattern.test(name)).flatMap((name) => placed(name, withSplits) ?? []);
}

function placed(name: string, withSplits: boolean): SampleFile | null {
  const folders = name.split('/').slice(0, -1);
  const split = withSplits ? splitNamed(folders[0] ?? '') : null;
  const label = folders[split === null ? 0 : 1];
  if (label === undefined || NO_CLASS.test(label)) return null;
  return { name, label, split };
}

/** Whether a "train" folder is there: then folders are splits before they are classes. */
function hasSplits({ folders }: Pick<DataSource, 'folders'>): boolean {
  return folders.some((folder) => splitNamed(folder) === 'train');
}

/** Whether there are folders of at least two classes with such files. */
export function hasClassFolders(source: DataSource, pattern: RegExp): boolean {
  if (source.isFile) return false;
  return new Set(sampleFiles(source, pattern).map(({ label }) => label)).size >= 2;
}

/**
 * The files of all classes, by split where there are folders of splits; from then on they make the data set.
 * @throws {DatasetError} where there are no folders of classes
 */
export function classFolders(
  source: DataSource,
  pattern: RegExp,
  what: string,
  notices: Notices,
): { files: SampleFile[]; hasSplits: boolean } {
  source.matching(pattern);
  if (source.isFile)
    throw new DatasetError(`${source.path} is a file: expected a folder with a folder of ${what}s for each class`);
  const all = source.names.filter((name) => pattern.test(name));
  if (all.length === 0)
    throw new DatasetError(
      `${source.path} has no ${what}s: expected a folder with a folder of ${what}s for each class`,
    );
  const withSplits = hasSplits(source);
  const placedFiles = sampleFiles(source, pattern);
  const files = withSplits ? placedFiles.filter(({ split }) => split !== null) : placedFiles;
  if (files.length === 0)
    throw new DatasetError(
      `${source.path}: its ${what}s lie in no folder of a class (${some(all)}): expected CLASS/FILE, or train/CLASS/FILE`,
    );
  const taken = new Set(files.map(({ name }) => name));
  const outside = all.filter((name) => !taken.has(name) && !NO_CLASS.test(name));
  if (outside.length > 0)
    notices.warn(
      `${counted(outside.length, what)} outside of the folders of ${withSplits ? 'splits and ' : ''}classes ${outside.length === 1 ? 'is' : 'are'} left out: ${some(outside)}`,
    );
  sayEmptyFolders(source, files, what, withSplits, notices);
  return { files, hasSplits: withSplits };
}

function sayEmptyFolders(
  source: DataSource,
  files: readonly SampleFile[],
  what: string,
  withSplits: boolean,
  notices: Notices,
): void {
  const depth = withSplits ? 2 : 1;
  const filled = new Set(files.map(({ name }) => name.split('/').slice(0, depth).join('/')));
  const empty = source.folders.filter((folder) => {
    const parts = folder.split('/');
    if (withSplits && splitNamed(parts[0] ?? '') === null) return false;
    return parts.length === depth && !NO_CLASS.test(parts[depth - 1] as string) && !filled.has(folder);
  });
  if (empty.length > 0)
    notices.warn(
      `${empty.length === 1 ? 'the folder' : 'the folders'} ${some(empty)} ${empty.length === 1 ? 'has' : 'have'} no ${what}s: that is no class${withSplits ? ' of its split' : ''}`,
    );
}
