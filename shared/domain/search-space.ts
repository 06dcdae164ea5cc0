/** The search space: parameters of the levels model, training, system and inference. */
import { z } from 'zod';
import { everyObjectHas, namedValues } from './named-values.ts';

export const parameterLevelSchema = z.enum(['model', 'training', 'system', 'inference']);
export type ParameterLevel = z.infer<typeof parameterLevelSchema>;

export const parameterValueSchema = z.union([z.number(), z.string(), z.boolean()]);
export type ParameterValue = z.infer<typeof parameterValueSchema>;

/** The parameter exists only where every named parameter has one of the given values. */
const whenSchema = namedValues(z.union([parameterValueSchema, z.array(parameterValueSchema).min(1)]));

const common = { when: whenSchema.optional() };
const scale = z.enum(['linear', 'log']).default('linear');

/** A parameter as written in a study; its name is its key, its level the block it stands in. */
export const parameterDomainSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('float'),
    min: z.number(),
    max: z.number(),
    scale,
    step: z.number().positive().optional(),
    initial: z.number().optional(),
    ...common,
  }),
  z.strictObject({
    type: z.literal('int'),
    min: z.int(),
    max: z.int(),
    scale,
    step: z.int().positive().optional(),
    initial: z.int().optional(),
    ...common,
  }),
  z.strictObject({
    type: z.literal('categorical'),
    choices: z.array(parameterValueSchema).min(1),
    initial: parameterValueSchema.optional(),
    ...common,
  }),
  z.strictObject({
    type: z.literal('ordinal'),
    values: z.array(z.union([z.number(), z.string()])).min(1),
    initial: z.union([z.number(), z.string()]).optional(),
    ...common,
  }),
  z.strictObject({ type: z.literal('boolean'), initial: z.boolean().optional(), ...common }),
  z.strictObject({ type: z.literal('constant'), value: parameterValueSchema, ...common }),
]);
export type ParameterDomain = z.infer<typeof parameterDomainSchema>;
export type Parameter = ParameterDomain & { name: string; level: ParameterLevel };

const parameterName = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_]{0,63}$/, 'a parameter name is a letter followed by letters, digits or "_"')
  .refine((name) => !everyObjectHas(name), { error: ({ input }) => `"${input}" cannot be used as a name` });

/** The search space as written in a study: a block per level, a domain per parameter name. */
export const searchSpaceSchema = z.strictObject({
  model: namedValues(parameterDomainSchema, parameterName).default({}),
  training: namedValues(parameterDomainSchema, parameterName).default({}),
  system: namedValues(parameterDomainSchema, parameterName).default({}),
  inference: namedValues(parameterDomainSchema, parameterName).default({}),
});
export type SearchSpace = z.infer<typeof searchSpaceSchema>;

/** One assignment of the model, training and system parameters (inactive conditional parameters are absent). */
export const candidateSchema = namedValues(parameterValueSchema);
export type Candidate = z.infer<typeof candidateSchema>;

/** All parameters of the given levels, in the order in which they are written. */
export function parametersOf(
  space: SearchSpace,
  levels: readonly ParameterLevel[] = ['model', 'training', 'system', 'inference'],
): Parameter[] {
  return levels.flatMap((level) => Object.entries(space[level]).map(([name, domain]) => ({ ...domain, name, level })));
}

/** The values of a parameter that lists them; null: it is a range. */
export function listedValues(domain: ParameterDomain): readonly ParameterValue[] | null {
  switch (domain.type) {
    case 'categorical':
      return domain.choices;
    case 'ordinal':
      return domain.values;
    case 'constant':
      return [domain.value];
    default:
      return null;
  }
}

/** Whether the space's inference parameter of that name lists this value. */
export function mayTake({ inference }: SearchSpace, name: string, value: ParameterValue): boolean {
  const domain = inference[name];
  return domain !== undefined && (listedValues(domain)?.includes(value) ?? false);
}
