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
  /** Null: there is none of this id. @throws {UnreadableTunerError} */
  find(id: string): TunerView | null;
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

export function createTunerService(
  tuners: TunerRepository,
  { parts = TUNER_PARTS, mostEntriesInMemory = MOST_ENTRIES_IN_MEMORY }: TunerServiceOptions = {},
): TunerService {
  /** Those used last come last. */
  const running = new Map<string, Running>();
  /** By tuner: ends when the lines that came before are answered. */
  const turns = new Map<string, Promise<unknown>>();

  function start(spec: TunerSpec): Running {
    const unwritten: TunerEntry[] = [];
    const session = createTunerSession(spec, { parts, record: (entry) => void unwritten.push(entry) });
    return { session, unwritten, written: 0 };
  }

  function of(id: string): Running | null {
    const known = running.get(id);
    if (known) {
      running.delete(id);
      running.set(id, known);
      return known;
    }
    const started = readable(id, () => {
      const record = tuners.get(id);
      if (!record) return null;
      const tuner = start(record.spec);
      const entries = tuners.entries(id);
      tuner.session.replay(entries);
      return { ...tuner, written: entries.length };
    });
    if (started) running.set(id, started);
    return started;
  }

  function readable<T>(id: string, read: () => T): T {
    try {
      return read();
    } catch (error) {
      const why = (error as Error).message;
      throw new UnreadableTunerError(`tuner ${id} cannot be read (${why}): delete it, and begin anew`);
    }
  }

  /** Drops those from memory that were not used for longest: their journals bring them back at the next request. */
  function dropIdle(): void {
    let entries = [...running.values()].reduce((sum, { written }) => sum + written, 0);
    for (const [id, { written }] of [...running].slice(0, -1)) {
      if (entries <= mostEntriesInMemory) return;
      if (turns.has(id)) continue;
      running.delete(id);
      entries -= written;
    }
  }

  async function answerInTurn(id: string, tuner: Running, lines: readonly string[]) {
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
      await tuners.append(id, entries);
      tuner.written += entries.length;
    } catch (error) {
      // It is ahead of its journal: the next question starts it anew from there.
      running.delete(id);
      throw error;
    }
    dropIdle();
    return answers;
  }

  return {
    async create(spec) {
      if (tuners.list().length >= MOST_TUNERS)
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
      const started = start(spec);
      const record = { id: `t-${randomUUID()}`, createdAt: new Date().toISOString(), spec };
      await tuners.insert(record);
      running.set(record.id, started);
      return { id: record.id, createdAt: record.createdAt, open: [] };
    },
    list: () => tuners.list(),
    find(id) {
      const record = readable(id, () => tuners.get(id));
      if (!record) return null;
      const open = of(id)?.session.open() ?? [];
      dropIdle();
      return { id, createdAt: record.createdAt, open };
    },
    async answer(id, lines) {
      if (lines.length > MOST_LINES)
        throw new TunerLimitError(
          'too-many-lines',
          `${lines.length} lines at once are too many: send ${MOST_LINES} at most`,
        );
      const before = turns.get(id) ?? Promise.resolve();
      const answers = before.then(() => {
        const found = of(id);
        return found && answerInTurn(id, found, lines);
      });
      const ended = answers.catch(() => {});
      turns.set(id, ended);
      void ended.then(() => turns.get(id) === ended && turns.delete(id));
      return answers;
    },
    async remove(id) {
      const isRemoved = await tuners.remove(id);
      running.delete(id);
      return isRemoved;
    },
  };
}
