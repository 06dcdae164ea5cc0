/**
 * The machine's cores, shared by the trials of all studies. Who has the fewest cores in use is served first, so that
 * two studies at once get the same share; within a study, first come, first served.
 */
export interface CorePool {
  /** Cores of the pool. */
  readonly total: number;
  /**
   * Waits until so many cores are free and returns the function that gives them back.
   * @throws {RangeError} where more cores are asked for than there are; the signal's reason when it is aborted
   */
  acquire(request: { cores: number; studyId: string; signal: AbortSignal }): Promise<() => void>;
}

interface Waiting {
  cores: number;
  studyId: string;
  grant(): void;
}

/** @param total cores to hand out, at least 1 */
export function createCorePool(total: number): CorePool {
  const waiting: Waiting[] = [];
  const usedBy = new Map<string, number>();
  let free = total;

  const used = (studyId: string) => usedBy.get(studyId) ?? 0;

  function grantNext(): void {
    for (;;) {
      // A trial that needs many cores is not overtaken for ever: only the neediest study's first request is looked at.
      const next = [...waiting].sort((a, b) => used(a.studyId) - used(b.studyId))[0];
      if (!next || next.cores > free) return;
      waiting.splice(waiting.indexOf(next), 1);
      next.grant();
    }
  }

  function take(cores: number, studyId: string): () => void {
    free -= cores;
    usedBy.set(studyId, used(studyId) + cores);
    let returned = false;
    return () => {
      if (returned) return;
      returned = true;
      free += cores;
      usedBy.set(studyId, used(studyId) - cores);
      grantNext();
    };
  }

  return {
    total,
    async acquire({ cores, studyId, signal }) {
      if (cores < 1 || cores > total) throw new RangeError(`${cores} cores were asked for: the pool has ${total}`);
      signal.throwIfAborted();
      return new Promise((resolve, reject) => {
        const request: Waiting = {
          cores,
          studyId,
          grant: () => {
            signal.removeEventListener('abort', giveUp);
            resolve(take(cores, studyId));
          },
        };
        const giveUp = () => {
          waiting.splice(waiting.indexOf(request), 1);
          reject(signal.reason);
          grantNext();
        };
        signal.addEventListener('abort', giveUp, { once: true });
        waiting.push(request);
        grantNext();
      });
    },
  };
}
