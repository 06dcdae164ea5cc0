/** Models as people bring them: what exporters write, small. */
import { buildOnnx, type Dimension, type NodeSpec } from './onnx-builder.ts';

const node = (opType: string, inputs: string[], outputs: string[], rest: Partial<NodeSpec> = {}): NodeSpec => ({
  opType,
  inputs,
  outputs,
  name: outputs[0] ?? '',
  ...rest,
});

/** An image model whose exporter gave no names, or its own, to what it left open. */
export function openImageModel(shape: Dimension[] = [null, 3, '?', '?']): Uint8Array {
  return buildOnnx({
    nodes: [node('Conv', ['x', 'w'], ['y'], { ints: { pads: [1, 1, 1, 1] } })],
    initializers: [{ name: 'w', dims: [8, 3, 3, 3] }],
    inputs: [{ name: 'x', shape }],
    outputs: ['y'],
  });
}

/** A recurrent layer, time first; its first output is left out. */
export function timeFirstModel(): Uint8Array {
  return buildOnnx({
    nodes: [node('LSTM', ['x', 'W', 'R'], ['', 'h'], { int: { hidden_size: 16 } })],
    initializers: [
      { name: 'W', dims: [1, 64, 8] },
      { name: 'R', dims: [1, 64, 16] },
    ],
    inputs: [{ name: 'x', shape: ['time', 'batch', 8] }],
    outputs: ['h'],
  });
}

/** A product with weights in `weights.data` beside it, and that file: as `torch.onnx.export` writes models. */
export function splitModel(location = 'weights.data'): { model: Uint8Array; data: Uint8Array } {
  const weights = Float32Array.from({ length: 16 }, (_, index) => index);
  return {
    data: new Uint8Array(weights.buffer),
    model: buildOnnx({
      nodes: [node('MatMul', ['x', 'w'], ['y'])],
      initializers: [{ name: 'w', dims: [4, 4], external: { location, offset: 0, length: 64 } }],
      inputs: [{ name: 'x', shape: ['batch', 4] }],
      outputs: ['y'],
    }),
  };
}

/** Frames and their rate, which is a single number that the model computes a shape with. */
export function ratedModel(): Uint8Array {
  return buildOnnx({
    nodes: [node('Div', ['rate', 'step'], ['size']), node('Expand', ['x', 'size'], ['y'])],
    initializers: [{ name: 'step', dims: [1], dataType: 7, raw: new Uint8Array(BigInt64Array.of(8000n).buffer) }],
    inputs: [
      { name: 'x', shape: [1] },
      { name: 'rate', shape: [1], dataType: 7 },
    ],
    outputs: ['y'],
  });
}

/** `count` conditions, each with two bodies. */
export function manyConditions(count: number): Uint8Array {
  const body = (op: string, index: number) => ({
    nodes: [node(op, [`v${index}`], [`b${index}`])],
    inputs: [],
    outputs: [`b${index}`],
  });
  return buildOnnx({
    nodes: Array.from({ length: count }, (_, index) =>
      node('If', ['c'], [`v${index + 1}`], {
        graphs: { then_branch: body('Relu', index), else_branch: body('Abs', index) },
      }),
    ),
    inputs: [
      { name: 'v0', shape: ['batch', 2] },
      { name: 'c', shape: [], dataType: 9 },
    ],
    outputs: [`v${count}`],
  });
}
