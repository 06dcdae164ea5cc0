/**
 * What a board takes from its battery: `voltage_now` µV × `current_now` µA, or `power_now` µW
 * (https://docs.kernel.org/power/power_supply_class.html). While it charges, or the mains carry the board, the battery
 * says nothing of the board's power. Gauges answer every second at best, and many average over several.
 */
import { entries, type Host, HostError, readNumber, readText } from '../host.ts';
import { alwaysOpen, type PowerMeter } from './power-meter.ts';

/** @returns null where no battery is being discharged */
export function findBattery(host: Host): PowerMeter | null {
  const batteries = entries(host, '/sys/class/power_supply', /./).filter(
    (folder) =>
      readText(host, `${folder}/type`) === 'Battery' &&
      // A mouse or keyboard reports its battery here too.
      readText(host, `${folder}/scope`) !== 'Device' &&
      dischargingW(host, folder) !== null,
  );
  if (batteries.length === 0) return null;
  return {
    name: 'battery',
    covers: 'board',
    kind: 'power',
    intervalMs: 1000,
    leastWindowMs: 10_000,
    open: alwaysOpen(() =>
      batteries.reduce((sum, folder) => {
        const now = dischargingW(host, folder);
        if (now === null) throw new HostError('failed', `${folder} is not being discharged`);
        return sum + now;
      }, 0),
    ),
  };
}

/** Watts; null where it charges, is full, or does not tell. Some drivers count the discharging current as negative. */
function dischargingW(host: Host, folder: string): number | null {
  if (readText(host, `${folder}/status`) !== 'Discharging') return null;
  const microwatts = readNumber(host, `${folder}/power_now`);
  if (microwatts !== null) return Math.abs(microwatts) / 1e6;
  const [microvolts, microamps] = [
    readNumber(host, `${folder}/voltage_now`),
    readNumber(host, `${folder}/current_now`),
  ];
  return microvolts === null || microamps === null ? null : Math.abs(microvolts * microamps) / 1e12;
}
