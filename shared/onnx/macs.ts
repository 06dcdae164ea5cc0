/** Multiply-accumulates of one node. */
import { intAttribute, stringAttribute } from './graph.ts';
import { einsumDepth } from './shape-rules/contraction.ts';
import { recurrentSizes } from './shape-rules/recurrent.ts';
import { elementsOf, type RuleInput, required, type Value } from './shape-rules/rule.ts';

const WEIGHT_INPUT: Readonly<Record<string, number>> = { Conv: 1, FusedConv: 1, ConvInteger: 1, QLinearConv: 3 };
const SECOND_FACTOR: Readonly<Record<string, number>> = {
  MatMul: 1,
  MatMulInteger: 1,
  DynamicQuantizeMatMul: 1,
  MatMulIntegerToFloat: 1,
  FusedMatMul: 1,
  QLinearMatMul: 3,
  Gemm: 1,
  FusedGemm: 1,
  QGemm: 3,
};
const GATES: Readonly<Record<string, number>> = { LSTM: 4, DynamicQuantizeLSTM: 4, GRU: 3, RNN: 1 };

function attentionMacs(rule: RuleInput): number {
  const [batch = 0, length = 0, features = 0] = required(rule, 0).shape;
  const width = required(rule, 1).shape[1] ?? 0;
  return batch * length * features * width + 2 * batch * length * length * (width / 3);
}

/** Multiply-accumulates of a node (0 for operators without products of matrices); additions alone do not count. */
export function macsOfNode(rule: RuleInput, output: Value): number {
  const { node } = rule;
  const outputs = elementsOf(output.shape);
  const weight = WEIGHT_INPUT[node.opType];
  if (weight !== undefined) return outputs * elementsOf(required(rule, weight).shape.slice(1));
  if (node.opType === 'ConvTranspose') {
    const data = required(rule, 0).shape;
    return elementsOf(data) * elementsOf(required(rule, 1).shape.slice(1));
  }
  const factor = SECOND_FACTOR[node.opType];
  if (factor !== undefined) {
    const { shape } = required(rule, 0);
    const inner = shape.at(intAttribute(node, 'transA', 0) === 1 ? -2 : -1) ?? 1;
    return outputs * inner;
  }
  const gates = GATES[node.opType];
  if (gates !== undefined) {
    const { length, batch, features, hidden, directions } = recurrentSizes(rule);
    return length * batch * directions * gates * hidden * (features + hidden);
  }
  if (node.opType === 'Einsum') {
    const shapes = node.inputs.map((_, index) => required(rule, index).shape);
    return outputs * einsumDepth(stringAttribute(node, 'equation', ''), shapes);
  }
  return node.opType === 'Attention' ? attentionMacs(rule) : 0;
}
