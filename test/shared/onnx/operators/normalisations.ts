/** Normalisations and other operators whose result has the shape of what they read. */
import { data, float, list, type OperatorCase, rows, scalar, weight } from './operator-case.ts';

const IMAGE = data([2, 3, 4, 5]);
const TOKENS = data([2, 4, 6]);
const MICROSOFT = { domain: 'com.microsoft' };

export const NORMALISATIONS: readonly OperatorCase[] = [
  ...['Softmax', 'LogSoftmax', 'Hardmax'].flatMap((op) =>
    rows(op, { kind: 'normalise' }, [
      { what: 'along the last axis', inputs: [TOKENS], macs: 0, peakBytes: 2 * 4 * (2 * 4 * 6) },
      { what: 'along the first axis', inputs: [TOKENS], attributes: { axis: 0 } },
      { what: 'along an axis from behind', inputs: [TOKENS], attributes: { axis: -2 } },
      { what: 'of operator set 11', opset: 11, inputs: [TOKENS], attributes: { axis: 2 } },
    ]),
  ),
  ...rows('LpNormalization', { kind: 'normalise' }, [
    { what: 'along the last axis', inputs: [TOKENS] },
    { what: 'along an axis', inputs: [TOKENS], attributes: { axis: 1, p: 1 } },
  ]),
  ...rows('InstanceNormalization', { kind: 'normalise' }, [
    { what: '2-D', inputs: [IMAGE, weight([3]), weight([3])], weightBytes: 4 * (3 + 3) },
    { what: '1-D', inputs: [data([2, 3, 4]), weight([3]), weight([3])], attributes: { epsilon: float(0.001) } },
  ]),
  ...rows('BatchNormalization', { kind: 'elementwise' }, [
    {
      what: '2-D',
      inputs: [IMAGE, weight([3]), weight([3]), weight([3]), weight([3])],
      macs: 0,
      weightBytes: 4 * (4 * 3),
      peakBytes: 4 * (2 * 3 * 4 * 5),
    },
    { what: 'of rows', inputs: [data([4, 3]), weight([3]), weight([3]), weight([3]), weight([3])] },
    {
      what: 'of operator set 9',
      opset: 9,
      inputs: [IMAGE, weight([3]), weight([3]), weight([3]), weight([3])],
      attributes: { epsilon: float(0.001), momentum: float(0.9) },
    },
    {
      what: 'in training: with running statistics',
      inputs: [IMAGE, weight([3]), weight([3]), weight([3]), weight([3])],
      attributes: { training_mode: 1 },
      outputs: [true, true, true],
    },
  ]),
  ...rows('RMSNormalization', { kind: 'normalise', opset: 23 }, [
    { what: 'of the last axis', inputs: [TOKENS, weight([6])], weightBytes: 4 * 6 },
    { what: 'of two axes', inputs: [TOKENS, weight([4, 6])], attributes: { axis: 1 } },
  ]),
  ...rows('CumProd', { kind: 'normalise', opset: 26 }, [
    { what: 'along an axis', inputs: [TOKENS, scalar(1, 'int64')] },
  ]),
  ...rows('LayerNormalization', { kind: 'normalise' }, [
    { what: 'of the last axis', inputs: [TOKENS, weight([6]), weight([6])], weightBytes: 4 * (6 + 6) },
    { what: 'of two axes', inputs: [TOKENS, weight([4, 6])], attributes: { axis: 1 } },
    {
      what: 'with mean and deviation',
      inputs: [TOKENS, weight([4, 6]), weight([4, 6])],
      attributes: { axis: -2 },
      outputs: [true, true, true],
    },
    {
      what: 'of halves, with mean and deviation',
      inputs: [data([2, 4, 6], 'float16'), weight([6], 'float16')],
      outputs: [true, true, true],
    },
    { what: 'with the deviation alone', inputs: [TOKENS, weight([6])], outputs: [true, false, true] },
  ]),
  ...rows('SimplifiedLayerNormalization', { kind: 'normalise' }, [
    { what: 'of the last axis', inputs: [TOKENS, weight([6])], attributes: { epsilon: float(1e-5) } },
    {
      what: 'of two axes',
      inputs: [TOKENS, weight([4, 6])],
      attributes: { axis: 1 },
      outputs: [true, true],
    },
    { what: 'with the deviation', inputs: [TOKENS, weight([6])], outputs: [true, true] },
  ]),
  ...rows('SkipLayerNormalization', { kind: 'normalise', ...MICROSOFT }, [
    {
      what: 'with a bias',
      inputs: [TOKENS, TOKENS, weight([6]), weight([6]), weight([6])],
      weightBytes: 4 * (3 * 6),
      peakBytes: 4 * 3 * (2 * 4 * 6),
    },
    {
      what: 'that hands on the sum',
      inputs: [TOKENS, TOKENS, weight([6]), weight([6])],
      outputs: [true, false, false, true],
    },
  ]),
  ...rows('GroupNormalization', { kind: 'normalise', opset: 21 }, [
    { what: 'of three groups', inputs: [data([1, 6, 4, 4]), weight([6]), weight([6])], attributes: { num_groups: 3 } },
  ]),
  ...rows('LRN', { kind: 'normalise' }, [{ what: 'of three channels', inputs: [IMAGE], attributes: { size: 3 } }]),
  ...rows('MeanVarianceNormalization', { kind: 'normalise' }, [
    { what: 'of an image', inputs: [IMAGE] },
    { what: 'over axes', inputs: [IMAGE], attributes: { axes: [2, 3] } },
  ]),
  ...rows('CumSum', { kind: 'normalise' }, [
    { what: 'along the first axis', inputs: [data([2, 3]), scalar(0, 'int64')] },
    {
      what: 'backwards along an axis from behind',
      inputs: [data([2, 3]), list([-1], 'int32')],
      attributes: { reverse: 1, exclusive: 1 },
    },
  ]),
  ...rows('Trilu', { kind: 'elementwise' }, [
    { what: 'upper', inputs: [data([3, 4])] },
    { what: 'lower, of a stack', inputs: [data([2, 3, 4]), scalar(1, 'int64')], attributes: { upper: 0 } },
  ]),
];
