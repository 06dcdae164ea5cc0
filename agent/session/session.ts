/** An agent's words with its coordinator: what it says of itself and its jobs, and the commands that come. */
import { randomUUID } from 'node:crypto';
import type { Logger } from '@edgetune/shared/log/logger.ts';
import {
  type CommandMessage,
  commandMessageSchema,
  type HelloMessage,
  type JobUpdateMessage,
  PROTOCOL_VERSION,
  type StatusMessage,
} from '@edgetune/shared/protocol/messages.ts';
import { topics } from '@edgetune/shared/protocol/topics.ts';
import type { MqttClient } from 'mqtt';
import { connectSession } from './connect-session.ts';
import type { Membership } from './join-fleet.ts';

export interface SessionListener {
  /** The connection is there, for the first time or again: all is to be said anew. */
  onConnected(): void;
  onCommand(command: CommandMessage): void;
  /** The broker answers, and does not let this device in. Said once until the next connection. */
  onRefused(): void;
}

/** Return codes of MQTT 3.1.1 (table 3.1): bad user name or password, not authorised. */
const REFUSALS = [4, 5];
const FAREWELL_TIMEOUT_MS = 2000;

export class Session {
  readonly #client: MqttClient;
  readonly #membership: Membership;
  readonly #log: Logger;
  readonly #id = randomUUID();
  #returning: NodeJS.Timeout | null = null;

  /** Connects, and comes back by itself. @throws {Error} where a key is pinned and the broker's URL is not mqtts:// */
  constructor(membership: Membership, log: Logger) {
    const { deviceId, credential, mqttUrl, mqttSharesKey, pin } = membership;
    this.#membership = membership;
    this.#log = log;
    this.#client = connectSession({
      url: mqttUrl,
      pin: mqttSharesKey ? pin : undefined,
      deviceId,
      credential,
      will: { topic: topics.status(deviceId), payload: Buffer.from(this.#status('offline')), qos: 1, retain: true },
    });
  }

  get connected(): boolean {
    return this.#client.connected;
  }

  listen({ onConnected, onCommand, onRefused }: SessionListener): void {
    const { deviceId, mqttUrl, name } = this.#membership;
    // It tries again every other second, perhaps for days: each trouble is told once until the next connection.
    const said = new Set<string>();
    const sayOnce = (message: string) => {
      if (said.has(message)) return false;
      this.#log.warn(message);
      said.add(message);
      return true;
    };
    this.#client.on('connect', () => {
      said.clear();
      this.#client.subscribe(topics.command(deviceId), { qos: 1 });
      this.#send(topics.status(deviceId), this.#status('online'), true);
      onConnected();
      this.#log.info(`connected to ${mqttUrl} as "${name}"`);
    });
    this.#client.on('offline', () => sayOnce(`the coordinator at ${mqttUrl} cannot be reached: trying again`));
    this.#client.on('error', (error) => {
      const isNew = sayOnce(`connection: ${error.message}`);
      if (isNew && REFUSALS.includes(Number((error as { code?: unknown }).code))) onRefused();
    });
    this.#client.on('message', (_topic, payload) => {
      const command = parseCommand(payload);
      if (command) onCommand(command);
      else this.#log.warn('a command that this version does not understand was ignored');
    });
  }

  sayHello(about: Pick<HelloMessage, 'board' | 'jobs' | 'update' | 'coordinator'>): void {
    const { deviceId } = this.#membership;
    const hello: HelloMessage = { protocol: PROTOCOL_VERSION, sessionId: this.#id, deviceId, ...about };
    this.#send(topics.hello(deviceId), JSON.stringify(hello));
  }

  report(update: JobUpdateMessage): void {
    this.#send(topics.jobUpdate(this.#membership.deviceId), JSON.stringify(update));
  }

  /** Whether what is said to this session is meant: another one may have the same device's topics. */
  is(sessionId: string): boolean {
    return sessionId === this.#id;
  }

  /** Leaves, without a word, and comes back after so long. */
  standBack(ms: number): void {
    if (this.#returning) return;
    this.#client.end(true);
    this.#returning = setTimeout(() => {
      this.#returning = null;
      this.#client.reconnect();
    }, ms);
  }

  /** Says that the agent is going, where somebody hears it. */
  async close(): Promise<void> {
    if (this.#returning) clearTimeout(this.#returning);
    if (this.connected) {
      const farewell = this.#client
        .publishAsync(topics.status(this.#membership.deviceId), this.#status('offline'), { qos: 1, retain: true })
        .catch(() => {});
      await Promise.race([farewell, new Promise((resolve) => setTimeout(resolve, FAREWELL_TIMEOUT_MS).unref())]);
    }
    await this.#client.endAsync(true);
  }

  #send(topic: string, payload: string, retain = false): void {
    // While not connected nothing is queued: the hello and the outbox say all anew.
    if (this.connected) this.#client.publish(topic, payload, { qos: 1, retain });
  }

  #status(state: StatusMessage['state']): string {
    const at = new Date().toISOString();
    return JSON.stringify({ protocol: PROTOCOL_VERSION, sessionId: this.#id, state, at } satisfies StatusMessage);
  }
}

function parseCommand(payload: Buffer): CommandMessage | null {
  try {
    return commandMessageSchema.parse(JSON.parse(payload.toString('utf8')));
  } catch {
    return null;
  }
}
