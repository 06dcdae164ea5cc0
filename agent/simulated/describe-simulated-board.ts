/** What a simulated board says of itself, in the form in which a real one describes itself. */

import type { BoardProfile } from '@edgetune/shared/costmodel/board-profile.ts';
import { idlePowerW } from '@edgetune/shared/costmodel/predict.ts';
import type { BoardDescription } from '@edgetune/shared/domain/device.ts';
import type { ExecutionProvider, Precision } from '@edgetune/shared/domain/inference-config.ts';
import { AGENT_FEATURES } from '@edgetune/shared/protocol/agent-features.ts';

export function describeSimulatedBoard(
  profile: BoardProfile,
  options: { timeScale: number; powerMode: string | undefined; seed: string; agentVersion: string },
): BoardDescription {
  const mode = profile.powerModes.find((each) => each.name === options.powerMode);
  const runners = new Map<string, { executionProviders: Set<ExecutionProvider>; precisions: Set<Precision> }>();
  for (const backend of profile.backends)
    for (const runner of backend.runners) {
      const entry = runners.get(runner) ?? { executionProviders: new Set(), precisions: new Set() };
      runners.set(runner, entry);
      entry.executionProviders.add(backend.executionProvider);
      for (const precision of Object.keys(backend.precisionSpeed)) entry.precisions.add(precision as Precision);
    }
  const cores = mode?.cores ?? profile.cores;
  return {
    model: `${profile.board} (simulated)`,
    cpuModel: profile.cpuModel,
    architecture: profile.architecture,
    physicalCores: cores,
    logicalCores: cores,
    memoryBytes: profile.memoryBytes,
    os: 'simulated',
    kernel: 'simulated',
    minClockKHz: profile.minClockKHz,
    maxClockKHz: mode?.maxClockKHz ?? profile.maxClockKHz,
    settableClocksKHz: [...profile.settableClocksKHz],
    governor: 'performance',
    temperatureC: profile.thermal.ambientC + profile.thermal.resistanceCPerW * idlePowerW(profile, options.powerMode),
    powerMode: options.powerMode ?? null,
    powerMeter: 'simulated',
    runtimes: [...runners].map(([runner, { executionProviders, precisions }]) => ({
      runner,
      version: 'simulated',
      executionProviders: [...executionProviders],
      precisions: [...precisions],
    })),
    nodeVersion: process.version,
    agentVersion: options.agentVersion,
    agentFeatures: [...AGENT_FEATURES],
    machineId: `simulated-${profile.name}-${options.seed}`,
    simulated: {
      profile: profile.name,
      timeScale: options.timeScale,
      latencyMape: profile.error.latencyMape,
      isErrorEstimated: profile.error.estimated.includes('latency'),
      comparedWith: profile.error.comparedWith,
    },
  };
}
