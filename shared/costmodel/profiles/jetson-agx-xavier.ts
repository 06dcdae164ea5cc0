import { type BoardProfile, boardProfileSchema } from '../board-profile.ts';
import { CORTEX_A76_COEFFICIENTS, cpuBackend, scaledCoefficients } from './arm-cpu.ts';

export const jetsonAgxXavier: BoardProfile = boardProfileSchema.parse({
  name: 'jetson-agx-xavier',
  board: 'NVIDIA Jetson AGX Xavier',
  cpuModel: 'Carmel',
  architecture: 'arm64',
  cores: 8,
  minClockKHz: 1190400,
  maxClockKHz: 2265600,
  settableClocksKHz: [1190400, 1420800, 1728000, 2265600],
  memoryBytes: 32 * 2 ** 30,
  cacheBytes: 4 * 2 ** 20,
  reservedBytes: 1200e6,
  backends: [
    cpuBackend({
      coefficients: {
        ...scaledCoefficients(CORTEX_A76_COEFFICIENTS, 1.8, 1.8),
        run: 300,
        sync: 3,
        'work.convolution': 87,
        'work.depthwise': 400,
      },
      int8Speed: 1.3,
      threads: { exponent: 0.88, memoryThreads: 3.4, fullLoadPenalty: 0 },
      runtime: 'tensorflow-lite (ruy)',
    }),
  ],
  powerModes: [
    { name: 'MAXN', cores: 8, maxClockKHz: 2265600, speed: 1, idleW: 9, coreW: 2.155 },
    { name: 'MODE_15W', cores: 4, maxClockKHz: 1200000, speed: 0.582, idleW: 5, coreW: 0.318 },
    { name: 'MODE_30W_ALL', cores: 8, maxClockKHz: 1200000, speed: 0.611, idleW: 5, coreW: 0.386 },
    { name: 'MODE_30W_6CORE', cores: 6, maxClockKHz: 1450000, speed: 0.56, idleW: 5, coreW: 0.425 },
    { name: 'MODE_30W_4CORE', cores: 4, maxClockKHz: 1780000, speed: 0.692, idleW: 5, coreW: 1.045 },
  ],
  power: { idleW: 9, coreW: 2.155, memoryW: 1.5, clockExponent: 2 },
  thermal: { ambientC: 25, resistanceCPerW: 1.2, timeConstantS: 90, throttleC: 96, throttledClock: 0.7 },
  noise: { runCv: 0.02, sessionCv: 0.03, tailShare: 0.02, tailScale: 0.15 },
  error: {
    latencyMape: 0.144,
    energyMape: 0.2,
    memoryMape: 0.2,
    comparedWith:
      '44 MobileNets v1 and v2, EfficientNet-Lites and ResNet-50 under TensorFlow Lite, each family predicted from the others (npm run bench:boards); energy: watts of the power modes as ArmNN showed them; memory: an estimate',
    estimated: ['energy', 'memory'],
  },
  sources: {
    coefficients:
      'Cortex-A76 kernels 1.8 times as slow; run, depthwise and other convolutions after 44 networks, single stream, TensorFlow Lite 2.5 with ruy, MAXN (MLPerf Inference edge v1.1, xavier-power.0): ResNet-50 82 ms',
    threads:
      '1, 2, 4, 8 threads: SqueezeNet 22.7, 13.4, 8.4, 6.5 ms; ResNet-50 170.5, 87.7, 47.4, 28.2 ms: Tencent/ncnn benchmark/README.md (a4d2ea1)',
    powerModes:
      'cores and clocks: NVIDIA Jetson Linux developer guide, nvpmodel; speed beyond them (memory clock, governor) and watts: ResNet-50 in each mode, 408 ms/7.8 W, 232 ms/9.5 W, 261 ms/9.0 W, 236 ms/10.6 W at the wall (MLPerf Inference edge v1.1, xavier-power.2 to .5)',
    memory: 'ONNX Runtime 1.30 in a fresh process, measured on Linux; reserved: a running system without desktop',
    thermal: 'an estimate: the developer kit with its fan',
    noise: 'p90/p50 of the runs above 1.1 (MLPerf Inference edge)',
  },
});
