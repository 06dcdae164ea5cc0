/** Where a Python has its packages, without starting it, which takes a small board seconds. */
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { entries, type Host } from '../../board/host.ts';

/**
 * The interpreter itself, and the folders in which packages may lie, whether they are there or not: pip and apt change the
 * folder's time whenever they install, renew or remove a package.
 * @param interpreter a path, or a name that is looked for in PATH
 */
export function pythonFolders(host: Host, interpreter: string): string[] {
  const folders = interpreter.includes('/') ? [dirname(interpreter)] : (process.env.PATH ?? '').split(delimiter);
  const found = folders.map((folder) => join(folder, interpreter.replace(/^.*\//, '')));
  const program = found.find((path) => host.modifiedMs(path) !== null);
  if (program === undefined) return found;
  const prefix = dirname(dirname(program));
  const libraries = [prefix, join(prefix, 'local'), '/usr', '/usr/local', join(homedir(), '.local')].flatMap((root) =>
    entries(host, join(root, 'lib'), /^python3(\.\d+)?$/),
  );
  const packages = libraries.flatMap((library) => [join(library, 'site-packages'), join(library, 'dist-packages')]);
  return [program, ...new Set(packages)];
}
