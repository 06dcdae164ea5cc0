/** LSTM, GRU and RNN: data is [length, batch, features] (or batch first with `layout` 1). */
import { intAttribute, stringAttribute } from '../graph.ts';
import { fail, microsoft, output, type RuleInput, required, type ShapeRule, type ShapeRules } from './rule.ts';

export interface RecurrentSizes {
  length: number;
  batch: number;
  features: number;
  hidden: number;
  directions: number;
}

/** @throws {OnnxError} where data and weights do not fit each other */
export function recurrentSizes(rule: RuleInput): RecurrentSizes {
  const data = required(rule, 0).shape;
  const batchFirst = intAttribute(rule.node, 'layout', 0) === 1;
  const [length, batch] = batchFirst ? [data[1], data[0]] : [data[0], data[1]];
  const hidden = intAttribute(rule.node, 'hidden_size', 0);
  const directions = stringAttribute(rule.node, 'direction', 'forward') === 'bidirectional' ? 2 : 1;
  if (data.length !== 3 || hidden < 1) fail(rule.node, `data [${data}], hidden_size ${hidden}`);
  return { length: length as number, batch: batch as number, features: data[2] as number, hidden, directions };
}

const recurrent: ShapeRule = (rule) => {
  const { length, batch, hidden, directions } = recurrentSizes(rule);
  const { dtype } = required(rule, 0);
  const batchFirst = intAttribute(rule.node, 'layout', 0) === 1;
  const sequence = batchFirst ? [batch, length, directions, hidden] : [length, directions, batch, hidden];
  const state = batchFirst ? [batch, directions, hidden] : [directions, batch, hidden];
  return [output(dtype, sequence), output(dtype, state), output(dtype, state)];
};

export const RECURRENT_RULES: ShapeRules = {
  LSTM: recurrent,
  GRU: recurrent,
  RNN: recurrent,
  ...microsoft({ DynamicQuantizeLSTM: recurrent }),
};
