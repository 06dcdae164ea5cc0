/** Operators that read at places of their own choice, that find, and that transform signals. */
import { data, list, type Operand, type OperatorCase, rows, scalar, weight } from './operator-case.ts';

const IMAGE = data([2, 3, 6, 8]);
/** Each element of its own value, fed by the caller. */
const distinct = (shape: number[], values: number[]): Operand => ({ ...data(shape), values });

const SAMPLING: readonly OperatorCase[] = [
  ...rows('GridSample', { kind: 'pool', opset: 16 }, [
    { what: '2-D', inputs: [IMAGE, data([2, 4, 5, 2])], macs: 0, peakBytes: 4 * (2 * 3 * 48 + 2 * 40 + 2 * 3 * 20) },
    { what: 'the nearest', inputs: [IMAGE, data([2, 1, 1, 2])], attributes: { mode: 'nearest', align_corners: 1 } },
    { what: '3-D', opset: 20, inputs: [data([1, 2, 3, 4, 5]), data([1, 2, 2, 3, 3])] },
  ]),
  ...rows('AffineGrid', { kind: 'elementwise', opset: 20 }, [
    { what: '2-D', inputs: [data([2, 2, 3]), list([2, 3, 5, 6])], attributes: { align_corners: 1 } },
    { what: '3-D', inputs: [data([1, 3, 4]), list([1, 2, 4, 5, 6])] },
  ]),
  ...rows('RoiAlign', { kind: 'pool', opset: 16 }, [
    {
      what: 'regions',
      inputs: [IMAGE, data([5, 4]), data([5], 'int64', 0)],
      attributes: { output_height: 7, output_width: 6, sampling_ratio: 2 },
    },
    { what: 'of one pixel each', inputs: [IMAGE, data([5, 4]), data([5], 'int64', 0)] },
  ]),
  ...rows('Col2Im', { kind: 'move', opset: 18 }, [
    { what: 'patches side by side', inputs: [data([1, 12, 9]), list([4, 5]), list([2, 3])] },
  ]),
  ...rows('CenterCropPad', { kind: 'move', opset: 18 }, [
    { what: 'all axes', inputs: [data([4, 5, 6]), list([2, 7, 6])] },
    { what: 'some axes, from behind', inputs: [data([4, 5, 6]), list([9, 1])], attributes: { axes: [-1, 0] } },
  ]),
  ...rows('MaxUnpool', { kind: 'move', opset: 11 }, [
    {
      what: 'by its window',
      inputs: [data([1, 1, 2, 2]), list([0, 1, 2, 3])].map((each, index) =>
        index === 0 ? each : data([1, 1, 2, 2], 'int64'),
      ),
      attributes: { kernel_shape: [2, 2], strides: [2, 2], pads: [0, 0, 0, 0] },
    },
    {
      what: 'to a size',
      inputs: [data([1, 1, 2, 2]), data([1, 1, 2, 2], 'int64'), list([1, 1, 5, 5])],
      attributes: { kernel_shape: [2, 2], strides: [2, 2] },
    },
  ]),
];

const FINDING: readonly OperatorCase[] = [
  ...rows('NonMaxSuppression', { kind: 'pool' }, [
    {
      what: 'of boxes that do not touch: all are kept',
      inputs: [
        distinct([1, 3, 4], [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]),
        distinct([1, 2, 3], [0.9, 0.8, 0.7]),
        scalar(10, 'int64'),
        scalar(0.5),
        scalar(0),
      ],
    },
    {
      what: 'of which two a class are kept',
      inputs: [
        distinct([1, 3, 4], [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]),
        distinct([1, 2, 3], [0.9, 0.8, 0.7]),
        scalar(2, 'int64'),
        scalar(0.5),
      ],
    },
    { what: 'without a limit: none is kept', inputs: [data([1, 3, 4]), data([1, 2, 3])] },
  ]),
  ...rows('NonZero', { kind: 'move' }, [{ what: 'of what is nowhere zero', inputs: [data([2, 3, 4])] }]),
  ...rows('Compress', { kind: 'move' }, [
    { what: 'of all as one', inputs: [data([2, 3]), data([6], 'bool')] },
    { what: 'along an axis', inputs: [data([2, 3]), data([3], 'bool')], attributes: { axis: -1 } },
    { what: 'by a condition that is known', inputs: [data([2, 3]), list([1, 0, 1], 'bool')], attributes: { axis: 1 } },
    { what: 'by a shorter condition', inputs: [data([2, 3]), list([1, 1], 'bool')] },
  ]),
  ...rows('Unique', { kind: 'normalise' }, [
    {
      what: 'of what is there once only',
      inputs: [distinct([2, 2], [4, 3, 2, 1])],
      outputs: [true, true, true, true],
    },
    {
      what: 'along an axis',
      inputs: [distinct([2, 3], [4, 3, 2, 1, 6, 5])],
      attributes: { axis: 0 },
      outputs: [true, false, true],
    },
  ]),
  ...rows('TfIdfVectorizer', { kind: 'normalise' }, [
    {
      what: 'of rows',
      inputs: [data([2, 6], 'int32')],
      attributes: {
        mode: 'TF',
        min_gram_length: 1,
        max_gram_length: 1,
        max_skip_count: 0,
        ngram_counts: [0],
        ngram_indexes: [0, 1, 3],
        pool_int64s: [2, 3, 5],
      },
    },
  ]),
];

const SIGNALS: readonly OperatorCase[] = [
  ...rows('DFT', { kind: 'pool', opset: 17 }, [
    { what: 'of real numbers', inputs: [data([1, 8, 1])], attributes: { axis: 1 }, macs: 0 },
    { what: 'one side', inputs: [data([1, 8, 1])], attributes: { onesided: 1 } },
    { what: 'of another length', inputs: [data([1, 8, 1]), scalar(16, 'int64')], attributes: { axis: 1 } },
    { what: 'back', inputs: [data([2, 8, 2])], attributes: { inverse: 1 } },
    { what: 'along an axis as an input', opset: 20, inputs: [data([1, 8, 10, 1]), null, scalar(1, 'int64')] },
    { what: 'along the last but one', opset: 20, inputs: [data([1, 8, 10, 1])] },
  ]),
  ...rows('STFT', { kind: 'pool', opset: 17 }, [
    {
      what: 'with a window',
      inputs: [data([1, 128, 1]), scalar(8, 'int64'), weight([16])],
      attributes: { onesided: 1 },
    },
    {
      what: 'with a frame length',
      inputs: [data([2, 128, 1]), scalar(8, 'int64'), null, scalar(16, 'int64')],
      attributes: { onesided: 0 },
    },
  ]),
  ...['HannWindow', 'HammingWindow', 'BlackmanWindow'].flatMap((op) =>
    rows(op, { kind: 'elementwise', opset: 17 }, [
      { what: 'of floats', inputs: [scalar(10, 'int64')] },
      { what: 'of doubles', inputs: [scalar(10, 'int64')], attributes: { output_datatype: 11 } },
    ]),
  ),
  ...rows('MelWeightMatrix', { kind: 'elementwise', opset: 17 }, [
    {
      what: 'of bands',
      inputs: [scalar(8, 'int64'), scalar(16, 'int64'), scalar(8192, 'int64'), scalar(0), scalar(4096)],
      attributes: { output_datatype: 1 },
    },
  ]),
];

const LOSSES: readonly OperatorCase[] = [
  ...rows('NegativeLogLikelihoodLoss', { kind: 'normalise' }, [
    { what: 'the mean', inputs: [data([3, 5]), data([3], 'int64')] },
    { what: 'of each', inputs: [data([3, 5, 2]), data([3, 2], 'int64')], attributes: { reduction: 'none' } },
  ]),
  ...rows('SoftmaxCrossEntropyLoss', { kind: 'normalise' }, [
    {
      what: 'the sum, with probabilities',
      inputs: [data([3, 5]), data([3], 'int64')],
      attributes: { reduction: 'sum' },
      outputs: [true, true],
    },
    { what: 'of each', inputs: [data([3, 5]), data([3], 'int64')], attributes: { reduction: 'none' } },
  ]),
];

export const SAMPLING_AND_SIGNALS: readonly OperatorCase[] = [...SAMPLING, ...FINDING, ...SIGNALS, ...LOSSES];
