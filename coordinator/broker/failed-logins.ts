/**
 * Slows down whoever keeps failing to log in. The count is per address and device, so that one board with an old
 * credential does not lock out its neighbours behind the same address; guesses at devices that do not exist share one
 * count per address.
 */
const WINDOW_MS = 60_000;
const FAILURES_PER_WINDOW = 10;
/** More keys than this are not remembered: the oldest give way. */
const MAX_KEYS = 10_000;

export class FailedLogins {
  readonly #now: () => number;
  readonly #failures = new Map<string, { count: number; sinceMs: number }>();

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Whether this key must wait until its window is over. */
  isBlocked(key: string): boolean {
    const entry = this.#failures.get(key);
    return entry !== undefined && entry.count >= FAILURES_PER_WINDOW && this.#now() - entry.sinceMs < WINDOW_MS;
  }

  /** @returns how many failures this key has had in its window */
  add(key: string): number {
    const known = this.#failures.get(key);
    const fresh = known !== undefined && this.#now() - known.sinceMs < WINDOW_MS;
    const entry = fresh ? { ...known, count: known.count + 1 } : { count: 1, sinceMs: this.#now() };
    this.#failures.delete(key);
    this.#failures.set(key, entry);
    if (this.#failures.size > MAX_KEYS) this.#failures.delete(this.#failures.keys().next().value as string);
    return entry.count;
  }
}
