/**
 * A Shelly plug of the second generation or later: `/rpc/Switch.GetStatus?id=0` answers with `apower`, in watts
 * (https://shelly-api-docs.shelly.cloud/gen2/ComponentsAndServices/Switch#status).
 */
import { z } from 'zod';
import { type Host, HostError } from '../host.ts';
import { alwaysOpen, type PowerMeter } from './power-meter.ts';

export interface ShellyAddress {
  kind: 'shelly';
  /** Host name or address, with a port where it is not 80. */
  address: string;
  /** Which of its switches. */
  switchId: number;
}

const statusSchema = z.object({ apower: z.number() });
const ANSWER_TIMEOUT_MS = 3000;

export function shellyPlug(host: Host, { address, switchId }: ShellyAddress): PowerMeter {
  const url = `http://${address}/rpc/Switch.GetStatus?id=${switchId}`;
  return {
    name: `Shelly plug ${address}`,
    covers: 'wall',
    kind: 'power',
    intervalMs: 1000,
    leastWindowMs: 10_000,
    open: alwaysOpen(async () => {
      const text = await host.httpGet(url, ANSWER_TIMEOUT_MS);
      try {
        return statusSchema.parse(JSON.parse(text)).apower;
      } catch (error) {
        throw new HostError('failed', `${url} answered without apower: ${text.slice(0, 200)}`, { cause: error });
      }
    }),
  };
}
