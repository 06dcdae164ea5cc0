/** What a plan needs to know of the values of a float model, from one run over the samples. */
import type { OnnxGraph, OnnxNode } from '@edgetune/shared/onnx/graph.ts';
import { type Observed, observe, type Question } from './calibrate.ts';
import type { OnnxMessage } from './encode-onnx.ts';
import type { ValueRange } from './quantisation-parameters.ts';
import type { Contraction, QuantisationPlan } from './quantisation-plan.ts';
import type { Feeds } from './run-onnx.ts';
import { mergersOf } from './unlike-ranges.ts';

export interface ObservedTensors {
  /** Of a tensor of the plan, or one that is merged with others into one of it. */
  rangeOf(tensor: string): ValueRange;
  /** Of a head of the plan: channel by channel. Empty: it is none, or only where what reads it was left float. */
  channelsOf(tensor: string): ValueRange[];
  /** Of the data of contractions: the mean of each channel that the weights meet. */
  means: ReadonlyMap<OnnxNode, Float64Array>;
}

/** Of images the channels stand behind the batch, of products at the end: [batch, channels, …] and [batch, …, features]. */
const CHANNELS = { Conv: 1, Gemm: 1, MatMulIntegerToFloat: -1 } as const;

/** @param ranks of the data of contractions @throws {Error} where the model does not run, or a value is not finite */
export async function observeTensors(
  model: OnnxMessage,
  graph: OnnxGraph,
  plan: QuantisationPlan,
  ranks: ReadonlyMap<string, number>,
  batches: readonly Feeds[],
): Promise<ObservedTensors> {
  const whole = new Set([...plan.tensors, ...mergersOf(graph, plan).flatMap(({ parts }) => parts)]);
  const ranges = [...whole].map((tensor): Question => ({ tensor, axis: null, statistics: ['Min', 'Max'] }));
  const allRanks = new Map(ranks);
  const heads = plan.heads.map(({ node, tensor }): Question => {
    allRanks.set(tensor, ranks.get(node.inputs[0] as string) as number);
    return { tensor, axis: CHANNELS.Conv, statistics: ['Min', 'Max'] };
  });
  const averages = new Map<string, Question>();
  const averageOf = (node: OnnxNode, { form }: Contraction): Question => {
    const [tensor, axis] = [node.inputs[0] as string, CHANNELS[form]];
    const key = `${axis} ${tensor}`;
    const question = averages.get(key) ?? { tensor, axis, statistics: ['Mean'] };
    averages.set(key, question);
    return question;
  };
  const data = [...plan.contractions].map(([node, contraction]) => ({ node, question: averageOf(node, contraction) }));
  const observed = await observe(model, [...ranges, ...heads, ...averages.values()], allRanks, batches);
  const rangesOf = (questions: readonly Question[]) =>
    new Map(questions.map((question) => [question.tensor, rangesIn(observed.get(question) as Observed)]));
  const [ofWhole, ofHeads] = [rangesOf(ranges), rangesOf(heads)];
  return {
    rangeOf: (tensor) => (ofWhole.get(tensor) as ValueRange[])[0] as ValueRange,
    channelsOf: (tensor) => ofHeads.get(tensor) ?? [],
    means: new Map(data.map(({ node, question }) => [node, meansIn(observed.get(question) as Observed)])),
  };
}

/** Over all batches. */
function rangesIn({ Min = [], Max = [] }: Observed): ValueRange[] {
  const over = (batches: Float64Array[], at: number) => batches.map((values) => values[at] as number);
  return Array.from(Min[0] as Float64Array, (_, at) => ({
    min: Math.min(...over(Min, at)),
    max: Math.max(...over(Max, at)),
  }));
}

/**
 * The mean of the batches' means, as far as they agree: what may as well be chance is taken off (James & Stein's shrinkage), as
 * correcting a bias by it would only add noise. One batch alone shows nothing.
 */
function meansIn({ Mean = [] }: Observed): Float64Array {
  const count = Mean.length;
  return Float64Array.from(Mean[0] as Float64Array, (_, at) => {
    const values = Mean.map((each) => each[at] as number);
    const mean = values.reduce((sum, value) => sum + value, 0) / count;
    const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    const squaredError = squares / (count - 1) / count;
    return count > 1 && mean * mean > squaredError ? mean * (1 - squaredError / (mean * mean)) : 0;
  });
}
