/** Regular files of a folder, and nothing else: no FIFO, device or socket is ever opened, no link is followed in a circle. */
import { createHash, type Hash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { type FileHandle, open, opendir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DatasetError } from '../../training-service.ts';
import { type Limits, sizeText } from './limits.ts';

/** What file managers and archivers leave behind: no data. */
const LITTER = /^(\.|__MACOSX$|@eaDir$|Thumbs\.db$|desktop\.ini$|lost\+found$)/i;
const DEEPEST = 32;
const CHUNK_BYTES = 4 * 2 ** 20;

export const isLitter = (path: string) => path.split('/').some((name) => LITTER.test(name));

/**
 * Relative paths of all regular files below a folder, and of all folders, in one order whatever the disk's; hidden ones are
 * left out.
 * @throws {DatasetError} where they are too many
 */
export async function filesBelow(
  root: string,
  limits: Pick<Limits, 'files'>,
): Promise<{ names: string[]; folders: string[] }> {
  const found: string[] = [];
  const allFolders: string[] = [];
  const seen = new Set<string>();
  let entries = 0;
  const visit = async (folder: string, depth: number): Promise<void> => {
    const { dev, ino } = await stat(join(root, folder));
    if (seen.has(`${dev}:${ino}`)) return;
    seen.add(`${dev}:${ino}`);
    if (depth > DEEPEST) throw new DatasetError(`${root}: its folders are nested more than ${DEEPEST} levels deep`);
    const folders: string[] = [];
    for await (const entry of await opendir(join(root, folder), { bufferSize: 1024 })) {
      if (++entries > limits.files)
        throw new DatasetError(
          `${root} has more than ${limits.files.toLocaleString('en')} files and folders: name the folder that holds the samples, or pack them (NPZ, IDX, CSV)`,
        );
      if (LITTER.test(entry.name)) continue;
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      const kind = entry.isSymbolicLink() ? await stat(join(root, path)).catch(() => null) : entry;
      if (kind?.isDirectory()) folders.push(path);
      else if (kind?.isFile()) found.push(path);
    }
    allFolders.push(...folders);
    for (const path of folders.sort()) await visit(path, depth + 1);
  };
  await visit('', 0);
  return { names: found.sort(), folders: allFolders.sort() };
}

/** A file as it was when it was looked at. */
export interface FileState {
  /** Relative to the data set's folder; empty: the data set is this file. */
  path: string;
  size: number;
  mtimeMs: number;
}

/** Null where there is no such regular file. @throws what the disk says otherwise */
export async function stateOf(root: string, path: string): Promise<FileState | null> {
  try {
    const found = await stat(join(root, path));
    return found.isFile() ? { path, size: found.size, mtimeMs: found.mtimeMs } : null;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw error;
  }
}

export interface ReadFile extends FileState {
  bytes: Uint8Array;
  /** Of the bytes, in hexadecimal digits. */
  sha256: string;
}

/**
 * Without yielding: a process that reads a data set does nothing else, and thousands of small files come faster so.
 * @param expected what it should have been, for the refusal
 * @throws {DatasetError}
 */
export function readRegularFile(
  root: string,
  path: string,
  expected: string,
  limits: Pick<Limits, 'fileBytes'>,
): ReadFile {
  const name = join(root, path);
  return withFile(name, expected, (file) => {
    const { size, mtimeMs } = regular(fstatSync(file), name, expected);
    if (size > limits.fileBytes)
      throw new DatasetError(
        `${name} has ${sizeText(size)}: at most ${sizeText(limits.fileBytes)} can be read of one file`,
      );
    const bytes = new Uint8Array(size);
    const count = readInto(file, bytes);
    const after = fstatSync(file);
    if (count !== size || after.size !== size || after.mtimeMs !== mtimeMs)
      throw new DatasetError(`${name} was changed while it was read: try again when it is whole`);
    return { path, size, mtimeMs, bytes, sha256: createHash('sha256').update(bytes).digest('hex') };
  });
}

/** The first bytes of a file. @throws {DatasetError} */
export function headOf(root: string, path: string, count: number): Uint8Array {
  const name = join(root, path);
  return withFile(name, 'a file', (file) => {
    regular(fstatSync(file), name, 'a file');
    const head = new Uint8Array(count);
    return head.subarray(0, readInto(file, head));
  });
}

function withFile<T>(name: string, expected: string, use: (file: number) => T): T {
  let file: number;
  try {
    file = openSync(name, FLAGS);
  } catch (error) {
    throw whyNotOpened(error as NodeJS.ErrnoException, name, expected);
  }
  try {
    return use(file);
  } finally {
    closeSync(file);
  }
}

function readInto(file: number, bytes: Uint8Array): number {
  let at = 0;
  while (at < bytes.length) {
    const count = readSync(file, bytes, at, bytes.length - at, at);
    if (count === 0) break;
    at += count;
  }
  return at;
}

/** SHA-256 of a file of any size, in hexadecimal digits. @throws {DatasetError} */
export async function hashOf(root: string, path: string): Promise<string> {
  const name = join(root, path);
  const file = await open(name, FLAGS).catch((error: NodeJS.ErrnoException) => {
    throw whyNotOpened(error, name, 'a file');
  });
  try {
    const { size } = regular(await file.stat(), name, 'a file');
    const sha256: Hash = createHash('sha256');
    for await (const chunk of chunksOf(file, size)) sha256.update(chunk);
    return sha256.digest('hex');
  } finally {
    await file.close();
  }
}

/** Never waits: a FIFO that nobody writes into would keep its reader for ever. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK;

function whyNotOpened({ code, message }: NodeJS.ErrnoException, name: string, expected: string): DatasetError {
  if (code === 'ENOENT' || code === 'ENOTDIR') return new DatasetError(`${name} does not exist: expected ${expected}`);
  if (code === 'ENXIO') return new DatasetError(`${name} is no regular file: expected ${expected}`);
  return new DatasetError(`${name} cannot be read (${message}): expected ${expected}`);
}

function regular(found: Stats, name: string, expected: string): Stats {
  if (found.isDirectory()) throw new DatasetError(`${name} is a folder: expected ${expected}`);
  if (!found.isFile())
    throw new DatasetError(`${name} is no regular file (a device, a pipe or a socket): expected ${expected}`);
  return found;
}

async function* chunksOf(file: FileHandle, size: number): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(Math.min(CHUNK_BYTES, Math.max(1, size)));
  for (let at = 0; at < size; ) {
    const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, size - at), at);
    if (bytesRead === 0) return;
    at += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}
