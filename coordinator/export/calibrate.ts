/** Runs a float model on samples and notes the range of its inner values. */
import type { Tensor } from 'onnxruntime-node';
import { encodeOnnx, type OnnxMessage } from './encode-onnx.ts';
import type { ValueRange } from './quantisation-parameters.ts';
import { type Feeds, loadSession } from './run-onnx.ts';

const FLOAT = 1;
const INT_ATTRIBUTE = 2;

/**
 * Smallest and largest value of each float32 tensor over all batches.
 * @param model the decoded model; it is left as it is
 * @throws {Error} where the model does not run, or a value is not finite
 */
export async function observeRanges(
  model: OnnxMessage,
  tensors: readonly string[],
  batches: readonly Feeds[],
): Promise<Map<string, ValueRange>> {
  const probes = tensors.flatMap((tensor, index) =>
    (['Min', 'Max'] as const).map((which) => ({ tensor, which, name: `edgetune_range_${which}_${index}` })),
  );
  const graph = model.graph as OnnxMessage;
  const probed = {
    ...model,
    graph: {
      ...graph,
      nodes: [
        ...(graph.nodes as OnnxMessage[]),
        ...probes.map(({ tensor, which, name }) => ({
          opType: `Reduce${which}`,
          name,
          inputs: [tensor],
          outputs: [name],
          attributes: [{ name: 'keepdims', type: INT_ATTRIBUTE, i: 0 }],
        })),
      ],
      outputs: [
        ...(graph.outputs as OnnxMessage[]),
        ...probes.map(({ name }) => ({ name, type: { tensor: { elementType: FLOAT, shape: {} } } })),
      ],
    },
  };
  const ranges = new Map(tensors.map((tensor) => [tensor, { min: Infinity, max: -Infinity }]));
  const session = await loadSession(encodeOnnx(probed));
  try {
    for (const feeds of batches) {
      const results = await session.run(
        feeds,
        probes.map(({ name }) => name),
      );
      for (const { tensor, which, name } of probes) {
        const value = Number((results[name] as Tensor).data[0]);
        if (!Number.isFinite(value)) throw new Error(`"${tensor}" becomes ${value} on a calibration sample`);
        const range = ranges.get(tensor) as ValueRange;
        if (which === 'Min') range.min = Math.min(range.min, value);
        else range.max = Math.max(range.max, value);
      }
    }
  } finally {
    await session.release();
  }
  return ranges;
}
