/** Pools. They multiply nothing. */
import { data, type OperatorCase, rows, scalar } from './operator-case.ts';

const MICROSOFT = { domain: 'com.microsoft' };
const IMAGE = data([1, 2, 7, 8]);
const BYTES = [scalar(1), scalar(0, 'uint8'), scalar(1), scalar(0, 'uint8')];

/** What every pool has. */
function windows(op: string, opset: number): OperatorCase[] {
  return rows(op, { kind: 'pool', opset }, [
    { what: '1-D', inputs: [data([2, 3, 10])], attributes: { kernel_shape: [3] } },
    {
      what: '2-D',
      inputs: [IMAGE],
      attributes: { kernel_shape: [2, 3] },
      macs: 0,
      weightBytes: 0,
      peakBytes: 4 * 2 * (7 * 8 + 6 * 6),
    },
    { what: '3-D', inputs: [data([1, 2, 4, 5, 6])], attributes: { kernel_shape: [2, 3, 4], strides: [1, 2, 2] } },
    { what: 'strides', inputs: [IMAGE], attributes: { kernel_shape: [2, 2], strides: [2, 3] } },
    { what: 'pads', inputs: [IMAGE], attributes: { kernel_shape: [3, 3], pads: [1, 0, 2, 1] } },
    {
      what: 'auto_pad SAME_UPPER',
      inputs: [IMAGE],
      attributes: { kernel_shape: [3, 3], auto_pad: 'SAME_UPPER', strides: [2, 3] },
    },
    {
      what: 'auto_pad SAME_LOWER',
      inputs: [IMAGE],
      attributes: { kernel_shape: [2, 2], auto_pad: 'SAME_LOWER', strides: [2, 1] },
    },
    {
      what: 'auto_pad VALID',
      inputs: [IMAGE],
      attributes: { kernel_shape: [3, 3], auto_pad: 'VALID', strides: [2, 2] },
    },
  ]);
}

/** Rounding up, and windows that would begin behind the data. */
function ceilings(op: string, opset: number): OperatorCase[] {
  return rows(op, { kind: 'pool', opset }, [
    {
      what: 'ceil_mode',
      inputs: [data([1, 1, 8, 9])],
      attributes: { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1 },
    },
    {
      what: 'ceil_mode 0',
      inputs: [data([1, 1, 8, 9])],
      attributes: { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 0 },
    },
    {
      what: 'ceil_mode whose last window would lie in the padding',
      inputs: [data([1, 1, 4])],
      attributes: { kernel_shape: [2], strides: [3], pads: [1, 1], ceil_mode: 1 },
    },
    {
      what: 'ceil_mode whose last window begins on the last element',
      inputs: [data([1, 1, 5])],
      attributes: { kernel_shape: [2], strides: [2], ceil_mode: 1 },
    },
    {
      what: 'ceil_mode with auto_pad VALID',
      inputs: [data([1, 1, 8])],
      attributes: { kernel_shape: [3], strides: [2], auto_pad: 'VALID', ceil_mode: 1 },
    },
    {
      what: 'ceil_mode with auto_pad SAME_UPPER',
      inputs: [data([1, 1, 8])],
      attributes: { kernel_shape: [2], strides: [3], auto_pad: 'SAME_UPPER', ceil_mode: 1 },
    },
    {
      what: 'ceil_mode whose last window begins in the padding behind',
      inputs: [data([1, 1, 5])],
      attributes: { kernel_shape: [2], strides: [3], pads: [1, 1], ceil_mode: 1 },
    },
    {
      what: 'ceil_mode with a dilation',
      inputs: [data([1, 1, 10])],
      attributes: { kernel_shape: [3], strides: [2], dilations: [2], ceil_mode: 1 },
    },
  ]);
}

export const POOLS: readonly OperatorCase[] = [
  ...windows('MaxPool', 12),
  ...ceilings('MaxPool', 12),
  ...rows('MaxPool', { kind: 'pool' }, [
    {
      what: 'with the places of the largest',
      inputs: [IMAGE],
      outputs: [true, true],
      attributes: { kernel_shape: [2, 2], strides: [2, 2], storage_order: 1 },
      // The places are 64-bit integers.
      peakBytes: 4 * 2 * (7 * 8) + (4 + 8) * 2 * (3 * 4),
    },
    { what: 'dilations', inputs: [IMAGE], attributes: { kernel_shape: [2, 3], dilations: [3, 2] } },
    {
      what: 'of bytes',
      inputs: [data([1, 2, 6, 6], 'uint8')],
      attributes: { kernel_shape: [2, 2] },
      peakBytes: 2 * 61,
    },
    { what: 'of operator set 1', opset: 7, inputs: [IMAGE], attributes: { kernel_shape: [2, 2] } },
    { what: 'of operator set 22', opset: 22, inputs: [IMAGE], attributes: { kernel_shape: [2, 2] } },
  ]),
  ...windows('AveragePool', 11),
  ...ceilings('AveragePool', 19),
  ...rows('AveragePool', { kind: 'pool' }, [
    {
      what: 'ceil_mode whose last window would lie in the padding, of operator set 10',
      opset: 10,
      inputs: [data([1, 1, 4])],
      attributes: { kernel_shape: [2], strides: [3], pads: [1, 1], ceil_mode: 1 },
    },
    {
      what: 'padding counted',
      inputs: [IMAGE],
      attributes: { kernel_shape: [3, 3], pads: [1, 1, 1, 1], count_include_pad: 1 },
    },
    { what: 'dilations', opset: 19, inputs: [IMAGE], attributes: { kernel_shape: [2, 3], dilations: [3, 2] } },
  ]),
  ...windows('LpPool', 11),
  ...ceilings('LpPool', 18),
  ...rows('LpPool', { kind: 'pool' }, [
    { what: 'of a power', inputs: [IMAGE], attributes: { kernel_shape: [2, 2], p: 1 } },
    { what: 'dilations', opset: 18, inputs: [IMAGE], attributes: { kernel_shape: [2, 3], dilations: [3, 2] } },
  ]),
  ...rows('QLinearAveragePool', { kind: 'pool', ...MICROSOFT }, [
    {
      what: 'with strides and pads',
      inputs: [data([1, 2, 7, 8], 'uint8'), ...BYTES],
      attributes: { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1], count_include_pad: 1 },
      weightBytes: 2 * (4 + 1),
      peakBytes: 2 * (7 * 8 + 4 * 4),
    },
    {
      what: 'ceil_mode',
      inputs: [data([1, 2, 8, 8], 'uint8'), ...BYTES],
      attributes: { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1 },
    },
    {
      what: 'auto_pad SAME_UPPER',
      inputs: [data([1, 2, 7, 8], 'uint8'), ...BYTES],
      attributes: { kernel_shape: [2, 2], strides: [2, 2], auto_pad: 'SAME_UPPER' },
    },
    {
      what: 'channels last',
      inputs: [data([1, 7, 8, 2], 'uint8'), ...BYTES],
      attributes: { kernel_shape: [2, 3], channels_last: 1 },
    },
  ]),
  ...rows('QLinearGlobalAveragePool', { kind: 'pool', ...MICROSOFT }, [
    { what: '2-D', inputs: [data([1, 2, 7, 8], 'uint8'), ...BYTES], peakBytes: 2 * (7 * 8 + 1) },
    { what: 'channels last', inputs: [data([1, 7, 8, 2], 'uint8'), ...BYTES], attributes: { channels_last: 1 } },
  ]),
  ...['GlobalAveragePool', 'GlobalMaxPool', 'GlobalLpPool'].flatMap((op) =>
    rows(op, { kind: 'pool' }, [
      { what: '1-D', inputs: [data([2, 3, 5])] },
      { what: '2-D', inputs: [data([2, 3, 5, 4])], macs: 0, weightBytes: 0, peakBytes: 4 * 2 * 3 * (5 * 4 + 1) },
      { what: '3-D', inputs: [data([1, 2, 3, 4, 5])] },
    ]),
  ),
];
