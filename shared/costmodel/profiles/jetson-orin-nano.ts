import { type BoardProfile, boardProfileSchema } from '../board-profile.ts';
import { CORTEX_A76_COEFFICIENTS, cpuBackend, scaledCoefficients } from './arm-cpu.ts';
import { gpuBackends, NANO_CUDA_COEFFICIENTS } from './jetson-gpu.ts';
import { TRANSFER_ESTIMATE } from './transfer-estimate.ts';

export const jetsonOrinNano: BoardProfile = boardProfileSchema.parse({
  name: 'jetson-orin-nano',
  board: 'NVIDIA Jetson Orin Nano',
  cpuModel: 'Cortex-A78AE',
  architecture: 'arm64',
  cores: 6,
  minClockKHz: 729600,
  maxClockKHz: 1510400,
  settableClocksKHz: [729600, 960000, 1190400, 1510400],
  memoryBytes: 8 * 2 ** 30,
  cacheBytes: 4 * 2 ** 20,
  reservedBytes: 900e6,
  backends: [
    cpuBackend({
      coefficients: { ...scaledCoefficients(CORTEX_A76_COEFFICIENTS, 1.55, 1.55), sync: 5 },
      int8Speed: 3,
      threads: { exponent: 0.78, memoryThreads: 5, fullLoadPenalty: 0.06 },
    }),
    ...gpuBackends({
      coefficients: scaledCoefficients(NANO_CUDA_COEFFICIENTS, 0.095, 0.12),
      precisionSpeed: { float32: 1, float16: 3, int8: 5 },
      acceleratorW: 6,
      runtimeBytes: 300e6,
      error: {
        latencyMape: 0.4,
        energyMape: 0.45,
        memoryMape: 0.3,
        comparedWith:
          "estimate: a Jetson Nano's GPU kernels, off by 21.3 % there, scaled by the figures of the data sheets",
        estimated: ['latency', 'energy', 'memory'],
      },
    }),
  ],
  power: { idleW: 4.5, coreW: 0.9, memoryW: 1.5, clockExponent: 2 },
  thermal: { ambientC: 25, resistanceCPerW: 8, timeConstantS: 60, throttleC: 99, throttledClock: 0.7 },
  noise: { runCv: 0.004, sessionCv: 0.02, tailShare: 0.01, tailScale: 0.15 },
  error: TRANSFER_ESTIMATE,
  sources: {
    coefficients:
      'ResNet-50 on one thread takes 138.5 ms where a Raspberry Pi 5 takes 89.4 ms: Tencent/ncnn benchmark/README.md (a4d2ea1)',
    threads: '6 threads against 1: SqueezeNet 2.82, ResNet-50 3.53: Tencent/ncnn benchmark/README.md (a4d2ea1)',
    power: '7 and 15 W modes (NVIDIA data sheet DS-11105)',
    memory: 'ONNX Runtime 1.30 in a fresh process, measured on Linux; reserved: a running system without desktop',
    thermal: 'an estimate: a board with a heat sink in a room of 25 °C; throttling temperature of the maker',
    noise:
      'within one run CV 0.23 % (Raspberry Pi 5), p99/p50 1.01 to 2.7, medians of repeated runs 1.096 apart (MLPerf, Raspberry Pi 4)',
    gpu: 'ResNet-50 with ncnn on the GPU 9.3 ms (Tencent/ncnn benchmark/README.md (a4d2ea1)); tensor cores as Xavier NX, scaled by the TOPS of the data sheets',
  },
});
