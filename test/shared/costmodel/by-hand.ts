/** A board and kernels of round numbers, with which predictions can be worked out on paper. */
import { type BoardProfile, boardProfileSchema } from '@edgetune/shared/costmodel/board-profile.ts';
import type { RunnableModel } from '@edgetune/shared/onnx/analyse.ts';
import type { FusedKernel } from '@edgetune/shared/onnx/fuse-kernels.ts';

export const MEGA = 1e6;

export const PAPER_BOARD: BoardProfile = boardProfileSchema.parse({
  name: 'paper-board',
  board: 'Paper board',
  cpuModel: 'Paper',
  architecture: 'arm64',
  cores: 4,
  minClockKHz: 500_000,
  maxClockKHz: 2_000_000,
  settableClocksKHz: [500_000, 1_000_000, 2_000_000],
  memoryBytes: 1000 * MEGA,
  cacheBytes: 2 * MEGA,
  reservedBytes: 200 * MEGA,
  backends: [
    {
      executionProvider: 'cpu',
      runners: ['onnxruntime-node'],
      runtime: 'paper runtime',
      // Microseconds.
      coefficients: {
        run: 100,
        sync: 2,
        'fixed.convolution': 10,
        'fixed.matmul': 20,
        'fixed.elementwise': 30,
        'fixed.view': 1,
        'work.convolution': 50,
        'work.matmul': 60,
        'bytes.unfold': 3,
        'bytes.weights': 7,
        'bytes.convolution': 11,
        'bytes.elementwise': 13,
        'bytes.spill': 17,
      },
      precisionSpeed: { float32: 1, int8: 4 },
      threads: { exponent: 0.5, memoryThreads: 2, fullLoadPenalty: 0.25 },
      runtimeBytes: 40 * MEGA,
      weightCopies: 2,
    },
    {
      executionProvider: 'cuda',
      runners: ['onnxruntime-python'],
      runtime: 'paper accelerator',
      coefficients: { run: 50, 'fixed.matmul': 5, 'work.matmul': 6, sync: 1000 },
      precisionSpeed: { float32: 1, float16: 3 },
      threads: null,
      acceleratorW: 8,
      runtimeBytes: 100 * MEGA,
      weightCopies: 1,
      error: { latencyMape: 0.3, energyMape: 0.3, memoryMape: 0.3, comparedWith: 'itself' },
    },
  ],
  powerModes: [
    { name: 'half', cores: 2, maxClockKHz: 1_000_000, speed: 0.5, idleW: 1, coreW: 0.75 },
    { name: 'plain', cores: 4, maxClockKHz: 1_000_000 },
  ],
  power: { idleW: 2, coreW: 1.5, memoryW: 0.5, clockExponent: 2 },
  thermal: { ambientC: 25, resistanceCPerW: 8, timeConstantS: 60, throttleC: 80, throttledClock: 0.7 },
  noise: { runCv: 0.01, sessionCv: 0.02, tailShare: 0.01, tailScale: 0.1 },
  error: { latencyMape: 0.1, energyMape: 0.2, memoryMape: null, comparedWith: 'paper' },
  sources: {},
});

/** A kernel that does nothing but what is said. */
export function kernel(change: Partial<FusedKernel>): FusedKernel {
  return {
    kind: 'elementwise',
    name: 'kernel',
    ops: ['Relu'],
    macs: 0,
    inputBytes: 0,
    outputBytes: 0,
    weightBytes: 0,
    outputElements: 0,
    windowElements: 1,
    unfoldedBytes: 0,
    filters: 0,
    positions: 0,
    products: 0,
    steps: 1,
    quantised: false,
    repeats: 1,
    ...change,
  };
}

export function model(kernels: FusedKernel[], change: Partial<RunnableModel> = {}): RunnableModel {
  return {
    precision: 'float32',
    batchSize: 1,
    inputElements: 1000,
    kernels,
    weightBytes: 0,
    peakActivationBytes: 0,
    ...change,
  };
}
