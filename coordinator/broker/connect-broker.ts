/** The coordinator's own MQTT session: on the embedded broker or, by URL, on any other one that speaks MQTT 3.1.1. */
import mqtt, { type MqttClient } from 'mqtt';
import { COORDINATOR_USER } from './access.ts';

export interface BrokerLogin {
  /** `mqtt://`, `mqtts://`, `ws://` or `wss://`; user name and password may stand in it. */
  url: string;
  username?: string;
  password?: string;
}

const CONNECT_TIMEOUT_MS = 10_000;

/** @throws {Error} where the broker cannot be reached or refuses; afterwards the client reconnects by itself */
export async function connectBroker(
  { url, username, password }: BrokerLogin,
  log: (message: string) => void,
): Promise<MqttClient> {
  const address = withoutPassword(url);
  const client = mqtt.connect(url, {
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
  });
  await new Promise<void>((resolve, reject) => {
    const fail = (reason: string) => {
      client.end(true);
      reject(
        new Error(`the MQTT broker at ${address} cannot be used: ${reason}. Check its URL, user name and password`),
      );
    };
    client.once('connect', () => resolve());
    client.once('error', (error) => fail(error.message || String((error as { code?: string }).code)));
    client.once('close', () => fail('it closed the connection'));
  });
  client.removeAllListeners('close').removeAllListeners('error');
  client.on('error', (error) => log(`broker ${address}: ${error.message}`));
  client.on('offline', () => log(`broker ${address}: not reachable, trying again every second`));
  return client;
}

function withoutPassword(url: string): string {
  try {
    const { protocol, host } = new URL(url);
    return `${protocol}//${host}`;
  } catch {
    return 'the given URL';
  }
}
