/** What the code that reads a parameter can do: the values that it would not take for something else. */
import { z } from 'zod';
import { didYouMean } from './did-you-mean.ts';
import { listedValues, type ParameterDomain, type ParameterValue, parameterValueSchema } from './search-space.ts';

export const possibleValuesSchema = z.discriminatedUnion('kind', [
  /** Whole numbers, both ends included. */
  z.object({
    kind: z.literal('whole'),
    min: z.int(),
    max: z.int(),
    /** What sets the upper end, where that is not the code itself. Absent: it is. */
    because: z.string().optional(),
  }),
  /** Any number above the one, or from the other on; neither: any number. */
  z.object({ kind: z.literal('number'), above: z.number().optional(), min: z.number().optional() }),
  z.object({ kind: z.literal('choice'), values: z.array(parameterValueSchema) }),
]);
export type PossibleValues = z.infer<typeof possibleValuesSchema>;
/** By the names of the parameters. */
export type PossibleByName = Readonly<Record<string, PossibleValues>>;

/** In words: "a whole number from 1 to 64". */
export function possibleText(possible: PossibleValues): string {
  if (possible.kind === 'whole') {
    const { min, max, because } = possible;
    return `a whole number from ${min} to ${max}${because === undefined ? '' : ` (${because})`}`;
  }
  if (possible.kind === 'choice') return `${possible.values.length > 1 ? 'one of ' : ''}${possible.values.join(', ')}`;
  if (possible.above !== undefined) return `a number greater than ${possible.above}`;
  return possible.min === undefined ? 'a number' : `a number of at least ${possible.min}`;
}

/** Why the code cannot do a value; null where it can. */
export function impossibleValue(possible: PossibleValues, value: ParameterValue): string | null {
  if (canDo(possible, value)) return null;
  const meant = possible.kind === 'choice' ? didYouMean(value, possible.values.map(String)) : '';
  return `must be ${possibleText(possible)}, not ${JSON.stringify(value)}${meant}`;
}

function canDo(possible: PossibleValues, value: ParameterValue): boolean {
  if (possible.kind === 'choice') return possible.values.includes(value);
  // A text of digits would do the same and be another value to the search.
  if (typeof value !== 'number' || !Number.isFinite(value)) return false;
  if (possible.kind === 'whole') return Number.isInteger(value) && value >= possible.min && value <= possible.max;
  return value > (possible.above ?? -Infinity) && value >= (possible.min ?? -Infinity);
}

/** Of more values of one parameter nobody reads. */
const MOST_TOLD = 10;

/** What of a study's parameter the code that reads it cannot do, each with its place in the parameter. */
export function impossibleParts(
  possible: PossibleValues,
  domain: ParameterDomain,
): { path: (string | number)[]; message: string }[] {
  if (domain.type === 'int' || domain.type === 'float') return impossibleRange(possible, domain);
  if (domain.type === 'boolean') {
    const message = impossibleValue(possible, false) ?? impossibleValue(possible, true);
    return message === null ? [] : [{ path: ['type'], message }];
  }
  const key = domain.type === 'categorical' ? 'choices' : domain.type === 'ordinal' ? 'values' : 'value';
  const mistakes = (listedValues(domain) ?? []).flatMap((value, index) => {
    const message = impossibleValue(possible, value);
    return message === null ? [] : [{ path: key === 'value' ? [key] : [key, index], message }];
  });
  if (mistakes.length <= MOST_TOLD) return mistakes;
  const more = mistakes.length - MOST_TOLD;
  return [
    ...mistakes.slice(0, MOST_TOLD),
    { path: [key], message: `${more} more of these must be ${possibleText(possible)}` },
  ];
}

function impossibleRange(possible: PossibleValues, domain: Extract<ParameterDomain, { type: 'int' | 'float' }>) {
  if (possible.kind === 'choice')
    return [{ path: ['type'], message: `cannot be a range: list values (categorical) of ${possibleText(possible)}` }];
  if (possible.kind === 'whole' && domain.type === 'float')
    return [{ path: ['type'], message: `must be int: it is ${possibleText(possible)}` }];
  return (['min', 'max'] as const).flatMap((end) => {
    const message = impossibleValue(possible, domain[end]);
    return message === null ? [] : [{ path: [end], message }];
  });
}
