/** Small convolutional networks for tests of the cost model. */
import { buildOnnx, type NodeSpec, type TensorSpec } from './onnx-builder.ts';

export interface NetworkShape {
  imageSize: number;
  channels: number;
  depth: number;
  kernel: 1 | 3 | 5;
  pool: boolean;
}

/** Convolutions with ReLU and, between them, pools that keep the size; then the mean and a classifier. */
export function network({ imageSize, channels, depth, kernel, pool }: NetworkShape): Uint8Array {
  const nodes: NodeSpec[] = [];
  const initializers: TensorSpec[] = [{ name: 'classes', dims: [channels, 10] }];
  const pad = (kernel - 1) / 2;
  let value = 'image';
  for (let layer = 0; layer < depth; layer += 1) {
    initializers.push({ name: `w${layer}`, dims: [channels, layer === 0 ? 3 : channels, kernel, kernel] });
    nodes.push(
      { opType: 'Conv', inputs: [value, `w${layer}`], outputs: [`c${layer}`], ints: { pads: [pad, pad, pad, pad] } },
      { opType: 'Relu', inputs: [`c${layer}`], outputs: [`r${layer}`] },
    );
    value = `r${layer}`;
    if (!pool) continue;
    nodes.push({
      opType: 'AveragePool',
      inputs: [value],
      outputs: [`p${layer}`],
      ints: { kernel_shape: [3, 3], pads: [1, 1, 1, 1], strides: [1, 1] },
    });
    value = `p${layer}`;
  }
  nodes.push(
    { opType: 'GlobalAveragePool', inputs: [value], outputs: ['mean'] },
    { opType: 'Flatten', inputs: ['mean'], outputs: ['flat'] },
    { opType: 'MatMul', inputs: ['flat', 'classes'], outputs: ['scores'] },
  );
  return buildOnnx({
    inputs: [{ name: 'image', shape: ['batch', 3, imageSize, imageSize] }],
    initializers,
    nodes,
    outputs: ['scores'],
  });
}
