/** Asks a meter again and again, in this process, while another one is measured. */
import { type Host, HostError } from '../host.ts';
import type { Sample } from './integrate.ts';
import type { PowerMeter } from './power-meter.ts';

export interface PowerTrace {
  meter: Pick<PowerMeter, 'name' | 'covers' | 'kind' | 'intervalMs' | 'leastWindowMs'>;
  /** In order of time. */
  samples: Sample[];
  /** Readings that the meter did not give, and what it said the last time. */
  failures: number;
  lastFailure: string | null;
}

export interface PowerRecording {
  /** Takes a last sample, so that the end of the window lies between two. */
  stop(): Promise<PowerTrace>;
}

/** @throws {HostError} where the meter cannot be reached or gives no first reading */
export async function recordPower(meter: PowerMeter, host: Host): Promise<PowerRecording> {
  const open = await meter.open();
  const trace: PowerTrace = { meter, samples: [], failures: 0, lastFailure: null };
  const take = async () => {
    const before = host.nowMs();
    const value = await open.read();
    // A reading that takes long (23 ms on a Raspberry Pi 5) belongs to the middle of that time.
    trace.samples.push({ atMs: (before + host.nowMs()) / 2, value });
  };
  try {
    await take();
  } catch (error) {
    await open.close();
    throw error;
  }
  const takeIfPossible = () =>
    take().catch((error) => {
      if (!(error instanceof HostError)) throw error;
      trace.failures++;
      trace.lastFailure = error.message;
    });
  const controller = new AbortController();
  const finished = poll(host, meter.intervalMs, takeIfPossible, controller.signal);
  return {
    async stop() {
      controller.abort();
      try {
        await finished;
        await takeIfPossible();
      } finally {
        await open.close();
      }
      return trace;
    },
  };
}

/** Runs an action at every multiple of an interval until the signal is aborted; an action that takes longer skips some. */
export async function poll(
  host: Host,
  intervalMs: number,
  action: () => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  let dueMs = host.nowMs();
  while (!signal.aborted) {
    const lateMs = host.nowMs() - dueMs;
    // A timer may fire a fraction of a millisecond early.
    dueMs += intervalMs * Math.max(1, Math.floor(lateMs / intervalMs) + 1);
    try {
      await host.sleep(dueMs - host.nowMs(), signal);
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    await action();
  }
}
