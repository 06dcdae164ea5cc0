/** An invalid measurement is made again when the board is fit for it, a few times. */
import { busyCpuSeconds, temperatureC } from '../board/conditions.ts';
import type { Host } from '../board/host.ts';
import type { Verdict } from './judge-conditions.ts';

export interface RetryRules {
  attempts: number;
  /** Longest wait before the next attempt: for the board to cool, and for others to be quiet. */
  mostCoolingMs: number;
  mostDisturbedMs: number;
  /** How near the temperature must come to where it was before the first attempt. */
  nearC: number;
  mostOtherLoadCores: number;
}

export const RETRY_RULES: Omit<RetryRules, 'mostOtherLoadCores'> = {
  attempts: 3,
  mostCoolingMs: 60_000,
  mostDisturbedMs: 20_000,
  nearC: 3,
};

/** How often it is looked whether the board is fit again. */
const LOOK_EVERY_MS = 1000;

/** On the coordinator's own machine: training goes on between windows, so that it gets neither cool nor quiet by waiting. */
export const HOST_RETRY_RULES: typeof RETRY_RULES = {
  ...RETRY_RULES,
  mostCoolingMs: LOOK_EVERY_MS,
  mostDisturbedMs: LOOK_EVERY_MS,
};

/** Of a board that does not tell its temperature. */
const BLIND_WAIT_MS = 10_000;

export interface RetryContext {
  host: Host;
  rules: RetryRules;
  signal: AbortSignal;
  /** Called at the beginning of every second of a wait. */
  onProgress: () => void;
}

/**
 * @param once one measurement, and what speaks against it
 * @returns the first one that nothing speaks against or under which the board changed, else the last
 * @throws the signal's reason when it is aborted
 */
export async function untilValid<T extends { verdict: Verdict | null }>(
  once: () => Promise<T>,
  { host, rules, signal, onProgress }: RetryContext,
): Promise<T & { attempts: number }> {
  const coolC = temperatureC(host);
  for (let attempts = 1; ; attempts++) {
    const result = await once();
    if (!result.verdict || attempts >= rules.attempts) return { ...result, attempts };
    // It is no use to wait: the board has to be described anew.
    if (result.verdict.cause === 'changed') return { ...result, attempts };
    const isFit =
      result.verdict.cause === 'disturbed' ? quiet(host, rules.mostOtherLoadCores) : cool(host, coolC, rules);
    const mostWaitMs = result.verdict.cause === 'disturbed' ? rules.mostDisturbedMs : rules.mostCoolingMs;
    const sinceMs = host.nowMs();
    do {
      onProgress();
      await host.sleep(LOOK_EVERY_MS, signal);
    } while (!isFit() && host.nowMs() - sinceMs < mostWaitMs);
  }
}

function cool(host: Host, coolC: number | null, { nearC }: RetryRules): () => boolean {
  const sinceMs = host.nowMs();
  return () => {
    const now = temperatureC(host);
    return coolC === null || now === null ? host.nowMs() - sinceMs >= BLIND_WAIT_MS : now <= coolC + nearC;
  };
}

/** Whether others have left the cores alone since it was asked last. */
function quiet(host: Host, mostOtherLoadCores: number): () => boolean {
  let last = { atMs: host.nowMs(), busyS: busyCpuSeconds(host) };
  return () => {
    const now = { atMs: host.nowMs(), busyS: busyCpuSeconds(host) };
    const cores = ((now.busyS ?? 0) - (last.busyS ?? 0)) / Math.max(1e-3, (now.atMs - last.atMs) / 1000);
    last = now;
    return cores <= mostOtherLoadCores;
  };
}
