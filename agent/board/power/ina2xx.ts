/**
 * One INA219, INA226, INA260 or a relative on I²C, measuring the supply of a board that has no sensor of its own.
 * - hwmon (https://docs.kernel.org/hwmon/ina2xx.html): `power1_input` µW, or `in1_input` mV × `curr1_input` mA;
 *   `shunt_resistor` (µΩ) must be told to the kernel rightly, else all readings are off by its ratio.
 * - iio (drivers/iio/adc/ina2xx-adc.c; Documentation/ABI/testing/sysfs-bus-iio): `in_power2_raw` × `in_power2_scale`, in mW.
 */
import { entries, type Host, HostError, readNumber, readText } from '../host.ts';
import { alwaysOpen, type PowerMeter } from './power-meter.ts';

const CHIP = /^ina(209|219|22[0-9]|23[0-9]|260)(-adc)?$/;

/** @returns null where there is no such sensor, or none whose numbers can be read */
export function findIna2xx(host: Host): PowerMeter | null {
  const hwmon = entries(host, '/sys/class/hwmon', /^hwmon\d+$/).map((folder) => ({ folder, watts: hwmonWatts }));
  const iio = entries(host, '/sys/bus/iio/devices', /^iio:device\d+$/).map((folder) => ({ folder, watts: iioWatts }));
  for (const { folder, watts } of [...hwmon, ...iio]) {
    const chip = readText(host, `${folder}/name`) ?? '';
    if (!CHIP.test(chip) || watts(host, folder) === null) continue;
    return {
      name: chip.replace('-adc', '').toUpperCase(),
      covers: 'board',
      kind: 'power',
      intervalMs: 50,
      leastWindowMs: 150,
      open: alwaysOpen(() => {
        const now = watts(host, folder);
        if (now === null) throw new HostError('failed', `${folder} gave no reading`);
        return now;
      }),
    };
  }
  return null;
}

function hwmonWatts(host: Host, folder: string): number | null {
  const microwatts = readNumber(host, `${folder}/power1_input`);
  if (microwatts !== null) return microwatts / 1e6;
  const [millivolts, milliamps] = [readNumber(host, `${folder}/in1_input`), readNumber(host, `${folder}/curr1_input`)];
  return millivolts === null || milliamps === null ? null : (millivolts * milliamps) / 1e6;
}

function iioWatts(host: Host, folder: string): number | null {
  const raw = readNumber(host, `${folder}/in_power2_raw`);
  const scale = readNumber(host, `${folder}/in_power2_scale`);
  return raw === null || scale === null ? null : (raw * scale) / 1000;
}
