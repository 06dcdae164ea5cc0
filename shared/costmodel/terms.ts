/**
 * The cost model is linear: a run's latency is the sum, over its fused kernels, of fixed, work and byte terms, each
 * times a coefficient that belongs to a board, a runtime and an execution provider. A term is a physical quantity of
 * the graph; a coefficient is what one unit of it costs in microseconds.
 */

import type { FusedKernel } from '@edgetune/shared/onnx/fuse-kernels.ts';

export const TERMS = [
  /** Once per run. */
  'run',
  /** Per kernel of that kind (dispatch, and the small tensors around it). */
  'fixed.convolution',
  'fixed.matmul',
  'fixed.recurrent',
  'fixed.pool',
  'fixed.elementwise',
  'fixed.move',
  'fixed.view',
  /** Waking and joining one more thread, per kernel. */
  'sync',
  /** Per million multiply-accumulates (pools: window elements). */
  'work.convolution',
  'work.depthwise',
  'work.matmul',
  'work.recurrent',
  'work.pool',
  /** Per million exponentials and the like (Sigmoid, Tanh, Softmax …). */
  'work.transcendental',
  /** Per megabyte. */
  'bytes.unfold',
  'bytes.weights',
  'bytes.convolution',
  'bytes.elementwise',
  'bytes.move',
  /** Per megabyte of activations that a kernel's working set has beyond the cache, on top of the above. */
  'bytes.spill',
] as const;
export type Term = (typeof TERMS)[number];

/** What a term scales with: the clock only, the clock and the cores, or the memory and (up to a point) the cores. */
export type TermClass = 'serial' | 'parallel' | 'memory';

export function classOf(term: Term): TermClass {
  if (term.startsWith('work.')) return 'parallel';
  return term.startsWith('bytes.') ? 'memory' : 'serial';
}

export type TermVector = Partial<Record<Term, number>>;

const MEGA = 1e6;

/** Matrix products read their large weights once per run: a batch of one is bound by them. */
function contraction(kernel: FusedKernel, kind: 'matmul' | 'recurrent'): TermVector {
  return {
    [`fixed.${kind}`]: kind === 'recurrent' ? kernel.steps : 1,
    [`work.${kind}`]: kernel.macs / MEGA,
    'bytes.weights': kernel.weightBytes / MEGA,
    'bytes.convolution': (kernel.inputBytes + kernel.outputBytes) / MEGA,
  };
}

/** The terms of one kernel on one thread, on a board whose cores share a last cache of `cacheBytes`. */
export function termsOf(kernel: FusedKernel, cacheBytes: number): TermVector {
  const terms = ownTerms(kernel);
  if (kernel.kind === 'view') return terms;
  const transcendental = kernel.ops.filter((op) => TRANSCENDENTAL.has(op)).length;
  if (transcendental > 0) terms['work.transcendental'] = (transcendental * kernel.outputElements) / MEGA;
  const spill = kernel.inputBytes + kernel.outputBytes - cacheBytes;
  if (spill > 0) terms['bytes.spill'] = spill / MEGA;
  return terms;
}

/** Operators that evaluate a series per element: ten times the work of an addition. */
export const TRANSCENDENTAL: ReadonlySet<string> = new Set(
  (
    'Sigmoid QLinearSigmoid Tanh Softmax QLinearSoftmax LogSoftmax Exp Log Erf Gelu Elu Celu Selu Softplus Mish Pow Sqrt ' +
    'Reciprocal Sin Cos Tan Sinh Cosh Asin Acos Atan QuickGelu BiasGelu FastGelu Swish'
  ).split(' '),
);

function ownTerms(kernel: FusedKernel): TermVector {
  const bytes = (kernel.inputBytes + kernel.outputBytes) / MEGA;
  switch (kernel.kind) {
    case 'convolution':
      return {
        'fixed.convolution': 1,
        'work.convolution': kernel.macs / MEGA,
        'bytes.unfold': kernel.unfoldedBytes / MEGA,
        'bytes.weights': kernel.weightBytes / MEGA,
        'bytes.convolution': bytes,
      };
    case 'depthwise':
      return { 'fixed.convolution': 1, 'work.depthwise': kernel.macs / MEGA, 'bytes.convolution': bytes };
    case 'matmul':
    case 'recurrent':
      return contraction(kernel, kernel.kind);
    case 'pool':
      return {
        'fixed.pool': 1,
        'work.pool': (kernel.outputElements * kernel.windowElements) / MEGA,
        'bytes.elementwise': bytes,
      };
    case 'move':
      return { 'fixed.move': 1, 'bytes.move': bytes };
    case 'view':
      return { 'fixed.view': 1 };
    default:
      return { 'fixed.elementwise': 1, 'bytes.elementwise': bytes };
  }
}
