/** Updates that the coordinator has not acknowledged: they outlive the connection, the agent and the board. */
import type { Logger } from '@edgetune/shared/log/logger.ts';
import { type JobUpdateMessage, jobUpdateMessageSchema } from '@edgetune/shared/protocol/messages.ts';
import { JsonFolder } from './json-folder.ts';

export class Outbox {
  readonly #updates: JsonFolder<JobUpdateMessage>;
  #count = 0;

  constructor(directory: string, log: Logger) {
    this.#updates = new JsonFolder({
      directory,
      schema: jobUpdateMessageSchema,
      inMemoryOnly: 'a result is kept in memory only, until it is delivered',
      log,
    });
  }

  /** All that is not acknowledged, oldest first. */
  waiting(): JobUpdateMessage[] {
    return this.#updates.values();
  }

  add(update: JobUpdateMessage): void {
    this.#updates.set(update.updateId, update);
  }

  acknowledge(updateId: string): void {
    this.#updates.delete(updateId);
  }

  /** An id that sorts by time, so that a restart keeps the order. */
  newId(): string {
    return `${Date.now().toString(36).padStart(9, '0')}-${process.pid.toString(36)}-${(this.#count++).toString(36).padStart(4, '0')}`;
  }
}
