/**
 * How many connections may be open that have not logged in: of one address, and all together. Whoever opens more, or says
 * nothing, takes places from nobody but itself.
 */
import type { Logger } from '@edgetune/shared/log/logger.ts';

export interface StrangerLimitOptions {
  perAddress: number;
  total: number;
  log: Logger;
  now?: () => number;
}

interface Stranger {
  address: string;
  sinceMs: number;
  end: () => void;
}

/** A board has logged in long before: who waits for so long gives way to the next of its address. */
const PATIENCE_MS = 2000;

export class StrangerLimit {
  readonly #options: Required<StrangerLimitOptions>;
  /** By address, those that wait longest first. */
  readonly #waiting = new Map<string, Set<Stranger>>();
  #count = 0;

  constructor(options: StrangerLimitOptions) {
    this.#options = { now: () => performance.now(), ...options };
  }

  get count(): number {
    return this.#count;
  }

  /**
   * @param end ends the connection, to make room for another
   * @returns what is called when it has logged in or is gone; null: there is no room for it
   */
  admit(remoteAddress: string, end: () => void): (() => void) | null {
    const { perAddress, total, log, now } = this.#options;
    const address = groupOf(remoteAddress);
    const own = this.#waiting.get(address) ?? new Set<Stranger>();
    if (own.size >= perAddress) {
      const [oldest] = own;
      if (!oldest || now() - oldest.sinceMs < PATIENCE_MS) {
        log.warn(`broker: refused a connection of ${address}: ${own.size} of it have not logged in`);
        return null;
      }
      this.#end(oldest);
    } else if (this.#count >= total && !this.#makeRoomFor(own)) {
      log.warn(`broker: refused a connection of ${address}: ${this.#count} of all addresses have not logged in`);
      return null;
    }
    const stranger: Stranger = { address, sinceMs: now(), end };
    own.add(stranger);
    this.#waiting.set(address, own);
    this.#count++;
    return () => this.#leave(stranger);
  }

  /** From the address that has most, where that is more than this one has. */
  #makeRoomFor(own: Set<Stranger>): boolean {
    let most = own;
    for (const others of this.#waiting.values()) if (others.size > most.size) most = others;
    const [oldest] = most;
    if (most === own || !oldest) return false;
    this.#end(oldest);
    return true;
  }

  #end(stranger: Stranger): void {
    this.#leave(stranger);
    stranger.end();
  }

  #leave(stranger: Stranger): void {
    const own = this.#waiting.get(stranger.address);
    if (!own?.delete(stranger)) return;
    this.#count--;
    if (own.size === 0) this.#waiting.delete(stranger.address);
  }
}

/** An IPv4 address; of IPv6 the network of 64 bits, of which one machine has all addresses that it likes. */
function groupOf(remoteAddress: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(remoteAddress)?.[1];
  if (mapped) return mapped;
  if (!remoteAddress.includes(':')) return remoteAddress;
  const [head = '', tail] = (remoteAddress.split('%')[0] as string).split('::');
  const parts = (text: string) => (text === '' ? [] : text.split(':'));
  const before = parts(head);
  const zeros = tail === undefined ? [] : Array(Math.max(0, 8 - before.length - parts(tail).length)).fill('0');
  const all = [...before, ...zeros, ...parts(tail ?? '')];
  return `${all
    .slice(0, 4)
    .map((part) => part.toLowerCase().replace(/^0+(?=.)/, ''))
    .join(':')}::/64`;
}
