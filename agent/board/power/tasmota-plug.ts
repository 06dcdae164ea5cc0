/**
 * A smart plug with Tasmota (https://tasmota.github.io/docs/Commands/): asked with `Status 10` once a second, answered on
 * `stat/<topic>/STATUS10`; what it sends by itself on `tele/<topic>/SENSOR` (every TelePeriod) counts as well.
 */
import { z } from 'zod';
import { type Host, HostError, type HostLogin } from '../host.ts';
import type { PowerMeter } from './power-meter.ts';

export interface TasmotaAddress {
  kind: 'tasmota';
  /** URL of the broker that the plug is connected to, without a password. */
  broker: string;
  /** Where the broker wants one. */
  login: HostLogin | null;
  /** The plug's own topic. */
  topic: string;
}

const sensorSchema = z.object({ ENERGY: z.object({ Power: z.number() }) });
const messageSchema = z.union([z.object({ StatusSNS: sensorSchema }), sensorSchema]);

const CONNECT_TIMEOUT_MS = 5000;
const ANSWER_TIMEOUT_MS = 3000;

export function tasmotaPlug(host: Host, { broker, login, topic }: TasmotaAddress): PowerMeter {
  return {
    name: `Tasmota plug ${topic}`,
    covers: 'wall',
    kind: 'power',
    intervalMs: 1000,
    leastWindowMs: 10_000,
    async open() {
      const client = await host.mqtt(broker, CONNECT_TIMEOUT_MS, login);
      return {
        async read() {
          const answer = client.next([`stat/${topic}/STATUS10`, `tele/${topic}/SENSOR`], ANSWER_TIMEOUT_MS);
          client.publish(`cmnd/${topic}/STATUS`, '10');
          return tasmotaWatts(await answer);
        },
        close: () => client.close(),
      };
    },
  };
}

/** @throws {HostError} where the message holds no power */
export function tasmotaWatts(text: string): number {
  try {
    const message = messageSchema.parse(JSON.parse(text));
    return ('StatusSNS' in message ? message.StatusSNS : message).ENERGY.Power;
  } catch (error) {
    throw new HostError('failed', `the plug sent no single ENERGY.Power: ${text.slice(0, 200)}`, { cause: error });
  }
}
