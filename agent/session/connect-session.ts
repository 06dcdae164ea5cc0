/** The MQTT session of a device with its broker, which comes back by itself. */
import { pinnedStream } from '@edgetune/shared/runtime/pinned-tls.ts';
import mqtt, { type IClientOptions, MqttClient } from 'mqtt';

export interface SessionOptions {
  url: string;
  /** Public key of the broker, where it is trusted by that instead of by authorities. */
  pin: string | undefined;
  deviceId: string;
  credential: string;
  will: NonNullable<IClientOptions['will']>;
}

/** Reconnects are spread over this span, so that a fleet does not come back all at once. */
const RECONNECT_MS = { least: 500, spread: 2000 };

/** @throws {Error} where a key is pinned and the URL is not mqtts:// */
export function connectSession({ url, pin, deviceId, credential, will }: SessionOptions): MqttClient {
  const options: IClientOptions = {
    protocolVersion: 4,
    clientId: deviceId,
    username: deviceId,
    password: credential,
    clean: true,
    keepalive: 15,
    reconnectPeriod: RECONNECT_MS.least + Math.floor(Math.random() * RECONNECT_MS.spread),
    // By default one refusal would end reconnecting for good.
    reconnectOnConnackError: true,
    will,
  };
  return pin === undefined ? mqtt.connect(url, options) : new MqttClient(() => pinnedStream(url, pin), options);
}
