import { type BoardProfile, boardProfileSchema } from '../board-profile.ts';
import { CORTEX_A76_COEFFICIENTS, cpuBackend, scaledCoefficients } from './arm-cpu.ts';
import { gpuBackends, NANO_CUDA_COEFFICIENTS } from './jetson-gpu.ts';
import { TRANSFER_ESTIMATE } from './transfer-estimate.ts';

export const jetsonXavierNx: BoardProfile = boardProfileSchema.parse({
  name: 'jetson-xavier-nx',
  board: 'NVIDIA Jetson Xavier NX',
  cpuModel: 'Carmel',
  architecture: 'arm64',
  cores: 6,
  minClockKHz: 1190000,
  maxClockKHz: 1900000,
  settableClocksKHz: [1190400, 1420800, 1651200, 1900000],
  memoryBytes: 8 * 2 ** 30,
  cacheBytes: 4 * 2 ** 20,
  reservedBytes: 900e6,
  backends: [
    cpuBackend({
      coefficients: { ...scaledCoefficients(CORTEX_A76_COEFFICIENTS, 2.28, 2.28), sync: 3 },
      int8Speed: 1.3,
      threads: { exponent: 0.86, memoryThreads: 3.4, fullLoadPenalty: 0.06 },
    }),
    ...gpuBackends({
      coefficients: scaledCoefficients(NANO_CUDA_COEFFICIENTS, 0.114, 0.2),
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
  power: { idleW: 3.5, coreW: 1.5, memoryW: 1.5, clockExponent: 2 },
  thermal: { ambientC: 25, resistanceCPerW: 8, timeConstantS: 60, throttleC: 96, throttledClock: 0.7 },
  noise: { runCv: 0.004, sessionCv: 0.02, tailShare: 0.01, tailScale: 0.15 },
  error: TRANSFER_ESTIMATE,
  sources: {
    coefficients:
      "Carmel at 1.9 GHz, scaled by the clock from AGX Xavier's 170.5 ms for ResNet-50 at 2.27 GHz: Tencent/ncnn benchmark/README.md (a4d2ea1)",
    threads:
      'as AGX Xavier, 4 threads against 1: SqueezeNet 2.70, ResNet-50 3.60: Tencent/ncnn benchmark/README.md (a4d2ea1)',
    power:
      '10, 15 and 20 W modes (NVIDIA data sheet); single-stream ResNet-50 on the GPU 10.3 to 11.9 W at the wall (MLPerf v1.0 to v2.0)',
    memory: 'ONNX Runtime 1.30 in a fresh process, measured on Linux; reserved: a running system without desktop',
    thermal: 'an estimate: a board with a heat sink in a room of 25 °C; throttling temperature of the maker',
    noise:
      'within one run CV 0.23 % (Raspberry Pi 5), p99/p50 1.01 to 2.7, medians of repeated runs 1.096 apart (MLPerf, Raspberry Pi 4)',
    gpu: 'ResNet-50 in int8 with TensorRT, single stream: 3.0 ms (MLPerf v1.0 to v2.0)',
  },
});
