/** Boards are asked what they are now, before what was measured of them earlier is taken for what they do now. */
import type { Clock } from './clock.ts';

export interface FreshDescriptionsOptions {
  clock: Clock;
  /** Asks the board to say who it is. */
  ask(deviceId: string): void;
}

/** A board that changed takes some seconds to look at all that it has: at most so long it is waited for. */
const ANSWER_MS = 15_000;

interface Asked {
  answered: Promise<boolean>;
  answer(said: boolean): void;
}

export class FreshDescriptions {
  readonly #options: FreshDescriptionsOptions;
  /** By device: those that have not answered yet. */
  readonly #asked = new Map<string, Asked>();

  constructor(options: FreshDescriptionsOptions) {
    this.#options = options;
  }

  /** Who asks while it is asked waits for the same answer. @returns whether it has answered in time */
  ask(deviceId: string): Promise<boolean> {
    const known = this.#asked.get(deviceId);
    if (known) return known.answered;
    let resolve: (said: boolean) => void = () => {};
    const answered = new Promise<boolean>((done) => {
      resolve = done;
    });
    const stopTimer = this.#options.clock.after(ANSWER_MS, () => this.#answer(deviceId, false));
    this.#asked.set(deviceId, {
      answered,
      answer(said) {
        stopTimer();
        resolve(said);
      },
    });
    this.#options.ask(deviceId);
    return answered;
  }

  /** It has said who it is. */
  heard(deviceId: string): void {
    this.#answer(deviceId, true);
  }

  /** It is gone, or nobody listens to it any more. */
  gone(deviceId: string): void {
    this.#answer(deviceId, false);
  }

  close(): void {
    for (const deviceId of [...this.#asked.keys()]) this.#answer(deviceId, false);
  }

  #answer(deviceId: string, said: boolean): void {
    const asked = this.#asked.get(deviceId);
    this.#asked.delete(deviceId);
    asked?.answer(said);
  }
}
