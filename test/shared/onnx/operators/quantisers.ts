/** Quantisers, and operators of ONNX Runtime on quantised values. */
import { data, float, type OperatorCase, rows, scalar, weight } from './operator-case.ts';

const MICROSOFT = { domain: 'com.microsoft' };
const SCALE = scalar(1);
const ZERO = scalar(0, 'uint8');
const SIGNED_ZERO = scalar(0, 'int8');

export const QUANTISERS: readonly OperatorCase[] = [
  ...rows('QuantizeLinear', { kind: 'quantise' }, [
    {
      what: 'to unsigned bytes',
      inputs: [data([2, 3]), SCALE, ZERO],
      weightBytes: 4 + 1,
      peakBytes: 4 * 6 + 6,
    },
    { what: 'to signed bytes', inputs: [data([2, 3]), SCALE, SIGNED_ZERO] },
    { what: 'without a zero point', inputs: [data([2, 3]), SCALE] },
    {
      what: 'a scale a channel',
      inputs: [data([1, 3, 4, 4]), weight([3]), weight([3], 'int8', 0)],
      attributes: { axis: 1 },
      weightBytes: 3 * (4 + 1),
    },
    { what: 'to 16 bits', opset: 21, inputs: [data([2, 3]), SCALE, scalar(0, 'uint16')] },
    { what: 'by output_dtype', opset: 21, inputs: [data([2, 3]), SCALE], attributes: { output_dtype: 3 } },
    { what: 'of ONNX Runtime', domain: 'com.microsoft', inputs: [data([2, 3]), SCALE, SIGNED_ZERO] },
  ]),
  ...rows('DequantizeLinear', { kind: 'quantise' }, [
    {
      what: 'from unsigned bytes',
      inputs: [data([2, 3], 'uint8'), SCALE, ZERO],
      weightBytes: 4 + 1,
      peakBytes: 6 + 4 * 6,
    },
    { what: 'from sums', inputs: [data([2, 3], 'int32'), SCALE] },
    {
      what: 'a scale a channel',
      inputs: [data([4, 3], 'int8'), weight([4]), weight([4], 'int8', 0)],
      attributes: { axis: 0 },
    },
    { what: 'to halves', opset: 19, inputs: [data([2, 3], 'int8'), scalar(1, 'float16')] },
    { what: 'of ONNX Runtime', domain: 'com.microsoft', inputs: [data([2, 3], 'int8'), SCALE, SIGNED_ZERO] },
  ]),
  ...rows('DynamicQuantizeLinear', { kind: 'quantise' }, [
    {
      what: 'with scale and zero point',
      inputs: [data([2, 3])],
      outputs: [true, true, true],
      peakBytes: 4 * 6 + (6 + 4 + 1),
    },
  ]),
  ...['QLinearAdd', 'QLinearMul'].flatMap((op) =>
    rows(op, { kind: 'elementwise', ...MICROSOFT }, [
      {
        what: 'of one shape',
        inputs: [data([2, 3], 'uint8'), SCALE, ZERO, data([2, 3], 'uint8'), SCALE, ZERO, SCALE, ZERO],
        weightBytes: 3 * (4 + 1),
      },
      {
        what: 'of signed bytes that broadcast both ways',
        inputs: [
          data([3, 1], 'int8'),
          SCALE,
          SIGNED_ZERO,
          data([2, 1, 4], 'int8'),
          SCALE,
          SIGNED_ZERO,
          SCALE,
          SIGNED_ZERO,
        ],
      },
    ]),
  ),
  ...rows('QLinearConcat', { kind: 'move', ...MICROSOFT }, [
    {
      what: 'of two',
      inputs: [SCALE, ZERO, data([1, 2, 3], 'uint8'), SCALE, ZERO, data([1, 4, 3], 'uint8'), SCALE, ZERO],
      attributes: { axis: 1 },
      weightBytes: 3 * (4 + 1),
      peakBytes: 6 + 12 + 18,
    },
    {
      what: 'of three along an axis from behind',
      inputs: [SCALE, SIGNED_ZERO, ...[1, 2, 3].flatMap((size) => [data([2, size], 'int8'), SCALE, SIGNED_ZERO])],
      attributes: { axis: -1 },
    },
  ]),
  ...rows('QLinearSigmoid', { kind: 'elementwise', ...MICROSOFT }, [
    { what: 'of bytes', inputs: [data([2, 3], 'uint8'), SCALE, ZERO, scalar(0.00390625), ZERO] },
  ]),
  ...rows('QLinearLeakyRelu', { kind: 'elementwise', ...MICROSOFT }, [
    {
      what: 'of signed bytes',
      inputs: [data([2, 3], 'int8'), SCALE, SIGNED_ZERO, SCALE, SIGNED_ZERO],
      attributes: { alpha: float(0.1) },
    },
  ]),
  ...rows('QLinearSoftmax', { kind: 'normalise', ...MICROSOFT }, [
    {
      what: 'along the last axis',
      inputs: [data([2, 3], 'uint8'), SCALE, ZERO, scalar(0.00390625), ZERO],
      attributes: { opset: 13, axis: -1 },
    },
  ]),
];
