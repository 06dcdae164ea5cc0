/** What the CPU backends of the boards have in common: ONNX Runtime's kernels, scaled by how fast a core is. */
import { type Backend, backendSchema, type Coefficients } from '../board-profile.ts';
import type { Term } from '../terms.ts';

/**
 * ONNX Runtime's CPU kernels on one Cortex-A76 at 2.4 GHz. Work: ncnn's ResNet-50 on a Raspberry Pi 5 (89.4 ms for
 * 4.09 GMAC, one thread; Tencent/ncnn benchmark/README.md) is 21.9 µs per million MACs, of which about a fifth is
 * memory traffic. Bytes: a single A76 core copies about 10 GB/s from LPDDR4X (STREAM), read and written once each.
 * Fixed: ONNX Runtime's node dispatch, 2 to 10 µs. No row of a Raspberry Pi 5
 * under ONNX Runtime is in them: they are the start of the fit below and the base that the benchmark fits from.
 */
export const CORTEX_A76_START: Coefficients = {
  run: 30,
  'fixed.convolution': 8,
  'fixed.matmul': 4,
  'fixed.recurrent': 4,
  'fixed.pool': 6,
  'fixed.elementwise': 3,
  'fixed.move': 4,
  'fixed.view': 1,
  'work.convolution': 18,
  'work.depthwise': 80,
  'work.matmul': 20,
  'work.recurrent': 25,
  'work.pool': 300,
  'bytes.unfold': 120,
  'bytes.weights': 100,
  'bytes.convolution': 60,
  'bytes.elementwise': 100,
  'bytes.move': 150,
};

/**
 * `CORTEX_A76_START` fitted to ten NAS-Bench-201 architectures on a Raspberry Pi 5 under ONNX Runtime, chosen by design
 * (`npm run bench:boards`; latencies by the authors of HW-NAS-Bench-360). On the 290 others: MAPE 0.6 %.
 */
export const CORTEX_A76_COEFFICIENTS: Coefficients = {
  run: 29.96,
  'fixed.convolution': 7.001,
  'fixed.matmul': 3.273,
  'fixed.recurrent': 3.162,
  'fixed.pool': 5.056,
  'fixed.elementwise': 1.39,
  'fixed.move': 3.162,
  'fixed.view': 0.7974,
  'work.convolution': 42.58,
  'work.depthwise': 63.23,
  'work.matmul': 15.83,
  'work.recurrent': 19.76,
  'work.pool': 161.2,
  'bytes.unfold': 274.8,
  'bytes.weights': 110,
  'bytes.convolution': 46.91,
  'bytes.elementwise': 10.26,
  'bytes.move': 118.6,
};

/** Coefficients of a core that is `slower` times as slow (memory: `memorySlower` times). */
export function scaledCoefficients(base: Coefficients, slower: number, memorySlower: number): Coefficients {
  return Object.fromEntries(
    (Object.entries(base) as [Term, number][]).map(([term, us]) => [
      term,
      us * (term.startsWith('bytes.') ? memorySlower : slower),
    ]),
  );
}

/** Resident memory of onnxruntime-node in a fresh Node process beyond Node itself (measured, Linux, 1.30). */
const RUNTIME_BYTES = 38e6;

/** The CPU backend of an ARM board under ONNX Runtime. `int8Speed`: 8-bit over float32 work (dot-product cores: about 3). */
export function cpuBackend(options: {
  coefficients: Coefficients;
  int8Speed: number;
  threads: NonNullable<Backend['threads']>;
  /** Absent: ONNX Runtime. */
  runtime?: string;
}): Backend {
  return backendSchema.parse({
    executionProvider: 'cpu',
    runners: ['onnxruntime-node', 'onnxruntime-python'],
    runtime: options.runtime ?? 'onnxruntime',
    coefficients: options.coefficients,
    precisionSpeed: { float32: 1, int8: options.int8Speed },
    threads: options.threads,
    runtimeBytes: RUNTIME_BYTES,
    weightCopies: 2,
  });
}
