/**
 * How often an x86 core or package was too hot: `thermal_throttle/{core,package}_throttle_count`
 * (https://docs.kernel.org/admin-guide/abi-testing.html, /sys/devices/system/cpu/cpuX/thermal_throttle).
 */
import { entries, type Host, readNumber } from '../host.ts';
import type { WarningSource } from './warning.ts';

export function findX86ThrottleCounters(host: Host): WarningSource | null {
  const counts = new Map<string, number>();
  for (const cpu of entries(host, '/sys/devices/system/cpu', /^cpu\d+$/))
    for (const scope of ['core', 'package']) {
      const path = `${cpu}/thermal_throttle/${scope}_throttle_count`;
      const count = readNumber(host, path);
      if (count !== null) counts.set(path, count);
    }
  if (counts.size === 0) return null;
  return {
    kinds: ['throttled'],
    read: async () => {
      // A core that is offline for a while tells nothing: what it counted before is neither taken off nor counted anew.
      for (const [path, known] of counts) counts.set(path, readNumber(host, path) ?? known);
      const count = [...counts.values()].reduce((sum, each) => sum + each, 0);
      return [
        { kind: 'throttled', what: 'the processor throttled itself because it was too hot', active: false, count },
      ];
    },
  };
}
