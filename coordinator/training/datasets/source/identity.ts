/** What a data set is: its files. A hash of their paths and contents; and, to be compared often, their sizes and times. */
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { z } from 'zod';
import { type FileState, filesBelow, hashOf, stateOf } from './files.ts';
import type { Limits } from './limits.ts';

const fileRecordSchema = z.object({
  path: z.string(),
  size: z.number(),
  mtimeMs: z.number(),
  sha256: z.string(),
});
type FileRecord = z.infer<typeof fileRecordSchema>;

export const identitySchema = z.object({
  /** Folder or file; null: it has no files (EdgeTune draws it), and never changes. */
  root: z.string().nullable(),
  sha256: z.string(),
  bytes: z.number(),
  files: z.array(fileRecordSchema),
  /** Files that were asked for by name, whether they are there or not. */
  names: z.array(z.string()),
  /** Sources of the regular expressions, case left out, by which files were listed. */
  patterns: z.array(z.string()),
});
export type Identity = z.infer<typeof identitySchema>;

/** SHA-256 over the paths and contents of files, in the order of their paths. */
export function contentHash(files: readonly Pick<FileRecord, 'path' | 'size' | 'sha256'>[]): string {
  const hash = createHash('sha256');
  for (const { path, size, sha256 } of [...files].sort((a, b) => (a.path < b.path ? -1 : 1)))
    hash.update(`${path}\0${size}\0${sha256}\n`);
  return hash.digest('hex');
}

/** Of data that are a function of their settings. */
export function identityOfSettings(settings: unknown): Identity {
  const sha256 = createHash('sha256').update(JSON.stringify(settings)).digest('hex');
  return { root: null, sha256, bytes: 0, files: [], names: [], patterns: [] };
}

/** Which of these paths a data set consists of. */
export function selected({ names, patterns }: Pick<Identity, 'names' | 'patterns'>): (path: string) => boolean {
  const named = new Set(names);
  const listed = patterns.map((source) => new RegExp(source, 'i'));
  return (path) => named.has(path) || listed.some((pattern) => pattern.test(path));
}

export interface Changes {
  changed: string[];
  gone: string[];
  added: string[];
}

/**
 * How the files differ from what they were; null where they are the same. Contents are read only of files with another
 * time, and noted where they are the same: `identity` has the new times then.
 * @throws what the disk says
 */
export async function changesSince(identity: Identity, limits: Pick<Limits, 'files'>): Promise<Changes | null> {
  const { root, files } = identity;
  if (root === null) return null;
  const now = await statesOf(root, identity, limits);
  const before = new Map(files.map((file) => [file.path, file]));
  const changes: Changes = {
    changed: [],
    gone: files.map(({ path }) => path).filter((path) => !now.has(path)),
    added: [...now.keys()].filter((path) => !before.has(path)),
  };
  for (const [path, { size, mtimeMs }] of now) {
    const known = before.get(path);
    if (!known || (known.size === size && known.mtimeMs === mtimeMs)) continue;
    if (known.size !== size || (await hashOf(root, path)) !== known.sha256) changes.changed.push(path);
    else known.mtimeMs = mtimeMs;
  }
  return Object.values(changes).some((paths) => paths.length > 0) ? changes : null;
}

/** Looks at so many files at once. */
const AT_ONCE = 64;

async function statesOf(
  root: string,
  selection: Pick<Identity, 'names' | 'patterns'>,
  limits: Pick<Limits, 'files'>,
): Promise<Map<string, FileState>> {
  const names = new Set(selection.names);
  if (selection.patterns.length > 0) {
    const isSelected = selected(selection);
    // A folder that is gone has no files.
    const there = (await isFolder(root)) ? (await filesBelow(root, limits)).names : [];
    for (const path of there) if (isSelected(path)) names.add(path);
  }
  const states = new Map<string, FileState>();
  const paths = [...names];
  for (let at = 0; at < paths.length; at += AT_ONCE) {
    const found = await Promise.all(paths.slice(at, at + AT_ONCE).map((path) => stateOf(root, path)));
    for (const state of found) if (state) states.set(state.path, state);
  }
  return states;
}

async function isFolder(root: string): Promise<boolean> {
  return stat(root).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

/** For people: "2 of its 80 files have changed (train/cat/3.png, train/cat/4.png)". */
export function changesText({ changed, gone, added }: Changes, { files }: Pick<Identity, 'files'>): string {
  const some = (paths: readonly string[]) =>
    paths.every((path) => path === '') ? '' : ` (${paths.slice(0, 3).join(', ')}${paths.length > 3 ? ', …' : ''})`;
  const has = (count: number) => (count === 1 ? 'has' : 'have');
  const is = (count: number) => (count === 1 ? 'is' : 'are');
  const parts = [
    changed.length > 0 &&
      `${changed.length} of its ${files.length} files ${has(changed.length)} changed${some(changed)}`,
    gone.length > 0 && `${gone.length} of its ${files.length} files ${is(gone.length)} gone${some(gone)}`,
    added.length > 0 && `${added.length} ${is(added.length)} new${some(added)}`,
  ];
  return parts.filter(Boolean).join(', ');
}
