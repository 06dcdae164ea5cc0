/** What of a study can be read where some of it cannot: so that everything that is wrong is told at once. */
import { type Mistake, mistakesIn } from '@edgetune/shared/domain/schema-mistakes.ts';
import type { ReadableStudy } from '@edgetune/shared/domain/study.ts';
import { type StudyParts, studyFormFor } from '@edgetune/shared/domain/study-parts.ts';

type Path = readonly PropertyKey[];

export interface Readable {
  /** What does not fit its key, each at its place in the document. */
  mistakes: Mistake[];
  /** The study without what cannot be read: keys, entries of lists, parameters. */
  spec: ReadableStudy;
  /** Keys of the study of which something could not be read. */
  broken: ReadonlySet<string>;
  /** A place in the document of one in `spec`, whose lists may lack entries. */
  placeOf(path: Path): Path;
}

/** What is taken out may leave something that cannot be read for the lack of it; each time more is taken out. */
const MOST_ROUNDS = 20;

/** Reads as much of a study as can be read. */
export function readStudy(parts: StudyParts, values: unknown): Readable {
  const form = studyFormFor(parts);
  const whole = form.safeParse(values);
  if (whole.success) return { mistakes: [], spec: whole.data, broken: new Set(), placeOf: (path) => path };
  const mistakes = mistakesIn(whole.error);
  const broken = new Set(mistakes.map(({ path }) => String(path[0])));
  const lenient = form.partial();
  const taken: Path[] = mistakes.map(({ path }) => path);
  for (let round = 0; round < MOST_ROUNDS && taken.every((path) => path.length > 0); round++) {
    const kept = without(values, taken);
    const placeOf = (path: Path) => placeIn(kept, path);
    const read = lenient.safeParse(kept.value);
    if (read.success) return { mistakes, spec: read.data as ReadableStudy, broken, placeOf };
    // What is missing goes with what it is missing in.
    for (const { path } of mistakesIn(read.error))
      taken.push(placeOf(isThere(kept.value, path) ? path : path.slice(0, -1)));
  }
  return { mistakes, spec: {}, broken, placeOf: (path) => path };
}

/** A value of which something was taken out. */
interface Kept {
  value: unknown;
  /** Of a list: where its entries stood before. */
  indices?: number[];
  children: Map<PropertyKey, Kept>;
}

function without(value: unknown, taken: readonly Path[]): Kept {
  const children = new Map<PropertyKey, Kept>();
  const inner = (key: PropertyKey) =>
    taken.filter(([first]) => first !== undefined && String(first) === String(key)).map((path) => path.slice(1));
  const isTaken = (key: PropertyKey) => inner(key).some((path) => path.length === 0);
  if (Array.isArray(value)) {
    const indices = [...value.keys()].filter((index) => !isTaken(index));
    const kept = indices.map((index) => without(value[index], inner(index)));
    for (const [index, child] of kept.entries()) children.set(index, child);
    return { value: kept.map((child) => child.value), indices, children };
  }
  if (taken.length === 0 || typeof value !== 'object' || value === null) return { value, children };
  for (const [key, entry] of Object.entries(value)) if (!isTaken(key)) children.set(key, without(entry, inner(key)));
  return { value: Object.fromEntries([...children].map(([key, child]) => [key, child.value])), children };
}

function placeIn(kept: Kept, [key, ...rest]: Path): PropertyKey[] {
  if (key === undefined) return [];
  const child = kept.children.get(key);
  const place = kept.indices?.[Number(key)] ?? key;
  return [place, ...(child ? placeIn(child, rest) : rest)];
}

function isThere(value: unknown, path: Path): boolean {
  let at = value;
  for (const key of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return false;
    at = (at as Record<PropertyKey, unknown>)[key];
  }
  return true;
}
