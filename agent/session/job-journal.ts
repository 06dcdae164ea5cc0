/** Jobs that were accepted and are not answered, one file each: an agent that was killed takes them up again. */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from '@edgetune/shared/log/logger.ts';
import { type Job, jobSchema } from '@edgetune/shared/protocol/job.ts';
import { writeDurably } from '@edgetune/shared/runtime/durable-file.ts';
import { z } from 'zod';

const entrySchema = z.object({
  job: jobSchema,
  /** How often measuring was begun and the agent ended before it did. */
  begun: z.int().min(0),
});
export type JournalEntry = z.infer<typeof entrySchema>;

type Key = Pick<Job, 'jobId' | 'attempt'>;

export class JobJournal {
  readonly #directory: string;
  readonly #log: Logger;
  readonly #entries = new Map<string, JournalEntry>();

  constructor(directory: string, log: Logger) {
    this.#directory = directory;
    this.#log = log;
    mkdirSync(directory, { recursive: true });
    for (const name of readdirSync(directory).filter((file) => file.endsWith('.json'))) {
      const path = join(directory, name);
      try {
        const entry = entrySchema.parse(JSON.parse(readFileSync(path, 'utf8')));
        this.#entries.set(this.#pathOf(entry.job), entry);
      } catch {
        log.warn(`${path} is damaged: it was set aside as ${name}.damaged`);
        renameSync(path, `${path}.damaged`);
      }
    }
  }

  /** What an earlier run of the agent has left. */
  entries(): JournalEntry[] {
    return [...this.#entries.values()];
  }

  accept(job: Job): void {
    this.#write({ job, begun: 0 });
  }

  /** Measuring begins: where the agent ends before it does, this was one try. */
  begin(job: Job): void {
    const begun = this.#entries.get(this.#pathOf(job))?.begun ?? 0;
    this.#write({ job, begun: begun + 1 });
  }

  /** The agent ends because it was asked to: that is no try. */
  putBack(job: Job): void {
    if (this.#entries.has(this.#pathOf(job))) this.#write({ job, begun: 0 });
  }

  /** This device is in no fleet any more: nobody waits for its jobs. */
  forgetAll(): void {
    for (const { job } of this.entries()) this.remove(job);
  }

  remove(key: Key): void {
    const path = this.#pathOf(key);
    if (!this.#entries.delete(path)) return;
    try {
      rmSync(path, { force: true });
    } catch (error) {
      this.#log.warn(`${path} cannot be removed`, { error });
    }
  }

  #write(entry: JournalEntry): void {
    const path = this.#pathOf(entry.job);
    this.#entries.set(path, entry);
    try {
      writeDurably(path, JSON.stringify(entry));
    } catch (error) {
      this.#log.warn('a job is kept in memory only: should the agent end, its coordinator begins it anew', { error });
    }
  }

  /** Ids come from the coordinator: only what is a file name everywhere stays as it is. */
  #pathOf({ jobId, attempt }: Key): string {
    return join(this.#directory, `${jobId.replaceAll(/[^\w-]/g, '_')}-${attempt}.json`);
  }
}
