/** Joules from samples, over exactly a given window. Pure. */

/** A reading: watts, or joules so far, by the meter's kind; at a time of the monotonic clock. */
export interface Sample {
  atMs: number;
  value: number;
}

export interface Window {
  startMs: number;
  endMs: number;
}

/**
 * Joules in the window: the power between two samples is the straight line through them (the trapezoidal rule), also where
 * the window begins or ends between them. Beyond the first and last sample it is taken as constant.
 * @param samples in order of time; at least one
 */
export function integratePowerJ(samples: readonly Sample[], { startMs, endMs }: Window): number {
  const inside = samples.filter(({ atMs }) => atMs > startMs && atMs < endMs);
  const points = [valueAt(samples, startMs), ...inside, valueAt(samples, endMs)];
  return points.slice(1).reduce((joules, point, i) => {
    const before = points[i] as Sample;
    return joules + ((before.value + point.value) / 2) * ((point.atMs - before.atMs) / 1000);
  }, 0);
}

/**
 * What a counter (of joules, of seconds) counted in the window; between two readings it is taken to grow evenly.
 * @param samples in order of time; at least one
 */
export function countedIn(samples: readonly Sample[], { startMs, endMs }: Window): number {
  return valueAt(samples, endMs).value - valueAt(samples, startMs).value;
}

function valueAt(samples: readonly Sample[], atMs: number): Sample {
  const next = samples.findIndex((sample) => sample.atMs >= atMs);
  const after = samples[next < 0 ? samples.length - 1 : next] as Sample;
  const before = samples[next <= 0 ? (next < 0 ? samples.length - 1 : 0) : next - 1] as Sample;
  const spanMs = after.atMs - before.atMs;
  const share = spanMs === 0 ? 0 : (atMs - before.atMs) / spanMs;
  return { atMs, value: before.value + (after.value - before.value) * share };
}

/** The longest time within the window for which there was no sample. */
export function longestGapMs(samples: readonly Sample[], { startMs, endMs }: Window): number {
  // The last sample before the window and the first one after it bound the gaps at its ends.
  const earlier = samples.filter(({ atMs }) => atMs <= startMs).length;
  const later = samples.findIndex(({ atMs }) => atMs >= endMs);
  const times = samples.slice(Math.max(0, earlier - 1), later < 0 ? samples.length : later + 1).map(({ atMs }) => atMs);
  const bounded = [...(earlier > 0 ? [] : [startMs]), ...times, ...(later < 0 ? [endMs] : [])];
  return bounded.slice(1).reduce((longest, at, i) => Math.max(longest, at - (bounded[i] as number)), 0);
}
