/** The state of the board around a measured window: clock, temperature, load by others. */
import { entries, type Host, readNumber, readText } from './host.ts';
import { TICKS_PER_S } from './kernel-time.ts';

/** Folders of the cpufreq policies: groups of cores that share a clock (https://docs.kernel.org/admin-guide/pm/cpufreq.html). */
export function clockPolicies(host: Host): string[] {
  return entries(host, '/sys/devices/system/cpu/cpufreq', /^policy\d+$/);
}

/**
 * The highest clock of any core now, in kHz; null where the board does not tell. What the hardware says
 * (`cpuinfo_cur_freq`, for root only) is preferred to what was asked of it.
 */
export function currentClockKHz(host: Host): number | null {
  return highest(
    clockPolicies(host).map(
      (policy) => readNumber(host, `${policy}/cpuinfo_cur_freq`) ?? readNumber(host, `${policy}/scaling_cur_freq`),
    ),
  );
}

/** A Jetson's GPU among the devfreq devices: by its chip up to JetPack 5, as `17000000.gpu` or `57000000.gpu` otherwise. */
export const GPU = /^[0-9a-f]+\.(gpu|gp10b|gv11b|ga10b)$/;

/**
 * The GPU's clock now, in kHz; null where there is none that tells. `cur_freq` is in Hz
 * (https://docs.kernel.org/admin-guide/abi-testing.html, sysfs-class-devfreq; NVIDIA's drivers count in Hz).
 */
export function gpuClockKHz(host: Host): number | null {
  const clocksHz = entries(host, '/sys/class/devfreq', GPU).map((device) => readNumber(host, `${device}/cur_freq`));
  const clockHz = highest(clocksHz);
  return clockHz === null ? null : clockHz / 1000;
}

/** Drivers whose highest clock is a turbo clock, which falls with load and heat by design. */
const TURBO_DRIVERS = /^(intel_|amd[-_]pstate|acpi-cpufreq)/;

/**
 * The clock, in kHz, at which a busy core must run now: limits that leave one choice, or the governor `performance`.
 * Null where it may follow the load.
 */
export function heldClockKHz(host: Host): number | null {
  const held = clockPolicies(host).map((policy) => {
    const [lower, upper] = ['min', 'max'].map((name) => readNumber(host, `${policy}/scaling_${name}_freq`));
    const isSteady =
      lower === upper ||
      (readText(host, `${policy}/scaling_governor`) === 'performance' &&
        !TURBO_DRIVERS.test(readText(host, `${policy}/scaling_driver`) ?? ''));
    return isSteady ? (upper ?? null) : null;
  });
  return held.includes(null) ? null : highest(held);
}

export function clockRangeKHz(host: Host): { min: number | null; max: number | null } {
  const of = (name: string) => clockPolicies(host).map((policy) => readNumber(host, `${policy}/${name}`));
  const lowest = of('cpuinfo_min_freq').filter((clock) => clock !== null);
  return { min: lowest.length > 0 ? Math.min(...lowest) : null, max: highest(of('cpuinfo_max_freq')) };
}

export function governor(host: Host): string | null {
  return clockPolicies(host).flatMap((policy) => readText(host, `${policy}/scaling_governor`) ?? [])[0] ?? null;
}

/**
 * Zones that are no temperature of the processor: a Jetson's PMIC-Die always says 100 °C (or 50), thermal-fan-est is
 * computed, INT3400 is a policy, and a radio has a life of its own.
 */
const NOT_THE_PROCESSOR = /^(PMIC-Die|thermal-fan-est|INT3400 Thermal|iwlwifi.*)$/;

/** The hottest thermal zone in °C; null where there is none. */
export function temperatureC(host: Host): number | null {
  const zones = entries(host, '/sys/class/thermal', /^thermal_zone\d+$/).filter(
    (zone) => !NOT_THE_PROCESSOR.test(readText(host, `${zone}/type`) ?? ''),
  );
  const milli = highest(zones.map((zone) => readNumber(host, `${zone}/temp`)));
  return milli === null ? null : milli / 1000;
}

/** Seconds for which all cores together were busy since the machine started (proc(5), /proc/stat, without idle and iowait). */
export function busyCpuSeconds(host: Host): number | null {
  const fields = readText(host, '/proc/stat')?.split('\n')[0]?.trim().split(/\s+/).slice(1).map(Number);
  if (!fields || fields.length < 8) return null;
  const [user, nice, system, , , irq, softirq, steal] = fields as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  return (user + nice + system + irq + softirq + steal) / TICKS_PER_S;
}

function highest(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length > 0 ? Math.max(...known) : null;
}
