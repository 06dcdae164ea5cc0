/** The MQTT payloads: JSON, parsed by these schemas at the edge on both sides. */
import { z } from 'zod';
import { announcedBoardSchema, deviceIdSchema } from '../domain/device.ts';
import { measurementSchema, sha256Schema } from '../domain/measurement.ts';
import { coordinatorIdentitySchema, coordinatorIdSchema } from './coordinator-identity.ts';
import { jobSchema, jobStateSchema } from './job.ts';
import { proofSchema, releaseVersionSchema } from './signed.ts';

export const PROTOCOL_VERSION = 1;
/** The largest payload that either side sends or accepts. Models travel over HTTP. */
export const MAX_MESSAGE_BYTES = 256 * 1024;

/** Retained. The last will says offline with the same session id, so that an old session's death cannot hide a new one. */
export const statusMessageSchema = z.object({
  protocol: z.literal(PROTOCOL_VERSION),
  sessionId: z.string().min(1),
  state: z.enum(['online', 'offline']),
  at: z.string(),
});
export type StatusMessage = z.infer<typeof statusMessageSchema>;

export const helloMessageSchema = z.object({
  protocol: z.literal(PROTOCOL_VERSION),
  sessionId: z.string().min(1),
  deviceId: deviceIdSchema,
  board: announcedBoardSchema,
  /** Jobs that the agent's journal holds and that are not finished. */
  jobs: z.array(z.object({ jobId: z.string(), attempt: z.int().min(1), leaseToken: z.string() })),
  /** As whom the agent knows its coordinator; null: not yet. Absent: an agent from before coordinators were known by a key. */
  coordinator: coordinatorIdentitySchema.nullable().optional(),
  /** Of an agent that can update itself, because it was installed as a service. */
  update: z
    .object({
      /** Version and beginning of the SHA-256 of what is installed. */
      release: z.string(),
      /** Such as linux-arm64. */
      platform: z.string(),
      /** The release that did not work here, and why. */
      failed: z.object({ release: z.string(), reason: z.string() }).nullable(),
    })
    .optional(),
});
export type HelloMessage = z.infer<typeof helloMessageSchema>;

export const jobUpdateMessageSchema = z.object({
  protocol: z.literal(PROTOCOL_VERSION),
  /** Unique per update: the coordinator acknowledges it, then the agent forgets it. */
  updateId: z.string().min(1),
  jobId: z.string().min(1),
  attempt: z.int().min(1),
  leaseToken: z.string().min(1),
  state: jobStateSchema.exclude(['queued', 'sent']),
  /** Why it failed, timed out, was rejected or cancelled. */
  reason: z.string().nullable(),
  /** With `succeeded`: what was measured (its outcome may be other than ok). */
  measurement: measurementSchema.nullable(),
  /** With a measurement: the board as it was while that was made. Absent: from an agent that describes it at its start only. */
  board: announcedBoardSchema.optional(),
  at: z.string(),
});
export type JobUpdateMessage = z.infer<typeof jobUpdateMessageSchema>;

/** A path under the coordinator and nowhere else: its names have no slash or colon in them, and none is empty. */
export const coordinatorPathSchema = z
  .string()
  .regex(/^(\/[A-Za-z0-9_-][A-Za-z0-9._-]*)+$/, 'no path under the coordinator');

/** A newer agent, which the coordinator serves over HTTP. */
export const updateOfferSchema = z.object({
  version: releaseVersionSchema,
  path: coordinatorPathSchema,
  sha256: sha256Schema,
  /** The release in the coordinator's own word. Absent: from a coordinator before releases were signed. */
  proof: proofSchema.optional(),
});
export type UpdateOffer = z.infer<typeof updateOfferSchema>;

/** Name of what is installed (also made by agent/install/install.sh). */
export function releaseName({ version, sha256 }: Pick<UpdateOffer, 'version' | 'sha256'>): string {
  return `${version}-${sha256.slice(0, 12)}`;
}

export const commandMessageSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('job'), job: jobSchema }),
  z.object({
    type: z.literal('cancel'),
    jobId: z.string(),
    attempt: z.int().min(1),
    leaseToken: z.string(),
    reason: z.string(),
  }),
  /** The coordinator's machine is quiet: the measured window may begin. */
  z.object({ type: z.literal('proceed'), jobId: z.string(), attempt: z.int().min(1), leaseToken: z.string() }),
  /** The agent's hello was not heard, or something that it reported could not be kept: it says again what it has. */
  z.object({ type: z.literal('greet') }),
  z.object({ type: z.literal('acknowledge'), updateIds: z.array(z.string()).min(1) }),
  z.object({ type: z.literal('update'), offer: updateOfferSchema }),
  /**
   * Sent when the device was removed from the fleet, in the word of the coordinator that it has joined: the agent forgets
   * its credential and stops. Without a proof: from a coordinator before there were identities.
   */
  z.object({ type: z.literal('removed'), proof: proofSchema.optional() }),
  /**
   * Two boards use this credential, which the agent of this session is told: `refused` whether it is the one that stands
   * back. The other one's agent hears it on the same topic, and passes it over.
   */
  z.object({
    type: z.literal('shared-credential'),
    sessionId: z.string(),
    refused: z.boolean(),
    name: z.string(),
    first: z.string(),
    second: z.string(),
  }),
  /** The answer to a hello: this coordinator, of this identity, has no such device, and asks nothing of it. */
  z.object({ type: z.literal('unknown'), coordinator: coordinatorIdSchema }),
]);
export type CommandMessage = z.infer<typeof commandMessageSchema>;
