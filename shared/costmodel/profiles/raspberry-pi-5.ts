import { type BoardProfile, boardProfileSchema } from '../board-profile.ts';
import { CORTEX_A76_COEFFICIENTS, CORTEX_A76_START, cpuBackend } from './arm-cpu.ts';

export const raspberryPi5: BoardProfile = boardProfileSchema.parse({
  name: 'raspberry-pi-5',
  board: 'Raspberry Pi 5 Model B',
  cpuModel: 'Cortex-A76',
  architecture: 'arm64',
  cores: 4,
  minClockKHz: 1500000,
  maxClockKHz: 2400000,
  settableClocksKHz: [1500000, 1800000, 2000000, 2400000],
  memoryBytes: 8 * 2 ** 30,
  cacheBytes: 2 * 2 ** 20,
  reservedBytes: 400e6,
  backends: [
    cpuBackend({
      coefficients: CORTEX_A76_COEFFICIENTS,
      int8Speed: 3,
      threads: { exponent: 0.64, memoryThreads: 1.3, fullLoadPenalty: 0.1 },
    }),
  ],
  power: { idleW: 2.7, coreW: 1.28, memoryW: 0.16, clockExponent: 2 },
  thermal: { ambientC: 25, resistanceCPerW: 8, timeConstantS: 60, throttleC: 80, throttledClock: 0.7 },
  noise: { runCv: 0.004, sessionCv: 0.02, tailShare: 0.01, tailScale: 0.15 },
  error: {
    latencyMape: 0.225,
    energyMape: 0.037,
    memoryMape: 0.15,
    comparedWith:
      'YOLOv5 and YOLOv8 under ONNX Runtime, 231 networks and sizes that no fit has seen; on NAS-Bench-201, after ten of its architectures, 0.6 %, energy 3.7 % (npm run bench:boards); memory: an estimate from two networks on an x86 machine',
    estimated: ['memory'],
  },
  sources: {
    coefficients: 'see CORTEX_A76_COEFFICIENTS',
    threads: '4 threads against 1: SqueezeNet 1.61, ResNet-50 1.94: Tencent/ncnn benchmark/README.md (a4d2ea1)',
    power:
      'Idle 2.7 W and about 7.5 W with four busy cores at the wall (published reviews of the board): 1.2 W a core; one LPDDR4X channel 0.15 W',
    memory: 'ONNX Runtime 1.30 in a fresh process, measured on Linux; reserved: a running system without desktop',
    thermal: 'an estimate: a board with a heat sink in a room of 25 °C; throttling temperature of the maker',
    noise:
      'within one run CV 0.23 % (Raspberry Pi 5), p99/p50 1.01 to 2.7, medians of repeated runs 1.096 apart (MLPerf, Raspberry Pi 4)',
  },
});

/** The profile before its fit: from data sheets and from ncnn's figures. What it knows of ONNX Runtime is not from this board. */
export const raspberryPi5Start: BoardProfile = {
  ...raspberryPi5,
  name: 'raspberry-pi-5-start',
  backends: raspberryPi5.backends.map((backend) => ({ ...backend, coefficients: CORTEX_A76_START })),
  error: { latencyMape: null, energyMape: null, memoryMape: null, comparedWith: 'not compared', estimated: [] },
};
