import { type BoardProfile, boardProfileSchema } from '../board-profile.ts';
import { CORTEX_A76_COEFFICIENTS, cpuBackend, scaledCoefficients } from './arm-cpu.ts';

export const x86MiniPc: BoardProfile = boardProfileSchema.parse({
  name: 'x86-mini-pc',
  board: 'Mini PC (Intel N100)',
  cpuModel: 'Intel N100',
  architecture: 'x64',
  cores: 4,
  minClockKHz: 700000,
  maxClockKHz: 3400000,
  settableClocksKHz: [700000, 1400000, 2000000, 2800000, 3400000],
  memoryBytes: 16 * 2 ** 30,
  cacheBytes: 6 * 2 ** 20,
  reservedBytes: 1200e6,
  backends: [
    cpuBackend({
      coefficients: scaledCoefficients(CORTEX_A76_COEFFICIENTS, 0.6, 0.8),
      int8Speed: 2.5,
      threads: { exponent: 0.85, memoryThreads: 1.5, fullLoadPenalty: 0.08 },
    }),
  ],
  power: { idleW: 6.0, coreW: 3.0, memoryW: 1.5, clockExponent: 2 },
  thermal: { ambientC: 25, resistanceCPerW: 8, timeConstantS: 60, throttleC: 105, throttledClock: 0.7 },
  noise: { runCv: 0.004, sessionCv: 0.02, tailShare: 0.01, tailScale: 0.15 },
  error: {
    latencyMape: 0.39,
    energyMape: 0.44,
    memoryMape: 0.2,
    comparedWith:
      'estimate: no measurement of such a machine is at hand; the 29 % by which scaled Cortex-A76 kernels miss other ARM boards (npm run bench:boards), and a third more for another instruction set',
    estimated: ['latency', 'energy', 'memory'],
  },
  sources: {
    coefficients:
      'Gracemont at 3.4 GHz with 256-bit AVX2 against a Cortex-A76 at 2.4 GHz with 128-bit NEON: twice the width, 1.4 times the clock, half the width per cycle on FMA: about 1.7 times as fast; an estimate from the data sheets',
    threads: "single-channel DDR: estimated as a Raspberry Pi 5's",
    power: '6 W processor TDP (Intel ARK, N100), about 6 W idle and 20 W busy at the wall for mini PCs: an estimate',
    memory: 'ONNX Runtime 1.30 in a fresh process, measured on Linux; reserved: a running system without desktop',
    thermal: 'an estimate: a board with a heat sink in a room of 25 °C; throttling temperature of the maker',
    noise:
      'within one run CV 0.23 % (Raspberry Pi 5), p99/p50 1.01 to 2.7, medians of repeated runs 1.096 apart (MLPerf, Raspberry Pi 4)',
  },
});
