/** Values that people may write as text. */
import { z } from 'zod';

/**
 * Lets a string be written where an object is expected; a parse error becomes an issue at that place.
 * @param examples of such strings, for who writes one
 */
export function written<T extends z.ZodType>(schema: T, parse: (text: string) => z.output<T>, examples: string[] = []) {
  const text = examples.length > 0 ? z.string().meta({ examples }) : z.string();
  return z.union([text, schema]).transform((value, context): z.output<T> => {
    if (typeof value !== 'string') return value as z.output<T>;
    try {
      return parse(value);
    } catch (error) {
      context.addIssue({ code: 'custom', message: (error as Error).message });
      return z.NEVER;
    }
  });
}
