/** Who this board is. */
import type { BoardDescription } from '@edgetune/shared/domain/device.ts';
import { AGENT_FEATURES } from '@edgetune/shared/protocol/agent-features.ts';
import { machineId } from '@edgetune/shared/runtime/machine-id.ts';
import si from 'systeminformation';
import { type BoardSetup, boardSetup, offeredClocksKHz, powerModeOf } from '../board/board-setup.ts';
import { clockRangeKHz, governor, temperatureC } from '../board/conditions.ts';
import { hardwareOf } from '../board/hardware.ts';
import { readText } from '../board/host.ts';
import { type BoardProbe, probeBoard } from '../board/probe-board.ts';
import { firmwareSettings, speedSettings } from '../board/speed-settings.ts';
import { RUNNERS } from '../runners/all.ts';
import { installedRuntimes } from '../runners/installed-runtimes.ts';
import type { Runner } from '../runners/runner.ts';
import { AGENT_VERSION } from '../version.ts';

interface Known {
  /** What was found on the board, where that is known already. */
  probed?: BoardProbe;
  /** The runners that are looked for. */
  runners?: readonly Runner[] | undefined;
}

export async function describeBoard(
  setup: BoardSetup = boardSetup(),
  { probed, runners = RUNNERS }: Known = {},
): Promise<BoardDescription> {
  const { host, plug, finders } = setup;
  const [system, cpu, memory, os] = await Promise.all([si.system(), si.cpu(), si.mem(), si.osInfo()]);
  const probe = probed ?? (await probeBoard(host, plug, finders));
  const { runtimes, missing } = await installedRuntimes(host, runners);
  const clocks = clockRangeKHz(host);
  const hardware = hardwareOf(host);
  return {
    // Boards with a device tree name themselves there; systeminformation knows PCs by their DMI tables.
    model:
      readText(host, '/proc/device-tree/model') ||
      [system.manufacturer, system.model].filter(Boolean).join(' ') ||
      'unknown computer',
    cpuModel: [cpu.manufacturer, cpu.brand].filter(Boolean).join(' ') || 'unknown processor',
    architecture: process.arch,
    physicalCores: Math.max(1, cpu.physicalCores || cpu.cores),
    logicalCores: Math.max(1, cpu.cores),
    memoryBytes: memory.total,
    os: `${os.distro} ${os.release}`.trim(),
    kernel: os.kernel,
    minClockKHz: clocks.min,
    maxClockKHz: clocks.max,
    settableClocksKHz: offeredClocksKHz(setup),
    governor: governor(host),
    speedSettings: [...speedSettings(host), ...(await firmwareSettings(host))],
    temperatureC: temperatureC(host),
    powerMode: powerModeOf(setup, probe.powerMode?.name ?? null),
    powerMeter: probe.meters[0]?.name ?? null,
    ...(probe.meters[0] && { powerMeterLeastWindowMs: probe.meters[0].leastWindowMs }),
    missing: [...probe.missing, ...missing],
    runtimes,
    nodeVersion: process.versions.node,
    agentVersion: AGENT_VERSION,
    agentFeatures: [...AGENT_FEATURES],
    machineId: machineId(),
    ...(hardware === undefined ? {} : { hardware }),
    simulated: null,
  };
}
