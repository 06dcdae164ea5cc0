import { type BoardProfile, boardProfileSchema } from '../board-profile.ts';
import { CORTEX_A76_COEFFICIENTS, cpuBackend, scaledCoefficients } from './arm-cpu.ts';

export const raspberryPi4: BoardProfile = boardProfileSchema.parse({
  name: 'raspberry-pi-4',
  board: 'Raspberry Pi 4 Model B',
  cpuModel: 'Cortex-A72',
  architecture: 'arm64',
  cores: 4,
  minClockKHz: 600000,
  maxClockKHz: 1800000,
  settableClocksKHz: [600000, 1000000, 1500000, 1800000],
  memoryBytes: 4 * 2 ** 30,
  cacheBytes: 2 ** 20,
  reservedBytes: 300e6,
  backends: [
    cpuBackend({
      coefficients: scaledCoefficients(CORTEX_A76_COEFFICIENTS, 2.67, 3),
      int8Speed: 1.3,
      threads: { exponent: 0.56, memoryThreads: 1.2, fullLoadPenalty: 0.08 },
    }),
  ],
  power: { idleW: 2.7, coreW: 0.95, memoryW: 0.9, clockExponent: 2 },
  thermal: { ambientC: 25, resistanceCPerW: 8, timeConstantS: 60, throttleC: 80, throttledClock: 0.7 },
  noise: { runCv: 0.004, sessionCv: 0.02, tailShare: 0.01, tailScale: 0.15 },
  error: {
    latencyMape: 0.132,
    energyMape: 0.24,
    memoryMape: 0.15,
    comparedWith:
      'YOLOv5 and YOLOv8 under ONNX Runtime, 231 networks and sizes that no fit has seen (npm run bench:boards); energy: an estimate, with power as published give or take 20 %; memory: an estimate from two networks on an x86 machine',
    estimated: ['energy', 'memory'],
  },
  sources: {
    coefficients:
      'Cortex-A72 at 1.8 GHz against a Cortex-A76 at 2.4 GHz: half as many vector multipliers, three quarters of the clock; LPDDR4 at a third of the bandwidth (STREAM)',
    threads: '4 threads against 1: SqueezeNet 1.59, ResNet-50 2.03: Tencent/ncnn benchmark/README.md (a4d2ea1)',
    power: 'Wall power while inferring 4.6 to 7.4 W (MLPerf Inference edge rounds), idle 2.7 W (raspberrypi.com)',
    memory: 'ONNX Runtime 1.30 in a fresh process, measured on Linux; reserved: a running system without desktop',
    thermal: 'an estimate: a board with a heat sink in a room of 25 °C; throttling temperature of the maker',
    noise:
      'within one run CV 0.23 % (Raspberry Pi 5), p99/p50 1.01 to 2.7, medians of repeated runs 1.096 apart (MLPerf, Raspberry Pi 4)',
  },
});
