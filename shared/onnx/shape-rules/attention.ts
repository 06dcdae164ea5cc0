/** ONNX's own attention (https://onnx.ai/onnx/operators/onnx__Attention.html); ONNX Runtime's is in contraction.ts. */
import { intAttribute } from '../graph.ts';
import { fail, output, type RuleInput, required, type ShapeRule, type ShapeRules, type Value } from './rule.ts';

export interface HeadSizes {
  batch: number;
  heads: number;
  keyHeads: number;
  /** Positions that ask, and positions that are looked at: those of the past, too. */
  length: number;
  seen: number;
  /** Width of a head's queries and keys, and of its values. */
  keyWidth: number;
  valueWidth: number;
}

/** As [batch, heads, length, width]: three axes hold the heads side by side. */
function withHeads(rule: RuleInput, { shape }: Value, attribute: string): [number, number, number, number] {
  if (shape.length === 4) return shape as [number, number, number, number];
  const heads = intAttribute(rule.node, attribute, 0);
  const [batch = 0, length = 0, width = 0] = shape;
  if (shape.length !== 3 || heads < 1 || width % heads !== 0) fail(rule.node, `[${shape}] with ${attribute} ${heads}`);
  return [batch, heads, length, width / heads];
}

/** @throws {OnnxError} where queries, keys and values do not fit each other */
export function headSizes(rule: RuleInput): HeadSizes {
  const [batch, heads, length, keyWidth] = withHeads(rule, required(rule, 0), 'q_num_heads');
  const [, keyHeads, keyLength, width] = withHeads(rule, required(rule, 1), 'kv_num_heads');
  const [, valueHeads, valueLength, valueWidth] = withHeads(rule, required(rule, 2), 'kv_num_heads');
  if (width !== keyWidth || valueHeads !== keyHeads || valueLength !== keyLength || heads % keyHeads !== 0)
    fail(
      rule.node,
      `queries [${required(rule, 0).shape}], keys [${required(rule, 1).shape}] and values [${required(rule, 2).shape}] do not fit each other`,
    );
  const past = rule.inputs[4]?.shape[2] ?? 0;
  return { batch, heads, keyHeads, length, seen: past + keyLength, keyWidth, valueWidth };
}

const attention: ShapeRule = (rule) => {
  const { dtype, shape } = required(rule, 0);
  const { batch, heads, keyHeads, length, seen, keyWidth, valueWidth } = headSizes(rule);
  const result = shape.length === 4 ? [batch, heads, length, valueWidth] : [batch, length, heads * valueWidth];
  return [
    output(dtype, result),
    output(dtype, [batch, keyHeads, seen, keyWidth]),
    output(required(rule, 2).dtype, [batch, keyHeads, seen, valueWidth]),
    output(dtype, [batch, heads, length, seen]),
  ];
};

export const ATTENTION_RULES: ShapeRules = { Attention: attention };
