/** The GPU of a Jetson under ONNX Runtime's CUDA provider and under TensorRT. */
import { type Backend, backendSchema, type Coefficients, type ProfileError } from '../board-profile.ts';
import { scaledCoefficients } from './arm-cpu.ts';

/**
 * ONNX Runtime's CUDA provider on a Jetson Nano (128 Maxwell cores, 921 MHz, 25.6 GB/s): fitted to 45 image classifiers
 * (Deeplite/deeplite-torch-zoo, results/imagenet_nano_gpu_ort.csv). Launches cost 50 to 90 µs each there; what the fit
 * cannot tell apart (matrix products, recurrent layers) is at its start.
 */
export const NANO_CUDA_COEFFICIENTS: Coefficients = {
  run: 8,
  'fixed.convolution': 89.05,
  'fixed.matmul': 50,
  'fixed.recurrent': 50,
  'fixed.pool': 27.69,
  'fixed.elementwise': 49.74,
  'fixed.move': 30,
  'fixed.view': 3.9,
  'work.convolution': 8.021,
  'work.depthwise': 8.021,
  'work.matmul': 8.021,
  'work.recurrent': 30,
  'work.transcendental': 2491,
  'bytes.unfold': 192.1,
  'bytes.weights': 169.4,
  'bytes.convolution': 328.6,
  'bytes.elementwise': 21.68,
  'bytes.move': 60,
};

/** Share of CUDA's time per kernel that TensorRT takes: fusion and tuned kernels (NVIDIA's published comparisons: 0.5 to 0.7). */
const TENSORRT_SHARE = 0.6;

/** Nothing at hand compares TensorRT's kernels one by one. */
const TENSORRT_ERROR: ProfileError = {
  latencyMape: 0.5,
  energyMape: 0.6,
  memoryMape: 0.3,
  comparedWith: "estimate: CUDA's error, and as much again for the share of it that TensorRT takes",
  estimated: ['latency', 'energy', 'memory'],
};

export function gpuBackends(options: {
  coefficients: Coefficients;
  precisionSpeed: Backend['precisionSpeed'];
  acceleratorW: number;
  runtimeBytes: number;
  error: ProfileError;
}): Backend[] {
  const common = { ...options, threads: null, weightCopies: 2 };
  return [
    backendSchema.parse({
      ...common,
      executionProvider: 'cuda',
      runners: ['onnxruntime-python'],
      runtime: 'onnxruntime-gpu',
      coefficients: options.coefficients,
    }),
    backendSchema.parse({
      ...common,
      executionProvider: 'tensorrt',
      runners: ['trtexec', 'onnxruntime-python'],
      runtime: 'tensorrt',
      coefficients: scaledCoefficients(options.coefficients, TENSORRT_SHARE, TENSORRT_SHARE),
      error: TENSORRT_ERROR,
    }),
  ];
}
