/**
 * Mutants that change nothing that anyone could see, kept with the reason: one JSON file a folder of sources, such as
 * `scripts/mutate/equivalent/shared/domain.json`. They are named by text, not by line, so that an edit elsewhere keeps them.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Mutant } from './mutants.ts';

const entriesSchema = z.array(
  z.strictObject({
    file: z.string(),
    before: z.string(),
    after: z.string(),
    reason: z.string().min(20, 'say in words why nobody could see it'),
  }),
);

export type Equivalent = z.infer<typeof entriesSchema>[number];

/**
 * All entries below a folder.
 * @throws Error naming the file and the entry that cannot be read
 */
export function readEquivalents(folder: string): Equivalent[] {
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.json'));
  return files.sort().flatMap((file) => {
    const path = join(folder, file);
    try {
      return entriesSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
    } catch (error) {
      const why = error instanceof z.ZodError ? z.prettifyError(error) : String(error);
      throw new Error(`${path} is not a list of { file, before, after, reason }:\n${why}`);
    }
  });
}

export const isEquivalent = (mutant: Mutant, entry: Equivalent) =>
  mutant.file === entry.file && mutant.before === entry.before && mutant.after === entry.after;
