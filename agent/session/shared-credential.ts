/**
 * That another board uses this one's credential, in a file: the agent stands back or goes on, and `doctor` says so, also after
 * a restart.
 */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeDurably } from '@edgetune/shared/runtime/durable-file.ts';
import { z } from 'zod';

const noteSchema = z.object({
  version: z.literal(1),
  /** Whether this board is the one that is refused. */
  isRefused: z.boolean(),
  name: z.string(),
  first: z.string(),
  second: z.string(),
  at: z.string(),
});
export type SharedCredentialNote = Omit<z.infer<typeof noteSchema>, 'version'>;

const fileOf = (dataDirectory: string) => join(dataDirectory, 'shared-credential.json');
/** A refused board says so every five minutes: of what was said a day ago nobody knows whether it holds. */
const LIFE_MS = 24 * 60 * 60 * 1000;

export function noteSharedCredential(dataDirectory: string, note: SharedCredentialNote): void {
  writeDurably(fileOf(dataDirectory), JSON.stringify({ version: 1, ...note }));
}

export function sharedCredentialNote(dataDirectory: string, nowMs: number = Date.now()): SharedCredentialNote | null {
  try {
    const { version: _, ...note } = noteSchema.parse(JSON.parse(readFileSync(fileOf(dataDirectory), 'utf8')));
    return nowMs - Date.parse(note.at) > LIFE_MS ? null : note;
  } catch {
    return null;
  }
}

/** It has joined, or was let in: it has a credential of its own. */
export function forgetSharedCredential(dataDirectory: string): void {
  rmSync(fileOf(dataDirectory), { force: true });
}
