/** A recorded board as a host: files, commands and their outputs, with a clock of its own that `sleep` moves. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Host, HostError, type HostMqtt } from '../../agent/board/host.ts';
import { byNumber } from '../../agent/board/system-host.ts';
import { until } from './waiting.ts';

export interface BoardFixture {
  board: string;
  /** Path or command → where its format is documented. */
  sources: Record<string, string>;
  files: Record<string, string>;
  /** Files that are there and may not be read. */
  denied?: string[];
  /** Files that this user may write. */
  writable?: string[];
  /** Command line → what it prints. */
  commands?: Record<string, string>;
  /** Command line → what it says on standard error before it fails. */
  failing?: Record<string, string>;
}

export const BOARDS = [
  'raspberry-pi-3b-plus',
  'raspberry-pi-4',
  'raspberry-pi-5',
  'jetson-nano',
  'jetson-tx2',
  'jetson-agx-xavier',
  'jetson-orin-nano',
  'jetson-agx-orin',
  'x86-laptop',
  'x86-nuc',
] as const;
export type BoardName = (typeof BOARDS)[number];

export function boardFixture(name: BoardName): BoardFixture {
  return JSON.parse(
    readFileSync(join(import.meta.dirname, '../fixtures/boards', `${name}.json`), 'utf8'),
  ) as BoardFixture;
}

type Content = string | (() => string);

export class FixtureHost implements Host {
  readonly files = new Map<string, Content>();
  readonly denied = new Set<string>();
  readonly writable = new Set<string>();
  readonly commands = new Map<string, Content>();
  readonly failing = new Map<string, string>();
  readonly urls = new Map<string, Content>();
  /** What was written and run, in order. */
  readonly log: string[] = [];
  /** Called by `write` after it has been taken: what the kernel makes of it. */
  onWrite: (path: string, text: string) => void = () => {};
  /** Answers of a broker's client, by what is published. */
  onPublish: (topic: string, payload: string) => { topic: string; payload: string } | null = () => null;
  now = 1000;
  #sleepers: { wakeMs: number; wake: () => void }[] = [];

  constructor(fixture: Partial<BoardFixture> = {}) {
    for (const [path, text] of Object.entries(fixture.files ?? {})) this.files.set(path, text);
    for (const path of fixture.denied ?? []) this.denied.add(path);
    for (const path of fixture.writable ?? []) this.writable.add(path);
    for (const [line, text] of Object.entries(fixture.commands ?? {})) this.commands.set(line, text);
    for (const [line, text] of Object.entries(fixture.failing ?? {})) this.failing.set(line, text);
  }

  static of(name: BoardName): FixtureHost {
    return new FixtureHost(boardFixture(name));
  }

  /** The files of a folder under another name, as a kernel that numbers its devices differently has them. */
  rename(folder: string, to: string): void {
    for (const [path, content] of [...this.files]) {
      if (!path.startsWith(`${folder}/`)) continue;
      this.files.delete(path);
      this.files.set(to + path.slice(folder.length), content);
    }
  }

  read(path: string): string {
    if (this.denied.has(path)) throw new HostError('denied', `${path}: EACCES: permission denied`);
    const content = this.files.get(path);
    if (content === undefined) throw new HostError('missing', `${path}: ENOENT: no such file`);
    return textOf(content).replaceAll('\0', '').trim();
  }

  readonly modified = new Map<string, number>();

  modifiedMs(path: string): number | null {
    return this.modified.get(path) ?? null;
  }

  list(folder: string): string[] {
    const names = new Set<string>();
    const start = folder.length + 1;
    const add = (path: string) => {
      if (path[folder.length] !== '/' || !path.startsWith(folder)) return;
      const end = path.indexOf('/', start);
      names.add(end < 0 ? path.slice(start) : path.slice(start, end));
    };
    for (const path of this.files.keys()) add(path);
    for (const path of this.denied) add(path);
    return [...names].sort(byNumber);
  }

  write(path: string, text: string): void {
    if (!this.files.has(path)) throw new HostError('missing', `${path}: ENOENT: no such file`);
    if (!this.writable.has(path)) throw new HostError('denied', `${path}: EACCES: permission denied`);
    this.files.set(path, text);
    this.log.push(`${path} = ${text}`);
    this.onWrite(path, text);
  }

  canWrite(path: string): boolean {
    return this.files.has(path) && this.writable.has(path);
  }

  async run(command: string, args: readonly string[]): Promise<string> {
    const line = [command, ...args].join(' ');
    const failure = this.failing.get(line) ?? this.failing.get(command);
    if (failure !== undefined) throw new HostError('failed', `${line}: ${failure}`);
    const output = this.commands.get(line);
    if (output === undefined) throw new HostError('missing', `${line}: ENOENT`);
    this.log.push(line);
    return textOf(output);
  }

  async httpGet(url: string): Promise<string> {
    const body = this.urls.get(url);
    if (body === undefined) throw new HostError('failed', `${url}: connect ECONNREFUSED`);
    return textOf(body);
  }

  async mqtt(): Promise<HostMqtt> {
    let answer: { topic: string; payload: string } | null = null;
    return {
      publish: (topic, payload) => {
        answer = this.onPublish(topic, payload);
      },
      next: async (topics) => {
        // The question is published right after the answer is waited for.
        await Promise.resolve();
        if (!answer || !topics.includes(answer.topic))
          throw new HostError('failed', 'no message within the time limit');
        return answer.payload;
      },
      close: async () => {},
    };
  }

  nowMs(): number {
    return this.now;
  }

  /** Lets those who sleep on this board wake until its clock has come so far. */
  until(ms: number): Promise<void> {
    return until(`somebody to sleep on this board until ${ms} ms`, () => this.now >= ms, { everyTurn: true });
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const sleeper = { wakeMs: this.now + ms, wake: resolve };
      this.#sleepers.push(sleeper);
      signal?.addEventListener('abort', () => {
        this.#sleepers = this.#sleepers.filter((each) => each !== sleeper);
        reject(signal.reason);
      });
      if (this.#sleepers.length === 1) setImmediate(() => this.#wakeNext());
    });
  }

  /** When everybody sleeps the clock jumps to the first who wakes. */
  #wakeNext(): void {
    this.#sleepers.sort((a, b) => a.wakeMs - b.wakeMs);
    const next = this.#sleepers.shift();
    if (!next) return;
    this.now = Math.max(this.now, next.wakeMs);
    next.wake();
    if (this.#sleepers.length > 0) setImmediate(() => this.#wakeNext());
  }
}

function textOf(content: Content): string {
  return typeof content === 'string' ? content : content();
}
