/** Where the sessions of tuners live: here, or in a thread of their own. */
import type { TunerEntry, TunerProgress, TunerSpec, TunerStanding } from '@edgetune/shared/protocol/tuner-lines.ts';
import { TUNER_PARTS, type TunerParts } from '../tuner/tuner-parts.ts';
import { createTunerSession, type TunerSession } from './tuner-session.ts';

/** What a line was answered, and what it changed. */
export interface Answered {
  answer: string;
  entries: TunerEntry[];
}

export interface TunerHost {
  /**
   * Goes to where the tuner was by its journal.
   * @throws {Error} where the specification cannot be tuned, or the journal is not of it
   */
  open(id: string, spec: TunerSpec, journal: readonly TunerEntry[]): Promise<void>;
  answer(id: string, line: string): Promise<Answered>;
  standing(id: string): Promise<TunerStanding>;
  progress(id: string): Promise<TunerProgress>;
  /** Frees its memory. */
  drop(id: string): void;
  close(): Promise<void>;
}

/** The thread of the sessions was ended, since one of them did not answer: all of them are to be opened anew. */
export class LostSessionsError extends Error {
  override name = 'LostSessionsError';
}

interface Live {
  session: TunerSession;
  entries: TunerEntry[];
}

export interface SessionsOptions {
  parts?: TunerParts;
  /** Seconds that a job is left to who asked for it, where nobody says. */
  leaseS: number;
}

/** Sessions in this thread. */
export class Sessions {
  readonly #options: SessionsOptions;
  readonly #live = new Map<string, Live>();

  constructor(options: SessionsOptions) {
    this.#options = options;
  }

  open(id: string, spec: TunerSpec, journal: readonly TunerEntry[]): void {
    const { parts = TUNER_PARTS, leaseS } = this.#options;
    const entries: TunerEntry[] = [];
    const session = createTunerSession(spec, { parts, leaseS, record: (entry) => void entries.push(entry) });
    session.replay(journal);
    this.#live.set(id, { session, entries });
  }

  answer(id: string, line: string): Answered {
    const { session, entries } = this.#of(id);
    return { answer: session.answer(line), entries: entries.splice(0) };
  }

  standing(id: string): TunerStanding {
    const { session } = this.#of(id);
    return { ...session.progress(), open: session.open(), undecided: session.undecided() };
  }

  progress(id: string): TunerProgress {
    return this.#of(id).session.progress();
  }

  drop(id: string): void {
    this.#live.delete(id);
  }

  #of(id: string): Live {
    const live = this.#live.get(id);
    if (!live) throw new RangeError(`tuner ${id} is not open`);
    return live;
  }
}

/** In this thread: whoever waits for one waits for all. For tests, and for parts that no thread can be given. */
export function createLocalHost(options: SessionsOptions): TunerHost {
  const sessions = new Sessions(options);
  return {
    open: async (...args) => sessions.open(...args),
    answer: async (...args) => sessions.answer(...args),
    standing: async (id) => sessions.standing(id),
    progress: async (id) => sessions.progress(id),
    drop: (id) => sessions.drop(id),
    close: async () => {},
  };
}
