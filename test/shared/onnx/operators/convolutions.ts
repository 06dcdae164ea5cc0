/** Convolutions. MACs: elements of the output × weights that each of them sums over. */
import { data, type OperatorCase, rows, scalar, weight } from './operator-case.ts';

const MICROSOFT = { domain: 'com.microsoft' };

export const CONVOLUTIONS: readonly OperatorCase[] = [
  ...rows('Conv', { kind: 'convolution' }, [
    {
      what: '1-D',
      inputs: [data([1, 4, 10]), weight([8, 4, 3])],
      macs: 8 * (10 - 3 + 1) * (4 * 3),
      weightBytes: 8 * 4 * 3 * 4,
      peakBytes: 4 * (4 * 10 + 8 * 8),
    },
    {
      what: '2-D with a bias, kernel_shape said',
      inputs: [data([2, 3, 8, 6]), weight([5, 3, 3, 2]), weight([5])],
      attributes: { kernel_shape: [3, 2] },
      macs: 2 * 5 * (6 * 5) * (3 * 3 * 2),
      weightBytes: 4 * (5 * 3 * 3 * 2 + 5),
      peakBytes: 4 * (2 * 3 * 8 * 6 + 2 * 5 * 6 * 5),
    },
    {
      what: '3-D',
      inputs: [data([1, 2, 5, 6, 7]), weight([4, 2, 2, 3, 4])],
      macs: 4 * (4 * 4 * 4) * (2 * 2 * 3 * 4),
    },
    {
      what: 'weights that the caller feeds',
      inputs: [data([1, 3, 5, 5]), data([2, 3, 3, 3])],
      macs: 2 * (3 * 3) * (3 * 3 * 3),
      weightBytes: 0,
      peakBytes: 4 * (3 * 5 * 5 + 2 * 3 * 3 * 3 + 2 * 3 * 3),
    },
    {
      what: 'a stride of its own for each axis, which leaves a rest',
      inputs: [data([1, 1, 9, 10]), weight([1, 1, 3, 3])],
      attributes: { strides: [2, 3] },
      // (9 - 3) / 2 + 1 by ⌊(10 - 3) / 3⌋ + 1
      macs: 4 * 3 * (3 * 3),
    },
    {
      what: 'pads that differ at the four sides',
      inputs: [data([1, 1, 6, 6]), weight([1, 1, 3, 3])],
      attributes: { pads: [1, 0, 2, 3] },
      macs: (6 + 1 + 2 - 2) * (6 + 0 + 3 - 2) * (3 * 3),
    },
    {
      what: 'dilations',
      inputs: [data([1, 1, 12, 12]), weight([1, 1, 3, 3])],
      attributes: { dilations: [2, 4] },
      // A window of three spans 2 · 2 + 1 = 5 and 2 · 4 + 1 = 9.
      macs: (12 - 5 + 1) * (12 - 9 + 1) * (3 * 3),
    },
    {
      what: 'dilation, stride and pads together, 1-D',
      inputs: [data([1, 2, 20]), weight([3, 2, 4])],
      attributes: { dilations: [3], strides: [2], pads: [2, 1] },
      // ⌊(20 + 3 - 10) / 2⌋ + 1
      macs: 3 * 7 * (2 * 4),
    },
    {
      what: 'two groups',
      inputs: [data([1, 4, 5, 5]), weight([6, 2, 3, 3])],
      attributes: { group: 2 },
      macs: 6 * (3 * 3) * (2 * 3 * 3),
    },
    {
      what: 'depthwise with two filters a channel',
      kind: 'depthwise',
      inputs: [data([1, 3, 5, 5]), weight([6, 1, 3, 3])],
      attributes: { group: 3 },
      macs: 6 * (3 * 3) * (1 * 3 * 3),
    },
    {
      what: 'auto_pad SAME_UPPER with a stride',
      inputs: [data([1, 1, 7, 8]), weight([1, 1, 3, 3])],
      attributes: { auto_pad: 'SAME_UPPER', strides: [2, 2] },
      macs: 4 * 4 * (3 * 3),
    },
    {
      what: 'auto_pad SAME_LOWER with a stride and an even window',
      inputs: [data([1, 1, 7, 10]), weight([1, 1, 2, 4])],
      attributes: { auto_pad: 'SAME_LOWER', strides: [1, 3] },
      macs: 7 * 4 * (2 * 4),
    },
    {
      what: 'auto_pad VALID',
      inputs: [data([1, 1, 7, 7]), weight([1, 1, 3, 3])],
      attributes: { auto_pad: 'VALID', strides: [2, 2] },
      macs: 3 * 3 * (3 * 3),
    },
    {
      what: 'auto_pad NOTSET with pads',
      inputs: [data([1, 1, 7, 7]), weight([1, 1, 3, 3])],
      attributes: { auto_pad: 'NOTSET', pads: [1, 1, 1, 1] },
      macs: 7 * 7 * (3 * 3),
    },
    { what: 'a window as large as the data', inputs: [data([1, 2, 4]), weight([3, 2, 4])], macs: 3 * 1 * (2 * 4) },
    {
      what: 'of operator set 1',
      opset: 7,
      inputs: [data([1, 3, 5, 5]), weight([2, 3, 3, 3])],
      attributes: { kernel_shape: [3, 3], pads: [1, 1, 1, 1] },
      macs: 2 * (5 * 5) * (3 * 3 * 3),
    },
    {
      what: 'in halves',
      inputs: [data([1, 1, 5, 5], 'float16'), weight([1, 1, 3, 3], 'float16')],
      macs: 3 * 3 * 9,
      weightBytes: 2 * 9,
      peakBytes: 2 * (25 + 9),
    },
  ]),
  ...rows('DeformConv', { kind: 'convolution', opset: 19 }, [
    {
      what: '2-D',
      inputs: [data([1, 4, 6, 6]), weight([5, 4, 3, 3]), data([1, 18, 4, 4])],
      macs: 5 * (4 * 4) * (4 * 3 * 3),
    },
    {
      what: 'in groups, all said',
      inputs: [data([1, 4, 6, 6]), weight([4, 2, 3, 3]), data([1, 18, 3, 3])],
      attributes: { group: 2, offset_group: 1, pads: [1, 1, 1, 1], strides: [2, 2], dilations: [1, 1] },
      macs: 4 * (3 * 3) * (2 * 3 * 3),
    },
  ]),
  ...rows('FusedConv', { kind: 'convolution', ...MICROSOFT }, [
    {
      what: 'with a Relu',
      inputs: [data([1, 3, 6, 6]), weight([4, 3, 3, 3]), weight([4])],
      attributes: { activation: 'Relu', strides: [2, 2], pads: [1, 1, 1, 1] },
      macs: 4 * (3 * 3) * (3 * 3 * 3),
      weightBytes: 4 * (4 * 27 + 4),
    },
    {
      what: 'of the same size',
      inputs: [data([1, 1, 9, 8]), weight([2, 1, 3, 3])],
      attributes: { auto_pad: 'SAME_LOWER' },
      macs: 2 * (9 * 8) * 9,
    },
    {
      what: 'dilated, unpadded',
      inputs: [data([1, 1, 9, 8]), weight([2, 1, 3, 3])],
      attributes: { dilations: [2, 1] },
      macs: 2 * (5 * 6) * 9,
    },
    {
      what: 'with a sum and groups',
      inputs: [data([1, 4, 6, 6]), weight([4, 2, 3, 3]), weight([4]), data([1, 4, 4, 4])],
      attributes: { group: 2 },
      macs: 4 * (4 * 4) * (2 * 3 * 3),
      peakBytes: 4 * (4 * 36 + 2 * 4 * 16),
    },
  ]),
  ...rows('ConvInteger', { kind: 'convolution' }, [
    {
      what: 'with zero points',
      inputs: [data([1, 3, 6, 6], 'uint8'), weight([4, 3, 3, 3], 'uint8'), scalar(1, 'uint8'), scalar(1, 'uint8')],
      attributes: { dilations: [2, 2], pads: [1, 1, 1, 1] },
      // 6 + 2 - 5 + 1
      macs: 4 * (4 * 4) * (3 * 3 * 3),
      weightBytes: 4 * 27 + 1 + 1,
      // Bytes in, 32-bit sums out.
      peakBytes: 3 * 36 + 4 * (4 * 16),
    },
    {
      what: 'of the same size',
      inputs: [data([1, 1, 9], 'uint8'), weight([2, 1, 3], 'uint8')],
      attributes: { strides: [2], auto_pad: 'SAME_UPPER' },
      macs: 2 * 5 * 3,
    },
    {
      what: 'grouped, without zero points',
      kind: 'depthwise',
      inputs: [data([2, 4, 8], 'uint8'), weight([4, 1, 3], 'uint8')],
      attributes: { group: 4, strides: [2] },
      macs: 2 * 4 * 3 * (1 * 3),
    },
  ]),
  ...rows('QLinearConv', { kind: 'convolution' }, [
    {
      what: 'with a bias',
      inputs: [
        data([1, 3, 6, 6], 'uint8'),
        scalar(1),
        scalar(0, 'uint8'),
        weight([4, 3, 3, 3], 'int8'),
        weight([4]),
        weight([4], 'int8', 0),
        scalar(1),
        scalar(0, 'uint8'),
        weight([4], 'int32'),
      ],
      attributes: { strides: [2, 1], pads: [1, 1, 1, 1], kernel_shape: [3, 3] },
      macs: 4 * (3 * 6) * (3 * 3 * 3),
      // Weights, scales and zero points of data and result, scales, zero points and 32-bit biases of the filters.
      weightBytes: 4 * 27 + 2 * (4 + 1) + 4 * 4 + 4 + 4 * 4,
      peakBytes: 3 * 36 + 4 * (3 * 6),
    },
    {
      what: 'dilated',
      inputs: [
        data([1, 1, 9], 'uint8'),
        scalar(1),
        scalar(0, 'uint8'),
        weight([2, 1, 3], 'uint8'),
        scalar(1),
        scalar(0, 'uint8'),
        scalar(1),
        scalar(0, 'uint8'),
      ],
      attributes: { dilations: [3] },
      // 9 - 7 + 1
      macs: 2 * 3 * 3,
    },
    {
      what: 'of signed bytes, grouped',
      inputs: [
        data([1, 4, 6], 'int8'),
        scalar(1),
        scalar(0, 'int8'),
        weight([8, 2, 3], 'int8'),
        scalar(1),
        scalar(0, 'int8'),
        scalar(1),
        scalar(0, 'int8'),
      ],
      attributes: { group: 2, auto_pad: 'SAME_UPPER' },
      macs: 8 * 6 * (2 * 3),
    },
  ]),
  ...rows('ConvTranspose', { kind: 'convolution' }, [
    {
      what: '2-D: each element of the input meets every weight of its channel',
      inputs: [data([1, 3, 4, 5]), weight([3, 2, 3, 3])],
      macs: 3 * (4 * 5) * (2 * 3 * 3),
      weightBytes: 4 * 3 * 2 * 9,
      peakBytes: 4 * (3 * 4 * 5 + 2 * 6 * 7),
    },
    { what: '1-D with a bias', inputs: [data([2, 3, 4]), weight([3, 2, 3]), weight([2])], macs: 2 * 3 * 4 * (2 * 3) },
    { what: '3-D', inputs: [data([1, 2, 2, 3, 4]), weight([2, 3, 3, 2, 1])], macs: 2 * (2 * 3 * 4) * (3 * 3 * 2) },
    {
      what: 'strides, pads and output_padding',
      inputs: [data([1, 1, 4, 4]), weight([1, 1, 3, 3])],
      attributes: { strides: [2, 3], pads: [1, 0, 0, 1], output_padding: [1, 2] },
      macs: 4 * 4 * 9,
    },
    {
      what: 'dilations',
      inputs: [data([1, 1, 4, 4]), weight([1, 1, 3, 2])],
      attributes: { dilations: [2, 3] },
      macs: 4 * 4 * 6,
    },
    {
      what: 'two groups',
      inputs: [data([1, 4, 4, 4]), weight([4, 3, 3, 3])],
      attributes: { group: 2 },
      macs: 4 * (4 * 4) * (3 * 3 * 3),
    },
    {
      what: 'output_shape',
      inputs: [data([1, 1, 4, 4]), weight([1, 1, 3, 3])],
      attributes: { output_shape: [9, 10], strides: [2, 2] },
      macs: 4 * 4 * 9,
    },
    {
      what: 'auto_pad SAME_UPPER',
      inputs: [data([1, 1, 4, 5]), weight([1, 1, 3, 3])],
      attributes: { auto_pad: 'SAME_UPPER', strides: [2, 3] },
      macs: 4 * 5 * 9,
    },
    {
      what: 'auto_pad SAME_LOWER',
      inputs: [data([1, 1, 4, 5]), weight([1, 1, 4, 3])],
      attributes: { auto_pad: 'SAME_LOWER', strides: [3, 2] },
      macs: 4 * 5 * 12,
    },
    {
      what: 'auto_pad VALID',
      inputs: [data([1, 1, 4, 5]), weight([1, 1, 3, 3])],
      attributes: { auto_pad: 'VALID', strides: [2, 2] },
      macs: 4 * 5 * 9,
    },
  ]),
];
