/**
 * All writes go through one queue, in order: whoever writes gets a promise, and the one thread goes on. What was handed
 * over since the last turn of the event loop is one transaction, so that many small writes cost one wait for the disk.
 * While another program holds the database, everything waits, and nothing is lost. docs/decisions/store.md says why.
 */
import type { Logger } from '@edgetune/shared/log/logger.ts';
import type Libsql from 'libsql';
import { NotWrittenError } from '../lifecycle/not-written-error.ts';
import { codeOf, explainWriteError } from './write-error.ts';

export interface WriteQueueOptions {
  client: Libsql.Database;
  /** Named in messages. */
  file: string;
  log: Logger;
  /** Calls back after so many milliseconds. */
  after?: (ms: number, callback: () => void) => void;
}

interface Waiting {
  work: () => unknown;
  durable: boolean;
  resolve(result: unknown): void;
  reject(error: unknown): void;
}

/** More than this are several transactions, between which others have their turn. */
const MOST_AT_ONCE = 500;
/** How long it is left alone when another program holds the database: first, and at most. */
const FIRST_PAUSE_MS = 25;
const LONGEST_PAUSE_MS = 500;
/** When the log says what everything waits for. */
const TELL_AFTER_MS = 3000;

export class WriteQueue {
  readonly #options: Required<WriteQueueOptions>;
  #waiting: Waiting[] = [];
  /** How many of those that wait are written each by itself, as one of them has failed. */
  #alone = 0;
  /** A turn is due: it writes whatever waits then. */
  #isDue = false;
  #isClosed = false;
  #last: Promise<unknown> = Promise.resolve();
  #pauseMs = FIRST_PAUSE_MS;
  #pausedMs = 0;
  #isTold = false;
  #failures = 0;

  constructor(options: WriteQueueOptions) {
    this.#options = { after: (ms, callback) => void setTimeout(callback, ms), ...options };
  }

  /**
   * Does `work` in a transaction, after everything that was pushed before. It may be done together with others, and more
   * than once until it is written: it changes nothing but the database.
   * @param durable false: it is not waited for the disk, unless others of the same transaction do
   * @returns what `work` did, when it is written; rejects where nothing of it is
   */
  push<T>(work: () => T, durable: boolean): Promise<T> {
    if (this.#isClosed)
      return Promise.reject(
        new NotWrittenError('closed', `${this.#options.file} is closed: nothing is written any more`),
      );
    const written = new Promise<T>((resolve, reject) => {
      this.#waiting.push({ work, durable, resolve: resolve as (result: unknown) => void, reject });
    });
    this.#last = written;
    this.#takeTurn(setImmediate);
    return written;
  }

  /** How many writes have failed so far. */
  get failures(): number {
    return this.#failures;
  }

  /** Resolves when everything that was pushed before is written, or has failed; null: nothing waits. */
  written(): Promise<void> | null {
    if (this.#waiting.length === 0) return null;
    return this.#last.then(
      () => {},
      () => {},
    );
  }

  /**
   * Writes what waits, here and now. Whoever holds the database is waited for as long as the client's `busy_timeout` says;
   * what cannot be written then is rejected, as is everything that comes later.
   */
  close(): void {
    this.#isClosed = true;
    while (this.#waiting.length > 0 && this.#writeNext()) {}
    this.#fail(
      this.#take(this.#waiting.length),
      new NotWrittenError('locked', `${this.#options.file} was locked by another program until the coordinator ended`),
    );
  }

  #takeTurn(when: (turn: () => void) => unknown): void {
    if (this.#isDue) return;
    this.#isDue = true;
    when(() => {
      this.#isDue = false;
      if (this.#waiting.length === 0) return;
      if (this.#writeNext()) this.#goOn();
      else this.#pause();
    });
  }

  #goOn(): void {
    if (this.#isTold) this.#options.log.info(`${this.#options.file} is free again: what waited for it is written`);
    this.#isTold = false;
    this.#pauseMs = FIRST_PAUSE_MS;
    this.#pausedMs = 0;
    if (this.#waiting.length > 0) this.#takeTurn(setImmediate);
  }

  #pause(): void {
    const { file, log, after } = this.#options;
    if (!this.#isTold && this.#pausedMs >= TELL_AFTER_MS) {
      log.warn(
        `${file} is locked by another program (a backup, an SQLite shell?): ${this.#waiting.length} writes wait for it, and studies with them. End that program`,
      );
      this.#isTold = true;
    }
    const pauseMs = this.#pauseMs;
    this.#pausedMs += pauseMs;
    this.#pauseMs = Math.min(LONGEST_PAUSE_MS, 2 * pauseMs);
    this.#takeTurn((turn) => after(pauseMs, turn));
  }

  /** Writes the next of those that wait. False: another program holds the database, and nothing has happened. */
  #writeNext(): boolean {
    const group = this.#waiting.slice(0, this.#alone > 0 ? 1 : MOST_AT_ONCE);
    let results: unknown[];
    try {
      results = this.#transaction(group);
    } catch (error) {
      if (codeOf(error).startsWith('SQLITE_BUSY')) return false;
      // Who of several is at fault shows when each is written by itself: the others do not fail with it.
      if (group.length > 1) this.#alone = group.length;
      else this.#fail(this.#take(1), explainWriteError(error, this.#options.file));
      return true;
    }
    for (const [index, { resolve }] of this.#take(group.length).entries()) resolve(results[index]);
    return true;
  }

  #fail(writes: readonly Waiting[], error: unknown): void {
    this.#failures += writes.length;
    for (const { reject } of writes) reject(error);
  }

  #take(count: number): Waiting[] {
    this.#alone = Math.max(0, this.#alone - count);
    return this.#waiting.splice(0, count);
  }

  #transaction(group: readonly Waiting[]): unknown[] {
    const { client } = this.#options;
    const isDurable = group.some(({ durable }) => durable);
    if (!isDurable) client.exec('PRAGMA synchronous=NORMAL');
    try {
      client.exec('BEGIN IMMEDIATE');
      const results = group.map(({ work }) => work());
      client.exec('COMMIT');
      return results;
    } catch (error) {
      // SQLite itself has rolled back after some errors, such as a full disk; libsql's own transaction() rolls back
      // once more then, and its complaint about that hides the error.
      if (client.inTransaction) client.exec('ROLLBACK');
      throw error;
    } finally {
      if (!isDurable) client.exec('PRAGMA synchronous=FULL');
    }
  }
}
