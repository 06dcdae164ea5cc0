/** Losses, which exporters leave in models that are trained on: data is [samples, classes, …], targets are [samples, …]. */
import { stringAttribute } from '../graph.ts';
import { output, type RuleInput, required, type ShapeRule, type ShapeRules } from './rule.ts';

function lossShape(rule: RuleInput): number[] {
  return stringAttribute(rule.node, 'reduction', 'mean') === 'none' ? required(rule, 1).shape : [];
}

const negativeLogLikelihood: ShapeRule = (rule) => [output(required(rule, 0).dtype, lossShape(rule))];

const softmaxCrossEntropy: ShapeRule = (rule) => {
  const { dtype, shape } = required(rule, 0);
  return [output(dtype, lossShape(rule)), output(dtype, shape)];
};

export const LOSS_RULES: ShapeRules = {
  NegativeLogLikelihoodLoss: negativeLogLikelihood,
  SoftmaxCrossEntropyLoss: softmaxCrossEntropy,
};
