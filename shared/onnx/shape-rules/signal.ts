/** Fourier transforms, their windows, and the bands of a mel spectrogram. Complex numbers are a last axis of two. */
import { dtypeOfCode } from '../dtype.ts';
import { intAttribute } from '../graph.ts';
import {
  axisOf,
  fail,
  knownValues,
  output,
  type RuleInput,
  required,
  type ShapeRule,
  type ShapeRules,
} from './rule.ts';

const half = (length: number) => Math.floor(length / 2) + 1;

/** The axis became an input in operator set 20. */
function transformedAxis(rule: RuleInput, rank: number): number {
  const given = rule.opset < 20 ? intAttribute(rule.node, 'axis', 1) : (knownValues(rule, 2)?.[0] ?? -2);
  return axisOf(rule, given, rank);
}

const dft: ShapeRule = (rule) => {
  const { dtype, shape } = required(rule, 0);
  const axis = transformedAxis(rule, shape.length);
  const isOneSided = intAttribute(rule.node, 'onesided', 0) === 1;
  const isInverse = intAttribute(rule.node, 'inverse', 0) === 1;
  const given = knownValues(rule, 1)?.[0];
  const own = shape[axis] as number;
  // Back from half a spectrum to real numbers.
  if (isOneSided && isInverse) return [output(dtype, [...shape.with(axis, given ?? 2 * (own - 1)).slice(0, -1), 1])];
  const length = given ?? own;
  return [output(dtype, [...shape.with(axis, isOneSided ? half(length) : length).slice(0, -1), 2])];
};

/** Samples of a frame of STFT: as given, else those of its window. */
export function frameLength(rule: RuleInput): number {
  return (
    knownValues(rule, 3)?.[0] ??
    rule.inputs[2]?.shape[0] ??
    fail(rule.node, 'it has neither a window nor a frame length')
  );
}

const stft: ShapeRule = (rule) => {
  const { dtype, shape } = required(rule, 0);
  const [batch = 0, samples = 0] = shape;
  const length = frameLength(rule);
  const step = knownValues(rule, 1)?.[0] ?? 0;
  if (step < 1 || length > samples) fail(rule.node, `frames of ${length} every ${step} of ${samples} samples`);
  const bins = intAttribute(rule.node, 'onesided', 1) === 1 ? half(length) : length;
  return [output(dtype, [batch, Math.floor((samples - length) / step) + 1, bins, 2])];
};

function outputType(rule: RuleInput) {
  const code = intAttribute(rule.node, 'output_datatype', 1);
  return dtypeOfCode(code) ?? fail(rule.node, `its "output_datatype" is ${code}, which is no type`);
}

const window: ShapeRule = (rule) => [output(outputType(rule), [knownValues(rule, 0)?.[0] ?? 0])];

const melWeights: ShapeRule = (rule) => {
  const [bands = 0, length = 0] = [0, 1].map((index) => knownValues(rule, index)?.[0] ?? 0);
  return [output(outputType(rule), [half(length), bands])];
};

export const SIGNAL_RULES: ShapeRules = {
  DFT: dft,
  STFT: stft,
  HannWindow: window,
  HammingWindow: window,
  BlackmanWindow: window,
  MelWeightMatrix: melWeights,
};
