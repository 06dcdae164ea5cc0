/**
 * How often an x86 core or package was too hot: `thermal_throttle/{core,package}_throttle_count`
 * (https://docs.kernel.org/admin-guide/abi-testing.html, /sys/devices/system/cpu/cpuX/thermal_throttle).
 */
import { entries, type Host, readNumber } from '../host.ts';
import type { WarningSource } from './warning.ts';

export function findX86ThrottleCounters(host: Host): WarningSource | null {
  const paths = entries(host, '/sys/devices/system/cpu', /^cpu\d+$/)
    .flatMap((cpu) => ['core', 'package'].map((scope) => `${cpu}/thermal_throttle/${scope}_throttle_count`))
    .filter((path) => readNumber(host, path) !== null);
  if (paths.length === 0) return null;
  return {
    kinds: ['throttled'],
    read: async () => {
      const count = paths.reduce((sum, path) => sum + (readNumber(host, path) ?? 0), 0);
      return [
        { kind: 'throttled', what: 'the processor throttled itself because it was too hot', active: false, count },
      ];
    },
  };
}
