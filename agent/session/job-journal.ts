/** Jobs that were accepted and are not answered: an agent that was killed takes them up again. */
import type { Logger } from '@edgetune/shared/log/logger.ts';
import { type Job, jobSchema } from '@edgetune/shared/protocol/job.ts';
import { z } from 'zod';
import { JsonFolder } from './json-folder.ts';

const entrySchema = z.object({
  job: jobSchema,
  /** How often measuring was begun and the agent ended before it did. */
  begun: z.int().min(0),
});
export type JournalEntry = z.infer<typeof entrySchema>;

type Key = Pick<Job, 'jobId' | 'attempt'>;

export class JobJournal {
  readonly #entries: JsonFolder<JournalEntry>;

  constructor(directory: string, log: Logger) {
    this.#entries = new JsonFolder({
      directory,
      schema: entrySchema,
      inMemoryOnly: 'a job is kept in memory only: should the agent end, its coordinator begins it anew',
      log,
    });
  }

  /** What an earlier run of the agent has left. */
  entries(): JournalEntry[] {
    return this.#entries.values();
  }

  accept(job: Job): void {
    this.#entries.set(nameOf(job), { job, begun: 0 });
  }

  /** Measuring begins: where the agent ends before it does, this was one try. What was forgotten stays so. */
  begin(job: Job): void {
    const entry = this.#entries.get(nameOf(job));
    if (entry) this.#entries.set(nameOf(job), { job, begun: entry.begun + 1 });
  }

  /** The agent ends because it was asked to: that is no try. */
  putBack(job: Job): void {
    if (this.#entries.get(nameOf(job))) this.accept(job);
  }

  /** This device is in no fleet any more: nobody waits for its jobs. */
  forgetAll(): void {
    for (const { job } of this.entries()) this.remove(job);
  }

  remove(key: Key): void {
    this.#entries.delete(nameOf(key));
  }
}

/** Ids come from the coordinator: only what is a file name everywhere stays as it is. */
function nameOf({ jobId, attempt }: Key): string {
  return `${jobId.replaceAll(/[^\w-]/g, '_')}-${attempt}`;
}
