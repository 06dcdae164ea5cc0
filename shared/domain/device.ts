/** A member of the fleet, what it says of itself, and the class within which its measurements may be reused. */
import { z } from 'zod';
import { executionProviderSchema, precisionSchema, runnerNameSchema } from './inference-config.ts';
import { sharedCredentialSchema } from './shared-credential.ts';
import { formatQuantity } from './units.ts';

/** A name that a person gives to a device: letters, digits, `-`, `_` and `.`; unique in the fleet. */
export const deviceNameSchema = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/,
    'a device name has 1 to 63 letters, digits, "-", "_" or "." and starts with a letter or digit',
  );

/** The immutable id of a device: it stands in topics; the name is only a label. */
export const deviceIdSchema = z.string().regex(/^d-[a-z0-9]{12,32}$/);

/** A runner that a board has, and what it offers. */
const runtimeSchema = z.object({
  runner: runnerNameSchema,
  version: z.string(),
  executionProviders: z.array(executionProviderSchema),
  precisions: z.array(precisionSchema),
});

/** What an agent found out about its board. Everything that a board may not tell is nullable. */
export const boardDescriptionSchema = z.object({
  /** Board or computer model, such as "Raspberry Pi 5 Model B Rev 1.0". */
  model: z.string(),
  cpuModel: z.string(),
  architecture: z.string(),
  physicalCores: z.int().positive(),
  logicalCores: z.int().positive(),
  memoryBytes: z.int().positive(),
  os: z.string(),
  kernel: z.string(),
  minClockKHz: z.number().nullable(),
  maxClockKHz: z.number().nullable(),
  /** Clocks that a measurement may ask for; empty where the agent may not set the clock. */
  settableClocksKHz: z.array(z.int().positive()),
  governor: z.string().nullable(),
  /**
   * What of the board's settings decides its speed besides the power mode, in words: limits of clocks, governors, turbo,
   * overclocking. Absent: from an agent of before it was told.
   */
  speedSettings: z.array(z.string()).optional(),
  temperatureC: z.number().nullable(),
  powerMode: z.string().nullable(),
  /** Name of the power meter, or null where the board has none. */
  powerMeter: z.string().nullable(),
  /** Of shorter measured windows the meter cannot tell the energy. */
  powerMeterLeastWindowMs: z.number().min(0).optional(),
  /** What cannot be measured or set on this board, why, and how to get it. */
  missing: z.array(z.object({ what: z.string(), why: z.string(), how: z.string() })).optional(),
  runtimes: z.array(runtimeSchema),
  nodeVersion: z.string(),
  agentVersion: z.string(),
  /** What it can do beyond the first version of the protocol (`agent-features.ts`); absent: nothing. */
  agentFeatures: z.array(z.string()).optional(),
  /** Hash of the machine's id: equal on the coordinator and on an agent of the same machine. */
  machineId: z.string(),
  /** Which piece of hardware it is, such as its serial number: a copied card does not take it along. Absent: it has none. */
  hardware: z.string().optional(),
  /** Set on a simulated device: the board profile it computes from, and that profile's published error. */
  simulated: z
    .object({
      profile: z.string(),
      timeScale: z.number().min(0),
      /** Mean absolute percentage error of the latency against the real board, as a fraction; null where never compared. */
      latencyMape: z.number().nullable(),
      /** True: nobody has measured such a board, or not all that the error is of; it is an estimate. */
      isErrorEstimated: z.boolean().optional(),
      /** What the error was estimated over; absent from agents of earlier versions. */
      comparedWith: z.string().optional(),
    })
    .nullable(),
});
export type BoardDescription = z.infer<typeof boardDescriptionSchema>;

/**
 * What a board announces. An agent newer than the coordinator may know execution providers and precisions that are unknown
 * here: the board is taken without them, and they are listed as missing.
 */
export const announcedBoardSchema = z.preprocess(withoutUnknown, boardDescriptionSchema);

const announcedRuntimeSchema = runtimeSchema.extend({
  executionProviders: z.array(z.string()),
  precisions: z.array(z.string()),
});
const announcedRuntimesSchema = z.looseObject({
  runtimes: z.array(announcedRuntimeSchema),
  missing: z.array(z.unknown()).optional(),
});

/** The runtimes themselves stay, as they are part of the device class. What is no description is left to its schema. */
function withoutUnknown(announced: unknown): unknown {
  const board = announcedRuntimesSchema.safeParse(announced).data;
  if (!board) return announced;
  const isKnown = (schema: z.ZodType) => (name: string) => schema.safeParse(name).success;
  const missing: unknown[] = [];
  const runtimes = board.runtimes.map((runtime) => {
    const executionProviders = runtime.executionProviders.filter(isKnown(executionProviderSchema));
    const precisions = runtime.precisions.filter(isKnown(precisionSchema));
    const known: string[] = [...executionProviders, ...precisions];
    const unknown = [...runtime.executionProviders, ...runtime.precisions].filter((name) => !known.includes(name));
    if (unknown.length > 0)
      missing.push({
        what: `${runtime.runner} with ${unknown.join(', ')}`,
        why: 'the agent is newer than the coordinator, which does not know that',
        how: 'update the coordinator',
      });
    return { ...runtime, executionProviders, precisions };
  });
  return missing.length === 0 ? announced : { ...board, runtimes, missing: [...(board.missing ?? []), ...missing] };
}

/** The runners that any of the boards can be used with, each with the names of the devices that have it. */
export function runnersOf(devices: readonly Pick<DeviceView, 'name' | 'board'>[]): Map<string, string[]> {
  const runners = new Map<string, string[]>();
  for (const { name, board } of devices)
    for (const runtime of board?.runtimes ?? [])
      if (isUsable(runtime)) runners.set(runtime.runner, [...(runners.get(runtime.runner) ?? []), name]);
  return runners;
}

/** Whether anything that it offers is known here. */
export function isUsable({ executionProviders, precisions }: BoardDescription['runtimes'][number]): boolean {
  return executionProviders.length > 0 && precisions.length > 0;
}

/** What a simulated device's numbers are, for wherever they show. */
export function describeSimulated({
  profile,
  latencyMape,
  isErrorEstimated,
  comparedWith,
}: NonNullable<BoardDescription['simulated']>): string {
  if (latencyMape === null) return `computed from profile ${profile}; never compared with the real board`;
  const share = `${formatQuantity(latencyMape, 'ratio')} on average`;
  const basis = comparedWith === undefined ? '' : ` (${comparedWith})`;
  const estimate = comparedWith === undefined ? 'never compared with the real board; ' : '';
  return isErrorEstimated
    ? `computed from profile ${profile}; ${estimate}latency error ESTIMATED at ${share}${basis}`
    : `computed from profile ${profile}; latency error against the real board: ${share}${basis}`;
}

export const presenceSchema = z.enum(['pending', 'online', 'offline', 'busy']);
export type Presence = z.infer<typeof presenceSchema>;

/** A device as the API and the dashboard show it. `pending`: added by name, its agent has not joined yet. */
export const deviceViewSchema = z.object({
  id: deviceIdSchema,
  name: deviceNameSchema,
  presence: presenceSchema,
  board: boardDescriptionSchema.nullable(),
  deviceClass: z.string().nullable(),
  addedAt: z.string(),
  lastSeenAt: z.string().nullable(),
  /** Host name or address of the coordinator's own machine: a host lease is taken for each of its measurements. */
  onCoordinatorHost: z.boolean(),
  runningJobs: z.int().min(0),
  queuedJobs: z.int().min(0),
  /** Another board uses its credential, and is refused. */
  sharedCredential: sharedCredentialSchema.optional(),
  /** Of an agent that was installed as a service: the version that it was offered and has not installed yet, and the last that failed. */
  agentUpdate: z
    .object({
      offered: z.string().nullable(),
      failed: z.object({ release: z.string(), reason: z.string() }).nullable(),
      /** Why it is not offered the newer version that there is, and what to do. */
      refused: z.string().optional(),
    })
    .optional(),
});
export type DeviceView = z.infer<typeof deviceViewSchema>;

/** Whether the device's agent is connected, with or without work; null: there is no such device. */
export function isPresent(device: Pick<DeviceView, 'presence'> | null): boolean {
  return device?.presence === 'online' || device?.presence === 'busy';
}

/**
 * The device class: board model, memory, power mode, clock limits and governors, OS, kernel, runtimes and their versions.
 * Two boards of one class may share measurements (marked as reused); a simulated board is never in one class with a real
 * one, and has nothing but its profile that could make it slower.
 */
export function deviceClassOf(board: BoardDescription): string {
  const memoryGb = Math.max(0.5, Math.round((board.memoryBytes / 2 ** 30) * 2) / 2);
  const runtimes = board.runtimes.map((runtime) => `${runtime.runner}@${runtime.version}`).sort();
  return [
    board.simulated ? `simulated:${board.simulated.profile}` : `${board.model}/${board.cpuModel}`,
    `${board.physicalCores} cores`,
    `${memoryGb} GB`,
    board.powerMode ?? 'default mode',
    board.os,
    ...(board.simulated ? [] : [`kernel ${board.kernel}`, ...(board.speedSettings ?? governorOnly(board))]),
    ...runtimes,
  ].join(' | ');
}

/** Of an agent that tells no more. */
function governorOnly({ governor }: BoardDescription): string[] {
  return governor === null ? [] : [`governor ${governor}`];
}

/**
 * Whether two descriptions can be of one board at two times: its power mode, clocks, system and runtimes may have changed,
 * and with the mode how many cores are on; what it is may not.
 */
export function isSameBoard(a: BoardDescription, b: BoardDescription): boolean {
  return a.model === b.model && a.simulated?.profile === b.simulated?.profile;
}
