/** Tensors that the model holds, as initializers or as `Constant` nodes. */
import type { OnnxNode, OnnxTensor } from '../graph.ts';
import { OnnxError } from '../onnx-error.ts';
import { tensorFromValues } from '../tensor.ts';
import { MAX_KNOWN_VALUES, type ShapeRules, type Value } from './rule.ts';

/** Its elements are read when they are asked for: those of weights never are. */
export function tensorValue(tensor: OnnxTensor): Value {
  const isKnown = tensor.elementCount <= MAX_KNOWN_VALUES;
  let values: number[] | null | undefined = isKnown ? undefined : null;
  return {
    dtype: tensor.dtype,
    shape: tensor.dims,
    get values() {
      if (values === undefined) values = tensor.read();
      return values;
    },
    constant: true,
  };
}

/** The tensor that a `Constant` node makes. */
export function constantTensor(node: OnnxNode): OnnxTensor {
  for (const { name, tensor, i, f, ints, floats } of node.attributes.values()) {
    if (name === 'value' && tensor) return tensor;
    if (name === 'value_int' && i !== null) return tensorFromValues(name, 'int64', [], [i]);
    if (name === 'value_ints') return tensorFromValues(name, 'int64', [ints.length], ints);
    if (name === 'value_float' && f !== null) return tensorFromValues(name, 'float32', [], [f]);
    if (name === 'value_floats') return tensorFromValues(name, 'float32', [floats.length], floats);
  }
  throw new OnnxError('unsupported-type', `node "${node.name}" (Constant)`, 'only numeric constants are supported');
}

export const CONSTANT_RULES: ShapeRules = { Constant: ({ node }) => [tensorValue(constantTensor(node))] };
