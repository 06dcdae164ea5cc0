/**
 * A simulated clock for a real study: what waits on it is woken in order of time, and time advances only when all that
 * could happen at the present moment has happened.
 */

interface Sleeper {
  at: number;
  /** Who came first is woken first at the same time. */
  order: number;
  wake(): void;
}

/** Turns of the event loop after which nothing that was woken is still on its way. */
const SETTLING_TURNS = 6;
/** With nothing to wake and nothing at work for so many turns, a study waits for something that will never come. */
const PATIENCE = 2000;

export class Timeline {
  /** Seconds. */
  now = 0;
  readonly #sleepers: Sleeper[] = [];
  #order = 0;
  #atWork = 0;

  /** Resolves after so many simulated seconds. @throws the signal's reason when it is aborted */
  sleep(seconds: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const sleeper: Sleeper = {
        at: this.now + seconds,
        order: this.#order++,
        wake: () => {
          signal.removeEventListener('abort', giveUp);
          resolve();
        },
      };
      const giveUp = () => {
        this.#sleepers.splice(this.#sleepers.indexOf(sleeper), 1);
        reject(signal.reason);
      };
      signal.addEventListener('abort', giveUp, { once: true });
      this.#sleepers.push(sleeper);
    });
  }

  /** Real work that takes no simulated time: the clock stands until it is done. */
  async standing<T>(work: Promise<T>): Promise<T> {
    this.#atWork++;
    try {
      return await work;
    } finally {
      this.#atWork--;
    }
  }

  /** Advances the clock until the work is done. */
  async run<T>(work: Promise<T>): Promise<T> {
    let done = false;
    const end = () => {
      done = true;
    };
    work.then(end, end);
    for (let idle = 0; !done; ) {
      for (let turn = 0; turn < SETTLING_TURNS; turn++) await new Promise(setImmediate);
      if (done) break;
      // Real work ends when it ends: look again in a moment, without keeping a core busy.
      if (this.#atWork > 0) {
        await new Promise((resolve) => setTimeout(resolve, 5));
        continue;
      }
      const next = this.#earliest();
      if (!next) {
        if (++idle > PATIENCE) throw new Error(`nothing will ever happen again at ${this.now.toFixed(1)} simulated s`);
        continue;
      }
      idle = 0;
      this.#sleepers.splice(this.#sleepers.indexOf(next), 1);
      this.now = Math.max(this.now, next.at);
      next.wake();
    }
    return work;
  }

  #earliest(): Sleeper | undefined {
    let first = this.#sleepers[0];
    for (const sleeper of this.#sleepers)
      if (first && (sleeper.at < first.at || (sleeper.at === first.at && sleeper.order < first.order))) first = sleeper;
    return first;
  }
}
