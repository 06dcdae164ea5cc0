/** A board profile: everything from which a simulated device computes its behaviour. */
import {
  executionProviderSchema,
  precisionSchema,
  runnerNameSchema,
} from '@edgetune/shared/domain/inference-config.ts';
import { z } from 'zod';
import { inOrder, mistakeText, readYaml } from '../domain/read-yaml.ts';
import { mistakesIn } from '../domain/schema-mistakes.ts';
import { fittedRangeSchema } from './fitted-range.ts';
import { TERMS } from './terms.ts';

const microseconds = z.number().min(0);

/** Cost of each term in microseconds at the highest clock on one thread; a term that is left out costs nothing. */
export const coefficientsSchema = z.partialRecord(z.enum(TERMS), microseconds);
export type Coefficients = z.infer<typeof coefficientsSchema>;

export const threadScalingSchema = z.strictObject({
  /** Work on n threads takes 1 / n^exponent of its time on one. */
  exponent: z.number().gt(0).max(1),
  /** Threads that together use the whole memory bandwidth (a fraction is possible). */
  memoryThreads: z.number().min(1),
  /** Share that is added when every core computes and none is left for the system. */
  fullLoadPenalty: z.number().min(0).default(0),
});

export const profileErrorSchema = z.strictObject({
  /** Mean absolute percentage error of the latency, as a fraction. */
  latencyMape: z.number().min(0).nullable(),
  energyMape: z.number().min(0).nullable(),
  memoryMape: z.number().min(0).nullable(),
  /** What it was compared with, and how. */
  comparedWith: z.string(),
  /** Quantities whose error could not be measured: their figure is an estimate, and `comparedWith` says on what basis. */
  estimated: z.array(z.enum(['latency', 'energy', 'memory'])).default([]),
});
export type ProfileError = z.infer<typeof profileErrorSchema>;

/** One way to run models on the board: a runtime with an execution provider. */
export const backendSchema = z.strictObject({
  executionProvider: executionProviderSchema,
  runners: z.array(runnerNameSchema).min(1),
  runtime: z.string(),
  coefficients: coefficientsSchema,
  /** How much faster than in float32 work is done in a precision that the backend supports. */
  precisionSpeed: z.partialRecord(precisionSchema, z.number().positive()),
  threads: threadScalingSchema.nullable(),
  /** Board power above idle while this backend computes, on an accelerator (on the CPU the cores' power counts). */
  acceleratorW: z.number().min(0).default(0),
  /** Memory of the runtime itself, before any model. */
  runtimeBytes: z.number().min(0),
  /** Copies of the weights in memory (the file's buffer, the packed form). */
  weightCopies: z.number().min(1),
  /** Where this backend was compared on its own; absent: the profile's. */
  error: profileErrorSchema.optional(),
  /** Where it was fitted to measurements (`fit-profile.ts`): to which networks, and how sure that makes it of others. */
  fit: fittedRangeSchema.optional(),
});
export type Backend = z.infer<typeof backendSchema>;

export const powerModeSchema = z.strictObject({
  name: z.string(),
  cores: z.int().positive(),
  maxClockKHz: z.int().positive(),
  /** Speed beyond what cores and clock explain (memory clock, governor). */
  speed: z.number().positive().default(1),
  /** Idle power and power per busy core in this mode; absent: the board's, scaled with the clock. */
  idleW: z.number().min(0).optional(),
  coreW: z.number().min(0).optional(),
});
export type PowerMode = z.infer<typeof powerModeSchema>;

export const boardProfileSchema = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9.-]{0,62}$/, 'a profile name has lower-case letters, digits, "-" and "."'),
  board: z.string(),
  cpuModel: z.string(),
  architecture: z.string(),
  cores: z.int().positive(),
  minClockKHz: z.int().positive(),
  maxClockKHz: z.int().positive(),
  settableClocksKHz: z.array(z.int().positive()),
  memoryBytes: z.int().positive(),
  /** The last cache that the cores share: a kernel whose activations do not fit waits for the memory. */
  cacheBytes: z.int().positive(),
  /** What the system keeps for itself. */
  reservedBytes: z.int().min(0),
  backends: z.array(backendSchema).min(1),
  powerModes: z.array(powerModeSchema).default([]),
  power: z.strictObject({
    idleW: z.number().min(0),
    /** Power of one busy core at the highest clock. */
    coreW: z.number().min(0),
    /** Power of the memory and the board at full bandwidth. */
    memoryW: z.number().min(0),
    /** Dynamic power goes with clock^exponent, since the voltage falls with the clock. */
    clockExponent: z.number().min(1).max(3),
  }),
  thermal: z.strictObject({
    ambientC: z.number(),
    resistanceCPerW: z.number().min(0),
    timeConstantS: z.number().positive(),
    throttleC: z.number(),
    /** Share of the clock that is left while throttled. */
    throttledClock: z.number().gt(0).max(1),
  }),
  noise: z.strictObject({
    /** Coefficient of variation of the runs of one measurement, its tail aside. */
    runCv: z.number().min(0),
    /** Coefficient of variation of a measurement's level from one to the next. */
    sessionCv: z.number().min(0),
    /** Share of runs that something else on the board delays, and their mean delay ÷ latency. */
    tailShare: z.number().min(0).max(0.5),
    tailScale: z.number().min(0),
  }),
  error: profileErrorSchema,
  /** Where the figures come from, by field. */
  sources: z.record(z.string(), z.string()),
});
export type BoardProfile = z.infer<typeof boardProfileSchema>;

/**
 * Parses a user's own profile, written as YAML with the fields of `boardProfileSchema`.
 * @throws {RangeError} listing every field that is wrong
 */
export function parseBoardProfile(yaml: string): BoardProfile {
  const { values, mistakes: unread, locate } = readYaml(yaml);
  const parsed = boardProfileSchema.safeParse(values);
  if (parsed.success && unread.length === 0) return parsed.data;
  const misfits = values === undefined || parsed.success ? [] : mistakesIn(parsed.error).map(locate);
  const lines = inOrder([...unread, ...misfits]).map((mistake) => `  ${mistakeText(mistake)}`);
  throw new RangeError(`this is not a board profile:\n${lines.join('\n')}`);
}
