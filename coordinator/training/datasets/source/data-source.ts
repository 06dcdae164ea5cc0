/** Where samples come from: a folder, a file or a ZIP archive, as bytes by relative path. Notes what of it makes the data set. */
import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { DatasetError } from '../../training-service.ts';
import { isZip, unpacked } from './archive.ts';
import { filesBelow, hashOf, headOf, readRegularFile, stateOf } from './files.ts';
import { contentHash, type Identity, selected } from './identity.ts';
import { LIMITS, type Limits, sizeText } from './limits.ts';

/** Folders that hold a split are none that an archive is merely packed in. */
const SPLIT_FOLDER = /^(train|training|val|valid|validation|dev|test|testing)$/i;
const GZIP = /\.gz$/i;

type FileRecord = Identity['files'][number];

export class DataSource {
  /** As the study names it. */
  readonly path: string;
  readonly isFolder: boolean;
  readonly limits: Limits;
  /** Every file by its path below the folder, or in the archive; of a file its name. */
  readonly names: readonly string[];
  /** Every folder, likewise. */
  readonly folders: readonly string[];
  /** Of an archive: its files. */
  readonly #archive: ReadonlyMap<string, Uint8Array> | null;
  /** Before `names`: a folder in which everything lies, with a closing slash. */
  readonly #prefix: string;
  readonly #asked = new Set<string>();
  readonly #patterns = new Set<string>();
  readonly #read = new Map<string, FileRecord>();

  private constructor(
    path: string,
    isFolder: boolean,
    { names, folders }: { names: readonly string[]; folders: readonly string[] },
    limits: Limits,
    archive: { files: ReadonlyMap<string, Uint8Array>; record: FileRecord } | null,
  ) {
    this.path = path;
    this.isFolder = isFolder;
    this.limits = limits;
    this.#archive = archive?.files ?? null;
    this.#prefix = isFolder || archive ? sharedFolder(names) : '';
    const below = (path: string) => path.slice(this.#prefix.length);
    this.names = names.map(below);
    this.folders = folders.filter((path) => path.startsWith(this.#prefix)).map(below);
    if (archive) this.#read.set('', archive.record);
  }

  /** @throws {DatasetError} where there is nothing, or something that is neither folder nor regular file */
  static async open(path: string, limits: Limits = LIMITS): Promise<DataSource> {
    const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ENOTDIR')
        throw new DatasetError(`${path} does not exist: expected a folder or a file on the coordinator's machine`);
      throw new DatasetError(`${path} cannot be read (${error.message})`);
    });
    if (found.isDirectory()) {
      const below = await filesBelow(path, limits);
      if (below.names.length === 0) throw new DatasetError(`${path} is empty: expected a folder with samples`);
      return new DataSource(path, true, below, limits, null);
    }
    if (!isZip(headOf(path, '', 4)) || /\.npz$/i.test(path))
      return new DataSource(path, false, { names: [basename(path)], folders: [] }, limits, null);
    const { bytes, ...record } = readRegularFile(path, '', 'a ZIP archive', limits);
    const files = unpacked(path, bytes, limits);
    if (files.size === 0) throw new DatasetError(`${path} is an archive without files`);
    return new DataSource(path, false, { names: [...files.keys()], folders: foldersOf(files.keys()) }, limits, {
      files,
      record,
    });
  }

  /** Whether it is one file, and no archive of several. */
  get isFile(): boolean {
    return !this.isFolder && this.#archive === null;
  }

  /** Names that match, which belong to the data set from now on, together with what will match later. */
  matching(pattern: RegExp): string[] {
    this.#patterns.add(pattern.source);
    const matches = new RegExp(pattern.source, 'i');
    return this.names.filter((name) => matches.test(name));
  }

  /** Whether there is such a file; that it is (not) belongs to the data set from now on. */
  has(name: string): boolean {
    this.#asked.add(name);
    return this.names.includes(name);
  }

  /** A file's path for people. */
  called(name: string): string {
    if (this.isFile) return this.path;
    return join(this.path, this.#prefix + name);
  }

  /** The first bytes, without making the file part of the data set. */
  async head(name: string, count: number): Promise<Uint8Array> {
    const packed = this.#archive?.get(this.#prefix + name);
    return packed?.subarray(0, count) ?? headOf(this.path, this.#pathOf(name), count);
  }

  /** @param expected what it should be, for the refusal @throws {DatasetError} */
  async read(name: string, expected: string): Promise<Uint8Array> {
    this.#asked.add(name);
    const packed = this.#archive?.get(this.#prefix + name);
    if (packed) return packed;
    if (this.#archive) throw new DatasetError(`${this.called(name)} does not exist: expected ${expected}`);
    const { bytes, ...record } = readRegularFile(this.path, this.#pathOf(name), expected, this.limits);
    this.#read.set(record.path, record);
    return bytes;
  }

  /** As `read`; what is packed by gzip is unpacked. @throws {DatasetError} */
  async readUnpacked(name: string, expected: string): Promise<Uint8Array> {
    const bytes = await this.read(name, expected);
    if (!GZIP.test(name)) return bytes;
    try {
      return gunzipSync(bytes, { maxOutputLength: this.limits.fileBytes });
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === 'ERR_BUFFER_TOO_LARGE')
        throw new DatasetError(
          `${this.called(name)} has ${sizeText(bytes.length)} and would unpack to more than ${sizeText(this.limits.fileBytes)}`,
        );
      throw new DatasetError(`${this.called(name)} is damaged: it cannot be unpacked (${message})`);
    }
  }

  /** What the data set is, after everything of it was read. @throws {DatasetError} */
  async identity(): Promise<Identity> {
    const names = this.isFolder ? [...this.#asked].map((name) => this.#prefix + name) : [''];
    const patterns = this.isFolder ? [...this.#patterns].map((source) => inside(this.#prefix, source)) : [];
    const isSelected = selected({ names, patterns });
    const listed = this.isFolder ? this.names.map((name) => this.#prefix + name).filter(isSelected) : [''];
    for (const path of listed) if (!this.#read.has(path)) await this.#note(path);
    const files = [...this.#read.values()];
    const bytes = files.reduce((sum, { size }) => sum + size, 0);
    return { root: this.path, sha256: contentHash(files), bytes, files, names, patterns };
  }

  /** A file that was listed and not read: it is part of the data set all the same. */
  async #note(path: string): Promise<void> {
    const state = await stateOf(this.path, path);
    if (!state) throw new DatasetError(`${this.path} was changed while it was read: try again when it is whole`);
    this.#read.set(path, { ...state, sha256: await hashOf(this.path, path) });
  }

  /** Below the root; of a file that is itself. */
  #pathOf(name: string): string {
    return this.isFolder ? this.#prefix + name : '';
  }
}

function foldersOf(names: Iterable<string>): string[] {
  const folders = new Set<string>();
  for (const name of names)
    for (let at = name.indexOf('/'); at >= 0; at = name.indexOf('/', at + 1)) folders.add(name.slice(0, at));
  return [...folders].sort();
}

/** The folder in which all of these lie, however deep, or nothing; a split or a class by itself is not looked into. */
function sharedFolder(names: readonly string[]): string {
  let prefix = '';
  for (;;) {
    const [first] = names;
    const folder = first?.slice(prefix.length).split('/')[0] ?? '';
    const next = `${prefix}${folder}/`;
    if (SPLIT_FOLDER.test(folder) || !names.every((name) => name.startsWith(next))) return prefix;
    // What is left must have folders of its own, or be no images: else it is the only class that there is.
    if (
      names.every(
        (name) => !name.slice(next.length).includes('/') && !/\.(bin|npy|npz|csv|jsonl|gz|txt)$|ubyte$/i.test(name),
      )
    )
      return prefix;
    prefix = next;
  }
}

/** A pattern for names below a folder, as one for whole paths. */
function inside(prefix: string, source: string): string {
  if (prefix === '') return source;
  const literal = prefix.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return source.startsWith('^') ? `^${literal}${source.slice(1)}` : `^${literal}.*?(?:${source})`;
}
