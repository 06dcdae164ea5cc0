/** A power meter that the test plays. */
import { HostError } from '../../agent/board/host.ts';
import type { PowerMeter } from '../../agent/board/power/power-meter.ts';
import type { FixtureHost } from './fixture-host.ts';

/** A meter whose readings are given by the time. */
export function meterOf(host: FixtureHost, watts: (ms: number) => number, change: Partial<PowerMeter> = {}) {
  const closed = { count: 0 };
  const meter: PowerMeter = {
    name: 'test meter',
    covers: 'board',
    kind: 'power',
    intervalMs: 100,
    leastWindowMs: 300,
    open: async () => ({
      read: async () => {
        const value = watts(host.now);
        if (Number.isNaN(value)) throw new HostError('failed', 'nan');
        return value;
      },
      close: async () => void closed.count++,
    }),
    ...change,
  };
  return { meter, closed };
}
