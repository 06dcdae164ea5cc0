/** Ask and tell for programs over HTTP: many tuners, each with a journal from which it goes on after a restart. */
import { randomUUID } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { TunerEntry, TunerSpec, TunerView } from '@edgetune/shared/protocol/tuner-lines.ts';
import type { TunerRepository } from './tuner-repository.ts';
import { createTunerSession, type TunerSession } from './tuner-session.ts';

/** A refusal that its reader can do something about. */
export class TunerLimitError extends Error {
  override name = 'TunerLimitError';
}

/** A tuner keeps up to two kilobytes a trial in memory. */
const MOST_TUNERS = 100;
const MOST_LINES = 1000;
/** Lines are answered so long without a pause; then others have their turn. */
const LONGEST_TURN_MS = 20;

export interface TunerService {
  /** @throws {TunerProblemError} listing every mistake of the specification. @throws {TunerLimitError} */
  create(spec: TunerSpec): TunerView;
  list(): Omit<TunerView, 'open'>[];
  /** Null: there is none of this id. */
  find(id: string): TunerView | null;
  /**
   * Answers lines in their order, after those that came before. When the answers are there, everything that they
   * changed is in the journal. Null: there is no tuner of this id.
   * @throws {TunerLimitError} where there are too many lines at once
   */
  answer(id: string, lines: readonly string[]): Promise<string[] | null>;
  /** False: there was none. */
  remove(id: string): boolean;
}

interface Running {
  session: TunerSession;
  /** What was changed since the journal was written. */
  unwritten: TunerEntry[];
}

export function createTunerService(tuners: TunerRepository): TunerService {
  const running = new Map<string, Running>();
  /** By tuner: ends when the lines that came before are answered. */
  const turns = new Map<string, Promise<unknown>>();

  function start(spec: TunerSpec): Running {
    const unwritten: TunerEntry[] = [];
    return { session: createTunerSession(spec, (entry) => unwritten.push(entry)), unwritten };
  }

  function of(id: string): Running | null {
    const known = running.get(id);
    if (known) return known;
    const record = tuners.get(id);
    if (!record) return null;
    const started = start(record.spec);
    started.session.replay(tuners.entries(id));
    running.set(id, started);
    return started;
  }

  async function answerInTurn(id: string, { session, unwritten }: Running, lines: readonly string[]) {
    const answers: string[] = [];
    let turnStartedAt = performance.now();
    for (const line of lines) {
      answers.push(session.answer(line));
      if (performance.now() - turnStartedAt < LONGEST_TURN_MS) continue;
      await setImmediate();
      turnStartedAt = performance.now();
    }
    try {
      tuners.append(id, unwritten.splice(0));
    } catch (error) {
      // It is ahead of its journal: the next question starts it anew from there.
      running.delete(id);
      throw error;
    }
    return answers;
  }

  return {
    create(spec) {
      if (tuners.list().length >= MOST_TUNERS)
        throw new TunerLimitError(`there are ${MOST_TUNERS} tuners already: delete one that is not needed any more`);
      const started = start(spec);
      const record = { id: `t-${randomUUID()}`, createdAt: new Date().toISOString(), spec };
      tuners.insert(record);
      running.set(record.id, started);
      return { id: record.id, createdAt: record.createdAt, open: [] };
    },
    list: () => tuners.list(),
    find(id) {
      const record = tuners.get(id);
      return record && { id, createdAt: record.createdAt, open: of(id)?.session.open() ?? [] };
    },
    async answer(id, lines) {
      if (lines.length > MOST_LINES)
        throw new TunerLimitError(`${lines.length} lines at once are too many: send ${MOST_LINES} at most`);
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
    remove(id) {
      if (!tuners.get(id)) return false;
      tuners.remove(id);
      running.delete(id);
      return true;
    },
  };
}
