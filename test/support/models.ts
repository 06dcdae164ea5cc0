/** Models that tests really run. */
import { buildOnnx, int64Tensor } from './onnx-builder.ts';

/** One Relu over `width` numbers a sample. */
export function reluModel(batch: number | string = 'batch', width: number | string = 16): Uint8Array {
  return buildOnnx({
    nodes: [{ opType: 'Relu', inputs: ['input'], outputs: ['output'] }],
    inputs: [{ name: 'input', shape: [batch, width] }],
    outputs: ['output'],
  });
}

/** A model that makes `count` float32 numbers of one and gives back their largest: it needs 4 × `count` bytes in between. */
export function hungryModel(count: number): Uint8Array {
  return buildOnnx({
    nodes: [
      { opType: 'Expand', inputs: ['input', 'shape'], outputs: ['many'] },
      { opType: 'ReduceMax', inputs: ['many'], outputs: ['output'], int: { keepdims: 1 } },
    ],
    initializers: [int64Tensor('shape', [count])],
    inputs: [{ name: 'input', shape: [1] }],
    outputs: ['output'],
  });
}
