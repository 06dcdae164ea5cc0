/** Tells all who wait that something is otherwise now; each looks whether it is what it waits for. */
export class Changes {
  readonly #waiting = new Set<() => void>();

  /** Resolves when something changes next. @throws the signal's reason when it is aborted */
  next(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const end = () => {
        this.#waiting.delete(wake);
        signal.removeEventListener('abort', onAbort);
      };
      const wake = () => {
        end();
        resolve();
      };
      const onAbort = () => {
        end();
        reject(signal.reason);
      };
      this.#waiting.add(wake);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  tell(): void {
    for (const wake of [...this.#waiting]) wake();
  }
}
