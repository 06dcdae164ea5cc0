import { type BoardProfile, boardProfileSchema } from '../board-profile.ts';
import { CORTEX_A76_COEFFICIENTS, cpuBackend, scaledCoefficients } from './arm-cpu.ts';
import { TRANSFER_ESTIMATE } from './transfer-estimate.ts';

export const raspberryPiZero2w: BoardProfile = boardProfileSchema.parse({
  name: 'raspberry-pi-zero-2w',
  board: 'Raspberry Pi Zero 2 W',
  cpuModel: 'Cortex-A53',
  architecture: 'arm64',
  cores: 4,
  minClockKHz: 600000,
  maxClockKHz: 1000000,
  settableClocksKHz: [600000, 800000, 1000000],
  memoryBytes: 2 ** 29,
  cacheBytes: 2 ** 19,
  reservedBytes: 150e6,
  backends: [
    cpuBackend({
      coefficients: { ...scaledCoefficients(CORTEX_A76_COEFFICIENTS, 9, 9.6), sync: 50 },
      int8Speed: 1.3,
      threads: { exponent: 0.57, memoryThreads: 3.4, fullLoadPenalty: 0.05 },
    }),
  ],
  power: { idleW: 0.6, coreW: 0.4, memoryW: 0.3, clockExponent: 2 },
  thermal: { ambientC: 25, resistanceCPerW: 8, timeConstantS: 60, throttleC: 80, throttledClock: 0.7 },
  noise: { runCv: 0.004, sessionCv: 0.02, tailShare: 0.01, tailScale: 0.15 },
  error: TRANSFER_ESTIMATE,
  sources: {
    coefficients:
      'ResNet-50 on one thread takes 1801 ms where a Raspberry Pi 4 takes 533 ms, both in float32: Tencent/ncnn benchmark/README.md (a4d2ea1)',
    threads: '4 threads against 1: SqueezeNet 2.01, ResNet-50 2.30: Tencent/ncnn benchmark/README.md (a4d2ea1)',
    power: 'Idle 0.6 W, busy about 2 W (raspberrypi.com, power consumption)',
    memory: 'ONNX Runtime 1.30 in a fresh process, measured on Linux; reserved: a running system without desktop',
    thermal: 'an estimate: a board with a heat sink in a room of 25 °C; throttling temperature of the maker',
    noise:
      'within one run CV 0.23 % (Raspberry Pi 5), p99/p50 1.01 to 2.7, medians of repeated runs 1.096 apart (MLPerf, Raspberry Pi 4)',
  },
});
