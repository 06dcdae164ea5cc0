/**
 * A model that is quantised already computes in int8 and in nothing else: it is searched as it is, whatever precisions are
 * asked for. Its variants, if there are any, would be quantised twice.
 */
import { graphPrecision } from '@edgetune/shared/onnx/graph-precision.ts';
import { OnnxError } from '@edgetune/shared/onnx/onnx-error.ts';
import { readOnnx } from '@edgetune/shared/onnx/read-onnx.ts';
import type { InferenceRequest } from './inference-server.ts';

/** Answers what is searched in place of what was asked for. @param blobs where models lie */
export function createAsItIs(blobs: { get(sha256: string): Promise<Uint8Array> } | undefined) {
  const known = new Map<string, boolean>();

  async function isQuantised({ modelSha256 }: InferenceRequest): Promise<boolean> {
    const before = known.get(modelSha256);
    if (before !== undefined) return before;
    const bytes = await blobs?.get(modelSha256).catch(() => null);
    if (!bytes) return false;
    const found = precisionOf(bytes) === 'int8';
    known.set(modelSha256, found);
    return found;
  }

  return async (request: InferenceRequest): Promise<InferenceRequest> => {
    if (!(await isQuantised(request))) return request;
    const { variants: _, parameters, ...rest } = request;
    const others = parameters.filter(({ name }) => name !== 'precision');
    return {
      ...rest,
      parameters: [...others, { name: 'precision', level: 'inference', type: 'constant', value: 'int8' }],
    };
  };
}

/** Null where the model cannot be read: a real board may still run it. */
function precisionOf(onnx: Uint8Array) {
  try {
    return graphPrecision(readOnnx(onnx));
  } catch (error) {
    if (error instanceof OnnxError) return null;
    throw error;
  }
}
