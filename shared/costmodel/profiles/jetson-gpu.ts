/** The GPU of a Jetson under ONNX Runtime's CUDA provider and under TensorRT. */
import { type Backend, backendSchema, type Coefficients } from '../board-profile.ts';

/** What a GPU costs per launch: 5 to 10 µs per kernel on Jetsons (NVIDIA forum figures), the same for all kinds. */
const LAUNCH_US = 8;
/** Share of CUDA's time per kernel that TensorRT takes: fusion and tuned kernels (NVIDIA's published comparisons: 0.5 to 0.7). */
const TENSORRT_SHARE = 0.6;

function withLaunches(coefficients: Coefficients, share: number): Coefficients {
  return Object.fromEntries(
    Object.entries(coefficients).map(([term, us]) => [
      term,
      term.startsWith('fixed.') ? LAUNCH_US * share : us * share,
    ]),
  );
}

export function gpuBackends(options: {
  coefficients: Coefficients;
  precisionSpeed: Backend['precisionSpeed'];
  acceleratorW: number;
  runtimeBytes: number;
}): Backend[] {
  const common = { ...options, threads: null, weightCopies: 2 };
  return [
    backendSchema.parse({
      ...common,
      executionProvider: 'cuda',
      runners: ['onnxruntime-python'],
      runtime: 'onnxruntime-gpu',
      coefficients: withLaunches(options.coefficients, 1),
    }),
    backendSchema.parse({
      ...common,
      executionProvider: 'tensorrt',
      runners: ['trtexec', 'onnxruntime-python'],
      runtime: 'tensorrt',
      coefficients: withLaunches(options.coefficients, TENSORRT_SHARE),
    }),
  ];
}
