/**
 * What a coordinator signs, so that boards know its word from that of whoever else can speak to them: Ed25519 over the
 * exact text of a statement. The key has nothing to do with TLS, and is told to a board once, as it joins.
 */
import { createPublicKey, verify } from 'node:crypto';
import { z } from 'zod';
import { deviceIdSchema } from '../domain/device.ts';
import { sha256Schema } from '../domain/measurement.ts';
import { type CoordinatorIdentity, coordinatorIdentitySchema, coordinatorIdSchema } from './coordinator-identity.ts';

export const signedSchema = z.object({
  /** JSON of a statement, as it was signed. */
  statement: z.string().max(2000),
  /** Of the bytes of its UTF-8, in base64. */
  signature: z.string().regex(/^[A-Za-z0-9+/]{86}==$/),
});
export type Signed = z.infer<typeof signedSchema>;

/** A board that was told an earlier key learns the present one from the keys that were signed by those before them. */
export const proofSchema = z.object({ signed: signedSchema, succession: z.array(signedSchema).max(64) });
export type Proof = z.infer<typeof proofSchema>;

/** GET /api/enroll/removals/DEVICE-ID: in the coordinator's own word, that it has removed this device. */
export const removalAnswerSchema = z.object({ proof: proofSchema });

/** GET /api/enroll, with a device's own credential: as whom it knows its coordinator. */
export const identityAnswerSchema = z.object({
  coordinator: coordinatorIdentitySchema,
  succession: proofSchema.shape.succession,
});

export const releaseVersionSchema = z.string().regex(/^\w[\w.-]*$/);

/** An agent that boards may install. */
const releaseStatementSchema = z.object({
  kind: z.literal('release'),
  coordinator: coordinatorIdSchema,
  version: releaseVersionSchema,
  /** Such as linux-arm64. */
  platform: z.string(),
  sha256: sha256Schema,
  bytes: z.int().positive(),
});
/** The device is in the fleet no more. Ids are never given again: said twice it does no harm. */
const removalStatementSchema = z.object({
  kind: z.literal('removal'),
  coordinator: coordinatorIdSchema,
  deviceId: deviceIdSchema,
  at: z.string(),
});
/** The next key; signed with the one before it. */
const successionStatementSchema = z.object({
  kind: z.literal('succession'),
  coordinator: coordinatorIdSchema,
  publicKey: coordinatorIdentitySchema.shape.publicKey,
  at: z.string(),
});
const statementSchema = z.discriminatedUnion('kind', [
  releaseStatementSchema,
  removalStatementSchema,
  successionStatementSchema,
]);
export type Statement = z.infer<typeof statementSchema>;
export type StatementOf<Kind extends Statement['kind']> = Extract<Statement, { kind: Kind }>;
export type ReleaseStatement = StatementOf<'release'>;

/** What was said is not the word of the coordinator that it should be of; the message says why, as the end of a sentence. */
export class NotSignedError extends Error {
  override name = 'NotSignedError';
}

/**
 * What the coordinator that the board knows has said, and as whom the board knows it from now on.
 * @throws {NotSignedError}
 */
export function openProof<Kind extends Statement['kind']>(
  known: CoordinatorIdentity,
  { signed, succession }: Proof,
  kind: Kind,
): { statement: StatementOf<Kind>; coordinator: CoordinatorIdentity } {
  const coordinator = followSuccession(known, succession);
  const statement = readStatement(signed);
  if (statement.coordinator !== coordinator.id)
    throw new NotSignedError(
      `it is another coordinator's (${statement.coordinator}) than the one that this board has joined (${coordinator.id})`,
    );
  if (!isSignedWith(coordinator.publicKey, signed))
    throw new NotSignedError('it is not signed with the key of the coordinator that this board has joined');
  if (statement.kind !== kind) throw new NotSignedError(`a ${statement.kind} was signed, and no ${kind}`);
  return { statement: statement as StatementOf<Kind>, coordinator };
}

/** The identity after each next key that was signed with the one before it. */
export function followSuccession(known: CoordinatorIdentity, succession: readonly Signed[]): CoordinatorIdentity {
  let { publicKey } = known;
  // In the order in which they were made: those from before the known key are not signed with it, and pass.
  for (const signed of succession) {
    if (!isSignedWith(publicKey, signed)) continue;
    const next = readStatement(signed);
    if (next.kind === 'succession' && next.coordinator === known.id) publicKey = next.publicKey;
  }
  return { ...known, publicKey };
}

function readStatement({ statement }: Signed): Statement {
  try {
    return statementSchema.parse(JSON.parse(statement));
  } catch {
    throw new NotSignedError('what was signed cannot be read by this version');
  }
}

function isSignedWith(publicKey: string, { statement, signature }: Signed): boolean {
  const key = createPublicKey({ key: Buffer.from(publicKey, 'base64'), format: 'der', type: 'spki' });
  return (
    key.asymmetricKeyType === 'ed25519' && verify(null, Buffer.from(statement), key, Buffer.from(signature, 'base64'))
  );
}
