/** The processor's own energy counters on x86. They see the processor packages, not the board. */
import { type RaplCounter, raplJoulesBetween, readRaplFrom } from '@edgetune/shared/runtime/rapl.ts';
import { type Host, HostError } from '../host.ts';
import type { PowerMeter } from './power-meter.ts';

/** @returns null where no package counter can be read */
export function findRapl(host: Host): PowerMeter | null {
  if (!readRaplFrom(host)) return null;
  return {
    name: 'RAPL (processor)',
    covers: 'processor',
    kind: 'counter',
    // The counters are updated about every millisecond; they wrap after minutes at the soonest.
    intervalMs: 100,
    leastWindowMs: 20,
    open: async () => {
      let last: RaplCounter[] | null = null;
      let totalJ = 0;
      return {
        async read() {
          const now = readRaplFrom(host);
          if (!now) throw new HostError('failed', 'the RAPL counters could not be read');
          if (last) totalJ += raplJoulesBetween(last, now);
          last = now;
          return totalJ;
        },
        close: async () => {},
      };
    },
  };
}
