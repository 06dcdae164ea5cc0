/**
 * DequantizeLinear → operator → QuantizeLinear is one kernel on 8-bit integers, as ONNX Runtime's CPU provider makes of
 * it (onnxruntime/core/optimizer/qdq_transformer/selectors_actions/qdq_selector_action_transformer.cc).
 */
import { isQuantised } from './dtype.ts';
import { type OnnxGraph, type OnnxNode, opsetOf } from './graph.ts';
import { type LiveGraph, readersOf } from './live-graph.ts';
import type { Value } from './shape-rules/rule.ts';

/** Operators of ONNX that have integer kernels. */
export const INTEGER_OPS = new Set(
  (
    'Conv MatMul Gemm Add Mul Concat AveragePool GlobalAveragePool LeakyRelu Sigmoid Softmax Where Split Expand Flatten ' +
    'Gather GatherElements Reshape Slice Squeeze Tile Transpose Unsqueeze Resize MaxPool ReduceMax ReduceMin'
  ).split(' '),
);
/** Their integer kernels may also hand on a float result. */
const FLOAT_RESULT = new Set(['MatMul', 'Gemm']);
/** Performed by the bounds of the integers that follow. */
const BOUNDS = new Set(['Relu', 'Clip']);
/** MaxPool takes 8-bit integers since this operator set. */
const INTEGER_POOL_OPSET = 12;

/** The graph with such groups as single nodes that read and write integers; quantisers that remain are kernels of their own. */
export function collapseQuantisers(graph: OnnxGraph, live: LiveGraph, values: ReadonlyMap<string, Value>): LiveGraph {
  const dequantisers = new Map(
    live.nodes.filter(({ opType }) => opType === 'DequantizeLinear').map((node) => [node.outputs[0] as string, node]),
  );
  if (dequantisers.size === 0) return live;
  const source = (name: string) => {
    const dequantiser = dequantisers.get(live.resolve(name));
    return dequantiser ? live.resolve(dequantiser.inputs[0] as string) : null;
  };
  const onlyReader = (name: string): OnnxNode | null => {
    const readers = live.readers.get(name) ?? [];
    return readers.length === 1 && !live.outputs.has(name) ? (readers[0] as OnnxNode) : null;
  };
  /** The QuantizeLinear that alone reads a value, and the bounds between them. */
  const quantiserAfter = (name: string): { quantiser: OnnxNode; bounds: OnnxNode | null } | null => {
    const reader = onlyReader(name);
    if (reader?.opType === 'QuantizeLinear') return { quantiser: reader, bounds: null };
    if (!reader || !BOUNDS.has(reader.opType)) return null;
    const quantiser = onlyReader(reader.outputs[0] as string);
    return quantiser?.opType === 'QuantizeLinear' ? { quantiser, bounds: reader } : null;
  };

  /**
   * A product of matrices and the constant that is added to it: ONNX Runtime makes a Gemm of them before it looks for integers
   * (matmul_add_fusion.cc), and computes that in float.
   */
  const isFusedBefore = ({ opType, inputs, outputs }: OnnxNode): boolean => {
    const [product = ''] = outputs;
    const reader = opType === 'MatMul' ? onlyReader(product) : null;
    const bias = reader?.opType === 'Add' ? reader.inputs.find((name) => name !== product) : undefined;
    const [weights, added] = [inputs[1], bias].map((name) => values.get(live.resolve(name ?? '')));
    return weights?.shape.length === 2 && added?.constant === true && added.shape.at(-1) === weights.shape[1];
  };

  const collapsed = new Map<OnnxNode, OnnxNode>();
  const gone = new Set<OnnxNode>();
  const collapse = (node: OnnxNode): void => {
    if (!INTEGER_OPS.has(node.opType) || (node.opType === 'MaxPool' && opsetOf(graph) < INTEGER_POOL_OPSET)) return;
    if (isFusedBefore(node)) return;
    const inputs = node.inputs.map((name) => source(name));
    const first = inputs[0];
    if (!first || !isQuantised((values.get(first) as Value).dtype)) return;
    // Every float that it reads has to be an integer; shapes and bounds stay what they are.
    if (node.inputs.some((name, i) => inputs[i] === null && values.get(name)?.dtype === 'float32')) return;
    const used = node.outputs.filter((name) => live.readers.has(name) || live.outputs.has(name));
    const after = new Map(used.map((name) => [name, quantiserAfter(name)]));
    const isFloat = [...after.values()].includes(null);
    if (isFloat && !FLOAT_RESULT.has(node.opType)) return;
    const outputs = node.outputs.map((name) => {
      const found = isFloat ? null : after.get(name);
      if (!found) return name;
      gone.add(found.quantiser);
      if (found.bounds) gone.add(found.bounds);
      return found.quantiser.outputs[0] as string;
    });
    collapsed.set(node, { ...node, inputs: node.inputs.map((name, i) => inputs[i] ?? name), outputs });
  };
  for (const node of live.nodes) collapse(node);

  for (const [name, node] of dequantisers)
    if (!live.outputs.has(name) && (live.readers.get(name) ?? []).every((reader) => collapsed.has(reader)))
      gone.add(node);
  const nodes = live.nodes.filter((node) => !gone.has(node)).map((node) => collapsed.get(node) ?? node);
  return { ...live, nodes, readers: readersOf(nodes, live.resolve) };
}
