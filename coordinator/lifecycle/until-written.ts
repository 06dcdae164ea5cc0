/** Does again what could not be written, for as long as it may still be: nothing that was computed is thrown away for that. */
import { NotWrittenError } from './not-written-error.ts';
import type { Troubles } from './troubles.ts';

export interface UntilWrittenOptions {
  /** Ends the wait. */
  signal: AbortSignal;
  /** Has the reason while it is waited. */
  troubles: Troubles;
  /** Makes room, before it is tried again. */
  makeRoom?: () => Promise<void>;
  /** Calls back after so many milliseconds; returns the function that calls it off. */
  after?: (ms: number, callback: () => void) => () => void;
}

/** How long the disk is left alone: first, and at most. */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 3000;

/**
 * What the work comes to when it could be written.
 * @throws what it throws for any other reason; the signal's reason when that is aborted while it waits
 */
export async function untilWritten<T>(work: () => Promise<T>, options: UntilWrittenOptions): Promise<T> {
  const { signal, troubles, makeRoom, after = afterTimeout } = options;
  let end = () => {};
  try {
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(LONGEST_PAUSE_MS, 2 * pauseMs)) {
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof NotWrittenError && error.mayPass)) throw error;
        signal.throwIfAborted();
        const endLast = end;
        end = troubles.begin(error);
        endLast();
      }
      await pause(pauseMs, signal, after);
      await makeRoom?.();
    }
  } finally {
    end();
  }
}

function pause(ms: number, signal: AbortSignal, after: NonNullable<UntilWrittenOptions['after']>): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      callOff();
      reject(signal.reason);
    };
    const callOff = after(ms, () => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    });
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
  });
}

function afterTimeout(ms: number, callback: () => void): () => void {
  const timer = setTimeout(callback, ms);
  return () => clearTimeout(timer);
}
