/** A chain of 3 × 3 convolutions with an open batch: a small network whose cost a test can choose. */
import { buildOnnx } from '../../../support/onnx-builder.ts';

export function convModel({
  layers = 1,
  channels = 8,
  size = 16,
  batch = 'batch' as number | string,
} = {}): Uint8Array {
  const name = (layer: number) => (layer === 0 ? 'x' : `y${layer}`);
  const each = Array.from({ length: layers }, (_, layer) => layer);
  return buildOnnx({
    inputs: [{ name: 'x', shape: [batch, 3, size, size] }],
    outputs: [name(layers)],
    initializers: each.map((layer) => ({ name: `w${layer}`, dims: [channels, layer === 0 ? 3 : channels, 3, 3] })),
    nodes: each.map((layer) => ({
      opType: 'Conv',
      name: `conv${layer}`,
      inputs: [name(layer), `w${layer}`],
      outputs: [name(layer + 1)],
      ints: { kernel_shape: [3, 3], pads: [1, 1, 1, 1], strides: [1, 1] },
    })),
  });
}
