/**
 * All writes go through one queue, in order: whoever writes gets a promise, and the one thread goes on. What was handed
 * over since the last turn of the event loop is one transaction, so that many small writes cost one wait for the disk.
 * While another program holds the database, everything waits, and nothing is lost. While the disk is full, what has
 * happened already waits likewise; what a person asks for is refused at once. docs/decisions/store.md says why.
 */
import type { Logger } from '@edgetune/shared/log/logger.ts';
import type Libsql from 'libsql';
import { NotWrittenError } from '../lifecycle/not-written-error.ts';
import type { Troubles } from '../lifecycle/troubles.ts';
import { codeOf, explainWriteError } from './write-error.ts';

export interface WriteQueueOptions {
  client: Libsql.Database;
  /** Named in messages. */
  file: string;
  log: Logger;
  /** Has the reason while something waits for the disk, or has waited for another program for long. */
  troubles: Troubles;
  /** Calls back after so many milliseconds. */
  after?: (ms: number, callback: () => void) => void;
}

export interface WriteOptions {
  /** False: it is not waited for the disk, unless others of the same transaction do. */
  durable: boolean;
  /** Waits while the disk is full or cannot be written: it has happened, and nobody would do it again. */
  patient: boolean;
}

interface Waiting extends WriteOptions {
  work: () => unknown;
  resolve(result: unknown): void;
  reject(error: unknown): void;
}

/** What an attempt came to; an obstacle says why nothing can be written for now. */
type Attempt = 'written' | 'failed' | Obstacle;
type Obstacle = NotWrittenError | 'locked';

/** What was said of an obstacle; `end` takes it back. */
interface Told {
  because: NotWrittenError['because'];
  end: () => void;
}

/** More than this are several transactions, between which others have their turn. */
const MOST_AT_ONCE = 500;
/** How long it is left alone when it cannot be written: first, and at most (held by another program; for the disk). */
const FIRST_PAUSE_MS = 25;
const LONGEST_PAUSE_MS = { locked: 500, disk: 2000 };
/** When the log says that another program holds it. */
const TELL_AFTER_MS = 3000;

export class WriteQueue {
  readonly #options: Required<WriteQueueOptions>;
  #waiting: Waiting[] = [];
  /** How many of those that wait are written each by itself, as one of them has failed. */
  #alone = 0;
  /** The turn that is due: it writes whatever waits then. Another may take its place. */
  #due: object | null = null;
  #isClosed = false;
  /** The last ones of both kinds: those that wait for space are overtaken by the refusal of others. */
  #last: { patient: Promise<unknown>; other: Promise<unknown> } = {
    patient: Promise.resolve(),
    other: Promise.resolve(),
  };
  #pauseMs = FIRST_PAUSE_MS;
  #pausedMs = 0;
  /** What was told, until it is over. */
  #told: Told | null = null;
  #failures = 0;

  constructor(options: WriteQueueOptions) {
    this.#options = { after: (ms, callback) => void setTimeout(callback, ms), ...options };
  }

  /**
   * Does `work` in a transaction, after everything that was pushed before. It may be done together with others, and more
   * than once until it is written: it changes nothing but the database.
   * @returns what `work` did, when it is written; rejects where nothing of it is
   */
  push<T>(work: () => T, { durable, patient }: WriteOptions): Promise<T> {
    if (this.#isClosed)
      return Promise.reject(
        new NotWrittenError('closed', `${this.#options.file} is closed: nothing is written any more`),
      );
    const written = new Promise<T>((resolve, reject) => {
      this.#waiting.push({ work, durable, patient, resolve: resolve as (result: unknown) => void, reject });
    });
    this.#last[patient ? 'patient' : 'other'] = written;
    // Who is refused at once is to hear whether that still holds.
    const isWaitingForSpace = this.#told !== null && this.#told.because !== 'locked';
    if (!this.#due || (isWaitingForSpace && !patient)) this.#takeTurn(setImmediate);
    return written;
  }

  /** How many patient writes have failed so far. */
  get failures(): number {
    return this.#failures;
  }

  /** Resolves when everything that was pushed before is written, or has failed; null: nothing waits. */
  written(): Promise<void> | null {
    if (this.#waiting.length === 0) return null;
    return Promise.allSettled(Object.values(this.#last)).then(() => {});
  }

  /**
   * Writes what waits, here and now. Whoever holds the database is waited for as long as the client's `busy_timeout` says;
   * what cannot be written then is rejected, as is everything that comes later.
   */
  close(): void {
    const { file } = this.#options;
    this.#isClosed = true;
    let obstacle: Obstacle = 'locked';
    while (this.#waiting.length > 0) {
      const attempt = this.#writeNext();
      if (attempt === 'written' || attempt === 'failed') continue;
      obstacle = attempt;
      break;
    }
    this.#fail(
      this.#take(this.#waiting.length),
      obstacle === 'locked'
        ? new NotWrittenError('locked', `${file} was locked by another program until the coordinator ended`)
        : obstacle,
    );
    this.#told?.end();
    this.#told = null;
  }

  #takeTurn(when: (turn: () => void) => unknown): void {
    const due = {};
    this.#due = due;
    when(() => {
      if (this.#due !== due) return;
      this.#due = null;
      if (this.#waiting.length === 0) return;
      const attempt = this.#writeNext();
      if (attempt === 'written' || attempt === 'failed') this.#goOn(attempt);
      else this.#pause(attempt);
    });
  }

  #goOn(attempt: 'written' | 'failed'): void {
    // A write that fails by itself says nothing of the disk.
    if (attempt === 'written' || this.#waiting.length === 0) {
      if (this.#told) this.#tellEnd(this.#told);
      this.#pauseMs = FIRST_PAUSE_MS;
      this.#pausedMs = 0;
    }
    if (this.#waiting.length > 0) this.#takeTurn(setImmediate);
  }

  #pause(obstacle: Obstacle): void {
    const { after } = this.#options;
    const isLocked = obstacle === 'locked';
    if (!isLocked) this.#tell(obstacle.because, obstacle.message);
    else if (this.#pausedMs >= TELL_AFTER_MS && !this.#told)
      this.#tell('locked', `${this.#options.file} is locked by another program (a backup, an SQLite shell?)`);
    const pauseMs = this.#pauseMs;
    this.#pausedMs += pauseMs;
    this.#pauseMs = Math.min(LONGEST_PAUSE_MS[isLocked ? 'locked' : 'disk'], 2 * pauseMs);
    this.#takeTurn((turn) => after(pauseMs, turn));
  }

  /** Says it once, for as long as it is the same. */
  #tell(because: NotWrittenError['because'], message: string): void {
    const { log, troubles } = this.#options;
    if (this.#told?.because === because) return;
    const waiting = `${this.#waiting.length} writes wait for it, and studies with them`;
    if (because === 'locked') log.warn(`${message}: ${waiting}. End that program`);
    else log.error(`${message}. ${waiting}: they go on by themselves`);
    const before = this.#told;
    const shown = because === 'locked' ? `${message}: end that program` : message;
    this.#told = { because, end: troubles.begin({ because, message: shown }) };
    before?.end();
  }

  #tellEnd({ because, end }: Told): void {
    const { file, log } = this.#options;
    const what = because === 'locked' ? 'is free again' : 'can be written again';
    log.info(`${file} ${what}: what waited for it is written`);
    this.#told = null;
    end();
  }

  #writeNext(): Attempt {
    const group = this.#waiting.slice(0, this.#alone > 0 ? 1 : MOST_AT_ONCE);
    let results: unknown[];
    try {
      results = this.#transaction(group);
    } catch (error) {
      if (codeOf(error).startsWith('SQLITE_BUSY')) return 'locked';
      return this.#meet(error, group);
    }
    for (const [index, { resolve }] of this.#take(group.length).entries()) resolve(results[index]);
    return 'written';
  }

  #meet(error: unknown, [first, ...others]: readonly Waiting[]): Attempt {
    // Who of several is at fault shows when each is written by itself: the others do not fail with it. And where little
    // space is left, a part of them may have it.
    if (others.length > 0) {
      this.#alone = others.length + 1;
      return this.#writeNext();
    }
    const explained = explainWriteError(error, this.#options.file);
    // What a repository has found by itself is no matter of the disk.
    const isOfTheDisk = explained instanceof NotWrittenError && explained !== error;
    if (isOfTheDisk && first?.patient) {
      this.#refuseImpatient(explained);
      return explained;
    }
    this.#fail(this.#take(1), explained);
    return 'failed';
  }

  #refuseImpatient(error: NotWrittenError): void {
    const refused = this.#waiting.filter(({ patient }) => !patient);
    this.#alone = this.#waiting.slice(0, this.#alone).filter(({ patient }) => patient).length;
    this.#waiting = this.#waiting.filter(({ patient }) => patient);
    this.#fail(refused, error);
  }

  #fail(writes: readonly Waiting[], error: unknown): void {
    for (const { patient, reject } of writes) {
      if (patient) this.#failures++;
      reject(error);
    }
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
