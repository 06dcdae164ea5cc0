import type { Clock } from '../../coordinator/fleet/clock.ts';

/** A clock on which every pause is over in the next turn, the shorter ones first. */
export function hastyClock(): Clock {
  let nowMs = Date.now();
  const timers = new Set<{ atMs: number; callback: () => void }>();
  const ring = () => {
    const [next] = [...timers].sort((a, b) => a.atMs - b.atMs);
    if (!next) return;
    timers.delete(next);
    nowMs = Math.max(nowMs, next.atMs);
    next.callback();
  };
  return {
    now: () => nowMs,
    after(ms, callback) {
      const timer = { atMs: nowMs + ms, callback };
      timers.add(timer);
      setImmediate(ring);
      return () => timers.delete(timer);
    },
  };
}
