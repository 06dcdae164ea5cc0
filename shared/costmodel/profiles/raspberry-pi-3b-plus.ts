import { type BoardProfile, boardProfileSchema } from '../board-profile.ts';
import { CORTEX_A76_COEFFICIENTS, cpuBackend, scaledCoefficients } from './arm-cpu.ts';
import { TRANSFER_ESTIMATE } from './transfer-estimate.ts';

export const raspberryPi3bPlus: BoardProfile = boardProfileSchema.parse({
  name: 'raspberry-pi-3b-plus',
  board: 'Raspberry Pi 3 Model B+',
  cpuModel: 'Cortex-A53',
  architecture: 'arm64',
  cores: 4,
  minClockKHz: 600000,
  maxClockKHz: 1400000,
  settableClocksKHz: [600000, 900000, 1200000, 1400000],
  memoryBytes: 2 ** 30,
  cacheBytes: 2 ** 19,
  reservedBytes: 200e6,
  backends: [
    cpuBackend({
      coefficients: { ...scaledCoefficients(CORTEX_A76_COEFFICIENTS, 4.9, 5.2), sync: 40 },
      int8Speed: 1.3,
      threads: { exponent: 0.43, memoryThreads: 2, fullLoadPenalty: 0.12 },
    }),
  ],
  power: { idleW: 1.9, coreW: 0.85, memoryW: 0.5, clockExponent: 2 },
  thermal: { ambientC: 25, resistanceCPerW: 8, timeConstantS: 60, throttleC: 85, throttledClock: 0.7 },
  noise: { runCv: 0.004, sessionCv: 0.02, tailShare: 0.01, tailScale: 0.15 },
  error: TRANSFER_ESTIMATE,
  sources: {
    coefficients:
      'ResNet-50 on one thread takes 977.5 ms where a Raspberry Pi 4 takes 533 ms, both in float32: Tencent/ncnn benchmark/README.md (a4d2ea1)',
    threads: '4 threads against 1: SqueezeNet 1.47, ResNet-50 1.67: Tencent/ncnn benchmark/README.md (a4d2ea1)',
    power: 'Idle 1.9 W, all cores busy about 5.1 W at the wall (raspberrypi.com, power consumption)',
    memory: 'ONNX Runtime 1.30 in a fresh process, measured on Linux; reserved: a running system without desktop',
    thermal: 'an estimate: a board with a heat sink in a room of 25 °C; throttling temperature of the maker',
    noise:
      'within one run CV 0.23 % (Raspberry Pi 5), p99/p50 1.01 to 2.7, medians of repeated runs 1.096 apart (MLPerf, Raspberry Pi 4)',
  },
});
