/** Where a smart plug is, as the user writes it. */
import type { ShellyAddress } from './shelly-plug.ts';
import type { TasmotaAddress } from './tasmota-plug.ts';

export type PlugAddress = TasmotaAddress | ShellyAddress;

/**
 * Reads `tasmota://[user:password@]broker[:port]/topic` or `shelly://address[:port][/switch]`.
 * @throws {RangeError} saying what it should look like
 */
export function parsePlugAddress(text: string): PlugAddress {
  const match = /^(tasmota|shelly):\/\/([^/\s]+)(?:\/(\S*))?$/.exec(text.trim());
  const [, kind, where, rest = ''] = match ?? [];
  if (kind === 'tasmota' && where && rest !== '' && !/[#+]/.test(rest))
    return { kind, broker: `mqtt://${where}`, topic: rest };
  if (kind === 'shelly' && where && /^\d*$/.test(rest)) return { kind, address: where, switchId: Number(rest) };
  throw new RangeError(
    `"${text}" is no power plug: write tasmota://BROKER:1883/TOPIC (the plug's broker and topic) or shelly://ADDRESS`,
  );
}
