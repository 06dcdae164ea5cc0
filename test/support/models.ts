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

/** A model that takes any batch and runs only this one: what it computes is put into so many rows of 16. */
export function rowsModel(rows: number): Uint8Array {
  return buildOnnx({
    nodes: [{ opType: 'Reshape', inputs: ['input', 'shape'], outputs: ['output'] }],
    initializers: [int64Tensor('shape', [rows, 16])],
    inputs: [{ name: 'input', shape: ['batch', 16] }],
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

/** A loop that goes on for 2^62 rounds: no run of it ever ends. */
export function endlessModel(): Uint8Array {
  const [INT64, BOOL] = [7, 9];
  return buildOnnx({
    nodes: [
      {
        opType: 'Loop',
        inputs: ['rounds', 'goOn', 'input'],
        outputs: ['output'],
        graphs: {
          body: {
            nodes: [
              { opType: 'Identity', inputs: ['goOnIn'], outputs: ['goOnOut'] },
              { opType: 'Relu', inputs: ['stateIn'], outputs: ['stateOut'] },
            ],
            inputs: [
              { name: 'round', shape: [], dataType: INT64 },
              { name: 'goOnIn', shape: [], dataType: BOOL },
              { name: 'stateIn', shape: [1] },
            ],
            outputs: [{ name: 'goOnOut', dataType: BOOL }, 'stateOut'],
          },
        },
      },
    ],
    initializers: [
      { name: 'rounds', dims: [], dataType: INT64, raw: new Uint8Array(new BigInt64Array([2n ** 62n]).buffer) },
      { name: 'goOn', dims: [], dataType: BOOL, raw: Uint8Array.of(1) },
    ],
    inputs: [{ name: 'input', shape: [1] }],
    outputs: ['output'],
  });
}
