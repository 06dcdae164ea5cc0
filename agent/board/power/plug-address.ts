/** Where a smart plug is, as the user writes it. */
import type { ShellyAddress } from './shelly-plug.ts';
import type { TasmotaAddress } from './tasmota-plug.ts';

export type PlugAddress = TasmotaAddress | ShellyAddress;

const FORM = 'write tasmota://BROKER:1883/TOPIC (the plug’s broker and topic) or shelly://ADDRESS';

/**
 * Reads `tasmota://[user:password@]broker[:port]/topic` or `shelly://address[:port][/switch]`. The password goes to the
 * broker and nowhere else: neither the address that is kept nor a message has it in it.
 * @throws {RangeError} saying what it should look like
 */
export function parsePlugAddress(text: string): PlugAddress {
  const match = /^(tasmota|shelly):\/\/([^/\s]+)(?:\/(\S*))?$/.exec(text.trim());
  const [, kind, authority = '', rest = ''] = match ?? [];
  const at = authority.lastIndexOf('@');
  const [login, where] = [authority.slice(0, Math.max(0, at)), authority.slice(at + 1)];
  if (kind === 'tasmota' && where !== '' && rest !== '' && !/[#+]/.test(rest)) {
    // A slash in the password would end the broker's part before it: the rest of the password would be taken for the topic.
    if (rest.includes('@'))
      throw new RangeError(
        'a power plug’s topic has no @ in it: write a / in a user name or password as %2F, and an @ as %40',
      );
    return { kind, broker: `mqtt://${where}`, login: login === '' ? null : loginOf(login), topic: rest };
  }
  if (kind === 'shelly' && where !== '' && /^\d*$/.test(rest)) {
    if (login !== '') throw new RangeError('a Shelly plug is read without a password: write shelly://ADDRESS');
    return { kind, address: where, switchId: Number(rest) };
  }
  // What was written may hold a password wherever it stands.
  throw new RangeError(`that is no power plug: ${FORM}`);
}

function loginOf(login: string): { username: string; password: string } {
  const colon = login.indexOf(':');
  const [username, password] = colon < 0 ? [login, ''] : [login.slice(0, colon), login.slice(colon + 1)];
  return { username: decoded(username), password: decoded(password) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
