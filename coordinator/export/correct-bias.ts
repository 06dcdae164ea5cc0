/**
 * What rounding the weights of a contraction shifts its results by on the mean input, taken off its bias: bias correction
 * (Nagel et al., 2019, https://arxiv.org/abs/1906.04721, section 4.2, with means that were observed).
 */
import { intAttribute, type OnnxNode } from '@edgetune/shared/onnx/graph.ts';
import { forEachWeight } from './quantisation-parameters.ts';

/** Weights and the integers that stand for them. */
interface Rounded {
  values: readonly number[];
  dims: readonly number[];
  /** Of the channels of the result. */
  axis: number;
  weights: Int8Array;
  /** One for each channel. */
  scales: Float32Array;
}

/**
 * @param bias null: zero
 * @param means of the input, for each index along the axis that the weights meet
 * @returns one number for each channel of the result
 */
export function correctedBias(
  node: OnnxNode,
  rounded: Rounded,
  bias: readonly number[] | null,
  means: ArrayLike<number>,
): Float64Array {
  const { values, dims, axis, weights, scales } = rounded;
  const channels = dims[axis] as number;
  const corrected = Float64Array.from({ length: channels }, (_, channel) => bias?.[channel] ?? 0);
  const inputOf = inputIndex(node, dims, axis);
  forEachWeight(values.length, dims, axis, (at, channel) => {
    const error = (weights[at] as number) * (scales[channel] as number) - (values[at] as number);
    corrected[channel] = (corrected[channel] as number) - error * (means[inputOf(at, channel)] as number);
  });
  return corrected;
}

/** Which index of the input a weight meets, by its place. */
function inputIndex(node: OnnxNode, dims: readonly number[], axis: number): (at: number, channel: number) => number {
  if (node.opType !== 'Conv') {
    const columns = dims[1] as number;
    return axis === 0 ? (at) => at % columns : (at) => Math.floor(at / columns);
  }
  const [channels = 1, perGroup = 1, ...kernel] = dims;
  const area = kernel.reduce((product, size) => product * size, 1);
  const channelsInGroup = channels / intAttribute(node, 'group', 1);
  return (at, channel) => Math.floor(channel / channelsInGroup) * perGroup + (Math.floor(at / area) % perGroup);
}
