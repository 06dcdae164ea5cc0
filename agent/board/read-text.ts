/** Reads a file of /proc or /sys, or null where the board does not have it. */
import { readFileSync } from 'node:fs';

export function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return null;
  }
}

/** A file that holds one number, or null. */
export function readNumber(path: string): number | null {
  const text = readText(path);
  const value = text === null || text === '' ? Number.NaN : Number(text);
  return Number.isFinite(value) ? value : null;
}
