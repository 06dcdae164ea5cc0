/** Blobs that a run needs and no event names yet, by their SHA-256: a clean-up leaves them alone. */
import type { StudyEventBody } from '@edgetune/shared/domain/study-event.ts';

export class KeptBlobs {
  /** For as long as it runs. */
  readonly #kept = new Set<string>();
  /** Stored, and not yet named: what names them may have to wait for the disk, for whatever time. */
  readonly #unnamed = new Set<string>();

  keep(...sha256s: string[]): void {
    for (const sha256 of sha256s) this.#kept.add(sha256);
  }

  stored(sha256: string): void {
    this.#unnamed.add(sha256);
  }

  /** From here on the study's events keep what they name. */
  emitted(bodies: readonly StudyEventBody[]): void {
    if (this.#unnamed.size === 0) return;
    const text = JSON.stringify(bodies);
    for (const sha256 of this.#unnamed) if (text.includes(sha256)) this.#unnamed.delete(sha256);
  }

  all(): string[] {
    return [...this.#kept, ...this.#unnamed];
  }
}
