/**
 * What does not fit a schema, in words for whoever wrote it. zod's own messages are for programmers ("Too small: expected
 * string to have >=1 characters"): wherever this module is imported, schemas that say nothing of their own speak these.
 */
import { z } from 'zod';
import { didYouMean } from './did-you-mean.ts';

/** A mistake at a place of what was parsed; an empty path: the whole. */
export interface Mistake {
  path: PropertyKey[];
  message: string;
}

/** The keys that there are where some are not known: an issue names the others only. */
const KNOWN_KEYS = new WeakMap<readonly string[], readonly string[]>();

z.config({ localeError: (issue) => inWords(issue) });

/** Every mistake by itself: each unknown key, and of a union the mistakes in that form which fits furthest. */
export function mistakesIn(error: { issues: readonly z.core.$ZodIssue[] }): Mistake[] {
  return error.issues.flatMap(flatten);
}

/** One line for all mistakes, where there is no room for a list. */
export function mistakesInLine(error: { issues: readonly z.core.$ZodIssue[] }): string {
  return mistakesIn(error)
    .map(({ path, message }) => (path.length > 0 ? `${path.map(String).join('.')}: ${message}` : message))
    .join('; ');
}

/** What a person is told of an error that nobody caught: a value that did not fit its schema is no exception to words. */
export function errorText(error: unknown): string {
  return error instanceof z.ZodError ? mistakesInLine(error) : (error as Error).message;
}

function flatten(issue: z.core.$ZodIssue): Mistake[] {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({
      path: [...issue.path, key],
      message: unknownKey(key, KNOWN_KEYS.get(issue.keys)),
    }));
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    const furthest = [...issue.errors].sort((a, b) => depth(b) - depth(a) || a.length - b.length)[0] ?? [];
    if (depth(furthest) > 0)
      return furthest.flatMap((inner) =>
        flatten({ ...inner, path: [...issue.path, ...inner.path] } as z.core.$ZodIssue),
      );
  }
  return [{ path: issue.path, message: issue.message }];
}

const depth = (issues: readonly z.core.$ZodIssue[]) => Math.max(0, ...issues.map(({ path }) => path.length));

const KINDS: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  tuple: 'a list',
  object: 'keys with values',
  record: 'keys with values',
  null: 'nothing',
  nan: 'NaN',
};
const kind = (name: string) => KINDS[name] ?? name;

/** Values are not repeated: a password may be among them. */
function inWords(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return wrongType(issue.expected, issue.input);
    case 'invalid_value':
      return `${issue.input === undefined ? 'is missing: it ' : ''}must be ${oneOf(issue.values)}${issue.values.length > 1 ? didYouMean(issue.input, issue.values.map(String)) : ''}`;
    case 'too_small':
      return atLeast(issue);
    case 'too_big':
      return atMost(issue);
    case 'not_multiple_of':
      return `must be a multiple of ${issue.divisor}`;
    case 'invalid_format':
      return `must be ${issue.format === 'regex' ? `of the form ${issue.pattern}` : `of the form "${issue.format}"`}`;
    case 'unrecognized_keys':
      KNOWN_KEYS.set(issue.keys, keysOf(issue.inst));
      return issue.keys.map((key) => unknownKey(key, keysOf(issue.inst))).join(', ');
    case 'invalid_union': {
      if (Array.isArray(issue.options)) return `must be ${oneOf(issue.options)}${meantOption(issue)}`;
      const forms = new Set(issue.errors.flatMap(([first]: { message: string }[]) => first?.message ?? []));
      return forms.size > 0 ? [...forms].join(', or ') : 'has several meanings';
    }
    case 'invalid_key':
      return `has a key that cannot be used: ${issue.issues[0]?.message}`;
    default:
      return 'cannot be used';
  }
}

function wrongType(expected: string, input: unknown): string {
  if (input === undefined) return `is missing: it must be ${kind(expected)}`;
  const given = z.core.util.parsedType(input);
  // A number that is not a whole one, or not finite, is none of those that are expected, and yet a number.
  return given === expected || (given === 'number' && expected === 'int')
    ? `must be ${kind(expected)}`
    : `must be ${kind(expected)}, not ${kind(given)}`;
}

const oneOf = (values: readonly unknown[]) => (values.length > 1 ? `one of ${values.join(', ')}` : String(values[0]));
/** The suggestion last: what may stand there can be a long list. */
function unknownKey(key: string, known: readonly string[] = []): string {
  const there = known.length > 0 ? `: use one of ${known.join(', ')}` : '';
  return `unknown key ${JSON.stringify(key)}${there}${didYouMean(key, known)}`;
}

/** The keys of an object's schema; none of others. */
function keysOf(schema: unknown): string[] {
  return Object.keys((schema as { _zod?: { def?: { shape?: object } } } | undefined)?._zod?.def?.shape ?? {});
}

/** Of a union that is told apart by one key. */
function meantOption(issue: z.core.$ZodRawIssue): string {
  const { discriminator, options, input } = issue as { discriminator?: string; options?: unknown[]; input?: unknown };
  return discriminator === undefined ? '' : didYouMean(Object(input)[discriminator], (options ?? []).map(String));
}

const PARTS: Readonly<Record<string, string>> = {
  string: 'characters',
  array: 'entries',
  map: 'entries',
  set: 'entries',
};

function atLeast({ origin, minimum, inclusive, exact }: Extract<z.core.$ZodRawIssue, { code: 'too_small' }>): string {
  const parts = PARTS[origin];
  if (!parts) return `must be ${inclusive ? 'at least' : 'greater than'} ${minimum}`;
  if (exact) return `must have exactly ${minimum} ${parts}`;
  return minimum === 1 ? 'must not be empty' : `must have at least ${minimum} ${parts}`;
}

function atMost({ origin, maximum, inclusive, exact }: Extract<z.core.$ZodRawIssue, { code: 'too_big' }>): string {
  const parts = PARTS[origin];
  if (!parts) return `must be ${inclusive ? 'at most' : 'less than'} ${maximum}`;
  return `must have ${exact ? 'exactly' : 'at most'} ${maximum} ${parts}`;
}
