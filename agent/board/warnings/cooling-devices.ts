/**
 * Cooling that costs speed (https://docs.kernel.org/driver-api/thermal/sysfs-api.html): a `cooling_device` that limits a
 * clock works while its `cur_state` is above 0. Fans cool too, and cost none. Names: the kernel's `cpufreq-…`,
 * `devfreq-…`, `thermal-cpufreq-…`, `thermal-devfreq-…` and ACPI's `Processor`; NVIDIA's `cpu-balanced`, `gpu-balanced` and
 * `emergency-balanced` (the `cdev-type` of the thermal zones in L4T's device trees for Tegra210, as in
 * tegra210-p3448-0000-p3449-0000-a00.dts of the Jetson Nano, https://pastebin.com/YJkTe3nF) and `…-throttle-alert` (JetPack 5
 * and later).
 */
import { entries, type Host, readNumber, readText } from '../host.ts';
import type { WarningSource } from './warning.ts';

const LIMITS_A_CLOCK = /^((thermal-)?(cpufreq|devfreq)-.*|Processor|(cpu|gpu|emergency)-balanced|.*-throttle-alert)$/;

export function findCoolingDevices(host: Host): WarningSource | null {
  const devices = entries(host, '/sys/class/thermal', /^cooling_device\d+$/)
    .map((folder) => ({ type: readText(host, `${folder}/type`) ?? '', path: `${folder}/cur_state` }))
    .filter(({ type, path }) => LIMITS_A_CLOCK.test(type) && readNumber(host, path) !== null);
  if (devices.length === 0) return null;
  return {
    kinds: ['throttled'],
    read: async () =>
      devices.map(({ type, path }) => ({
        kind: 'throttled',
        what: `the board cooled itself by ${type}`,
        active: (readNumber(host, path) ?? 0) > 0,
        count: 0,
      })),
  };
}
