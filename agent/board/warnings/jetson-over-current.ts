/**
 * The over-current guard of a Jetson Orin and later, which lowers the clocks when it strikes: `oc<n>_event_cnt` of the
 * sensor `soctherm_oc`; 1 is under-voltage, 2 the average and 3 the momentary current
 * (https://docs.nvidia.com/jetson/archives/r36.3/DeveloperGuide/SD/PlatformPowerAndPerformance/JetsonOrinNanoSeriesJetsonOrinNxSeriesAndJetsonAgxOrinSeries.html,
 * "Over Current Event Status").
 */
import { entries, type Host, readNumber, readText } from '../host.ts';
import type { Warning, WarningSource } from './warning.ts';

const EVENTS: readonly (Pick<Warning, 'kind' | 'what'> & { n: number })[] = [
  { n: 1, kind: 'under-voltage', what: 'the supply’s voltage fell too low' },
  { n: 2, kind: 'throttled', what: 'the board throttled itself: its average current was too high' },
  { n: 3, kind: 'throttled', what: 'the board throttled itself: its momentary current was too high' },
];

export function findJetsonOverCurrent(host: Host): WarningSource | null {
  const folder = entries(host, '/sys/class/hwmon', /^hwmon\d+$/).find(
    (each) => readText(host, `${each}/name`) === 'soctherm_oc',
  );
  const events = EVENTS.filter(({ n }) => folder && readNumber(host, `${folder}/oc${n}_event_cnt`) !== null);
  if (events.length === 0) return null;
  return {
    kinds: [...new Set(events.map(({ kind }) => kind))],
    read: async () =>
      events.map(({ n, kind, what }) => ({
        kind,
        what,
        active: false,
        count: readNumber(host, `${folder}/oc${n}_event_cnt`) ?? 0,
      })),
  };
}
