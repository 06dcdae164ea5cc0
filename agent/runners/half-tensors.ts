/**
 * ONNX Runtime's binding takes no elements from a Float16Array, into which its JavaScript half turns those of every
 * float16 tensor where the engine has that type (Node.js 24): "not enough space: expected 50, got 0"
 * (microsoft/onnxruntime#32323). It looks for the type once, with the first tensor; where it finds none, it keeps
 * Uint16Arrays, which the binding takes everywhere.
 */
import type { Tensor } from 'onnxruntime-node';

/**
 * To be called before any tensor is made in this process; more often does no harm.
 * @param OrtTensor the binding's class, so that only a process that runs models with it loads it
 */
export function keepHalvesAsBits(OrtTensor: typeof Tensor): void {
  const type = Object.getOwnPropertyDescriptor(globalThis, 'Float16Array');
  if (!type) return;
  Reflect.deleteProperty(globalThis, 'Float16Array');
  try {
    new OrtTensor('float32', new Float32Array(1), [1]);
  } finally {
    Object.defineProperty(globalThis, 'Float16Array', type);
  }
}
