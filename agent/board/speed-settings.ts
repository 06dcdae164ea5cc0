/**
 * What of a board's settings decides its speed, in words: who measures under other ones measures another class of device.
 * The power mode of a Jetson is apart (controls/power-mode.ts).
 */
import { clockPolicies, GPU } from './conditions.ts';
import { entries, type Host, HostError, readNumber, readText } from './host.ts';
import { vcgencmd } from './vcgencmd.ts';

/** How lines about the cores' clocks begin: those that are pinned to one for a measurement differ from the board's own. */
const OF_CORES = 'cores ';
const OF_FIRMWARE = 'firmware ';

/**
 * Limits of clocks and governors by group of cores and of the GPU, and whether turbo clocks are off, as they are now. For
 * cheapness only files are read: it is looked at around each measured window.
 */
export function speedSettings(host: Host): string[] {
  return [...coreSettings(host), ...gpuSettings(host), ...turboSettings(host)];
}

/** Groups that are set alike stand in one line. */
function coreSettings(host: Host): string[] {
  const groups = new Map<string, string[]>();
  for (const policy of clockPolicies(host)) {
    const preference = readText(host, `${policy}/energy_performance_preference`);
    const words = [
      readText(host, `${policy}/scaling_governor`),
      ...(preference === null ? [] : [`prefers ${preference}`]),
      rangeMHz(readNumber(host, `${policy}/scaling_min_freq`), readNumber(host, `${policy}/scaling_max_freq`), 1e3),
    ];
    const text = words.filter((word) => word !== null).join(', ');
    const number = /\d+$/.exec(policy)?.[0] ?? policy;
    groups.set(text, [...(groups.get(text) ?? []), number]);
  }
  return [...groups].map(([text, numbers]) => `${OF_CORES}${numbers.join(',')}: ${text}`);
}

function gpuSettings(host: Host): string[] {
  return entries(host, '/sys/class/devfreq', GPU).flatMap((device) => {
    const governor = readText(host, `${device}/governor`);
    const range = rangeMHz(readNumber(host, `${device}/min_freq`), readNumber(host, `${device}/max_freq`), 1e6);
    const words = [governor, range].filter((word) => word !== null);
    return words.length > 0 ? [`GPU: ${words.join(', ')}`] : [];
  });
}

/**
 * `no_turbo` of intel_pstate and `boost` of the others (https://docs.kernel.org/admin-guide/pm/cpufreq.html), and the
 * profile of a laptop's firmware (https://docs.kernel.org/userspace-api/sysfs-platform_profile.html).
 */
function turboSettings(host: Host): string[] {
  const isOff =
    readNumber(host, '/sys/devices/system/cpu/intel_pstate/no_turbo') === 1 ||
    readNumber(host, '/sys/devices/system/cpu/cpufreq/boost') === 0;
  const profile = readText(host, '/sys/firmware/acpi/platform_profile');
  return [...(isOff ? ['turbo off'] : []), ...(profile ? [`platform profile ${profile}`] : [])];
}

/** Of what a Raspberry Pi's config.txt may set (https://www.raspberrypi.com/documentation/computers/config_txt.html#overclocking-options). */
const OVERCLOCKING = /^(arm|core|gpu|v3d|isp|h264|hevc|sdram)_freq(_min)?=|^over_voltage\w*=|^(force_turbo|arm_boost)=/;

/** How a Raspberry Pi's firmware was told to clock it, which only a restart changes. None on other boards. */
export async function firmwareSettings(host: Host): Promise<string[]> {
  try {
    const lines = (await vcgencmd(host, 'get_config', 'int')).split('\n').map((line) => line.trim());
    return lines
      .filter((line) => OVERCLOCKING.test(line))
      .map((line) => `${OF_FIRMWARE}${line}`)
      .sort();
  } catch (error) {
    if (error instanceof HostError) return [];
    throw error;
  }
}

/**
 * What of the settings is another than it was said to be, in words; null: nothing.
 * @param isPinned the cores' clocks are set for the measurement, and are as they were asked for
 */
export function changeOfSettings(said: readonly string[], now: readonly string[], isPinned: boolean): string | null {
  const counts = (line: string) => !line.startsWith(OF_FIRMWARE) && !(isPinned && line.startsWith(OF_CORES));
  const before = said.filter((line) => counts(line) && !now.includes(line));
  const after = now.filter((line) => counts(line) && !said.includes(line));
  if (before.length === 0 && after.length === 0) return null;
  return `${before.join('; ') || 'nothing set'} → ${after.join('; ') || 'nothing set'}`;
}

function rangeMHz(least: number | null, most: number | null, perMHz: number): string | null {
  if (least === null || most === null) return null;
  return `${least / perMHz} to ${most / perMHz} MHz`;
}
