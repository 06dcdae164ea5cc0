/** Which sizes a graph leaves to its caller. */
import type { OnnxGraph } from './graph.ts';

export interface ModelSizes {
  /** The only batch size that the graph can run; null: any. */
  fixedBatch: number | null;
  /** Names of symbolic sizes other than the batch, in order of appearance. */
  openDimensions: string[];
}

/**
 * The batch is the first axis of an input that leaves it open (as in `inputShapes`). A graph without one runs one batch
 * only: the first axis where all inputs and outputs agree on it, else a single sample.
 */
export function modelSizes({ inputs, outputs }: Pick<OnnxGraph, 'inputs' | 'outputs'>): ModelSizes {
  const firsts = inputs.flatMap(({ shape }) => (shape && shape.length > 0 ? [shape[0]] : []));
  const batchNames = new Set(firsts.filter((size) => typeof size === 'string'));
  const names = inputs.flatMap(({ shape }) => shape ?? []).filter((size) => typeof size === 'string');
  const openDimensions = [...new Set(names)].filter((name) => !batchNames.has(name));
  const isOpen = inputs.some(({ shape }) => shape === null) || firsts.some((size) => typeof size !== 'number');
  if (isOpen) return { fixedBatch: null, openDimensions };
  const all = [...firsts, ...outputs.flatMap(({ shape }) => (shape ? [shape[0]] : []))];
  const [first] = all;
  const agreed = typeof first === 'number' && first > 0 && all.every((size) => size === first);
  return { fixedBatch: agreed ? first : 1, openDimensions };
}
