/** What the CPU backends of the boards have in common: ONNX Runtime's kernels, scaled by how fast a core is. */
import { type Backend, backendSchema, type Coefficients } from '../board-profile.ts';
import type { Term } from '../terms.ts';

/**
 * ONNX Runtime's CPU kernels on one Cortex-A76 at 2.4 GHz before any fit: no row of a Raspberry Pi 5 under ONNX Runtime
 * is in them. They are the base that the benchmark fits from.
 * - Work: two 128-bit FMA pipes are 8 MACs a cycle, 52 µs per million; matrix kernels reach about 85 % of that. Depthwise
 *   convolutions run as one product per channel with a single row: about a tenth. A sigmoid is a rational function of
 *   about 15 vector operations with a division: 1.5 ns per element. Pools: a load and an operation per window element.
 * - Bytes: unfolding reads and writes; in the second cache at about 25 GB/s per direction. Weights are packed anew in every
 *   run (read, written, read). What spills comes from LPDDR4X at about 10 GB/s (STREAM on one core).
 * - Fixed: ONNX Runtime's cost per node, 0.4 to 0.8 µs on an x86 core of 3.7 GHz (NAS-Bench-201 networks on 16 × 16 to
 *   64 × 64 pixels, one thread, without the layout that only x86 has), times 2.5 for the slower core.
 */
export const CORTEX_A76_START: Coefficients = {
  run: 15,
  'fixed.convolution': 2,
  'fixed.matmul': 2,
  'fixed.recurrent': 2,
  'fixed.pool': 1.8,
  'fixed.elementwise': 1.2,
  'fixed.move': 1.8,
  'fixed.view': 0.4,
  sync: 3,
  'work.convolution': 62,
  'work.depthwise': 600,
  'work.matmul': 58,
  'work.recurrent': 62,
  'work.pool': 300,
  'work.transcendental': 1500,
  'bytes.unfold': 80,
  'bytes.weights': 180,
  'bytes.convolution': 40,
  'bytes.elementwise': 40,
  'bytes.move': 60,
  'bytes.spill': 100,
};

/**
 * `CORTEX_A76_START` fitted to ten NAS-Bench-201 architectures on a Raspberry Pi 5 under ONNX Runtime, chosen by design
 * (`npm run bench:boards`; latencies by the authors of HW-NAS-Bench-360). On the 290 others: MAPE 0.6 %.
 */
export const CORTEX_A76_COEFFICIENTS: Coefficients = {
  run: 13.68,
  'fixed.convolution': 1.387,
  'fixed.matmul': 1.801,
  'fixed.recurrent': 1.798,
  'fixed.pool': 1.594,
  'fixed.elementwise': 0.8731,
  'fixed.move': 1.618,
  'fixed.view': 0.3597,
  sync: 2.696,
  'work.convolution': 69.15,
  'work.depthwise': 539.3,
  'work.matmul': 52.15,
  'work.recurrent': 55.72,
  'work.pool': 195,
  'work.transcendental': 1348,
  'bytes.unfold': 102.7,
  'bytes.weights': 165.7,
  'bytes.convolution': 23.21,
  'bytes.elementwise': 14.44,
  'bytes.move': 53.93,
  'bytes.spill': 89.88,
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
