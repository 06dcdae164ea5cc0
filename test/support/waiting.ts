/**
 * Every wait of a test: it has a deadline of seconds, and says what it waited for where that does not come. Nothing
 * else in the tests waits (test/architecture/waits.test.ts); the time is real also where a test mocks the timers.
 */
import { AssertionError } from 'node:assert/strict';

const { setTimeout, clearTimeout, setImmediate } = globalThis;

/** What one process does comes at once; this is for a machine that does much else besides. */
const USUALLY_S = 10;
/** The same where other processes are started first, which load compilers, ONNX Runtime or TensorFlow. */
export const PROCESS_S = 120;
/** How often is looked at what tells nobody that it has changed, such as the state of a process. */
const LOOK_AGAIN_MS = 5;

/** A failed assertion: that it comes in time. */
export class WaitedInVainError extends AssertionError {
  override name = 'WaitedInVainError';
  constructor(what: string, seconds: number) {
    super({ message: `waited ${seconds} s in vain for ${what}` });
  }
}

/** What the promise gives. @throws {WaitedInVainError} where that has not come after so many seconds */
export async function within<T>(what: string, promise: PromiseLike<T>, seconds = USUALLY_S): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const inVain = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new WaitedInVainError(what, seconds)), seconds * 1000);
  });
  try {
    return await Promise.race([promise, inVain]);
  } finally {
    clearTimeout(timer);
  }
}

/** For what takes a signal: it is aborted when the time is over. */
export function deadline(what: string, seconds = USUALLY_S): AbortSignal {
  const controller = new AbortController();
  setTimeout(() => controller.abort(new WaitedInVainError(what, seconds)), seconds * 1000).unref();
  return controller.signal;
}

/** Emitters of every kind, also those whose events are typed. */
interface Emitter {
  // biome-ignore lint/suspicious/noExplicitAny: who waits knows what the event brings
  once(name: any, listener: (...args: any[]) => void): unknown;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  removeListener(name: any, listener: (...args: any[]) => void): unknown;
}

/** What the next event of this name brings, from the moment of the call on. */
// biome-ignore lint/suspicious/noExplicitAny: as events.once has it
export async function event(what: string, emitter: Emitter, name: string, seconds?: number): Promise<any[]> {
  const come = new Arrival<unknown[]>(what);
  const listener = (...values: unknown[]) => come.come(values);
  emitter.once(name, listener);
  try {
    return await come.wait(seconds);
  } finally {
    emitter.removeListener(name, listener);
  }
}

/**
 * Waits until the condition holds. `changes` calls its listener whenever that may have changed, and returns the function
 * that ends this; where nothing tells of changes the condition is looked at again and again: every few milliseconds, or
 * (`everyTurn`) whenever all that was ready to run has run, which misses no state of what runs in this process.
 */
export async function until(
  what: string,
  condition: () => unknown | Promise<unknown>,
  options: { changes?: (listener: () => void) => () => unknown; everyTurn?: boolean; seconds?: number } = {},
): Promise<void> {
  const { changes, everyTurn = false, seconds } = options;
  let inVain = false;
  let look = () => {};
  const end = changes?.(() => look());
  const holds = async () => {
    while (!inVain) {
      const changed = new Promise<void>((resolve) => {
        look = resolve;
      });
      if (await condition()) return;
      if (changes) await changed;
      else if (everyTurn) await turn();
      else await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
    }
  };
  try {
    await within(what, holds(), seconds);
  } finally {
    inVain = true;
    look();
    end?.();
  }
}

/** The first item that matches. The source is closed afterwards. */
export async function firstOf<T>(
  what: string,
  items: AsyncIterable<T>,
  matches: (item: T) => unknown = () => true,
  seconds = USUALLY_S,
): Promise<T> {
  const found = async () => {
    for await (const item of items) if (matches(item)) return item;
    throw new Error(`it ended without ${what}`);
  };
  return within(what, found(), seconds);
}

/** Something that a callback tells (`come`) and others wait for. */
export class Arrival<T = void> {
  readonly come: (value: T) => void;
  readonly #what: string;
  readonly #promise: Promise<T>;

  constructor(what: string) {
    this.#what = what;
    let come: (value: T) => void = () => {};
    this.#promise = new Promise((resolve) => {
      come = resolve;
    });
    this.come = come;
  }

  /** The value, also where it came before. */
  wait(seconds?: number): Promise<T> {
    return within(this.#what, this.#promise, seconds);
  }
}

/** All that is ready to run has run. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** For what a test stands in for: work that ends only by its signal. */
export function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

/** For what a test stands in for: work that ends when the test says so, and as it says. */
export function workUnderway<T>() {
  let end: { resolve(value: T): void; reject(error: Error): void } = { resolve: () => {}, reject: () => {} };
  const done = new Promise<T>((resolve, reject) => {
    end = { resolve, reject };
  });
  return { done, ...end };
}

/** For what a test stands in for: work that does not end. */
export function forEver(): Promise<never> {
  return new Promise(() => {});
}

/** Real time in which something is not to happen: where that is seen earlier, wait for it. */
export function elapse(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
