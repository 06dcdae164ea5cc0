/**
 * Exclusive use of the coordinator's own machine for a measured window. Holders take turns in the order in which they
 * asked; training stands still while one holds it, and that time is booked.
 */
import { tellAll } from '../lifecycle/tell-all.ts';
import type { HostLease } from './fleet.ts';

export interface HostPause {
  startMs: number;
  endMs: number;
}

export interface BookedHostLease extends HostLease {
  /** Milliseconds for which training has stood still so far. */
  readonly pausedMs: number;
  /** Calls back after each pause; returns the function that ends it. */
  onPause(listener: (pause: HostPause) => void): () => void;
}

/**
 * @param pause stops training and returns the function that lets it go on
 * @param now milliseconds since 1970
 * @param onFault hears what a listener has thrown
 */
export function createHostLease(
  pause: () => () => void,
  now: () => number = Date.now,
  onFault: (error: unknown) => void = console.error,
): BookedHostLease {
  const waiting: (() => void)[] = [];
  const listeners = new Set<(pause: HostPause) => void>();
  let held = false;
  let heldSinceMs = 0;
  let bookedMs = 0;

  function take(): () => void {
    // Where training cannot be stopped nobody holds it.
    const resume = pause();
    held = true;
    heldSinceMs = now();
    let returned = false;
    return () => {
      if (returned) return;
      returned = true;
      resume();
      const span = { startMs: heldSinceMs, endMs: now() };
      bookedMs += span.endMs - span.startMs;
      held = false;
      tellAll(listeners, span, onFault);
      waiting.shift()?.();
    };
  }

  return {
    get pausedMs() {
      return bookedMs + (held ? now() - heldSinceMs : 0);
    },
    onPause(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    acquire: async (signal) => {
      signal.throwIfAborted();
      return new Promise((resolve, reject) => {
        const turn = () => {
          signal.removeEventListener('abort', giveUp);
          try {
            resolve(take());
          } catch (error) {
            reject(error);
            waiting.shift()?.();
          }
        };
        const giveUp = () => {
          waiting.splice(waiting.indexOf(turn), 1);
          reject(signal.reason);
        };
        if (!held) return turn();
        waiting.push(turn);
        signal.addEventListener('abort', giveUp, { once: true });
      });
    },
  };
}
