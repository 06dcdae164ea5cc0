/** What makes networks alike for a cost model: what one of them costs more than predicted, its family costs too. */
import type { RunnableModel } from '@edgetune/shared/onnx/analyse.ts';
import type { FusedKernel } from '@edgetune/shared/onnx/fuse-kernels.ts';
import { TRANSCENDENTAL } from './terms.ts';

/** The kinds of kernels that a network consists of, sorted: networks with the same kinds are one family. */
export function familyOf(analysis: RunnableModel): string[] {
  const kinds = new Set(analysis.kernels.flatMap((kernel) => kindsOf(kernel, analysis.batchSize)));
  return [...kinds].sort();
}

export function isSameFamily(one: readonly string[], two: readonly string[]): boolean {
  return one.length === two.length && one.every((kind, index) => kind === two[index]);
}

/** Activations that a runtime may fuse or not cost alike: only those that evaluate a series count as a kind. */
function kindsOf(kernel: FusedKernel, batchSize: number): string[] {
  const { kind, ops } = kernel;
  if (kind === 'view') return [];
  return [ownKind(kernel, batchSize), ...ops.filter((op) => TRANSCENDENTAL.has(op))];
}

function ownKind({ kind, ops, windowElements, products }: FusedKernel, batchSize: number): string {
  if (kind === 'convolution') {
    if (products > batchSize) return 'grouped convolution';
    return windowElements === 1 ? 'convolution 1x1' : 'convolution';
  }
  return kind === 'pool' || kind === 'move' || kind === 'normalise' ? (ops[0] ?? kind) : kind;
}
