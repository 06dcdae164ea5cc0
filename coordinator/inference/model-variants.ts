/** Which file an inference config runs: the model itself, or its variant in the precision that the config asks for. */
import type { InferenceConfig, Precision } from '@edgetune/shared/domain/inference-config.ts';
import type { ConfigAxis } from './config-grid.ts';

export interface ModelFile {
  /** Hash of the graph without its weights: a variant has its own. */
  signature: string;
  modelSha256: string;
  modelBytes: number;
}

/** Why there is no such variant. */
export interface NoVariant {
  reason: string;
}

/** By precision; what is not listed is left to the model itself. */
export type ModelVariants = Partial<Record<Precision, ModelFile | NoVariant>>;

export type Model = ModelFile & { variants?: ModelVariants };

export function modelFor(
  model: Model,
  { precision, executionProvider }: Pick<InferenceConfig, 'precision' | 'executionProvider'>,
): ModelFile | NoVariant {
  const variant = model.variants?.[precision];
  if (!variant) return model;
  if (!('reason' in variant) && precision === 'int8' && executionProvider !== 'cpu')
    return { reason: `int8 variants are made for the execution provider cpu, not for ${executionProvider}` };
  return variant;
}

/** The model and those of its variants that there are. */
export function filesOf(model: Model): ModelFile[] {
  return [model, ...Object.values(model.variants ?? {}).flatMap((variant) => ('reason' in variant ? [] : [variant]))];
}

/**
 * The axes without precisions in which there is no variant.
 * @throws {RangeError} with the reason, where no precision is left
 */
export function withoutMissing(axes: readonly ConfigAxis[], variants: ModelVariants = {}): ConfigAxis[] {
  return axes.map((axis) => {
    if (axis.name !== 'precision') return axis;
    const reasons: string[] = [];
    const values = axis.values.filter((value) => {
      const variant = variants[value as Precision];
      if (variant && 'reason' in variant) reasons.push(variant.reason);
      return !(variant && 'reason' in variant);
    });
    if (values.length === 0) throw new RangeError(reasons[0]);
    return { ...axis, values };
  });
}
