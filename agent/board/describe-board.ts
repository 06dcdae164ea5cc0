/** Who this board is. */
import { createRequire } from 'node:module';
import type { BoardDescription } from '@edgetune/shared/domain/device.ts';
import { machineId } from '@edgetune/shared/runtime/machine-id.ts';
import si from 'systeminformation';
import { AGENT_VERSION } from '../version.ts';
import { clockRangeKHz, governor, temperatureC } from './conditions.ts';
import { findRaplMeter } from './rapl-meter.ts';
import { readText } from './read-text.ts';

export async function describeBoard(): Promise<BoardDescription> {
  const [system, cpu, memory, os] = await Promise.all([si.system(), si.cpu(), si.mem(), si.osInfo()]);
  const clocks = clockRangeKHz();
  return {
    // Boards with a device tree name themselves there; systeminformation knows PCs by their DMI tables.
    model:
      readText('/proc/device-tree/model')?.replaceAll('\0', '') ||
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
    settableClocksKHz: [],
    governor: governor(),
    temperatureC: temperatureC(),
    powerMode: null,
    powerMeter: findRaplMeter()?.name ?? null,
    runtimes: [
      {
        runner: 'onnxruntime-node',
        version: onnxruntimeVersion(),
        executionProviders: ['cpu'],
        precisions: ['float32', 'float16', 'int8'],
      },
    ],
    nodeVersion: process.versions.node,
    agentVersion: AGENT_VERSION,
    machineId: machineId(),
    simulated: null,
  };
}

function onnxruntimeVersion(): string {
  // The package does not export its package.json; its entry point lies in its dist folder.
  const require = createRequire(import.meta.url);
  return (require(require.resolve('onnxruntime-node').replace(/dist\/.*$/, 'package.json')) as { version: string })
    .version;
}
