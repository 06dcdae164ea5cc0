/** Bodies of the HTTP API: what clients (command line, dashboard, agents) send and receive. */
import { z } from 'zod';
import { datasetEvidenceSchema } from '../domain/dataset-report.ts';
import { announcedBoardSchema, deviceIdSchema, deviceNameSchema, deviceViewSchema } from '../domain/device.ts';
import { earlierSummarySchema } from '../domain/earlier.ts';
import { possibleValuesSchema } from '../domain/possible-values.ts';
import { recommendationSchema } from '../domain/recommendation.ts';
import { parameterLevelSchema } from '../domain/search-space.ts';
import { datasetSchema, studySpecSchema, studyStateSchema } from '../domain/study.ts';
import { intervalsSchema, studyDeviceSchema, studyEventSchema } from '../domain/study-event.ts';
import { studyExtensionSchema } from '../domain/study-extension.ts';
import { coordinatorIdentitySchema, coordinatorIdSchema } from './coordinator-identity.ts';

/** Every refusal: what was wrong, and, where a document was wrong, each mistake with its place. */
export const problemSchema = z.object({
  error: z.string(),
  /** What to do about it. */
  hint: z.string().optional(),
  issues: z
    .array(
      z.object({
        path: z.string(),
        message: z.string(),
        line: z.int().positive().nullable(),
        column: z.int().positive().nullable(),
      }),
    )
    .optional(),
});
export type Problem = z.infer<typeof problemSchema>;

// --- joining -------------------------------------------------------------------------------------------------------

/** POST /api/enroll: an agent trades a join token for a credential of its own. */
export const enrollRequestSchema = z.object({ token: z.string().min(1), board: announcedBoardSchema });
export const enrollResponseSchema = z.object({
  deviceId: deviceIdSchema,
  name: deviceNameSchema,
  /** Password of the device's MQTT session (user name: the device id) and bearer token of its downloads. */
  credential: z.string().min(32),
  /** Broker that the agent shall connect to, as seen from the agent. */
  mqttUrl: z.string(),
  /** Whether the broker encrypts with the coordinator's own key: who pins that, pins it there too. */
  mqttSharesKey: z.boolean().default(false),
  /** As whom the board knows the coordinator from now on. Absent: a coordinator from before there were such identities. */
  coordinator: coordinatorIdentitySchema.optional(),
});
export type EnrollRequest = z.infer<typeof enrollRequestSchema>;

// --- devices -------------------------------------------------------------------------------------------------------

/** POST /api/devices: reserves the name and makes a join token (single use, one hour). */
export const addDeviceRequestSchema = z.object({ name: deviceNameSchema });
export const addDeviceResponseSchema = z.object({
  device: deviceViewSchema,
  token: z.string(),
  expiresAt: z.string(),
  /** The line to paste on the board: installs the agent as a service, with root. */
  installCommand: z.string(),
  /** The same without root and for as long as it runs, on a board with Node.js 20 or later. */
  command: z.string(),
  /** The same in a checkout of EdgeTune, for a simulated board. */
  localCommand: z.string(),
});
export type AddDeviceResponse = z.infer<typeof addDeviceResponseSchema>;
/** PATCH /api/devices/:name */
export const renameDeviceRequestSchema = z.object({ name: deviceNameSchema });
/** A board that says hello and is no device of this fleet. */
const strangerViewSchema = z.object({
  deviceId: deviceIdSchema,
  /** Null: it was not let in to say what it is. */
  model: z.string().nullable(),
  /** Id of the coordinator that it has joined; null: it did not say. */
  coordinator: z.string().nullable(),
  lastSeenAt: z.string(),
});
export type StrangerView = z.infer<typeof strangerViewSchema>;
export const deviceListSchema = z.object({
  devices: z.array(deviceViewSchema),
  strangers: z.array(strangerViewSchema).default([]),
});

// --- studies -------------------------------------------------------------------------------------------------------

export const trialStatusSchema = z.enum(['asked', 'training', 'paused', 'infeasible', 'failed', 'stopped', 'finished']);

/** A trial as lists and plots show it: the latest told values. */
export const trialViewSchema = z.object({
  trialId: z.int().min(0),
  candidate: z.record(z.string(), z.union([z.number(), z.string(), z.boolean()])),
  status: trialStatusSchema,
  rung: z.int().min(0),
  epochs: z.number(),
  dataFraction: z.number(),
  signature: z.string().nullable(),
  modelSha256: z.string().nullable(),
  metrics: z.record(z.string(), z.number()),
  predicted: z.array(z.string()),
  /** Of what is predicted, between what the value lies with 95 %. */
  intervals: intervalsSchema,
  violation: z.number().nullable(),
  reason: z.string().nullable(),
  /** On the study's Pareto front, after all that was trained: coordinator/tuner/front.ts says what that means. */
  onFront: z.boolean(),
  /** Validation accuracy after each epoch. */
  curve: z.array(z.object({ epoch: z.number(), accuracy: z.number().nullable(), loss: z.number().nullable() })),
});
export type TrialView = z.infer<typeof trialViewSchema>;

export const spanViewSchema = z.object({
  lane: z.string(),
  kind: z.enum(['training', 'measuring', 'paused', 'exporting', 'waiting']),
  trialId: z.int().nullable(),
  startMs: z.number(),
  endMs: z.number(),
});
export type SpanView = z.infer<typeof spanViewSchema>;

export const studySummarySchema = z.object({
  id: z.string(),
  name: z.string(),
  state: studyStateSchema,
  reason: z.string().nullable(),
  workload: z.string(),
  devices: z.array(z.string()),
  createdAt: z.string(),
  finishedAt: z.string().nullable(),
  trials: z.object({ started: z.int(), finished: z.int(), infeasible: z.int(), failed: z.int(), planned: z.int() }),
  /** Share of the study that is done, 0..1. */
  progress: z.number().min(0).max(1),
  bestAccuracy: z.number().nullable(),
  syntheticData: z.boolean(),
});
export type StudySummary = z.infer<typeof studySummarySchema>;

export const spentSchema = z.object({ seconds: z.number().min(0), joules: z.number().min(0) });
export type Spent = z.infer<typeof spentSchema>;

export const studyDetailSchema = studySummarySchema.extend({
  spec: studySpecSchema,
  yaml: z.string(),
  trialViews: z.array(trialViewSchema),
  spans: z.array(spanViewSchema),
  /** How much training and measuring overlapped, in seconds of the study's timeline. */
  timeline: z.object({
    totalS: z.number(),
    trainingS: z.number(),
    measuringS: z.number(),
    overlapS: z.number(),
    overheadS: z.number(),
    pausedS: z.number(),
  }),
  search: z.object({
    /**
     * Hypervolume of the feasible rungs told so far, wherever it changed, and last: the share of the box from the best
     * value of each objective to slightly beyond the worst. Null: too many objectives for it.
     */
    hypervolume: z
      .array(z.object({ trialId: z.int(), rung: z.int(), at: z.string(), share: z.number().min(0).max(1) }))
      .nullable(),
    /** Share of each parameter (PED-ANOVA), the largest first; empty while fewer than ten trials are known. */
    importance: z.array(z.object({ name: z.string(), share: z.number().min(0).max(1) })),
  }),
  /** How its devices stand, and which one of the fleet each is. */
  deviceViews: z.array(studyDeviceSchema),
  recommendation: recommendationSchema.nullable(),
  /** Devices that have not measured every model that is recommended, and are not left out. */
  unmeasured: z.array(z.string()),
  /** What it has taken over from the study that it starts from; null: it starts from none. */
  earlier: earlierSummarySchema.nullable().default(null),
  /** What its trials have taken, as `stop.timeS` and `stop.energyJ` count it. */
  spent: spentSchema.default({ seconds: 0, joules: 0 }),
  /** By what it was extended since it was made, in order. */
  extensions: z.array(studyExtensionSchema).default([]),
  warnings: z.array(z.string()),
  /** What its data are, and what was found in them; null: they were not read yet. */
  data: datasetEvidenceSchema.nullable().default(null),
  lastSeq: z.int().min(0),
});
export type StudyDetail = z.infer<typeof studyDetailSchema>;

/** A study that the store holds and the coordinator cannot read: it stands still, can be removed, and stops nothing else. */
export const setAsideStudySchema = studySummarySchema.pick({ id: true, name: true, createdAt: true }).extend({
  /** What of it cannot be read, and what to do. */
  reason: z.string(),
});
export type SetAsideStudy = z.infer<typeof setAsideStudySchema>;
export const studyListSchema = z.object({
  studies: z.array(studySummarySchema),
  setAside: z.array(setAsideStudySchema).default([]),
});

/** POST /api/studies: a study as YAML text (JSON is YAML too). */
export const createStudyRequestSchema = z.object({ yaml: z.string().min(1).max(1_000_000) });
/** POST /api/studies/ID/devices/NAME/replace: the name of another device of the fleet. */
export const replaceDeviceRequestSchema = z.strictObject({ by: z.string().min(1) });
/**
 * POST /api/studies/ID/extend: what it may do in all, of which what it has done counts, and names of devices of the fleet
 * that it has not yet.
 */
export const extendStudyRequestSchema = z.strictObject({
  trials: z.int().positive().optional().describe('Candidates to start at most'),
  epochs: z.int().positive().optional().describe('Epochs of the highest rung; the rungs that it has stay as they are'),
  timeS: z.number().positive().optional().describe('Seconds, where its stop has timeS'),
  energyJ: z.number().positive().optional().describe('Joules of training, where its stop has energyJ'),
  devices: z.array(z.string().min(1)).min(1).max(100).optional().describe('Devices to add'),
});
export const createStudyResponseSchema = z.object({ study: studySummarySchema });

/** POST /api/datasets/check: the section `dataset:` of a study, and what will be trained on it. */
export const checkDatasetRequestSchema = z.strictObject({
  dataset: datasetSchema.partial(),
  workload: z.string().optional(),
});
/** GET /api/datasets/check */
export const checkDatasetQuerySchema = z.object({
  path: z.string().min(1),
  format: z.string().min(1).optional(),
  workload: z.string().optional(),
});

const partSchema = z.object({ name: z.string(), description: z.string() });

/** What may stand in a study beside the name of a data format or a scenario. */
const settingSchema = z.object({
  name: z.string(),
  description: z.string(),
  /** As JSON Schema calls it; null where it has several types. */
  type: z.string().nullable(),
  /** Of a list whose entries are of one type. */
  itemType: z.string().optional(),
  required: z.boolean(),
  /** What it is where a study does not give it. */
  otherwise: z.unknown().optional(),
  /** A value to start from. */
  example: z.unknown().optional(),
});

/** GET /api/workloads: what a study may name, of which the New study form is made. */
export const workloadListSchema = z.object({
  workloads: z.array(
    partSchema.extend({
      /** A complete study for this workload, as YAML, to start from. */
      exampleYaml: z.string(),
      /** Names of the formats whose data it can learn from. */
      formats: z.array(z.string()),
      /** What may stand in `space:`, and what the code can do with it; `runner` is one of `runners` below. */
      parameters: z.array(
        z.object({
          name: z.string(),
          level: parameterLevelSchema,
          possible: possibleValuesSchema,
          /** The same in words: "a whole number from 1 to 64". */
          text: z.string(),
        }),
      ),
    }),
  ),
  formats: z.array(
    partSchema.extend({
      /** The kind of data that it holds, such as "images". */
      holds: z.string(),
      /** What may stand in `dataset:` beside the format's name. */
      settings: z.array(settingSchema),
    }),
  ),
  samplers: z.array(partSchema),
  schedulers: z.array(partSchema),
  /** How queries may arrive; `settings` stand in `scenario:` beside its kind. */
  scenarios: z.array(partSchema.extend({ settings: z.array(settingSchema) })),
  /** What objectives and constraints may name. */
  metrics: z.array(
    partSchema.extend({
      /** Which way is better where an objective does not say. */
      direction: z.enum(['minimize', 'maximize']),
      /** `trial`: one value per trial; `device`: one per device. */
      of: z.enum(['trial', 'device']),
      /** In which values are told; empty: a plain number or a fraction. */
      unit: z.string(),
      /** In which a constraint may be written. */
      units: z.array(z.string()),
      /** False: an objective may name it, a constraint may not. */
      isLimitable: z.boolean(),
      /** Whether forms offer it at once. */
      isCommon: z.boolean(),
      isOfClass: z.boolean(),
    }),
  ),
  /** What may run models: what the boards of the fleet have. */
  runners: z.array(z.object({ name: z.string(), devices: z.array(deviceNameSchema) })),
});
export type StudyPartsView = z.infer<typeof workloadListSchema>;

/** GET /api/studies/:id/events */
export const studyEventsSchema = z.object({ events: z.array(studyEventSchema) });

// --- live data -----------------------------------------------------------------------------------------------------

/** GET /api/studies/:id/stream (server-sent events; the event id is `seq`, so that a client resumes by Last-Event-ID). */
export const studyStreamMessageSchema = studyEventSchema;
/** GET /api/stream (server-sent events): something about the fleet or the list of studies has changed. */
export const overviewStreamMessageSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('device'), device: deviceViewSchema }),
  z.object({ type: z.literal('device-removed'), id: deviceIdSchema }),
  z.object({ type: z.literal('strangers'), strangers: z.array(strangerViewSchema) }),
  z.object({ type: z.literal('study'), study: studySummarySchema }),
]);
export type OverviewStreamMessage = z.infer<typeof overviewStreamMessageSchema>;

export const healthSchema = z.object({
  status: z.literal('ok'),
  version: z.string(),
  authentication: z.enum(['none', 'token']),
  /** Absent: a coordinator from before there were identities. */
  coordinator: coordinatorIdSchema.optional(),
});
