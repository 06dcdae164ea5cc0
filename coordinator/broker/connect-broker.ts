/** The coordinator's own MQTT session: on the embedded broker or, by URL, on any other one that speaks MQTT 3.1.1. */
import type { Logger } from '@edgetune/shared/log/logger.ts';
import { pinnedStream } from '@edgetune/shared/runtime/pinned-tls.ts';
import mqtt, { type IClientOptions, MqttClient } from 'mqtt';
import { COORDINATOR_USER } from './access.ts';

export interface BrokerLogin {
  /** `mqtt://`, `mqtts://`, `ws://` or `wss://`; user name and password may stand in it. */
  url: string;
  username?: string;
  password?: string;
  /** Public key of the broker, where it is trusted by that instead of by authorities. */
  pin?: string;
}

const CONNECT_TIMEOUT_MS = 10_000;

/** @throws {Error} where the broker cannot be reached or refuses; afterwards the client reconnects by itself */
export async function connectBroker(login: BrokerLogin, log: Logger): Promise<MqttClient> {
  const address = withoutPassword(login.url);
  const client = begin(login, address);
  await firstConnect(client).catch((error: Error) => {
    client.on('error', () => {}).end(true);
    throw unusable(address, error.message || String((error as NodeJS.ErrnoException).code));
  });
  client.on('error', (error) => log.warn(`broker ${address}`, { error }));
  client.on('offline', () => log.warn(`broker ${address}: not reachable, trying again every second`));
  return client;
}

function begin({ url, username, password, pin }: BrokerLogin, address: string): MqttClient {
  const options: IClientOptions = {
    protocolVersion: 4,
    clientId: COORDINATOR_USER,
    clean: true,
    keepalive: 30,
    connectTimeout: CONNECT_TIMEOUT_MS,
    reconnectPeriod: 1000,
    // By default one refusal would end reconnecting for good.
    reconnectOnConnackError: true,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
  };
  try {
    return pin === undefined ? mqtt.connect(url, options) : new MqttClient(() => pinnedStream(url, pin), options);
  } catch (error) {
    throw unusable(address, (error as Error).message);
  }
}

function firstConnect(client: MqttClient): Promise<void> {
  return new Promise((resolve, reject) => {
    const onConnect = () => done();
    const onClose = () => done(new Error('it closed the connection'));
    // Only these listeners: the client reconnects by 'close' listeners of its own.
    const done = (error?: Error) => {
      client.off('connect', onConnect).off('error', done).off('close', onClose);
      if (error) reject(error);
      else resolve();
    };
    client.on('connect', onConnect).on('error', done).on('close', onClose);
  });
}

function unusable(address: string, reason: string): Error {
  return new Error(`the MQTT broker at ${address} cannot be used: ${reason}. Check its URL, user name and password`);
}

function withoutPassword(url: string): string {
  try {
    const { protocol, host } = new URL(url);
    return `${protocol}//${host}`;
  } catch {
    return 'the given URL';
  }
}
