/**
 * The cost model is linear: a run's latency is the sum, over its fused kernels, of fixed, work and byte terms, each
 * times a coefficient that belongs to a board, a runtime and an execution provider. A term is a physical quantity of
 * the graph; a coefficient is what one unit of it costs in microseconds.
 */

import type { ModelAnalysis } from '@edgetune/shared/onnx/analyse.ts';
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
  /** Per million multiply-accumulates (pools: window elements). */
  'work.convolution',
  'work.depthwise',
  'work.matmul',
  'work.recurrent',
  'work.pool',
  /** Per megabyte. */
  'bytes.unfold',
  'bytes.weights',
  'bytes.convolution',
  'bytes.elementwise',
  'bytes.move',
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

/** The terms of one kernel. */
export function termsOf(kernel: FusedKernel): TermVector {
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

/** The terms of one run of a whole model, `run` included. */
export function termsOfModel(analysis: Pick<ModelAnalysis, 'kernels'>): Record<Term, number> {
  const total = Object.fromEntries(TERMS.map((term) => [term, 0])) as Record<Term, number>;
  total.run = 1;
  for (const kernel of analysis.kernels)
    for (const [term, amount] of Object.entries(termsOf(kernel))) total[term as Term] += amount;
  return total;
}
