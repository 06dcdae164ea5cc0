/** Which file an inference config runs: the model itself, or its variant in the precision that the config asks for. */
import type { InferenceConfig, Precision } from '@edgetune/shared/domain/inference-config.ts';
import { type Constraint, violationOf } from '@edgetune/shared/domain/objective.ts';
import type { ConfigAxis } from './search/config-grid.ts';

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
 * The axes without precisions in which there is no variant, whose file is larger than the study's constraints on
 * `modelSize` allow, or than the model itself where that may be run: it is known before anything is measured.
 * @throws {RangeError} with the reason, where no precision is left
 */
export function withoutMissing(
  axes: readonly ConfigAxis[],
  model: Pick<Model, 'modelBytes' | 'variants'>,
  constraints: readonly Constraint[],
): ConfigAxis[] {
  const tooLarge = (bytes: number) =>
    constraints.find((constraint) => constraint.metric === 'modelSize' && violationOf(constraint, bytes) > 0);
  const whyNot = (precision: Precision): string | null => {
    const variant = model.variants?.[precision];
    if (variant && 'reason' in variant) return variant.reason;
    const bytes = variant?.modelBytes ?? model.modelBytes;
    const broken = tooLarge(bytes);
    return broken ? `the model in ${precision} is ${bytes} bytes, not ${broken.operator} ${broken.limit}` : null;
  };
  const precisions = axes.find(({ name }) => name === 'precision')?.values ?? ['float32'];
  const reasons = new Map(precisions.map((value) => [value, whyNot(value as Precision)]));
  const isOwn = (value: unknown) => model.variants?.[value as Precision] === undefined;
  if (precisions.some((value) => isOwn(value) && reasons.get(value) === null))
    for (const value of precisions) {
      const variant = model.variants?.[value as Precision];
      if (variant && 'modelBytes' in variant && variant.modelBytes > model.modelBytes)
        reasons.set(value, largerThan(value as Precision, variant.modelBytes, model.modelBytes));
    }
  if ([...reasons.values()].every((reason) => reason !== null)) throw new RangeError([...reasons.values()].join('; '));
  return axes.map((axis) =>
    axis.name === 'precision' ? { ...axis, values: axis.values.filter((value) => reasons.get(value) === null) } : axis,
  );
}

/** Why a variant is not worth measuring. */
export function largerThan(precision: Precision, bytes: number, modelBytes: number): string {
  return `the file in ${precision} is larger than the model itself (${bytes} bytes, ${modelBytes} bytes)`;
}

/**
 * The config in which the model itself is run as this one runs a variant of it; null where it runs the model, or where the axes
 * hold no precision of the model's own.
 */
export function twinOf(
  { variants = {} }: Pick<Model, 'variants'>,
  axes: readonly ConfigAxis[],
  config: InferenceConfig,
): InferenceConfig | null {
  if (!variants[config.precision]) return null;
  const precisions = (axes.find(({ name }) => name === 'precision')?.values ?? []) as Precision[];
  const own = precisions.find((precision) => !variants[precision]);
  return own === undefined ? null : { ...config, precision: own };
}
