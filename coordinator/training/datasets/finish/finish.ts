/** From samples as they stand in the files to what a workload takes: classes, splits, checks. */
import type { SplitName } from '../../workloads/workload.ts';
import { type DataKind, type DataKinds, KINDS, type RawData, type ValuesOf } from '../data-kinds.ts';
import type { Notices } from '../notices.ts';
import { check, type Duplicates } from './checks.ts';
import { classesOf } from './classes.ts';
import { type Found, found, withAllSplits } from './splits.ts';

export interface Finished<Kind extends DataKind> {
  data: DataKinds[Kind];
  byClass: Record<SplitName, number[]>;
  duplicates: Duplicates;
  /** Splits that were cut from the training samples. */
  cut: ('validation' | 'test')[];
  /** Of all training samples, in words. */
  range: string | null;
  /** Where each sample comes from; null: by its number. */
  origins: Record<SplitName, readonly string[] | null>;
}

/** @throws {import('../../training-service.ts').DatasetError} where nothing could be learned from it */
export function finish<Kind extends DataKind>(
  holds: Kind,
  raw: RawData<Kind>,
  seed: number,
  notices: Notices,
): Finished<Kind> {
  const kind = KINDS[holds];
  const { train, validation, test, classNames, ...properties } = raw;
  const size = kind.size(properties as unknown as Omit<DataKinds[Kind], 'classes' | SplitName>);
  const { names, indexOf } = classesOf([train, validation, test], classNames, notices);
  const classified = {
    train: found<Kind>(train, indexOf),
    validation: validation && found<Kind>(validation, indexOf),
    test: test && found<Kind>(test, indexOf),
  };
  const splits = withAllSplits<Kind>(classified, kind, size, seed, notices);
  const { byClass, duplicates } = check<Kind>(splits, names, kind, size, notices);
  const plain = ({ values, labels }: Found<Kind>) => ({ values, labels });
  return {
    // To the compiler it is of some kind.
    data: {
      ...properties,
      classes: names,
      train: plain(splits.train),
      validation: plain(splits.validation),
      test: plain(splits.test),
    } as unknown as DataKinds[Kind],
    byClass,
    duplicates,
    cut: [...(validation ? [] : ['validation' as const]), ...(test ? [] : ['test' as const])],
    range: kind.range(splits.train.values as ValuesOf<Kind>),
    origins: {
      train: splits.train.origins,
      validation: splits.validation.origins,
      test: splits.test.origins,
    },
  };
}
