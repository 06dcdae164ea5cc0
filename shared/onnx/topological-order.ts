/** Puts nodes into an order in which each comes after those that it reads from. */
import type { OnnxNode } from './graph.ts';
import { OnnxError } from './onnx-error.ts';

/** Names that a node reads: its own inputs, and what its subgraphs take from outside. */
function readsOf(node: OnnxNode): string[] {
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

/**
 * Kahn's algorithm, keeping the file's order among nodes that are ready.
 * `known`: values that exist without any node; `isOuter`: whether a name may come from an enclosing graph.
 * @throws {OnnxError} `cyclic`, or `invalid-graph` for a name that nothing defines or that two nodes define
 */
export function topologicalOrder(
  nodes: readonly OnnxNode[],
  known: ReadonlySet<string>,
  isOuter: (name: string) => boolean,
): OnnxNode[] {
  const producers = new Map<string, number>();
  for (const [index, node] of nodes.entries())
    for (const output of node.outputs) {
      if (output === '') continue;
      if (producers.has(output) || known.has(output))
        throw new OnnxError('invalid-graph', `node "${node.name}"`, `its output "${output}" is defined twice`);
      producers.set(output, index);
    }
  const waiting = nodes.map(() => 0);
  const readers = nodes.map((): number[] => []);
  for (const [index, node] of nodes.entries())
    for (const name of readsOf(node)) {
      const producer = producers.get(name);
      if (producer !== undefined) {
        (readers[producer] as number[]).push(index);
        waiting[index] = (waiting[index] as number) + 1;
      } else if (!known.has(name) && !isOuter(name))
        throw new OnnxError('invalid-graph', `node "${node.name}"`, `its input "${name}" is defined nowhere`);
    }
  const order: number[] = waiting.flatMap((count, index) => (count === 0 ? [index] : []));
  for (let position = 0; position < order.length; position += 1)
    for (const reader of readers[order[position] as number] as number[]) {
      waiting[reader] = (waiting[reader] as number) - 1;
      if (waiting[reader] === 0) order.push(reader);
    }
  const stuck = nodes.find((_, index) => (waiting[index] as number) > 0);
  if (stuck) throw new OnnxError('cyclic', `node "${stuck.name}"`, 'its inputs depend on its own output');
  return order.map((index) => nodes[index] as OnnxNode);
}
