/** A log that one misbehaving device cannot flood: the same line is written at most once in ten seconds. */
const QUIET_MS = 10_000;
const MAX_LINES = 1000;

export function quietLog(log: (message: string) => void, now: () => number = Date.now): (message: string) => void {
  const lastAt = new Map<string, number>();
  return (message) => {
    const last = lastAt.get(message);
    if (last !== undefined && now() - last < QUIET_MS) return;
    lastAt.delete(message);
    lastAt.set(message, now());
    if (lastAt.size > MAX_LINES) lastAt.delete(lastAt.keys().next().value as string);
    log(message);
  };
}
