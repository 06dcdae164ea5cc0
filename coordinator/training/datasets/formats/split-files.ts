/** One file, or one for each split, by their names: train.csv, mnist_test.csv, validation.jsonl. */
import { DatasetError } from '../../training-service.ts';
import type { SplitName } from '../../workloads/workload.ts';
import { type Notices, some } from '../notices.ts';
import type { DataSource } from '../source/data-source.ts';
import { splitNamed } from './class-folders.ts';

export type SplitFiles = Record<'validation' | 'test', string | null> & { train: string };

const bareName = (name: string) => (name.split('/').at(-1) as string).replace(/(\.[a-z]+)?\.[a-z]+$/i, '');

/** @throws {DatasetError} where it is not clear which file is which */
export function splitFiles(source: DataSource, pattern: RegExp, notices: Notices): SplitFiles {
  const names = source.matching(pattern);
  if (source.isFile) return { train: source.names[0] as string, validation: null, test: null };
  const of = (split: SplitName) => {
    const exact = names.filter((name) => splitNamed(bareName(name)) === split);
    const parts = names.filter((name) =>
      bareName(name)
        .split(/[^A-Za-z]+/)
        .some((word) => splitNamed(word) === split),
    );
    const found = exact.length > 0 ? exact : parts;
    if (found.length > 1)
      throw new DatasetError(
        `${source.path} has several files for the ${split} split: ${some(found, 10)}; leave one, or name the file itself`,
      );
    return found[0] ?? null;
  };
  const [train, validation, test] = [of('train'), of('validation'), of('test')];
  const only = names.length === 1 ? (names[0] as string) : null;
  if (!train && !only)
    throw new DatasetError(
      names.length === 0
        ? `${source.called('train.csv')} does not exist: expected a file for each split`
        : `${source.path} has ${some(names, 10)}, and none is called "train": name the file itself`,
    );
  const taken = [train ?? only, validation, test];
  const others = names.filter((name) => !taken.includes(name));
  if (others.length > 0) notices.note(`left out, as their names say no split: ${some(others)}`);
  return train ? { train, validation, test } : { train: only as string, validation: null, test: null };
}

/** Whether it is such a file, or a folder with one for training or with one alone. */
export function hasSplitFiles(source: DataSource, pattern: RegExp): boolean {
  const names = source.names.filter((name) => pattern.test(name));
  if (source.isFile || names.length <= 1) return names.length === 1;
  return names.some((name) =>
    bareName(name)
      .split(/[^A-Za-z]+/)
      .some((word) => splitNamed(word) === 'train'),
  );
}
