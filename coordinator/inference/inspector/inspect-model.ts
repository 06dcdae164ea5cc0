/** What the coordinator has to know of a model that somebody has sent: read, made one file, its inputs settled, analysed. Pure. */
import { analyseModel } from '@edgetune/shared/onnx/analyse.ts';
import { type DataFile, inlineExternalData } from '@edgetune/shared/onnx/external-data.ts';
import { fixInputs } from '@edgetune/shared/onnx/fix-inputs.ts';
import { graphPrecision, quantisedNode } from '@edgetune/shared/onnx/graph-precision.ts';
import { modelSizes } from '@edgetune/shared/onnx/model-sizes.ts';
import { OnnxError } from '@edgetune/shared/onnx/onnx-error.ts';
import { signatureOf } from '@edgetune/shared/onnx/signature.ts';
import { architectureCoordinates } from '../predictor/coordinates.ts';
import type { InspectionRequest, ModelInspection } from './inspector-messages.ts';

/** Who uploads files says their names, not their folders. */
const nameOf = (location: string) => location.split(/[\\/]/).at(-1);

function dataIn(files: InspectionRequest['data']): (file: DataFile) => Uint8Array {
  return ({ location }) => {
    const found = files.find(({ name }) => name === location) ?? files.find(({ name }) => name === nameOf(location));
    if (found) return found.bytes;
    throw new OnnxError(
      'external-data',
      'model',
      `it keeps data in ${JSON.stringify(location)} beside it: send both files together, or export the model as one file (external_data=False)`,
    );
  };
}

/**
 * @param request without `given`: sizes may still be missing
 * @throws {OnnxError} where it cannot be read, or what is said does not fit it
 */
export function inspectModel({ model, data, given }: InspectionRequest): ModelInspection {
  const whole = inlineExternalData(model, dataIn(data));
  const fixed = fixInputs(whole, given);
  const { graph, dimensions } = fixed;
  const quantised = quantisedNode(graph);
  return {
    model: fixed.model === model ? null : fixed.model,
    inputs: graph.inputs.map(({ name, dtype, shape }) => ({ name, dtype, shape })),
    dimensions,
    precision: graphPrecision(graph),
    quantised: quantised && { name: quantised.name, opType: quantised.opType },
    signature: signatureOf(graph),
    ...modelSizes(graph, dimensions),
  };
}

/** @returns null where it cannot be analysed; a real board may still run it */
export function architectureOf(model: Uint8Array, dimensions: Readonly<Record<string, number>>): number[] | null {
  try {
    return architectureCoordinates(analyseModel(model, { batchSize: 1, dimensions }));
  } catch (error) {
    if (error instanceof OnnxError) return null;
    throw error;
  }
}
