/** Files that lie beside another one: what a file may bring along from its own folder, and from nowhere else. */
import { readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, sep } from 'node:path';

/** A file that may not be read, or is not there: with what to do. */
export class SiblingFileError extends Error {
  override name = 'SiblingFileError';
}

/**
 * Reads a file of the folder in which another one lies, or of a folder below it.
 * @param location relative to that folder, as the other file writes it
 * @param leastBytes shorter ones are refused unread
 * @throws {SiblingFileError} where it leads out of the folder (by `..`, as an absolute path, by a link), is no regular file, or is not there
 */
export function readSibling(path: string, location: string, leastBytes = 0): Uint8Array {
  const folder = realpathSync(dirname(path));
  const named = JSON.stringify(location);
  const refuse = (why: string): never => {
    throw new SiblingFileError(`${path} keeps data in ${named}${why}`);
  };
  const isWithin = (inner: string) =>
    inner !== '' && inner !== '..' && !inner.startsWith(`..${sep}`) && !isAbsolute(inner);
  const outside = ', which is outside its folder: nothing outside is read';
  if (location.includes('\0') || isAbsolute(location) || location.split(/[\\/]/).includes('..')) refuse(outside);
  let real = '';
  try {
    real = realpathSync(join(folder, location));
  } catch {
    refuse(`, which is not there: copy it into ${folder}, too`);
  }
  if (!isWithin(relative(folder, real))) refuse(outside);
  const stat = statSync(real);
  if (!stat.isFile()) refuse(', which is no file');
  if (stat.size < leastBytes)
    refuse(`, which has ${stat.size} bytes where it needs ${leastBytes}: copy or export it again`);
  return readFileSync(real);
}
