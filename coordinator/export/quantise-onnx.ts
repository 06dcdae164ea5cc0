/**
 * Post-training static quantisation: a float model becomes one that computes in 8-bit integers, in the format that
 * ONNX Runtime's `quantize_static` calls QDQ (https://onnxruntime.ai/docs/performance/model-optimizations/
 * quantization.html): float operators between DequantizeLinear and QuantizeLinear, which the runtime fuses to integer
 * kernels. Weights are symmetric int8 per channel, activations asymmetric uint8, biases int32; products of stacks of matrices
 * and tables of embeddings are written as what the runtime would make of them.
 */
import { type OnnxGraph, opsetOf } from '@edgetune/shared/onnx/graph.ts';
import { quantisedNode } from '@edgetune/shared/onnx/graph-precision.ts';
import { readOnnx } from '@edgetune/shared/onnx/read-onnx.ts';
import { decodeMessage } from '@edgetune/shared/onnx/wire.ts';
import { NotWrittenError } from '../lifecycle/not-written-error.ts';
import { nearest } from './best-rounding.ts';
import { ranksOf } from './calibrate.ts';
import { encodeOnnx, type OnnxMessage } from './encode-onnx.ts';
import { observeTensors } from './observe-tensors.ts';
import { activationParameters } from './quantisation-parameters.ts';
import { planQuantisation, type QuantisationPlan } from './quantisation-plan.ts';
import { RAISED_OPSET, RANK_DEPENDENT, raiseOpset, UnraisableError } from './raise-opset.ts';
import { rewriteQuantised } from './rewrite-quantised.ts';
import { type Feeds, simplifyOnnx } from './run-onnx.ts';
import { collapsing } from './unlike-ranges.ts';

/** A model of which there is no 8-bit variant: the message says why. */
export class QuantiseError extends Error {
  override name = 'QuantiseError';
}

/** Operators that ONNX Runtime folds into others or removes. */
const FOLDABLE = new Set(['BatchNormalization', 'Constant', 'Dropout', 'Identity']);
/** Folded into the convolution before it where the other operand is constant. */
const AFFINE = new Set(['Add', 'Mul']);
/** Scales of weights that are tried, by the smallest that there may be. */
const WIDENINGS = [1, 1.1, 1.25, 1.4];
/** Since this version of the format an initializer need not be an input. */
const FREE_INITIALIZERS_IR = 4;
/** What has a form of its own for matrices. */
const PRODUCTS = new Set(['MatMul', 'Conv', 'Gemm']);

/**
 * @param onnx a float32 model
 * @param batches inputs on which the ranges of the activations are observed, at least one
 * @throws {QuantiseError} @throws {OnnxError} where the model cannot be read
 * @throws {NotWrittenError} where the disk for temporary files is full
 */
export async function quantiseOnnx(onnx: Uint8Array, batches: readonly Feeds[]): Promise<Uint8Array> {
  const graph = readOnnx(onnx);
  const already = quantisedNode(graph);
  if (already) throw new QuantiseError(`the model is quantised already: node "${already.name}" is a ${already.opType}`);
  try {
    const model = await prepared(onnx, graph, batches[0] as Feeds);
    // They run here, so that they do not fail on a board.
    return await nearest(encodeOnnx(model), await variantsOf(model, batches), batches);
  } catch (error) {
    // With some space it can be.
    if (error instanceof QuantiseError || error instanceof NotWrittenError) throw error;
    throw new QuantiseError(`the model cannot be quantised: ${(error as Error).message}`, { cause: error });
  }
}

/** The model in integers, with its weights rounded in several ways: graphs that are alike but for their values. */
async function variantsOf(model: OnnxMessage, batches: readonly Feeds[]): Promise<Iterable<Uint8Array>> {
  const graph = readOnnx(encodeOnnx(model));
  const ranks = await ranksOf(model, dataOf(graph, PRODUCTS), batches[0] as Feeds);
  const most = planQuantisation(graph, { ranks });
  if (isEmpty(most))
    throw new QuantiseError('no convolution, matrix product or embedding of it has constant float32 weights');
  const { rangeOf, channelsOf, means } = await observeTensors(model, graph, most, ranks, batches);
  const float = new Set<string>();
  let plan = most;
  for (let found = collapsing(graph, plan, rangeOf, channelsOf); found.size > 0; ) {
    for (const name of found) float.add(name);
    plan = planQuantisation(graph, { ranks, float });
    found = collapsing(graph, plan, rangeOf, channelsOf);
  }
  if (isEmpty(plan))
    throw new QuantiseError(
      'before or behind each of its convolutions and matrix products values of unlike ranges stand beside one another: one scale for them would lose the smaller ones',
    );
  const parameters = new Map(
    plan.tensors.map((tensor) => [tensor, activationParameters(rangeOf(plan.sharing.get(tensor) ?? tensor))]),
  );
  return (function* () {
    for (const widening of WIDENINGS) yield encodeOnnx(rewriteQuantised(model, plan, { parameters, means, widening }));
  })();
}

function isEmpty({ contractions, embeddings }: QuantisationPlan): boolean {
  return contractions.size === 0 && embeddings.size === 0;
}

/** The model in an operator set that has integer kernels, simplified, with what it says of itself. */
async function prepared(onnx: Uint8Array, graph: OnnxGraph, feeds: Feeds): Promise<OnnxMessage> {
  const original = decodeMessage(onnx, 'ModelProto') as OnnxMessage;
  const body = original.graph as OnnxMessage;
  const inputs = new Set<unknown>(graph.inputs.map(({ name }) => name));
  // Old models list their initializers among the inputs, where a caller could replace them: here they are constant.
  const constant = {
    ...original,
    graph: { ...body, inputs: (body.inputs as OnnxMessage[]).filter(({ name }) => inputs.has(name)) },
  };
  const raised = await inRaisedOpset(constant, graph, feeds);
  const simplified = isSimple(graph)
    ? raised
    : (decodeMessage(await simplifyOnnx(encodeOnnx(raised)), 'ModelProto') as OnnxMessage);
  return {
    ...simplified,
    producerName: original.producerName ?? '',
    metadata: [...((original.metadata ?? []) as OnnxMessage[]), { key: 'edgetune.precision', value: 'int8' }],
  };
}

/** @throws {QuantiseError} where an operator of it has no form there */
async function inRaisedOpset(model: OnnxMessage, graph: OnnxGraph, feeds: Feeds): Promise<OnnxMessage> {
  try {
    const isOlder = opsetOf(graph) < RAISED_OPSET;
    const withFreeInitializers = { ...model, irVersion: Math.max(graph.irVersion, FREE_INITIALIZERS_IR) };
    if (!isOlder) return withFreeInitializers;
    const ranks = await ranksOf(withFreeInitializers, dataOf(graph, RANK_DEPENDENT), feeds);
    return raiseOpset(withFreeInitializers, ranks);
  } catch (error) {
    if (!(error instanceof UnraisableError)) throw error;
    throw new QuantiseError(
      `${error.message}: convert the model to operator set ${RAISED_OPSET} or later (onnx.version_converter)`,
      { cause: error },
    );
  }
}

/** Names of what nodes of these operators read first. */
function dataOf({ nodes, initializers }: OnnxGraph, operators: ReadonlySet<string>): string[] {
  const data = nodes.filter(({ opType }) => operators.has(opType)).map(({ inputs }) => inputs[0] as string);
  return [...new Set(data)].filter((name) => !initializers.has(name));
}

/**
 * Nothing to fold or to remove. Such a model is not simplified, because that looks at the weights: the trained and the
 * untrained model of one architecture would become graphs of different signatures.
 */
function isSimple({ nodes, initializers }: OnnxGraph): boolean {
  const convolved = new Set(nodes.filter(({ opType }) => opType === 'Conv').map(({ outputs }) => outputs[0]));
  return !nodes.some(
    ({ opType, inputs }) =>
      FOLDABLE.has(opType) ||
      inputs.every((name) => name === '' || initializers.has(name)) ||
      (AFFINE.has(opType) &&
        inputs.some((name) => initializers.has(name)) &&
        inputs.some((name) => convolved.has(name))),
  );
}
