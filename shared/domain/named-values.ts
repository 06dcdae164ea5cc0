/** Values by names that people, programs and models choose. */
import { z } from 'zod';

/** `constructor`, `toString`, …: looked up in a record that lacks them, these names seem to be there. */
export const everyObjectHas = (name: string): boolean => name in Object.prototype;

/**
 * A record that also refuses the name `__proto__`, which zod leaves out of every record without a word: what was given
 * would pass for what was left out.
 */
export function namedValues<Value extends z.ZodType>(value: Value, name: z.ZodString = z.string()) {
  return z.preprocess(
    (given: Record<string, z.input<Value>>, context) => {
      if (typeof given === 'object' && given !== null && Object.hasOwn(given, '__proto__'))
        context.addIssue({ code: 'custom', path: ['__proto__'], message: '"__proto__" cannot be used as a name' });
      return given;
    },
    z.record(name, value),
  );
}
