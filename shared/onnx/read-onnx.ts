/** From the bytes of a model file to a checked graph. Nothing outside the bytes is ever read. */
import type { OnnxAttribute, OnnxGraph, OnnxNode, OnnxTensor, OnnxValueInfo } from './graph.ts';
import { OnnxError } from './onnx-error.ts';
import { dtypeOf, tensorOf } from './tensor.ts';
import { topologicalOrder } from './topological-order.ts';
import { decodeMessage, type Message } from './wire.ts';

/** Protobuf's own limit. */
export const MAX_MODEL_BYTES = 2 ** 31 - 1;

/** Operators of these domains ship with ONNX Runtime; any other is a custom operator. */
const KNOWN_DOMAINS = new Set(['', 'ai.onnx', 'ai.onnx.ml', 'com.microsoft', 'com.microsoft.nchwc']);

/** Names that can be seen from somewhere. */
type Names = Pick<ReadonlySet<string>, 'has'>;

type Context = Pick<OnnxGraph, 'irVersion' | 'opsets' | 'metadata'>;

const list = (message: Message, field: string) => (message[field] as Message[] | undefined) ?? [];
const text = (message: Message, field: string) => (message[field] as string | undefined) ?? '';
const decoder = new TextDecoder();

function valueInfoOf(message: Message): OnnxValueInfo {
  const name = text(message, 'name');
  const type = (message.type as Message | undefined) ?? {};
  const tensor = type.tensor as Message | undefined;
  if (!tensor) {
    const kind = (['sequence', 'map', 'sparse', 'optional'] as const).find((key) => type[key] !== undefined);
    return { name, kind: kind ?? 'unknown', dtype: 'undefined', shape: null };
  }
  const shape = tensor.shape as Message | undefined;
  return {
    name,
    kind: 'tensor',
    dtype: dtypeOf(tensor.elementType, `value "${name}"`),
    shape: shape
      ? list(shape, 'dims').map((dim) => {
          const value = dim.value as number | undefined;
          if (value !== undefined && value > 0) return value;
          return (dim.parameter as string | undefined) || (value === 0 ? 0 : null);
        })
      : null,
  };
}

function attributeOf(message: Message, owner: string, context: Context, outer: Names): OnnxAttribute {
  const name = text(message, 'name');
  const where = `node "${owner}", attribute "${name}"`;
  if (message.sparseTensor !== undefined)
    throw new OnnxError('unsupported-type', where, 'sparse tensors are not supported');
  if (text(message, 'refAttrName') !== '')
    throw new OnnxError('model-local-functions', where, 'it refers to an attribute of a model-local function');
  const graphOfAttribute = (graph: Message) => graphOf(graph, context, outer, where);
  return {
    name,
    f: (message.f as number | undefined) ?? null,
    i: (message.i as number | undefined) ?? null,
    s: message.s === undefined ? null : decoder.decode(message.s as Uint8Array),
    tensor: message.t === undefined ? null : tensorOf(message.t as Message, `${owner}.${name}`),
    graph: message.g === undefined ? null : graphOfAttribute(message.g as Message),
    floats: (message.floats as number[] | undefined) ?? [],
    ints: (message.ints as number[] | undefined) ?? [],
    strings: ((message.strings as Uint8Array[] | undefined) ?? []).map((bytes) => decoder.decode(bytes)),
    graphs: list(message, 'graphs').map(graphOfAttribute),
  };
}

function nodeOf(message: Message, index: number, context: Context, outer: Names): OnnxNode {
  const opType = text(message, 'opType');
  const name = text(message, 'name') || `${opType}#${index}`;
  const domain = text(message, 'domain');
  if (opType === '') throw new OnnxError('invalid-graph', `node "${name}"`, 'it has no operator');
  if (!KNOWN_DOMAINS.has(domain))
    throw new OnnxError(
      'unknown-domain',
      `node "${name}"`,
      `operator ${domain}::${opType} is a custom operator, which no board of the fleet has`,
    );
  return {
    name,
    opType,
    domain: domain === 'ai.onnx' ? '' : domain,
    inputs: (message.inputs as string[] | undefined) ?? [],
    outputs: (message.outputs as string[] | undefined) ?? [],
    attributes: new Map(
      list(message, 'attributes').map((attribute) => {
        const read = attributeOf(attribute, name, context, outer);
        return [read.name, read];
      }),
    ),
  };
}

/** `outer`: names that the enclosing graphs define; none for the main graph. */
function graphOf(message: Message, context: Context, outer: Names, where: string): OnnxGraph {
  const initializers = new Map<string, OnnxTensor>();
  for (const tensor of list(message, 'initializers')) {
    const read = tensorOf(tensor, `${where} initializer`);
    initializers.set(read.name, read);
  }
  const sparse = list(message, 'sparseInitializers')[0];
  if (sparse) throw new OnnxError('unsupported-type', where, 'sparse initializers are not supported');
  const inputs = list(message, 'inputs')
    .map(valueInfoOf)
    .filter((input) => !initializers.has(input.name));
  const known = new Set([...initializers.keys(), ...inputs.map((input) => input.name)]);
  const messages = list(message, 'nodes');
  const own = new Set(known);
  for (const node of messages) for (const name of (node.outputs as string[] | undefined) ?? []) own.add(name);
  // Not all of them in one set: each of thousands of bodies would copy all that is around it.
  const visible: Names = { has: (name) => own.has(name) || outer.has(name) };
  const nodes = messages.map((node, index) => nodeOf(node, index, context, visible));
  const outputs = list(message, 'outputs').map(valueInfoOf);
  const produced = new Set([...known, ...nodes.flatMap((node) => node.outputs)]);
  const missing = outputs.find((output) => !produced.has(output.name) && !outer.has(output.name));
  if (missing) throw new OnnxError('invalid-graph', where, `its output "${missing.name}" is defined nowhere`);
  const isOuter = (name: string) => outer.has(name);
  return {
    ...context,
    name: text(message, 'name'),
    nodes: topologicalOrder(nodes, known, isOuter),
    initializers,
    inputs,
    outputs,
  };
}

/**
 * Reads and checks a model. Weights are not decoded: tensors are views on `bytes` until their `read` is called.
 * @throws {OnnxError} for everything that is not a self-contained, acyclic graph of operators that ONNX Runtime ships
 */
export function readOnnx(bytes: Uint8Array): OnnxGraph {
  if (bytes.length === 0) throw new OnnxError('not-onnx', 'file', 'it is empty');
  if (bytes.length > MAX_MODEL_BYTES)
    throw new OnnxError('too-large', 'file', `${bytes.length} bytes are over the 2 GB limit of ONNX files`);
  const model = decodeMessage(bytes, 'ModelProto');
  const graph = model.graph as Message | undefined;
  if (!graph || model.irVersion === undefined)
    throw new OnnxError('not-onnx', 'file', `it has no ${graph ? 'IR version' : 'graph'}: is it an ONNX model?`);
  const localFunction = list(model, 'functions')[0];
  if (localFunction)
    throw new OnnxError(
      'model-local-functions',
      `function "${text(localFunction, 'name')}"`,
      'model-local functions are not supported; inline them (onnx.inliner.inline_local_functions)',
    );
  const context: Context = {
    irVersion: model.irVersion as number,
    opsets: new Map(
      list(model, 'opsetImports').map((entry) => [text(entry, 'domain'), (entry.version as number | undefined) ?? 1]),
    ),
    metadata: new Map(list(model, 'metadata').map((entry) => [text(entry, 'key'), text(entry, 'value')])),
  };
  const read = graphOf(graph, context, new Set(), 'graph');
  if (read.outputs.length === 0) throw new OnnxError('not-onnx', 'graph', 'it has no output: is it an ONNX model?');
  return read;
}
