/** From labels as the data have them to classes: numbers from 0 without a gap, each with a name. */
import { DatasetError } from '../../training-service.ts';
import type { ClassNames, Label, RawSplit } from '../data-kinds.ts';
import { type Notices, some } from '../notices.ts';

/** Labels are kept as bytes. */
const MOST_CLASSES = 256;

export interface Classes {
  names: string[];
  /** The class of a label that occurs. */
  indexOf(label: Label): number;
}

/**
 * The classes that occur in any split, in the order of their numbers, or of their names.
 * @throws {DatasetError} where there are too few or too many, or where names and numbers do not fit together
 */
export function classesOf(
  splits: readonly (RawSplit<unknown> | null)[],
  classNames: ClassNames | undefined,
  notices: Notices,
): Classes {
  const occurring = new Set<Label>();
  for (const split of splits) for (const label of split?.labels ?? []) occurring.add(label);
  const labels = [...occurring].sort((a, b) =>
    typeof a === 'number' && typeof b === 'number' ? a - b : String(a) < String(b) ? -1 : 1,
  );
  if (labels.length > MOST_CLASSES)
    throw new DatasetError(
      `the data have ${labels.length.toLocaleString('en')} classes (${some(labels)}), at most ${MOST_CLASSES} can be learned: is that the column of the labels?`,
    );
  if (labels.length < 2)
    throw new DatasetError(
      `the data set has one class${labels.length === 1 ? ` ("${labels[0]}")` : ''}: a classifier needs two`,
    );
  const names = namesOf(labels, classNames, notices);
  alikeNames(names, notices);
  const indices = new Map(labels.map((label, index) => [label, index]));
  return { names, indexOf: (label) => indices.get(label) as number };
}

function namesOf(labels: readonly Label[], classNames: ClassNames | undefined, notices: Notices): string[] {
  const numbers = labels.filter((label) => typeof label === 'number');
  if (numbers.length < labels.length) return labels.map(String);
  const [least, most] = [numbers[0] as number, numbers.at(-1) as number];
  if (!classNames) {
    const isWhole = least === 0 && most === numbers.length - 1;
    if (!isWhole)
      notices.warn(
        `the labels are ${rangeText(numbers)}, not 0 to ${numbers.length - 1}: they are taken for ${numbers.length} classes, each named by its label`,
      );
    return numbers.map(String);
  }
  const { file, names } = classNames;
  const first = classNames.first ?? (least === 1 && most === names.length ? 1 : 0);
  if (least < first || most - first >= names.length)
    throw new DatasetError(
      `${file} names ${names.length} ${names.length === 1 ? 'class' : 'classes'}, but the labels are ${rangeText(numbers)}: name all of them, in the order of the labels${first === 1 ? ' from 1' : ''}`,
    );
  if (classNames.first === undefined && first === 1)
    notices.note(`the labels run from 1: 1 is "${names[0]}", the first name of ${file}`);
  const absent = names.filter((_, index) => !numbers.includes(index + first));
  if (absent.length > 0)
    notices.warn(
      `${file} names ${names.length} classes, of which ${absent.length} never ${absent.length === 1 ? 'occurs and is' : 'occur and are'} left out: ${some(absent)}; ${first + least - first} is "${names[least - first]}"`,
    );
  return numbers.map((number) => names[number - first] as string);
}

function rangeText(numbers: readonly number[]): string {
  const [least, most] = [numbers[0] as number, numbers.at(-1) as number];
  if (numbers.length === most - least + 1) return `${least} to ${most}`;
  return numbers.length <= 12 ? numbers.join(', ') : `${numbers.length} numbers from ${least} to ${most}`;
}

/** "Dog" and "dog " are hardly two things. */
function alikeNames(names: readonly string[], notices: Notices): void {
  const known = new Map<string, string>();
  for (const name of names) {
    const plain = name.trim().toLowerCase();
    const other = known.get(plain);
    if (other !== undefined)
      notices.warn(`the classes "${other}" and "${name}" differ by nothing but capitals or spaces: are they one?`);
    known.set(plain, name);
  }
}
