/** What can be measured and set on a board, what is missing, and how to get it. */
import { clockPolicies, temperatureC } from './conditions.ts';
import { canSetGovernor, settableClocksKHz } from './controls/cpu-clock.ts';
import { currentPowerMode, type PowerMode, powerModes } from './controls/power-mode.ts';
import { steadyClocksBy } from './controls/steady-clocks.ts';
import { accessTo, entries, type Host, HostError, readText } from './host.ts';
import { type FindMeter, findMeters } from './power/find-meters.ts';
import type { PlugAddress } from './power/plug-address.ts';
import type { MeterCoverage } from './power/power-meter.ts';
import { vcgencmd } from './vcgencmd.ts';
import { type FindWarning, findWarnings } from './warnings/find-warnings.ts';
import type { WarningKind } from './warnings/warning.ts';

export interface BoardProbe {
  /** The first one is used. */
  meters: { name: string; covers: MeterCoverage; leastWindowMs: number }[];
  /** What the board warns of. */
  warnings: WarningKind[];
  hasTemperature: boolean;
  /** Clocks that this user may pin the cores to. */
  settableClocksKHz: number[];
  canSetGovernor: boolean;
  steadyClocksBy: 'jetson_clocks' | 'governor' | null;
  /** Of a Jetson. */
  powerMode: PowerMode | null;
  powerModes: PowerMode[];
  missing: Missing[];
}

export interface Missing {
  /** What cannot be done, such as "power". */
  what: string;
  why: string;
  /** What to do about it. */
  how: string;
}

/**
 * @param plug a smart plug that the user told the agent of
 * @param finders of meters and warnings; absent: all that this agent knows
 */
export async function probeBoard(
  host: Host,
  plug: PlugAddress | null = null,
  finders: { meters?: readonly FindMeter[]; warnings?: readonly FindWarning[] } = {},
): Promise<BoardProbe> {
  const [meters, warnings] = [await findMeters(host, plug, finders.meters), await findWarnings(host, finders.warnings)];
  const probe = {
    meters: meters.map(({ name, covers, leastWindowMs }) => ({ name, covers, leastWindowMs })),
    warnings: [...new Set(warnings.flatMap(({ kinds }) => kinds))],
    hasTemperature: temperatureC(host) !== null,
    settableClocksKHz: settableClocksKHz(host),
    canSetGovernor: canSetGovernor(host),
    steadyClocksBy: await steadyClocksBy(host),
    powerMode: await currentPowerMode(host),
    powerModes: await powerModes(host),
  };
  return { ...probe, missing: await missingOn(host, probe) };
}

type Found = Omit<BoardProbe, 'missing'>;

async function missingOn(host: Host, found: Found): Promise<Missing[]> {
  const all = [
    ...(await missingFirmware(host)),
    missingPower(host, found),
    missingWarnings(found),
    missingClocks(host, found),
    missingPowerModes(found),
    missingMemoryLimit(host),
  ];
  return all.filter((missing) => missing !== null);
}

function modelOf(host: Host): string {
  return readText(host, '/proc/device-tree/model') ?? '';
}

async function missingFirmware(host: Host): Promise<Missing[]> {
  if (!modelOf(host).startsWith('Raspberry Pi')) return [];
  try {
    await vcgencmd(host, 'get_throttled');
    return [];
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    const isDenied = error.code === 'denied';
    return [
      {
        what: 'throttling, under-voltage and (Raspberry Pi 5) power by the firmware',
        why: isDenied ? 'the agent’s user may not open /dev/vcio' : `vcgencmd does not answer: ${error.message}`,
        how: isDenied
          ? 'add the agent’s user to the group video (sudo usermod -aG video USER) and restart the agent'
          : 'install it: sudo apt install raspi-utils (before Debian 12: libraspberrypi-bin)',
      },
    ];
  }
}

function missingPower(host: Host, { meters }: Found): Missing | null {
  const rapl = entries(host, '/sys/class/powercap', /^intel-rapl:\d+$/)[0];
  if (meters.length > 0) return null;
  if (rapl && accessTo(host, `${rapl}/energy_uj`) === 'denied')
    return {
      what: 'power',
      why: 'since Linux 5.10 only root may read the processor’s energy counters (RAPL)',
      how: `run the agent as root, or let its group read them at each start: sudo chgrp edgetune ${rapl}/energy_uj && sudo chmod g+r ${rapl}/energy_uj; for the whole board use a smart plug`,
    };
  const isOlderPi = /^Raspberry Pi ([34]|Zero|Compute Module [34])/.test(modelOf(host));
  return {
    what: 'power',
    why: isOlderPi ? 'this board does not sense its own current' : 'no power meter was found',
    how: isOlderPi
      ? 'put an INA219 or INA226 into its supply and name it in /boot/firmware/config.txt (dtoverlay=i2c-sensor,ina219), or use a smart plug (--power-plug)'
      : 'plug the board into a smart plug with Tasmota, or a Shelly, and name it (--power-plug)',
  };
}

function missingWarnings({ warnings }: Found): Missing | null {
  if (warnings.includes('throttled')) return null;
  return {
    what: 'whether the board throttles',
    why: 'neither firmware flags nor cooling devices nor throttle counters can be read',
    how: 'nothing on a virtual machine; on a board, look at the clocks before and after in each measurement',
  };
}

function missingClocks(host: Host, found: Found): Missing | null {
  const [policy] = clockPolicies(host);
  if (found.settableClocksKHz.length > 0 && found.canSetGovernor) return null;
  if (!policy)
    return {
      what: 'clocks',
      why: 'the kernel offers no cpufreq here',
      how: 'nothing on a virtual machine; on a board, load its cpufreq driver',
    };
  return {
    what: 'setting clocks and the governor',
    why: `the agent’s user may not write ${policy}/scaling_min_freq and its neighbours`,
    how: 'run the agent as root, or let its group write them at each start: sudo chgrp edgetune /sys/devices/system/cpu/cpufreq/policy*/scaling_{min_freq,max_freq,governor} && sudo chmod g+w the same files',
  };
}

function missingPowerModes({ powerMode, powerModes: modes }: Found): Missing | null {
  if (!powerMode || modes.length > 0) return null;
  return {
    what: 'changing the power mode',
    why: 'nvpmodel lists no modes to this user',
    how: 'run the agent as root, or choose the mode by hand: sudo nvpmodel -m N',
  };
}

/** cgroup v2 lists its controllers in one file, v1 in /proc/cgroups (columns: name, hierarchy, number, enabled). */
function missingMemoryLimit(host: Host): Missing | null {
  const v2 = readText(host, '/sys/fs/cgroup/cgroup.controllers');
  const v1 = /^memory\s+\d+\s+\d+\s+1$/m.test(readText(host, '/proc/cgroups') ?? '');
  if (v2 === null ? v1 : v2.split(/\s+/).includes('memory')) return null;
  // Controllers of v1 that are in use there are missing in v2's list.
  if (v2 !== null && host.list('/sys/fs/cgroup/memory').length > 0) return null;
  return {
    what: 'memory limits',
    why: 'the kernel runs without the memory controller of cgroups',
    how: modelOf(host).startsWith('Raspberry Pi')
      ? 'add cgroup_enable=memory cgroup_memory=1 to the line in /boot/firmware/cmdline.txt and restart the board'
      : 'start the kernel with cgroup_enable=memory',
  };
}
