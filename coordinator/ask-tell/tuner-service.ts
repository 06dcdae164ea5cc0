/** Ask and tell for programs over HTTP: many tuners, each with a journal from which it goes on after a restart. */
import { randomUUID } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { TunerEntry, TunerSpec, TunerSummary, TunerView } from '@edgetune/shared/protocol/tuner-lines.ts';
import type { TunerParts } from '../tuner/tuner-parts.ts';
import { TunerProblemError } from '../tuner/validate-problem.ts';
import { createLocalHost, LostSessionsError, type TunerHost } from './tuner-host.ts';
import type { TunerRepository } from './tuner-repository.ts';

/** A refusal that its reader can do something about; the code tells callers which limit it is. */
export class TunerLimitError extends Error {
  override name = 'TunerLimitError';
  readonly code: 'too-many-tuners' | 'too-many-lines' | 'several-of-the-name';
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
/** Characters of the answers to one request: a front of thousands of trials may be asked for in each of its lines. */
const MOST_ANSWERED = 32 * 2 ** 20;
/** Seconds after which a job is given to whoever asks next, where nobody says: rungs that train for hours are usual. */
export const DEFAULT_LEASE_S = 6 * 3600;

export interface TunerService {
  /**
   * @throws {TunerProblemError} listing every mistake of the specification, or where its trials may be too many
   * @throws {TunerLimitError} where there are too many tuners
   */
  create(spec: TunerSpec): Promise<TunerView>;
  list(): TunerSummary[];
  /**
   * The id of the tuner of this id or name; null: there is none.
   * @throws {TunerLimitError} where several have the name
   */
  idOf(idOrName: string): string | null;
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
  /** Entries that its journal holds. */
  written: number;
}

export interface TunerServiceOptions {
  /** The samplers and schedulers that a specification may name. */
  parts?: TunerParts;
  /** Where they decide; absent: in this thread. */
  host?: TunerHost;
  /** Asks and tells of the tuners that are kept in memory, at most. */
  mostEntriesInMemory?: number;
}

export function createTunerService(tuners: TunerRepository, options: TunerServiceOptions = {}): TunerService {
  return new JournalledTuners(tuners, options);
}

class JournalledTuners implements TunerService {
  readonly #tuners: TunerRepository;
  readonly #host: TunerHost;
  readonly #mostEntriesInMemory: number;
  /** Those used last come last. */
  readonly #running = new Map<string, Running>();
  /** By tuner: ends when what was asked of it before is done. */
  readonly #turns = new Map<string, Promise<unknown>>();
  /** Tuners that are being made, and are not in the store yet. */
  #creating = 0;

  constructor(
    tuners: TunerRepository,
    { parts, host, mostEntriesInMemory = MOST_ENTRIES_IN_MEMORY }: TunerServiceOptions,
  ) {
    this.#tuners = tuners;
    this.#host = host ?? createLocalHost({ leaseS: DEFAULT_LEASE_S, ...(parts ? { parts } : {}) });
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
    const record = { id: `t-${randomUUID()}`, createdAt: new Date().toISOString(), spec };
    const { id, createdAt } = record;
    this.#creating += 1;
    try {
      await this.#host.open(id, spec, []);
      await this.#tuners.insert(record);
    } catch (error) {
      this.#host.drop(id);
      throw error;
    } finally {
      this.#creating -= 1;
    }
    this.#running.set(id, { written: 0 });
    return { id, name: spec.name ?? null, createdAt, state: 'running', trials: 0, open: [], undecided: [] };
  }

  list(): TunerSummary[] {
    return this.#tuners.list();
  }

  idOf(idOrName: string): string | null {
    const all = this.#tuners.list();
    if (all.some(({ id }) => id === idOrName)) return idOrName;
    const [first, ...others] = all.filter(({ name }) => name === idOrName);
    if (others.length > 0)
      throw new TunerLimitError(
        'several-of-the-name',
        `${others.length + 1} tuners are called "${idOrName}": say which by its id (${[first, ...others].map((of) => `${of?.id} of ${of?.createdAt}`).join(', ')})`,
      );
    return first?.id ?? null;
  }

  find(id: string): Promise<TunerView | null> {
    return this.#inTurn(id, async () => {
      const record = this.#readable(id, () => this.#tuners.get(id));
      if (!record) return null;
      await this.#of(id);
      const standing = await this.#asked(() => this.#host.standing(id));
      this.#dropIdle();
      return { id, name: record.spec.name ?? null, createdAt: record.createdAt, ...standing };
    });
  }

  async answer(id: string, lines: readonly string[]): Promise<string[] | null> {
    if (lines.length > MOST_LINES)
      throw new TunerLimitError(
        'too-many-lines',
        `${lines.length} lines at once are too many: send ${MOST_LINES} at most`,
      );
    return this.#inTurn(id, async () => {
      const found = await this.#of(id);
      return found && this.#answer(id, found, lines);
    });
  }

  remove(id: string): Promise<boolean> {
    return this.#inTurn(id, () => {
      this.#forget(id);
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

  async #of(id: string): Promise<Running | null> {
    const known = this.#running.get(id);
    if (known) {
      this.#running.delete(id);
      this.#running.set(id, known);
      return known;
    }
    const [record, entries] = this.#readable(id, () => {
      const found = this.#tuners.get(id);
      return [found, found ? this.#tuners.entries(id) : []];
    });
    if (!record) return null;
    try {
      await this.#asked(() => this.#host.open(id, record.spec, entries));
    } catch (error) {
      if (error instanceof LostSessionsError) throw error;
      throw unreadable(id, error as Error);
    }
    const started = { written: entries.length };
    this.#running.set(id, started);
    return started;
  }

  /** Where the sessions were lost, all are opened anew from their journals when they are needed. */
  async #asked<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      if (error instanceof LostSessionsError) this.#running.clear();
      throw error;
    }
  }

  #forget(id: string) {
    this.#running.delete(id);
    this.#host.drop(id);
  }

  #readable<T>(id: string, read: () => T): T {
    try {
      return read();
    } catch (error) {
      throw unreadable(id, error as Error);
    }
  }

  async #answer(id: string, tuner: Running, lines: readonly string[]): Promise<string[]> {
    const answers: string[] = [];
    const unwritten: TunerEntry[] = [];
    let turnStartedAt = performance.now();
    try {
      let answered = 0;
      for (const line of lines) {
        if (answered > MOST_ANSWERED) {
          answers.push('{"error":"the answers before this one are too long already: send it again by itself"}');
          continue;
        }
        const { answer, entries } = await this.#asked(() => this.#host.answer(id, line));
        answers.push(answer);
        answered += answer.length;
        unwritten.push(...entries);
        if (performance.now() - turnStartedAt < LONGEST_TURN_MS) continue;
        await setImmediate();
        turnStartedAt = performance.now();
      }
      if (unwritten.length > 0) {
        const progress = await this.#asked(() => this.#host.progress(id));
        await this.#tuners.append(id, unwritten, progress);
      }
      tuner.written += unwritten.length;
    } catch (error) {
      // It is ahead of its journal: the next question starts it anew from there.
      this.#forget(id);
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
      this.#forget(id);
      entries -= written;
    }
  }
}

function unreadable(id: string, { message }: Error): UnreadableTunerError {
  return new UnreadableTunerError(`tuner ${id} cannot be read (${message}): delete it, and begin anew`);
}
