import { type BoardProfile, boardProfileSchema } from '../board-profile.ts';
import { CORTEX_A76_COEFFICIENTS, CORTEX_A76_START, cpuBackend, scaledCoefficients } from './arm-cpu.ts';
import { gpuBackends } from './jetson-gpu.ts';

export const jetsonNano: BoardProfile = boardProfileSchema.parse({
  name: 'jetson-nano',
  board: 'NVIDIA Jetson Nano',
  cpuModel: 'Cortex-A57',
  architecture: 'arm64',
  cores: 4,
  minClockKHz: 102000,
  maxClockKHz: 1479000,
  settableClocksKHz: [714000, 1036800, 1224000, 1479000],
  memoryBytes: 4 * 2 ** 30,
  reservedBytes: 700e6,
  backends: [
    cpuBackend({
      coefficients: scaledCoefficients(CORTEX_A76_COEFFICIENTS, 9.6, 5.5),
      int8Speed: 1.2,
      threads: { exponent: 0.9, memoryThreads: 1.7, syncUs: 2, fullLoadPenalty: 0.03 },
    }),
    ...gpuBackends({
      coefficients: scaledCoefficients(CORTEX_A76_START, 1.05, 0.5),
      precisionSpeed: { float32: 1, float16: 1.6 },
      acceleratorW: 4.5,
      runtimeBytes: 110e6,
    }),
  ],
  power: { idleW: 1.5, coreW: 1.0, memoryW: 1.0, clockExponent: 2 },
  thermal: { ambientC: 25, resistanceCPerW: 8, timeConstantS: 60, throttleC: 97, throttledClock: 0.7 },
  noise: { runCv: 0.004, sessionCv: 0.02, tailShare: 0.01, tailScale: 0.15 },
  error: { latencyMape: null, energyMape: null, memoryMape: null, comparedWith: 'not compared yet' },
  sources: {
    coefficients:
      'ResNet-50 under ONNX Runtime on the CPU, default threads: 609 ms (Deeplite/deeplite-torch-zoo, results/imagenet_nano_cpu_ort.csv)',
    threads: '4 threads against 1: SqueezeNet 2.82, ResNet-50 3.06: Tencent/ncnn benchmark/README.md (a4d2ea1)',
    power: '5 W and 10 W modes of the module (NVIDIA data sheet DA_09519)',
    memory: 'ONNX Runtime 1.30 in a fresh process, measured on Linux; reserved: a running system without desktop',
    thermal: 'an estimate: a board with a heat sink in a room of 25 °C; throttling temperature of the maker',
    noise:
      'within one run CV 0.23 % (Raspberry Pi 5), p99/p50 1.01 to 2.7, medians of repeated runs 1.096 apart (MLPerf, Raspberry Pi 4)',
    gpu: 'ResNet-50 under ONNX Runtime on the GPU 93 ms, ResNet-18 34 ms (Deeplite/deeplite-torch-zoo, results/imagenet_nano_gpu_ort.csv)',
  },
});
