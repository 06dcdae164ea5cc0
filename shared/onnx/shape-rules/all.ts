/** Every operator whose shapes are known. */
import { ATTENTION_RULES } from './attention.ts';
import { CONSTANT_RULES } from './constant.ts';
import { CONTRACTION_RULES } from './contraction.ts';
import { ELEMENTWISE_RULES } from './elementwise.ts';
import { FOUND_RULES } from './found.ts';
import { LOSS_RULES } from './losses.ts';
import { MOVEMENT_RULES } from './movement.ts';
import { RECURRENT_RULES } from './recurrent.ts';
import type { ShapeRules } from './rule.ts';
import { SAMPLING_RULES } from './sampling.ts';
import { SIGNAL_RULES } from './signal.ts';

/** By `ruleName`. */
export const SHAPE_RULES: ShapeRules = {
  ...CONSTANT_RULES,
  ...ELEMENTWISE_RULES,
  ...MOVEMENT_RULES,
  ...CONTRACTION_RULES,
  ...RECURRENT_RULES,
  ...ATTENTION_RULES,
  ...SAMPLING_RULES,
  ...SIGNAL_RULES,
  ...FOUND_RULES,
  ...LOSS_RULES,
};
