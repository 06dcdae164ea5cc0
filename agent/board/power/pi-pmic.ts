/**
 * Power of a Raspberry Pi 5 from its power management chip: `vcgencmd pmic_read_adc` lists a current (`VDD_CORE_A
 * current(7)=0.81A`) and a voltage (`VDD_CORE_V volt(15)=0.86V`) for each of twelve rails, numbered differently, and two
 * voltages without a current (EXT5V, BATT). USB devices and the chip's own loss are not in it.
 * Source: https://www.raspberrypi.com/documentation/computers/os.html#pmic_read_adc
 */
import { type Host, HostError } from '../host.ts';
import { vcgencmd } from '../vcgencmd.ts';
import { alwaysOpen, type PowerMeter } from './power-meter.ts';

/** @returns null where there is no such chip or it may not be asked */
export async function findPiPmic(host: Host): Promise<PowerMeter | null> {
  const rails = [...(await readRails(host).catch(() => new Map<string, number>()))]
    .filter(([, watts]) => Number.isFinite(watts))
    .map(([rail]) => rail);
  if (rails.length === 0) return null;
  return {
    name: 'Raspberry Pi 5 PMIC',
    covers: 'board',
    kind: 'power',
    // One answer takes about 23 ms.
    intervalMs: 100,
    leastWindowMs: 300,
    open: alwaysOpen(async () => {
      const watts = await readRails(host);
      const sum = rails.reduce((total, rail) => total + (watts.get(rail) ?? Number.NaN), 0);
      // To leave a rail out for one reading would look as if the board drew less.
      if (!Number.isFinite(sum)) throw new HostError('failed', 'vcgencmd pmic_read_adc gave no number for a rail');
      return sum;
    }),
  };
}

async function readRails(host: Host): Promise<Map<string, number>> {
  return pmicRails(await vcgencmd(host, 'pmic_read_adc'));
}

/** Watts by rail, of those that have both a current and a voltage; NaN where one of them is `nan`. */
export function pmicRails(text: string): Map<string, number> {
  const readings = [...text.matchAll(/^\s*(\S+)_([AV])\s+(?:current|volt)\(\d+\)=(\S+?)[AV]?\s*$/gm)];
  const of = (quantity: string) =>
    new Map(readings.filter((match) => match[2] === quantity).map((match) => [match[1] as string, Number(match[3])]));
  const volts = of('V');
  return new Map(
    [...of('A')].flatMap(([rail, amps]) => (volts.has(rail) ? [[rail, amps * (volts.get(rail) ?? 0)]] : [])),
  );
}
