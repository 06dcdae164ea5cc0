/** A model of token ids and their mask, of any batch and any length. */
import { buildOnnx } from './onnx-builder.ts';

export function tokensModel(): Uint8Array {
  return buildOnnx({
    inputs: ['ids', 'mask'].map((name) => ({ name, shape: ['batch', 'tokens'] })),
    outputs: ['y'],
    nodes: [{ opType: 'Add', inputs: ['ids', 'mask'], outputs: ['y'] }],
  });
}
