/**
 * Inputs whose values the user has given. They are kept in the model itself, as initializers that are inputs too: what ONNX calls
 * default values, which every runtime takes where nothing is fed, and with which ONNX Runtime computes nothing in advance.
 */
import type { OnnxGraph } from './graph.ts';

/** Under which key of the model's metadata their names stand, as a list in JSON. */
export const GIVEN_INPUTS_KEY = 'edgetune.given_inputs';

/** Names of the inputs that the user has given. Nothing that a stranger wrote there is an error. */
export function givenInputs({
  metadata,
  initializers,
}: Pick<OnnxGraph, 'metadata' | 'initializers'>): ReadonlySet<string> {
  try {
    const names = JSON.parse(metadata.get(GIVEN_INPUTS_KEY) ?? '[]') as unknown;
    if (!Array.isArray(names)) return new Set();
    return new Set(names.filter((name) => typeof name === 'string' && initializers.has(name)));
  } catch {
    return new Set();
  }
}
