/** Multiply-accumulates of one node. */
import { intAttribute } from './graph.ts';
import { headSizes } from './shape-rules/attention.ts';
import { attentionSizes, fusedMatMulFactors } from './shape-rules/contraction.ts';
import { einsumMacs } from './shape-rules/einsum.ts';
import { recurrentSizes } from './shape-rules/recurrent.ts';
import { elementsOf, microsoft, type RuleInput, required, ruleName, type Value } from './shape-rules/rule.ts';

/** `outputs`: elements of the node's first output. */
type Macs = (rule: RuleInput, outputs: number) => number;

/** Each element of the output sums over one filter. */
function convolution(weightInput: number): Macs {
  return (rule, outputs) => outputs * elementsOf(required(rule, weightInput).shape.slice(1));
}

/** Each element of the input meets every weight of its channel. */
const convTranspose: Macs = (rule) =>
  elementsOf(required(rule, 0).shape) * elementsOf(required(rule, 1).shape.slice(1));

/** Each element of the output sums over a row of the first factor. */
const matMul: Macs = (rule, outputs) => outputs * (required(rule, 0).shape.at(-1) as number);
const fusedMatMul: Macs = (rule, outputs) => outputs * (fusedMatMulFactors(rule)[0].at(-1) as number);
const gemm: Macs = (rule, outputs) => {
  const [rows, columns] = required(rule, 0).shape as [number, number];
  return outputs * (intAttribute(rule.node, 'transA', 0) === 0 ? columns : rows);
};

/** Every gate multiplies the features and the state of before by a matrix each. */
function recurrent(gates: number): Macs {
  return (rule) => {
    const { length, batch, features, hidden, directions } = recurrentSizes(rule);
    return length * batch * directions * gates * hidden * (features + hidden);
  };
}

/** Three projections; scores of all pairs; their product with the values. */
const attention: Macs = (rule) => {
  const { batch, length, seen, features, queries, values } = attentionSizes(rule);
  return batch * length * (features * (2 * queries + values) + seen * (queries + values));
};

/** Scores of all pairs, and their product with the values. */
const headedAttention: Macs = (rule) => {
  const { batch, heads, length, seen, keyWidth, valueWidth } = headSizes(rule);
  return batch * heads * length * seen * (keyWidth + valueWidth);
};

/** By `ruleName`. Operators that are not listed multiply no matrices. */
const MACS: Readonly<Record<string, Macs>> = {
  Conv: convolution(1),
  ConvInteger: convolution(1),
  DeformConv: convolution(1),
  QLinearConv: convolution(3),
  ConvTranspose: convTranspose,
  MatMul: matMul,
  MatMulInteger: matMul,
  QLinearMatMul: matMul,
  Gemm: gemm,
  LSTM: recurrent(4),
  GRU: recurrent(3),
  RNN: recurrent(1),
  Einsum: einsumMacs,
  Attention: headedAttention,
  ...microsoft<Macs>({
    FusedConv: convolution(1),
    DynamicQuantizeMatMul: matMul,
    MatMulIntegerToFloat: matMul,
    FusedMatMul: fusedMatMul,
    FusedGemm: gemm,
    QGemm: gemm,
    DynamicQuantizeLSTM: recurrent(4),
    Attention: attention,
  }),
};

/** Multiply-accumulates of a node (0 for operators without products of matrices); additions alone do not count. */
export function macsOfNode(rule: RuleInput, output: Value): number {
  return MACS[ruleName(rule.node)]?.(rule, elementsOf(output.shape)) ?? 0;
}
