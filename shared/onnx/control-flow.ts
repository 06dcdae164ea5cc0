/**
 * If, Loop and Scan as what they run: the nodes of their bodies, by names of their own. How often a body runs has to be known
 * before the model runs (https://onnx.ai/onnx/operators/onnx__Loop.html); of two branches the more expensive one is counted.
 */
import { intAttribute, intsAttribute, type OnnxGraph, type OnnxNode } from './graph.ts';
import { macsOfNode } from './macs.ts';
import { OnnxError } from './onnx-error.ts';
import { axisOf, fail, required, ruleInput, type Value } from './shape-rules/rule.ts';

/** What names of a graph are called when all bodies stand side by side, and how often its nodes run. */
export interface Scope {
  /** Put before names of nodes. */
  path: string;
  rename(name: string): string;
  repeats: number;
}

/** What is being sized. */
export interface FlowContext {
  readonly graph: OnnxGraph;
  readonly values: Map<string, Value>;
  readonly assumptions: string[];
  /** So far, in order. */
  nodes: OnnxNode[];
  run(graph: OnnxGraph, scope: Scope): void;
  add(node: OnnxNode, scope: Scope): void;
  define(name: string, value: Value, scope: Scope): void;
}

const FLOWS: Readonly<Record<string, (context: FlowContext, node: OnnxNode, scope: Scope) => void>> = {
  If: runIf,
  Loop: runLoop,
  Scan: runScan,
};

export function isControlFlow({ domain, opType }: Pick<OnnxNode, 'domain' | 'opType'>): boolean {
  return domain === '' && Object.hasOwn(FLOWS, opType);
}

/** @throws {OnnxError} where what it runs depends on the data in a way that cannot be bounded */
export function runControlFlow(context: FlowContext, node: OnnxNode, scope: Scope): void {
  FLOWS[node.opType]?.(context, node, scope);
}

function bodyOf(node: OnnxNode, attribute: string): OnnxGraph {
  return node.attributes.get(attribute)?.graph ?? fail(node, `its attribute "${attribute}" is missing`);
}

/** Values that are made before the body runs, or that a caller made, are seen from inside by their outer names. */
function scopeOf(body: OnnxGraph, node: OnnxNode, outer: Scope, mark: string, repeats: number): Scope {
  const own = new Set([...body.initializers.keys(), ...body.inputs.map(({ name }) => name)]);
  for (const inner of body.nodes) for (const name of inner.outputs) own.add(name);
  const prefix = `${node.outputs.find((name) => name !== '') ?? node.name}/${mark}/`;
  return {
    path: `${node.name}/${mark}/`,
    rename: (name) => (own.has(name) ? prefix + name : outer.rename(name)),
    repeats: outer.repeats * repeats,
  };
}

function sizedValue(context: FlowContext, node: OnnxNode, name: string): Value {
  return context.values.get(name) ?? fail(node, `"${name}" is defined nowhere`);
}

/** A second name for a value, known to the graph: it costs nothing. */
function alias(context: FlowContext, from: string, to: string, value: Value, scope: Scope): void {
  context.nodes.push({
    name: to,
    opType: 'Identity',
    domain: '',
    inputs: [from],
    outputs: [to],
    attributes: new Map(),
  });
  context.define(to, { ...value, constant: false }, scope);
}

const known = (value: Value | null | undefined): number | null => value?.values?.[0] ?? null;

interface Branch {
  nodes: OnnxNode[];
  outputs: string[];
  macs: number;
}

/** Sizes a branch without adding it yet. */
function branchOf(context: FlowContext, node: OnnxNode, attribute: string, scope: Scope): Branch {
  const body = bodyOf(node, attribute);
  const inner = scopeOf(body, node, scope, attribute, 1);
  const before = context.nodes;
  context.nodes = [];
  context.run(body, inner);
  const { nodes } = context;
  context.nodes = before;
  const macs = nodes.reduce((sum, each) => {
    const first = context.values.get(each.outputs.find((name) => name !== '') ?? '');
    return first ? sum + macsOfNode(ruleInput(context.graph, each, context.values), first) : sum;
  }, 0);
  return { nodes, outputs: body.outputs.map(({ name }) => inner.rename(name)), macs };
}

function runIf(context: FlowContext, node: OnnxNode, scope: Scope): void {
  const condition = known(required(ruleInput(context.graph, node, context.values), 0));
  const take = ({ nodes, outputs }: Branch, shapes: readonly Value[]) => {
    for (const each of nodes) context.nodes.push(each);
    for (const [index, name] of node.outputs.entries())
      if (name !== '') alias(context, outputs[index] as string, name, shapes[index] as Value, scope);
  };
  const shapesOf = ({ outputs }: Branch) => outputs.map((name) => sizedValue(context, node, name));
  if (condition !== null) {
    const branch = branchOf(context, node, condition === 0 ? 'else_branch' : 'then_branch', scope);
    take(branch, shapesOf(branch));
    return;
  }
  const branches = ['then_branch', 'else_branch'].map((name) => branchOf(context, node, name, scope)) as [
    Branch,
    Branch,
  ];
  const [then, otherwise] = branches.map(shapesOf) as [Value[], Value[]];
  const shapes = then.map((value, index) => agreed(node, value, otherwise[index]));
  const cost = ({ macs, nodes }: Branch) => [macs, nodes.length] as const;
  const [one, two] = branches.map(cost) as [readonly [number, number], readonly [number, number]];
  const isFirst = one[0] === two[0] ? one[1] >= two[1] : one[0] > two[0];
  context.assumptions.push(
    `which branch of node "${node.name}" (If) runs depends on the data: its "${isFirst ? 'then' : 'else'}" branch is counted, the more expensive one`,
  );
  take(isFirst ? branches[0] : branches[1], shapes);
}

/** What both branches make. @throws {OnnxError} where they make different things */
function agreed(node: OnnxNode, one: Value, two: Value | undefined): Value {
  const isSame =
    two !== undefined &&
    one.dtype === two.dtype &&
    one.shape.length === two.shape.length &&
    one.shape.every((size, axis) => size === two.shape[axis]);
  if (!isSame)
    throw new OnnxError(
      'unsupported-operator',
      `node "${node.name}" (If)`,
      `its branches make ${one.dtype} [${one.shape}] and ${two ? `${two.dtype} [${two.shape}]` : 'nothing'}: which it is depends on the data, so only a real board can measure it`,
    );
  const isKnown = one.values !== null && JSON.stringify(one.values) === JSON.stringify(two.values);
  return { ...one, values: isKnown ? one.values : null, atMost: one.atMost || two.atMost || false };
}

/** Bodies of fewer nodes in all rounds together are written out round by round, so that what changes with the round is known. */
const MOST_UNROLLED_NODES = 4096;
/** Exporters write "as long as the condition holds" as a limit that is never reached. */
const NO_LIMIT = 2 ** 31 - 1;

function nodesIn(graph: OnnxGraph): number {
  return graph.nodes.reduce((sum, node) => {
    const inner = [...node.attributes.values()].flatMap((each) =>
      each.graph ? [each.graph, ...each.graphs] : each.graphs,
    );
    return sum + 1 + inner.reduce((count, body) => count + nodesIn(body), 0);
  }, 0);
}

interface LoopRun {
  node: OnnxNode;
  body: OnnxGraph;
  /** Of the loop itself. */
  scope: Scope;
  states: number;
  /** Values of the scan outputs of each round, by their place. */
  scanned: string[][];
}

function runLoop(context: FlowContext, node: OnnxNode, scope: Scope): void {
  const body = bodyOf(node, 'body');
  const { inputs } = ruleInput(context.graph, node, context.values);
  const initial = node.inputs.slice(2);
  const scanned = body.outputs.slice(1 + initial.length).map(() => []);
  const run: LoopRun = { node, body, scope, states: initial.length, scanned };
  const most = known(inputs[1]) === 0 ? 0 : roundsOf(node, inputs[0]);
  const isUnrolled = most > 0 && most * nodesIn(body) <= MOST_UNROLLED_NODES;
  const sayUnsure = () =>
    context.assumptions.push(
      `after how many rounds node "${node.name}" (Loop) stops depends on the data: all ${most} are counted`,
    );
  if (!isUnrolled) {
    const done = round(context, run, initial, { mark: 'body', repeats: most, index: null });
    if (done.goesOn === null && most > 0) sayUnsure();
    endLoop(context, run, most === 0 ? initial : done.states, most);
    return;
  }
  let states = initial;
  let count = 0;
  for (let goesOn: number | null = 1; count < most && goesOn !== 0; count++) {
    const done = round(context, run, states, { mark: `round ${count}`, repeats: 1, index: count });
    if (done.goesOn === null && goesOn !== null) sayUnsure();
    ({ states, goesOn } = done);
  }
  endLoop(context, run, states, count);
}

/** @throws {OnnxError} where it is not known before the model runs */
function roundsOf(node: OnnxNode, trips: Value | null | undefined): number {
  const count = known(trips);
  if (count !== null && count < NO_LIMIT) return Math.max(0, count);
  throw new OnnxError(
    'unsupported-operator',
    `node "${node.name}" (Loop)`,
    'how often it runs depends on the data, so only a real board can measure it',
  );
}

interface Round {
  mark: string;
  repeats: number;
  /** Null: any. */
  index: number | null;
}

/** One round, or many alike. @returns names of the states after it, and whether it goes on (null: that depends on the data) */
function round(
  context: FlowContext,
  run: LoopRun,
  states: readonly string[],
  { mark, repeats, index }: Round,
): { states: string[]; goesOn: number | null } {
  const { node, body, scope } = run;
  const inner = scopeOf(body, node, scope, mark, repeats);
  const [counter, goesOn, ...carried] = body.inputs;
  const scalar = { shape: [], constant: false } as const;
  if (counter)
    context.define(
      inner.rename(counter.name),
      { ...scalar, shape: [], dtype: 'int64', values: index === null ? null : [index] },
      inner,
    );
  if (goesOn) context.define(inner.rename(goesOn.name), { ...scalar, shape: [], dtype: 'bool', values: [1] }, inner);
  for (const [place, { name }] of carried.entries()) {
    const value = sizedValue(context, node, states[place] ?? '');
    alias(
      context,
      states[place] as string,
      inner.rename(name),
      index === null ? { ...value, values: null } : value,
      inner,
    );
  }
  context.run(body, inner);
  const [next, ...outputs] = body.outputs.map(({ name }) => inner.rename(name));
  const after = outputs.slice(0, run.states);
  if (index === null && repeats > 1)
    for (const [place, name] of after.entries()) refuseGrowth(context, node, states[place] as string, name);
  for (const [place, name] of outputs.slice(run.states).entries()) run.scanned[place]?.push(name);
  return { states: after, goesOn: context.values.get(next ?? '')?.values?.[0] ?? null };
}

function refuseGrowth(context: FlowContext, node: OnnxNode, before: string, after: string): void {
  const [one, two] = [sizedValue(context, node, before).shape, sizedValue(context, node, after).shape];
  if (one.length !== two.length || one.some((size, axis) => size !== two[axis]))
    throw new OnnxError(
      'unsupported-operator',
      `node "${node.name}" (${node.opType})`,
      `what it carries changes from [${one}] to [${two}] in a round, and it has too many rounds to follow; only a real board can measure it`,
    );
}

/** Gives the last states and what was gathered the names that the loop's outputs have. */
function endLoop(context: FlowContext, run: LoopRun, states: readonly string[], count: number): void {
  const { node, scope } = run;
  for (const [place, name] of node.outputs.entries()) {
    if (name === '') continue;
    const state = states[place];
    if (state !== undefined) {
      alias(context, state, name, sizedValue(context, node, state), scope);
      continue;
    }
    const inputs = run.scanned[place - states.length] ?? [];
    const element =
      inputs[0] === undefined ? fail(node, 'it never runs, and makes nothing') : sizedValue(context, node, inputs[0]);
    gather(context, node, inputs, name, { ...element, shape: [count, ...element.shape] }, scope);
  }
}

/** What all rounds have made, put into one tensor. */
function gather(
  context: FlowContext,
  node: OnnxNode,
  inputs: string[],
  name: string,
  value: Value,
  scope: Scope,
): void {
  context.nodes.push({
    name: `${node.name}/gather`,
    opType: 'Concat',
    domain: '',
    inputs,
    outputs: [name],
    attributes: new Map(),
  });
  context.define(name, { ...value, values: null, constant: false }, scope);
}

/** Each round reads one slice of every scan input, and writes one of every scan output. */
function runScan(context: FlowContext, node: OnnxNode, scope: Scope): void {
  const rule = ruleInput(context.graph, node, context.values);
  if (rule.opset < 9) fail(node, 'Scan of operator set 8 is not supported');
  const body = bodyOf(node, 'body');
  const scans = intAttribute(node, 'num_scan_inputs', 0);
  const states = node.inputs.length - scans;
  const axes = intsAttribute(node, 'scan_input_axes');
  const sliced = node.inputs.slice(states).map((name, place) => {
    const value = sizedValue(context, node, name);
    return { name, value, axis: axisOf(rule, axes?.[place] ?? 0, value.shape.length) };
  });
  const count = sliced[0]?.value.shape[sliced[0].axis] ?? 0;
  const inner = scopeOf(body, node, scope, 'body', count);
  for (const [place, { name }] of body.inputs.entries()) {
    const own = inner.rename(name);
    const outer = node.inputs[place] ?? '';
    const slice = sliced[place - states];
    const value = sizedValue(context, node, outer);
    if (!slice) alias(context, outer, own, { ...value, values: null }, inner);
    else {
      context.nodes.push({
        name: `${node.name}/slice`,
        opType: 'Squeeze',
        domain: '',
        inputs: [outer],
        outputs: [own],
        attributes: new Map(),
      });
      context.define(
        own,
        { ...value, shape: value.shape.toSpliced(slice.axis, 1), values: null, constant: false },
        inner,
      );
    }
  }
  context.run(body, inner);
  const outputAxes = intsAttribute(node, 'scan_output_axes');
  for (const [place, name] of node.outputs.entries()) {
    if (name === '') continue;
    const made = inner.rename(body.outputs[place]?.name ?? '');
    const value = sizedValue(context, node, made);
    if (place < states) alias(context, made, name, { ...value, values: null }, scope);
    else {
      const axis = axisOf(rule, outputAxes?.[place - states] ?? 0, value.shape.length + 1);
      gather(context, node, [made], name, { ...value, shape: value.shape.toSpliced(axis, 0, count) }, scope);
    }
  }
  if (count > 1)
    for (let place = 0; place < states; place++)
      refuseGrowth(context, node, node.inputs[place] as string, inner.rename(body.outputs[place]?.name ?? ''));
}
