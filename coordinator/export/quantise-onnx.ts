/**
 * Post-training static quantisation: a float model becomes one that computes in 8-bit integers, in the format that
 * ONNX Runtime's `quantize_static` calls QDQ (https://onnxruntime.ai/docs/performance/model-optimizations/
 * quantization.html): float operators between DequantizeLinear and QuantizeLinear, which the runtime fuses to integer
 * kernels. Weights are symmetric int8 per channel, activations asymmetric uint8, biases int32.
 */
import { type OnnxGraph, opsetOf } from '@edgetune/shared/onnx/graph.ts';
import { quantisedNode } from '@edgetune/shared/onnx/graph-precision.ts';
import { readOnnx } from '@edgetune/shared/onnx/read-onnx.ts';
import { decodeMessage } from '@edgetune/shared/onnx/wire.ts';
import { NotWrittenError } from '../lifecycle/not-written-error.ts';
import { observeRanges } from './calibrate.ts';
import { encodeOnnx, type OnnxMessage } from './encode-onnx.ts';
import { activationParameters, type ValueRange } from './quantisation-parameters.ts';
import { planQuantisation } from './quantisation-plan.ts';
import { rewriteQuantised } from './rewrite-quantised.ts';
import { type Feeds, loadSession, simplifyOnnx } from './run-onnx.ts';

/** A model of which there is no 8-bit variant: the message says why. */
export class QuantiseError extends Error {
  override name = 'QuantiseError';
}

/** The integer kernels are in ONNX since this operator set … */
const INTEGER_OPSET = 10;
/** … and from this one on nothing else became different by then, but for these operators (ONNX's Changelog.md). */
const RAISABLE_OPSET = 7;
const CHANGED_BY_THEN = new Set(['Slice', 'TopK', 'Upsample', 'Scan']);
/** Since this version of the format an initializer need not be an input. */
const FREE_INITIALIZERS_IR = 4;

/** Operators that ONNX Runtime folds into others or removes. */
const FOLDABLE = new Set(['BatchNormalization', 'Constant', 'Dropout', 'Identity']);

/**
 * @param onnx a float32 model
 * @param batches inputs on which the ranges of the activations are observed, at least one
 * @throws {QuantiseError} @throws {OnnxError} where the model cannot be read
 * @throws {NotWrittenError} where the disk for temporary files is full
 */
export async function quantiseOnnx(onnx: Uint8Array, batches: readonly Feeds[]): Promise<Uint8Array> {
  const graph = readOnnx(onnx);
  refuse(graph);
  try {
    const model = await prepared(onnx, graph);
    const plan = planQuantisation(readOnnx(encodeOnnx(model)));
    if (plan.contractions.size === 0)
      throw new QuantiseError('no convolution or matrix product of it has constant float32 weights');
    const observed = plan.tensors.filter((tensor) => !plan.sharing.has(tensor));
    const ranges = await observeRanges(model, observed, batches);
    const parameters = new Map(
      plan.tensors.map((tensor) => [
        tensor,
        activationParameters(ranges.get(plan.sharing.get(tensor) ?? tensor) as ValueRange),
      ]),
    );
    const quantised = encodeOnnx(rewriteQuantised(model, plan, parameters));
    await tryOut(quantised, batches[0] as Feeds);
    return quantised;
  } catch (error) {
    // With some space it can be.
    if (error instanceof QuantiseError || error instanceof NotWrittenError) throw error;
    throw new QuantiseError(`the model cannot be quantised: ${(error as Error).message}`, { cause: error });
  }
}

function refuse(graph: OnnxGraph): void {
  const quantised = quantisedNode(graph);
  if (quantised)
    throw new QuantiseError(`the model is quantised already: node "${quantised.name}" is a ${quantised.opType}`);
  const opset = opsetOf(graph);
  const changed = graph.nodes.find(({ opType }) => CHANGED_BY_THEN.has(opType));
  if (opset < INTEGER_OPSET && (opset < RAISABLE_OPSET || changed))
    throw new QuantiseError(
      `its operator set ${opset} has no integer kernels: convert the model to 13 or later (onnx.version_converter)`,
    );
}

/** The model in an operator set that has integer kernels, simplified, with what it says of itself. */
async function prepared(onnx: Uint8Array, graph: OnnxGraph): Promise<OnnxMessage> {
  const original = decodeMessage(onnx, 'ModelProto') as OnnxMessage;
  const body = original.graph as OnnxMessage;
  const inputs = new Set<unknown>(graph.inputs.map(({ name }) => name));
  const raised = {
    ...original,
    irVersion: Math.max(graph.irVersion, FREE_INITIALIZERS_IR),
    opsetImports: (original.opsetImports as OnnxMessage[]).map(({ domain = '', version }) => ({
      domain,
      version: domain === '' || domain === 'ai.onnx' ? Math.max(Number(version), INTEGER_OPSET) : Number(version),
    })),
    // Old models list their initializers among the inputs, where a caller could replace them: here they are constant.
    graph: { ...body, inputs: (body.inputs as OnnxMessage[]).filter(({ name }) => inputs.has(name)) },
  };
  const simplified = isSimple(graph)
    ? raised
    : (decodeMessage(await simplifyOnnx(encodeOnnx(raised)), 'ModelProto') as OnnxMessage);
  return {
    ...simplified,
    producerName: original.producerName ?? '',
    metadata: [...((original.metadata ?? []) as OnnxMessage[]), { key: 'edgetune.precision', value: 'int8' }],
  };
}

/**
 * Nothing to fold or to remove. Such a model is not simplified, because that looks at the weights: the trained and the
 * untrained model of one architecture would become graphs of different signatures.
 */
function isSimple({ nodes, initializers }: OnnxGraph): boolean {
  return !nodes.some(
    ({ opType, inputs }) => FOLDABLE.has(opType) || inputs.every((name) => name === '' || initializers.has(name)),
  );
}

/** Fails here rather than on a board. */
async function tryOut(onnx: Uint8Array, feeds: Feeds): Promise<void> {
  const session = await loadSession(onnx);
  try {
    await session.run(feeds);
  } finally {
    await session.release();
  }
}
