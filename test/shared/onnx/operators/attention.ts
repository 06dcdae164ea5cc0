/** ONNX's own attention. MACs: pairs of positions × (width of keys + width of values), for every head. */
import { data, type OperatorCase, rows, weight } from './operator-case.ts';

const [BATCH, HEADS, LENGTH, WIDTH] = [2, 4, 5, 8];
const four = (heads: number, length: number, width = WIDTH) => data([BATCH, heads, length, width]);
const three = (heads: number, length: number, width = WIDTH) => data([BATCH, length, heads * width]);

export const ATTENTION: readonly OperatorCase[] = [
  ...rows('Attention', { kind: 'matmul', opset: 23 }, [
    {
      what: 'of four axes',
      inputs: [four(HEADS, LENGTH), four(HEADS, 7), four(HEADS, 7)],
      macs: BATCH * HEADS * LENGTH * 7 * (WIDTH + WIDTH),
    },
    {
      what: 'of three axes, values of another width',
      inputs: [three(HEADS, LENGTH), three(HEADS, 7), three(HEADS, 7, 10)],
      attributes: { q_num_heads: HEADS, kv_num_heads: HEADS },
      macs: BATCH * HEADS * LENGTH * 7 * (WIDTH + 10),
    },
    {
      what: 'of fewer heads of keys, with a past, all outputs',
      inputs: [three(HEADS, LENGTH), three(2, 7), three(2, 7), data([LENGTH, 10]), four(2, 3), four(2, 3)],
      attributes: { q_num_heads: HEADS, kv_num_heads: 2 },
      outputs: [true, true, true, true],
      macs: BATCH * HEADS * LENGTH * 10 * (WIDTH + WIDTH),
    },
  ]),
  ...rows('RotaryEmbedding', { kind: 'elementwise', opset: 23 }, [
    { what: 'of four axes', inputs: [four(HEADS, 3), weight([50, 4]), weight([50, 4]), data([BATCH, 3], 'int64')] },
  ]),
  ...rows('TensorScatter', { kind: 'move', opset: 24 }, [
    { what: 'into a cache', inputs: [data([2, 1, 4, 5]), data([2, 1, 1, 5]), data([2], 'int64')] },
  ]),
];
