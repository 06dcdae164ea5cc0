/**
 * Lists of a draft as forms show them: what a form does not change stays as somebody wrote it, also where it is written as
 * keys and values.
 */
import {
  constraintInputSchema,
  formatConstraint,
  formatObjective,
  objectiveInputSchema,
  parseAnyObjective,
  parseConstraint,
} from '@edgetune/shared/domain/objective.ts';

/** An entry in words; equal words mean the same. */
export type EntryText = (entry: unknown) => string;

/** Any entry: what is no text or number, as JSON. */
export const plainText: EntryText = (entry) =>
  typeof entry === 'object' && entry !== null ? JSON.stringify(entry) : String(entry);

/** An objective however it is written, as forms offer it where it is on all devices: "accuracy" is "maximize accuracy". */
export const objectiveText: EntryText = (entry) => {
  try {
    const objective = typeof entry === 'string' ? parseAnyObjective(entry) : objectiveInputSchema.parse(entry);
    const isPlain = objective.device === undefined && objective.aggregate === 'worst';
    return isPlain ? `${objective.direction} ${objective.metric}` : formatObjective(objective);
  } catch {
    return plainText(entry);
  }
};

/** A constraint as people write it, where no digit of its limit is lost so. */
export const constraintText: EntryText = (entry) => {
  const parsed = constraintInputSchema.safeParse(entry);
  if (!parsed.success) return plainText(entry);
  const text = formatConstraint(parsed.data);
  return JSON.stringify(constraintInputSchema.parse(parseConstraint(text))) === JSON.stringify(parsed.data)
    ? text
    : plainText(entry);
};

/** The entries of a value that is a list, none of any other. */
export const entriesOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** The list with an option added, or without all that mean the same; the other entries stay as they are. */
export function withChoice(entries: readonly unknown[], option: string, on: boolean, textOf: EntryText): unknown[] {
  return on ? [...entries, option] : entries.filter((entry) => textOf(entry) !== option);
}

/** The list of these lines: a line that stood there before is the entry that it stood for. */
export function fromLines(lines: readonly string[], before: readonly unknown[], textOf: EntryText): unknown[] {
  const known = new Map(before.map((entry) => [textOf(entry), entry]));
  return lines
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map((line) => (known.has(line) ? known.get(line) : line));
}
