/** Memory that a graph needs: its weights, and its activations at the moment when most of them are alive. */
import type { OnnxNode } from './graph.ts';
import { kernelKindOf } from './kernel-kind.ts';
import type { LiveGraph } from './live-graph.ts';
import { bytesOfValue } from './shape-rules/elementwise.ts';
import type { Value } from './shape-rules/rule.ts';

/** Elementwise kernels write over an input that nobody else needs; views share their input's buffer. */
function reusesInput(node: OnnxNode): boolean {
  const kind = kernelKindOf(node.opType);
  return kind === 'view' || kind === 'elementwise';
}

/** Bytes of the constants that the live nodes read; weights that are kept in 8 bits count as such. */
export function weightBytesOf(live: LiveGraph, values: ReadonlyMap<string, Value>): number {
  const names = new Set(live.nodes.flatMap((node) => node.inputs.map(live.resolve)));
  let bytes = 0;
  for (const name of names) {
    const value = values.get(name);
    if (value?.constant) bytes += bytesOfValue(value);
  }
  return bytes;
}

/** The largest sum of activations that are alive at once, when nodes run in order and free what is read for the last time. */
export function peakActivationBytes(live: LiveGraph, values: ReadonlyMap<string, Value>): number {
  const lastUse = new Map<string, number>();
  for (const [index, node] of live.nodes.entries())
    for (const name of node.inputs) lastUse.set(live.resolve(name), index);
  for (const name of live.outputs) lastUse.set(name, live.nodes.length);
  const size = (name: string) => {
    const value = values.get(name);
    return value && !value.constant ? bytesOfValue(value) : 0;
  };
  const inputs = new Set(live.nodes.flatMap((node) => node.inputs.map(live.resolve)));
  for (const node of live.nodes) for (const name of node.outputs) inputs.delete(name);
  let alive = [...inputs].reduce((sum, name) => sum + size(name), 0);
  let peak = alive;
  for (const [index, node] of live.nodes.entries()) {
    const dying = [...new Set(node.inputs.map(live.resolve))].filter(
      (name) => name !== '' && lastUse.get(name) === index,
    );
    const freed = dying.reduce((sum, name) => sum + size(name), 0);
    const made = node.outputs.reduce((sum, name) => sum + size(name), 0);
    peak = Math.max(peak, alive + (reusesInput(node) ? Math.max(0, made - freed) : made));
    const unused = node.outputs.filter((name) => name !== '' && !lastUse.has(name));
    alive += made - freed - unused.reduce((sum, name) => sum + size(name), 0);
  }
  return peak;
}
