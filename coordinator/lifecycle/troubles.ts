/** Why something waits that goes on by itself: who waits says so, and whoever shows it hears of it. */
import type { NotWrittenError } from './not-written-error.ts';

/** What is waited for, with what to do about it. */
export type Trouble = Pick<NotWrittenError, 'because' | 'message'>;

export class Troubles {
  /** In the order in which they began. */
  readonly #open = new Set<Trouble>();
  readonly #listeners = new Set<() => void>();

  /** The one that began first; null: there is none. */
  current(): Trouble | null {
    const [first] = this.#open;
    return first ?? null;
  }

  /** @returns the function that ends it */
  begin({ because, message }: Trouble): () => void {
    const trouble = { because, message };
    this.#open.add(trouble);
    this.#tell();
    return () => {
      if (this.#open.delete(trouble)) this.#tell();
    };
  }

  /** Calls back when one begins or ends; returns the function that ends this. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}
