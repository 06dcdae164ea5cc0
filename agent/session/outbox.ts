/** Updates that the coordinator has not acknowledged, one file each: they outlive the connection, the agent and the board. */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from '@edgetune/shared/log/logger.ts';
import { type JobUpdateMessage, jobUpdateMessageSchema } from '@edgetune/shared/protocol/messages.ts';
import { writeDurably } from '@edgetune/shared/runtime/durable-file.ts';

export class Outbox {
  readonly #directory: string;
  readonly #log: Logger;
  readonly #waiting = new Map<string, JobUpdateMessage>();
  #count = 0;

  constructor(directory: string, log: Logger) {
    this.#directory = directory;
    this.#log = log;
    mkdirSync(directory, { recursive: true });
    for (const name of readdirSync(directory)
      .filter((file) => file.endsWith('.json'))
      .sort()) {
      const path = join(directory, name);
      try {
        const update = jobUpdateMessageSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
        this.#waiting.set(update.updateId, update);
      } catch {
        log.warn(`${path} is damaged: it was set aside as ${name}.damaged`);
        renameSync(path, `${path}.damaged`);
      }
    }
  }

  /** All that is not acknowledged, oldest first. */
  waiting(): JobUpdateMessage[] {
    return [...this.#waiting.values()];
  }

  add(update: JobUpdateMessage): void {
    // In memory first: where the disk is full, the result is still delivered as long as the agent runs.
    this.#waiting.set(update.updateId, update);
    try {
      writeDurably(this.#pathOf(update.updateId), JSON.stringify(update));
    } catch (error) {
      this.#log.warn('a result is kept in memory only, until it is delivered', { error });
    }
  }

  acknowledge(updateId: string): void {
    if (!this.#waiting.delete(updateId)) return;
    rmSync(this.#pathOf(updateId), { force: true });
  }

  /** An id that sorts by time, so that a restart keeps the order. */
  newId(): string {
    return `${Date.now().toString(36).padStart(9, '0')}-${process.pid.toString(36)}-${(this.#count++).toString(36).padStart(4, '0')}`;
  }

  #pathOf(updateId: string): string {
    return join(this.#directory, `${updateId}.json`);
  }
}
