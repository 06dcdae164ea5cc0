/** What looks wrong in samples, whatever their kind: said in words, or refused where nothing could be learned. */
import { createHash } from 'node:crypto';
import { DatasetError } from '../../training-service.ts';
import type { SplitName } from '../../workloads/workload.ts';
import type { DataKind, KindOfData } from '../data-kinds.ts';
import { counted, type Notices, some } from '../notices.ts';
import { type Found, originOf } from './splits.ts';

type FoundSplits<Kind extends DataKind> = Record<SplitName, Found<Kind>>;
const SPLITS = ['train', 'validation', 'test'] as const;
/** In words for people. */
const CALLED = { train: 'training', validation: 'validation', test: 'test' } as const;

export interface Duplicates {
  /** Samples of a split that are in the training split, too. */
  validationInTrain: number;
  testInTrain: number;
  testInValidation: number;
  /** Further copies of a sample within its split. */
  within: number;
  /** Samples that are there under several classes. */
  contradictory: number;
}

/** @throws {DatasetError} where there is too little to learn from */
export function check<Kind extends DataKind>(
  splits: FoundSplits<Kind>,
  classes: readonly string[],
  kind: KindOfData<Kind>,
  size: number,
  notices: Notices,
): { byClass: Record<SplitName, number[]>; duplicates: Duplicates } {
  const byClass = {
    train: countsOf(splits.train.labels, classes.length),
    validation: countsOf(splits.validation.labels, classes.length),
    test: countsOf(splits.test.labels, classes.length),
  };
  const { length } = splits.train.labels;
  if (length < kind.fewest)
    throw new DatasetError(
      `the data set has ${counted(length, `training ${kind.sample}`)}: at least ${kind.fewest} are needed`,
    );
  for (const split of ['validation', 'test'] as const)
    if (splits[split].labels.length === 0)
      throw new DatasetError(`the data set has no ${kind.sample}s for the ${CALLED[split]} split`);
  checkClasses(byClass, classes, kind.sample, notices);
  checkEmptiness(splits, kind, size, notices);
  return { byClass, duplicates: checkDuplicates(splits, classes, kind, size, notices) };
}

function countsOf(labels: Uint8Array, classes: number): number[] {
  const counts = new Array<number>(classes).fill(0);
  for (const label of labels) counts[label] = (counts[label] as number) + 1;
  return counts;
}

function checkClasses(
  byClass: Record<SplitName, number[]>,
  classes: readonly string[],
  sample: string,
  notices: Notices,
): void {
  const { train } = byClass;
  const single: string[] = [];
  const untested: Record<'validation' | 'test', string[]> = { validation: [], test: [] };
  for (const [index, name] of classes.entries()) {
    const counts = SPLITS.map((split) => byClass[split][index] as number);
    const where = SPLITS.filter((split) => (byClass[split][index] as number) > 0);
    if (train[index] === 0) {
      const places = where.map((split) => `the ${CALLED[split]} split`).join(' and ');
      notices.warn(
        `class "${name}" is in ${places} only (${counted((counts[1] as number) + (counts[2] as number), sample)}): no model can learn it, and each answer there will be wrong`,
      );
      continue;
    }
    if (counts.reduce((sum, count) => sum + count, 0) === 1) single.push(name);
    else
      for (const split of ['validation', 'test'] as const) if (byClass[split][index] === 0) untested[split].push(name);
  }
  if (single.length > 0)
    notices.warn(
      `${single.length === 1 ? `class ${quoted(single)} has` : `${single.length} classes have`} one ${sample}${single.length === 1 ? '' : ` each (${quoted(single)})`}: it can be trained or tested on, not both`,
    );
  for (const split of ['validation', 'test'] as const)
    if (untested[split].length > 0)
      notices.warn(
        `the ${CALLED[split]} split has no ${sample} of ${quoted(untested[split])}: the accuracy there says nothing of ${untested[split].length === 1 ? 'it' : 'them'}`,
      );
  const trained = train.filter((count) => count > 1);
  const [least, most] = [Math.min(...trained), Math.max(...trained)];
  if (most >= LOPSIDED * least)
    notices.warn(
      `the classes are of very different size, from ${least} ("${classes[train.indexOf(least)]}") to ${most.toLocaleString('en')} ("${classes[train.indexOf(most)]}"): accuracy favours the large ones`,
    );
}

/** From so many times as many on. */
const LOPSIDED = 20;

const quoted = (names: readonly string[]) => some(names.map((name) => `"${name}"`));

function checkEmptiness<Kind extends DataKind>(
  splits: FoundSplits<Kind>,
  kind: KindOfData<Kind>,
  size: number,
  notices: Notices,
): void {
  const empty: string[] = [];
  let what = '';
  for (const split of SPLITS) {
    const { values, labels } = splits[split];
    for (let index = 0; index < labels.length; index++) {
      const emptiness = kind.emptiness(values, index, size);
      if (emptiness === null) continue;
      what = emptiness;
      empty.push(originOf(splits[split], CALLED[split], index));
    }
  }
  if (empty.length > 0)
    notices.warn(`${counted(empty.length, kind.sample)} ${empty.length === 1 ? 'is' : 'are'} ${what}: ${some(empty)}`);
}

interface Seen {
  split: SplitName;
  index: number;
  label: number;
}

function checkDuplicates<Kind extends DataKind>(
  splits: FoundSplits<Kind>,
  classes: readonly string[],
  kind: KindOfData<Kind>,
  size: number,
  notices: Notices,
): Duplicates {
  const first = new Map<string, Seen>();
  const shared = new Map<string, { count: number; example: string }>();
  const duplicates: Duplicates = {
    validationInTrain: 0,
    testInTrain: 0,
    testInValidation: 0,
    within: 0,
    contradictory: 0,
  };
  let contradiction = '';
  const called = (split: SplitName, index: number) => originOf(splits[split], CALLED[split], index);
  for (const split of SPLITS) {
    const { values, labels } = splits[split];
    for (let index = 0; index < labels.length; index++) {
      const key = createHash('sha1')
        .update(kind.bytesOf(values, index, size))
        .digest('base64');
      const label = labels[index] as number;
      const known = first.get(key);
      if (!known) {
        first.set(key, { split, index, label });
        continue;
      }
      const example = `${called(split, index)} is ${called(known.split, known.index)}`;
      if (known.label !== label) {
        duplicates.contradictory++;
        contradiction ||= `${example}, as "${classes[known.label]}" and as "${classes[label]}"`;
      }
      if (known.split === split) duplicates.within++;
      else {
        const pair = `${CALLED[split]} split|${CALLED[known.split]} split`;
        const entry = shared.get(pair) ?? { count: 0, example };
        shared.set(pair, { ...entry, count: entry.count + 1 });
        if (split === 'validation') duplicates.validationInTrain++;
        else if (known.split === 'train') duplicates.testInTrain++;
        else duplicates.testInValidation++;
      }
    }
  }
  if (first.size === 1) throw new DatasetError(`all ${kind.sample}s are the same: there is nothing to learn from`);
  for (const [pair, { count, example }] of shared) {
    const [here, there] = pair.split('|');
    notices.warn(
      `${counted(count, kind.sample)} of the ${here} ${count === 1 ? 'is' : 'are'} in the ${there}, too (${example}): accuracies there are better than they will be in use`,
    );
  }
  if (duplicates.within > 0)
    notices.note(
      `${counted(duplicates.within, `further copy`).replace(/copys$/, 'copies')} of ${kind.sample}s within their split`,
    );
  if (duplicates.contradictory > 0)
    notices.warn(
      `${counted(duplicates.contradictory, kind.sample)} ${duplicates.contradictory === 1 ? 'is' : 'are'} there under two classes: ${contradiction}`,
    );
  return duplicates;
}
