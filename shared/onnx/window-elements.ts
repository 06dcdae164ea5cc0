/** Of operators that read several elements for each that they write, other than pools: how many. */
import { intAttribute, stringAttribute } from './graph.ts';
import { elementsOf, type RuleInput, required, ruleName, type Value } from './shape-rules/rule.ts';
import { frameLength } from './shape-rules/signal.ts';

type Reads = (rule: RuleInput, output: Value) => number;

/** Steps of a fast Fourier transform, each of two elements. */
const transform = (length: number) => 2 * Math.ceil(Math.log2(Math.max(2, length)));

/** Neighbours along an axis that an interpolation weighs. */
const NEIGHBOURS: Readonly<Record<string, number>> = { nearest: 1, bicubic: 4, cubic: 4 };

const READS: Readonly<Record<string, Reads>> = {
  GridSample: (rule, output) =>
    (NEIGHBOURS[stringAttribute(rule.node, 'mode', 'linear')] ?? 2) ** (output.shape.length - 2),
  // Each sample is interpolated between four pixels; how many of them where nothing is said depends on the region: take four.
  RoiAlign: (rule) => 4 * (intAttribute(rule.node, 'sampling_ratio', 0) || 2) ** 2,
  // Each box that is kept is compared with all others; a row of the output is three numbers.
  NonMaxSuppression: (rule) => (required(rule, 1).shape[2] ?? 0) / 3,
  DFT: (rule) => transform(elementsOf(required(rule, 0).shape.slice(1, -1))),
  STFT: (rule) => transform(frameLength(rule)),
};

/** Null: it is none of these. */
export function sampledElements(rule: RuleInput, output: Value): number | null {
  return READS[ruleName(rule.node)]?.(rule, output) ?? null;
}
