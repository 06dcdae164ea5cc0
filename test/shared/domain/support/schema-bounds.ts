/** Limits of a schema: what is just allowed and just refused. */
import assert from 'node:assert/strict';
import type { z } from 'zod';

/** A path below the whole, values that it may have, and values that it may not have. */
export type Bounds = readonly [path: string, allowed: readonly unknown[], refused: readonly unknown[]];

/** Checks values at places of an object that is valid without the change; a refusal has to name the place. */
export function checkBounds(schema: z.ZodType, valid: object, table: readonly Bounds[]): void {
  assert.ok(schema.safeParse(valid).success, 'the object to begin with');
  for (const [path, allowed, refused] of table) {
    const at = path.split('.');
    for (const value of allowed) {
      const { error } = schema.safeParse(changed(valid, at, value));
      assert.ok(!error, `${path}: ${JSON.stringify(value)} is refused: ${error?.message}`);
    }
    for (const value of refused) {
      const { error } = schema.safeParse(changed(valid, at, value));
      assert.ok(error, `${path}: ${JSON.stringify(value)} is taken`);
      const places = error.issues.map((issue) => issue.path.join('.'));
      assert.ok(
        places.some((place) => path.startsWith(place) || place.startsWith(path)),
        `${path}: ${places}`,
      );
    }
  }
}

function changed(value: object, [key, ...rest]: readonly string[], to: unknown): object {
  if (key === undefined) throw new RangeError('a path has one name at least');
  const copy: Record<string, unknown> = Array.isArray(value)
    ? ([...value] as unknown as Record<string, unknown>)
    : { ...value };
  copy[key] = rest.length === 0 ? to : changed((copy[key] ?? {}) as object, rest, to);
  return copy;
}
