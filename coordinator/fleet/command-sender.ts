/** What is said to agents: in order, and never before everything that it follows from is written. */
import type { Logger } from '@edgetune/shared/log/logger.ts';
import type { CommandMessage } from '@edgetune/shared/protocol/messages.ts';
import { topics } from '@edgetune/shared/protocol/topics.ts';
import type { MqttClient } from 'mqtt';
import type { JobRepository } from './job-repository.ts';

export class CommandSender {
  readonly #jobs: Pick<JobRepository, 'written'>;
  readonly #log: Logger;
  readonly #sending = new Set<Promise<void>>();
  /** Until when messages wait for those before them. */
  #held: Promise<unknown> | null = null;
  #client: MqttClient | null = null;

  constructor(jobs: Pick<JobRepository, 'written'>, log: Logger) {
    this.#jobs = jobs;
    this.#log = log;
  }

  /** From now on messages leave by this client. */
  start(client: MqttClient): void {
    this.#client = client;
  }

  /** From now on nothing leaves any more. */
  stop(): void {
    this.#client = null;
  }

  /** @returns when the broker has it, or it is known that it could not be sent: the log says so */
  send(deviceId: string, command: CommandMessage): Promise<void> {
    const client = this.#client;
    if (!client) return Promise.resolve();
    const publish = async () => {
      await client.publishAsync(topics.command(deviceId), JSON.stringify(command), { qos: 1 });
    };
    const written = this.#jobs.written();
    const free = this.#held || written ? Promise.all([this.#held, written]) : null;
    const sent = (free ? free.then(publish) : publish())
      .catch((error: Error) => this.#log.warn(`a message for ${deviceId} was not sent`, { error, deviceId }))
      .finally(() => this.#sending.delete(sent));
    this.#sending.add(sent);
    this.#held = free;
    void free?.then(() => {
      if (this.#held === free) this.#held = null;
    });
    return sent;
  }

  /** Resolves when everything that was given so far is with the broker, or could not be sent. */
  async sent(): Promise<void> {
    await Promise.all(this.#sending);
  }
}
