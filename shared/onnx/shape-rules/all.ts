/** Every operator whose shapes are known. */
import { CONSTANT_RULES } from './constant.ts';
import { CONTRACTION_RULES } from './contraction.ts';
import { ELEMENTWISE_RULES } from './elementwise.ts';
import { MOVEMENT_RULES } from './movement.ts';
import { RECURRENT_RULES } from './recurrent.ts';
import type { ShapeRules } from './rule.ts';

/** By `ruleName`. */
export const SHAPE_RULES: ShapeRules = {
  ...CONSTANT_RULES,
  ...ELEMENTWISE_RULES,
  ...MOVEMENT_RULES,
  ...CONTRACTION_RULES,
  ...RECURRENT_RULES,
};
