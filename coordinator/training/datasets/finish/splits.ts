/** The splits of training, validation and test: those that the data have, the others cut from the training samples. */
import { keyedRandom32, shuffle } from '@edgetune/shared/math/random.ts';
import type { DataKind, KindOfData, RawSplit, ValuesOf } from '../data-kinds.ts';
import type { Notices } from '../notices.ts';

/** Share of the training samples that becomes a split which the data do not have. */
const CUT_FRACTION = 0.15;

/** A split with its classes found. */
export interface Found<Kind extends DataKind> {
  values: ValuesOf<Kind>;
  labels: Uint8Array;
  origins: readonly string[] | null;
}

export interface FoundSplits<Kind extends DataKind> {
  train: Found<Kind>;
  validation: Found<Kind> | null;
  test: Found<Kind> | null;
}

/** Cuts what splits are missing, stratified by class and always in the same way for the same seed. */
export function withAllSplits<Kind extends DataKind>(
  splits: FoundSplits<Kind>,
  kind: KindOfData<Kind>,
  size: number,
  seed: number,
  notices: Notices,
): Record<'train' | 'validation' | 'test', Found<Kind>> {
  let { train, validation, test } = splits;
  const missing = [!validation && 'validation', !test && 'test'].filter(Boolean);
  if (!test) [train, test] = cut(train, kind, size, seed);
  if (!validation) [train, validation] = cut(train, kind, size, seed + 1);
  if (missing.length > 0)
    notices.note(
      `the data have no ${missing.join(' and no ')} split: ${CUT_FRACTION * 100} % of the training samples are cut off for ${missing.length === 1 ? 'it' : 'each'}, every class in its share (seed ${seed})`,
    );
  return { train, validation, test };
}

function cut<Kind extends DataKind>(
  split: Found<Kind>,
  kind: KindOfData<Kind>,
  size: number,
  seed: number,
): [rest: Found<Kind>, part: Found<Kind>] {
  const order = stratifiedOrder(split.labels, seed);
  const count = Math.max(1, Math.round(order.length * CUT_FRACTION));
  const take = (indices: Uint32Array): Found<Kind> => ({
    values: kind.take(split.values, indices, size),
    labels: Uint8Array.from(indices, (index) => split.labels[index] as number),
    origins: split.origins && Array.from(indices, (index) => split.origins?.[index] as string),
  });
  return [take(order.subarray(count)), take(order.subarray(0, count))];
}

/**
 * A random order of the samples in which every prefix has the classes in their overall shares: the subsets for
 * different data fractions are prefixes, so that a larger fraction contains the smaller.
 */
export function stratifiedOrder(labels: Uint8Array, seed: number): Uint32Array {
  const byClass = new Map<number, number[]>();
  for (const [index, label] of labels.entries()) {
    const indices = byClass.get(label);
    if (indices) indices.push(index);
    else byClass.set(label, [index]);
  }
  const random = keyedRandom32(seed, labels.length);
  const placed: { position: number; index: number }[] = [];
  for (const indices of byClass.values()) {
    shuffle(indices, random);
    for (const [rank, index] of indices.entries())
      placed.push({ position: (rank + random.uniform()) / indices.length, index });
  }
  return Uint32Array.from(
    placed.sort((a, b) => a.position - b.position),
    ({ index }) => index,
  );
}

/** Of a sample, for people. */
export function originOf({ origins }: Pick<Found<DataKind>, 'origins'>, split: string, index: number): string {
  return origins?.[index] ?? `${split} sample ${index + 1}`;
}

/** A split with the classes of its labels. */
export function found<Kind extends DataKind>(
  { values, labels, origins }: RawSplit<ValuesOf<Kind>>,
  indexOf: (label: number | string) => number,
): Found<Kind> {
  return { values, labels: Uint8Array.from(labels, indexOf), origins: origins ?? null };
}
