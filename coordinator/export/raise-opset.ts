/**
 * A model of an older operator set in the set from which DequantizeLinear knows an axis, so that weights have a scale per
 * channel. Operators whose form changed in between are rewritten as ONNX's Changelog.md has it
 * (https://github.com/onnx/onnx/blob/main/docs/Changelog.md); what is not named here means the same in both.
 */
import type { OnnxMessage } from './encode-onnx.ts';
import {
  attributeOf,
  attributesBut,
  constant,
  FreeNames,
  int64s,
  intAttribute,
  isOnnxDomain,
  namesReadIn,
  opsetOfModel,
  subgraphsOf,
  TYPE,
  textAttribute,
} from './graph-edit.ts';

/** The set that has axes: https://onnx.ai/onnx/operators/onnx__DequantizeLinear.html. */
export const RAISED_OPSET = 13;
/** Before this one operators broadcast in another way. */
const RAISABLE_OPSET = 7;

/** Why a model cannot be raised. */
export class UnraisableError extends Error {
  override name = 'UnraisableError';
}

/** How many axes a tensor has, by name, as far as it is known. */
export type Ranks = ReadonlyMap<string, number>;

/** What a rewrite is given of the graph that its node is in. */
interface Edit {
  opset: number;
  names: FreeNames;
  ranks: Ranks;
  /** Names that somebody reads. */
  read: ReadonlySet<string>;
  add(constant: OnnxMessage): string;
}
type Rewrite = (node: OnnxMessage, edit: Edit) => OnnxMessage[];

/** By operator: until which version its form is an older one, and what it becomes. */
const CHANGED: Readonly<Record<string, readonly [until: number, rewrite: Rewrite]>> = {
  Slice: [10, attributesToInputs([['starts'], ['ends'], ['axes']])],
  TopK: [10, attributesToInputs([['k']])],
  Upsample: [10, resize],
  BatchNormalization: [9, withoutSpatial],
  Scan: [9, refuseScan],
  Resize: [11, resize],
  Pad: [11, attributesToInputs([['pads'], ['value']])],
  Clip: [11, attributesToInputs([['min'], ['max']])],
  Scatter: [11, (node) => [{ ...node, opType: 'ScatterElements' }]],
  Dropout: [12, dropout],
  Squeeze: [13, attributesToInputs([['axes']])],
  Unsqueeze: [13, attributesToInputs([['axes']])],
  ReduceSum: [13, attributesToInputs([['axes']])],
  Split: [13, attributesToInputs([['split']])],
  Softmax: [13, flattened],
  LogSoftmax: [13, flattened],
  Hardmax: [13, flattened],
};

/** Operators whose new form depends on how many axes their data have. */
export const RANK_DEPENDENT = new Set(['Softmax', 'LogSoftmax', 'Hardmax']);

/**
 * The model in operator set 13 or later; one that is there already is handed back as it is.
 * @param ranks of what those of `RANK_DEPENDENT` read; where one is unknown, the form that fits all is written
 * @throws {UnraisableError} naming the node that has no such form
 */
export function raiseOpset(model: OnnxMessage, ranks: Ranks = new Map()): OnnxMessage {
  const opset = opsetOfModel(model);
  if (opset >= RAISED_OPSET) return model;
  if (opset < RAISABLE_OPSET)
    throw new UnraisableError(
      `its operator set ${opset} is older than ${RAISABLE_OPSET}, before which operators broadcast otherwise`,
    );
  const graph = model.graph as OnnxMessage;
  return {
    ...model,
    opsetImports: (model.opsetImports as OnnxMessage[]).map((each) =>
      isOnnxDomain(each.domain) ? { ...each, version: RAISED_OPSET } : each,
    ),
    graph: raised(graph, { opset, names: new FreeNames(graph), ranks, read: new Set(namesReadIn(graph)) }),
  };
}

function raised(graph: OnnxMessage, given: Omit<Edit, 'add'>): OnnxMessage {
  const added: OnnxMessage[] = [];
  const add = (tensor: OnnxMessage) => {
    added.push(tensor);
    return tensor.name as string;
  };
  const edit: Edit = { ...given, add };
  const nodes = ((graph.nodes ?? []) as OnnxMessage[]).flatMap((node) => {
    const whole = subgraphsOf(node).length === 0 ? node : { ...node, attributes: raisedBodies(node, given) };
    const [until, rewrite] = (isOnnxDomain(node.domain) ? CHANGED[node.opType as string] : undefined) ?? [0, null];
    return rewrite && given.opset < until ? rewrite(whole, edit) : [whole];
  });
  return { ...graph, nodes, initializers: [...((graph.initializers ?? []) as OnnxMessage[]), ...added] };
}

function raisedBodies({ attributes }: OnnxMessage, given: Omit<Edit, 'add'>): OnnxMessage[] {
  return (attributes as OnnxMessage[]).map((attribute) => ({
    ...attribute,
    ...(attribute.g ? { g: raised(attribute.g as OnnxMessage, given) } : {}),
    ...(attribute.graphs ? { graphs: (attribute.graphs as OnnxMessage[]).map((body) => raised(body, given)) } : {}),
  }));
}

/** Attributes that became inputs behind the first, in this order; one that is left out is an empty name. */
function attributesToInputs(order: readonly (readonly [name: string])[]): Rewrite {
  return (node, { names, add }) => {
    const [data = ''] = (node.inputs ?? []) as string[];
    const inputs = order.map(([name]) => {
      const attribute = attributeOf(node, name);
      if (!attribute) return '';
      const free = names.take(`${data}_${name}`);
      if (attribute.ints) return add(int64s(free, attribute.ints as number[]));
      if (attribute.i !== undefined) return add(int64s(free, [attribute.i as number]));
      return add(constant(free, [], TYPE.float, Float32Array.of(Number(attribute.f ?? 0))));
    });
    while (inputs.at(-1) === '') inputs.pop();
    return [{ ...node, inputs: [data, ...inputs], attributes: attributesBut(node, ...order.flat()) }];
  };
}

/** Upsample, and Resize as it was at first: pixels by their corners, the nearest one below. */
function resize(node: OnnxMessage, { names, add }: Edit): OnnxMessage[] {
  const [data = '', scales] = (node.inputs ?? []) as string[];
  const floats = attributeOf(node, 'scales')?.floats as number[] | undefined;
  const given =
    scales ??
    add(constant(names.take(`${data}_scales`), [floats?.length ?? 0], TYPE.float, Float32Array.from(floats ?? [])));
  const attributes = [
    ...attributesBut(node, 'scales'),
    textAttribute('coordinate_transformation_mode', 'asymmetric'),
    textAttribute('nearest_mode', 'floor'),
  ];
  return [{ ...node, opType: 'Resize', inputs: [data, '', given], attributes }];
}

function withoutSpatial(node: OnnxMessage): OnnxMessage[] {
  if (attributeOf(node, 'spatial')?.i === 0)
    throw new UnraisableError(`${named(node)} normalises each pixel for itself, which later operator sets cannot`);
  return [{ ...node, attributes: attributesBut(node, 'spatial') }];
}

function refuseScan(node: OnnxMessage): never {
  throw new UnraisableError(`${named(node)} scans batches, which later operator sets do not`);
}

/** What is run is not trained: the ratio does not matter. */
function dropout(node: OnnxMessage, { opset, read }: Edit): OnnxMessage[] {
  const [output = '', mask = ''] = (node.outputs ?? []) as string[];
  if (opset < 10 && read.has(mask))
    throw new UnraisableError(`${named(node)} hands out its mask as numbers, which later operator sets do not`);
  return [{ ...node, outputs: read.has(mask) ? [output, mask] : [output], attributes: attributesBut(node, 'ratio') }];
}

/** They took all axes from theirs on together: the values are laid out so, and put back behind. */
function flattened(node: OnnxMessage, { names, ranks }: Edit): OnnxMessage[] {
  const axis = Number(attributeOf(node, 'axis')?.i ?? 1);
  const last = { ...node, attributes: [...attributesBut(node, 'axis'), intAttribute('axis', -1)] };
  const [data = ''] = (node.inputs ?? []) as string[];
  if (axis === -1 || axis + 1 === ranks.get(data)) return [last];
  const [output = ''] = (node.outputs ?? []) as string[];
  const [shape, flat, result] = ['shape', 'flat', 'result'].map((part) => names.take(`${output}_${part}`)) as [
    string,
    string,
    string,
  ];
  const step = (opType: string, inputs: string[], to: string, attributes: OnnxMessage[] = []): OnnxMessage => ({
    name: `${to}_${opType}`,
    ...{ opType, inputs, outputs: [to], attributes },
  });
  return [
    step('Shape', [data], shape),
    step('Flatten', [data], flat, [intAttribute('axis', axis)]),
    { ...last, inputs: [flat], outputs: [result] },
    step('Reshape', [result, shape], output),
  ];
}

function named({ name, opType, outputs }: OnnxMessage): string {
  return `node "${name || (outputs as string[])[0]}" (${opType}) of an older operator set`;
}
