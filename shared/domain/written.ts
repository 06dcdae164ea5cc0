/** Values that people may write as text. */
import { z } from 'zod';

/** Lets a string be written where an object is expected; a parse error becomes an issue at that place. */
export function written<T extends z.ZodType>(schema: T, parse: (text: string) => z.output<T>) {
  return z.union([z.string(), schema]).transform((value, context): z.output<T> => {
    if (typeof value !== 'string') return value as z.output<T>;
    try {
      return parse(value);
    } catch (error) {
      context.addIssue({ code: 'custom', message: (error as Error).message });
      return z.NEVER;
    }
  });
}
