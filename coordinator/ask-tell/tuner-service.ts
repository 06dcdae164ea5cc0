/** Ask and tell for programs over HTTP: many tuners, each with a journal from which it goes on after a restart. */
import { randomUUID } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { TunerEntry, TunerSpec, TunerView } from '@edgetune/shared/protocol/tuner-lines.ts';
import { TUNER_PARTS, type TunerParts } from '../tuner/tuner-parts.ts';
import { TunerProblemError } from '../tuner/validate-problem.ts';
import type { TunerRepository } from './tuner-repository.ts';
import { createTunerSession, type TunerSession } from './tuner-session.ts';

/** A refusal that its reader can do something about; the code tells callers which limit it is. */
export class TunerLimitError extends Error {
  override name = 'TunerLimitError';
  readonly code: 'too-many-tuners' | 'too-many-lines';
  constructor(code: TunerLimitError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/** What the store holds of a tuner cannot be read. */
export class UnreadableTunerError extends Error {
  override name = 'UnreadableTunerError';
}

/** A tuner keeps up to two kilobytes a trial in memory. */
const MOST_TUNERS = 100;
const MOST_LINES = 1000;
const MOST_TRIALS = 10_000;
/** Asks and tells of the tuners that are kept in memory: about 100 MB. The one that was used last always is. */
const MOST_ENTRIES_IN_MEMORY = 100_000;
/** Lines are answered so long without a pause; then others have their turn. */
const LONGEST_TURN_MS = 20;

export interface TunerService {
  /**
   * @throws {TunerProblemError} listing every mistake of the specification, or where its trials may be too many
   * @throws {TunerLimitError} where there are too many tuners
   */
  create(spec: TunerSpec): Promise<TunerView>;
  list(): Omit<TunerView, 'open'>[];
  /** As its journal has it. Null: there is none of this id. @throws {UnreadableTunerError} */
  find(id: string): Promise<TunerView | null>;
  /**
   * Answers lines in their order, after those that came before. When the answers are there, everything that they
   * changed is in the journal. Null: there is no tuner of this id.
   * @throws {TunerLimitError} where there are too many lines at once
   * @throws {UnreadableTunerError}
   */
  answer(id: string, lines: readonly string[]): Promise<string[] | null>;
  /** False: there was none. */
  remove(id: string): Promise<boolean>;
}

interface Running {
  session: TunerSession;
  /** What was changed since the journal was written. */
  unwritten: TunerEntry[];
  /** Entries that its journal holds. */
  written: number;
}

export interface TunerServiceOptions {
  /** The samplers and schedulers that a specification may name. */
  parts?: TunerParts;
  /** Asks and tells of the tuners that are kept in memory, at most. */
  mostEntriesInMemory?: number;
}

export function createTunerService(tuners: TunerRepository, options: TunerServiceOptions = {}): TunerService {
  return new JournalledTuners(tuners, options);
}

class JournalledTuners implements TunerService {
  readonly #tuners: TunerRepository;
  readonly #parts: TunerParts;
  readonly #mostEntriesInMemory: number;
  /** Those used last come last. */
  readonly #running = new Map<string, Running>();
  /** By tuner: ends when what was asked of it before is done. */
  readonly #turns = new Map<string, Promise<unknown>>();
  /** Tuners that are being made, and are not in the store yet. */
  #creating = 0;

  constructor(
    tuners: TunerRepository,
    { parts = TUNER_PARTS, mostEntriesInMemory = MOST_ENTRIES_IN_MEMORY }: TunerServiceOptions,
  ) {
    this.#tuners = tuners;
    this.#parts = parts;
    this.#mostEntriesInMemory = mostEntriesInMemory;
  }

  async create(spec: TunerSpec): Promise<TunerView> {
    if (this.#tuners.list().length + this.#creating >= MOST_TUNERS)
      throw new TunerLimitError(
        'too-many-tuners',
        `there are ${MOST_TUNERS} tuners already: delete one that is not needed any more`,
      );
    if (spec.stop.trials > MOST_TRIALS)
      throw new TunerProblemError([
        {
          path: ['stop', 'trials'],
          message: `${spec.stop.trials} trials are too many for a tuner over HTTP: ${MOST_TRIALS} at most ("edgetune tuner" takes more)`,
        },
      ]);
    const started = this.#start(spec);
    const record = { id: `t-${randomUUID()}`, createdAt: new Date().toISOString(), spec };
    this.#creating += 1;
    try {
      await this.#tuners.insert(record);
    } finally {
      this.#creating -= 1;
    }
    this.#running.set(record.id, started);
    return { id: record.id, createdAt: record.createdAt, open: [] };
  }

  list(): Omit<TunerView, 'open'>[] {
    return this.#tuners.list();
  }

  find(id: string): Promise<TunerView | null> {
    return this.#inTurn(id, () => {
      const record = this.#readable(id, () => this.#tuners.get(id));
      if (!record) return null;
      const open = this.#of(id)?.session.open() ?? [];
      this.#dropIdle();
      return { id, createdAt: record.createdAt, open };
    });
  }

  async answer(id: string, lines: readonly string[]): Promise<string[] | null> {
    if (lines.length > MOST_LINES)
      throw new TunerLimitError(
        'too-many-lines',
        `${lines.length} lines at once are too many: send ${MOST_LINES} at most`,
      );
    return this.#inTurn(id, () => {
      const found = this.#of(id);
      return found && this.#answer(id, found, lines);
    });
  }

  remove(id: string): Promise<boolean> {
    return this.#inTurn(id, () => {
      this.#running.delete(id);
      return this.#tuners.remove(id);
    });
  }

  /** One after the other for each tuner: nobody sees what is not in its journal, or writes for one that is gone. */
  #inTurn<T>(id: string, work: () => T | Promise<T>): Promise<T> {
    const done = (this.#turns.get(id) ?? Promise.resolve()).then(work);
    const ended = done.catch(() => {});
    this.#turns.set(id, ended);
    void ended.then(() => this.#turns.get(id) === ended && this.#turns.delete(id));
    return done;
  }

  #start(spec: TunerSpec): Running {
    const unwritten: TunerEntry[] = [];
    const session = createTunerSession(spec, { parts: this.#parts, record: (entry) => void unwritten.push(entry) });
    return { session, unwritten, written: 0 };
  }

  #of(id: string): Running | null {
    const known = this.#running.get(id);
    if (known) {
      this.#running.delete(id);
      this.#running.set(id, known);
      return known;
    }
    const started = this.#readable(id, () => {
      const record = this.#tuners.get(id);
      if (!record) return null;
      const tuner = this.#start(record.spec);
      const entries = this.#tuners.entries(id);
      tuner.session.replay(entries);
      return { ...tuner, written: entries.length };
    });
    if (started) this.#running.set(id, started);
    return started;
  }

  #readable<T>(id: string, read: () => T): T {
    try {
      return read();
    } catch (error) {
      const why = (error as Error).message;
      throw new UnreadableTunerError(`tuner ${id} cannot be read (${why}): delete it, and begin anew`);
    }
  }

  async #answer(id: string, tuner: Running, lines: readonly string[]): Promise<string[]> {
    const { session, unwritten } = tuner;
    const answers: string[] = [];
    let turnStartedAt = performance.now();
    for (const line of lines) {
      answers.push(session.answer(line));
      if (performance.now() - turnStartedAt < LONGEST_TURN_MS) continue;
      await setImmediate();
      turnStartedAt = performance.now();
    }
    try {
      const entries = unwritten.splice(0);
      await this.#tuners.append(id, entries);
      tuner.written += entries.length;
    } catch (error) {
      // It is ahead of its journal: the next question starts it anew from there.
      this.#running.delete(id);
      throw error;
    }
    this.#dropIdle();
    return answers;
  }

  /** Drops those from memory that were not used for longest: their journals bring them back at the next request. */
  #dropIdle(): void {
    let entries = [...this.#running.values()].reduce((sum, { written }) => sum + written, 0);
    for (const [id, { written }] of [...this.#running].slice(0, -1)) {
      if (entries <= this.#mostEntriesInMemory) return;
      if (this.#turns.has(id)) continue;
      this.#running.delete(id);
      entries -= written;
    }
  }
}
