/** Puts nodes into an order in which each comes after those that it reads from. */
import type { OnnxNode } from './graph.ts';
import { OnnxError } from './onnx-error.ts';

/** Names that a node reads: its own inputs, and what its subgraphs take from outside. */
export function readsOf(node: OnnxNode): string[] {
  const reads = node.inputs.filter((name) => name !== '');
  for (const attribute of node.attributes.values())
    for (const graph of attribute.graph ? [attribute.graph, ...attribute.graphs] : attribute.graphs) {
      const inner = new Set([...graph.initializers.keys(), ...graph.inputs.map((input) => input.name)]);
      for (const child of graph.nodes) for (const output of child.outputs) inner.add(output);
      for (const child of graph.nodes) reads.push(...readsOf(child).filter((name) => !inner.has(name)));
      reads.push(...graph.outputs.map((output) => output.name).filter((name) => !inner.has(name)));
    }
  return reads;
}

/** Which node makes a value. @throws {OnnxError} for a value that two make, or that was there before */
function producersOf(nodes: readonly OnnxNode[], known: ReadonlySet<string>): Map<string, OnnxNode> {
  const producers = new Map<string, OnnxNode>();
  for (const node of nodes)
    for (const output of node.outputs) {
      if (output === '') continue;
      if (producers.has(output) || known.has(output))
        throw new OnnxError('invalid-graph', `node "${node.name}"`, `its output "${output}" is defined twice`);
      producers.set(output, node);
    }
  return producers;
}

/**
 * The file's order where it is one already, as exporters write it; a node that comes too early is put off until the
 * nodes that it reads from, in depth, are done. (Breadth first, branches would be shown as alive all at once.)
 * `known`: values that exist without any node; `isOuter`: whether a name may come from an enclosing graph.
 * @throws {OnnxError} `cyclic`, or `invalid-graph` for a name that nothing defines or that two nodes define
 */
export function topologicalOrder(
  nodes: readonly OnnxNode[],
  known: ReadonlySet<string>,
  isOuter: (name: string) => boolean,
): OnnxNode[] {
  const producers = producersOf(nodes, known);
  const sources = new Map(
    nodes.map((node) => {
      const reads = readsOf(node).filter((name) => !known.has(name));
      const lost = reads.find((name) => !producers.has(name) && !isOuter(name));
      if (lost !== undefined)
        throw new OnnxError('invalid-graph', `node "${node.name}"`, `its input "${lost}" is defined nowhere`);
      return [node, reads.flatMap((name) => producers.get(name) ?? [])] as const;
    }),
  );
  const order = new Set<OnnxNode>();
  const open = new Set<OnnxNode>();
  for (const root of nodes) {
    // Without recursion: a graph may be tens of thousands of nodes deep.
    const stack = [root];
    while (stack.length > 0) {
      const node = stack.at(-1) as OnnxNode;
      const waiting = (sources.get(node) as OnnxNode[]).filter((source) => !order.has(source));
      if (waiting.length === 0) {
        order.add(node);
        stack.pop();
        continue;
      }
      // Reached again from one of its own sources.
      if (open.has(node)) throw new OnnxError('cyclic', `node "${node.name}"`, 'its inputs depend on its own output');
      open.add(node);
      for (const source of waiting.reverse()) stack.push(source);
    }
  }
  return [...order];
}
