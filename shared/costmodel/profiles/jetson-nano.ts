import { type BoardProfile, boardProfileSchema } from '../board-profile.ts';
import { cpuBackend } from './arm-cpu.ts';
import { gpuBackends, NANO_CUDA_COEFFICIENTS } from './jetson-gpu.ts';

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
  cacheBytes: 2 * 2 ** 20,
  reservedBytes: 700e6,
  backends: [
    cpuBackend({
      coefficients: {
        run: 75.79,
        'fixed.convolution': 4.505,
        'fixed.matmul': 10.57,
        'fixed.recurrent': 10.67,
        'fixed.pool': 9.073,
        'fixed.elementwise': 7.733,
        'fixed.move': 8.27,
        'fixed.view': 2.13,
        sync: 31.72,
        'work.convolution': 357,
        'work.depthwise': 5923,
        'work.matmul': 174,
        'work.recurrent': 330.5,
        'work.pool': 650,
        'work.transcendental': 17440,
        'bytes.unfold': 1144,
        'bytes.weights': 1202,
        'bytes.convolution': 632.4,
        'bytes.elementwise': 312.3,
        'bytes.move': 114.5,
        'bytes.spill': 300,
      },
      int8Speed: 1.2,
      threads: { exponent: 0.83, memoryThreads: 3.5, fullLoadPenalty: 0.03 },
    }),
    ...gpuBackends({
      coefficients: NANO_CUDA_COEFFICIENTS,
      precisionSpeed: { float32: 1, float16: 1.6 },
      acceleratorW: 4.5,
      runtimeBytes: 110e6,
      error: {
        latencyMape: 0.213,
        energyMape: 0.31,
        memoryMape: 0.2,
        comparedWith:
          '45 image classifiers under ONNX Runtime on the GPU, each family of networks predicted from the others (npm run bench:boards); energy and memory: estimates, power as published give or take 20 %',
        estimated: ['energy', 'memory'],
      },
    }),
  ],
  power: { idleW: 1.5, coreW: 1.0, memoryW: 1.0, clockExponent: 2 },
  thermal: { ambientC: 25, resistanceCPerW: 8, timeConstantS: 60, throttleC: 97, throttledClock: 0.7 },
  noise: { runCv: 0.004, sessionCv: 0.02, tailShare: 0.01, tailScale: 0.15 },
  error: {
    latencyMape: 0.031,
    energyMape: 0.2,
    memoryMape: 0.15,
    comparedWith:
      '45 image classifiers under ONNX Runtime, each family of networks predicted from the others (npm run bench:boards); energy: an estimate, power as published give or take 20 %; memory: an estimate from two networks on an x86 machine',
    estimated: ['energy', 'memory'],
  },
  sources: {
    coefficients:
      'fitted to 45 image classifiers under ONNX Runtime on four threads (Deeplite/deeplite-torch-zoo, results/imagenet_nano_cpu_ort.csv); work.matmul, work.pool and bytes.spill, which these do not tell, scaled from a Cortex-A76',
    threads: '4 threads against 1: SqueezeNet 2.82, ResNet-50 3.06: Tencent/ncnn benchmark/README.md (a4d2ea1)',
    power: '5 W and 10 W modes of the module (NVIDIA data sheet DA_09519)',
    memory: 'ONNX Runtime 1.30 in a fresh process, measured on Linux; reserved: a running system without desktop',
    thermal: 'an estimate: a board with a heat sink in a room of 25 °C; throttling temperature of the maker',
    noise:
      'within one run CV 0.23 % (Raspberry Pi 5), p99/p50 1.01 to 2.7, medians of repeated runs 1.096 apart (MLPerf, Raspberry Pi 4)',
    gpu: 'see NANO_CUDA_COEFFICIENTS',
  },
});
