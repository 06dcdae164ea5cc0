/**
 * As whom boards know this coordinator: an id for ever, and an Ed25519 key with which it signs what boards must not
 * believe of others. Made at the first start, kept in the data directory, apart from TLS.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type CoordinatorIdentity, coordinatorIdSchema } from '@edgetune/shared/protocol/coordinator-identity.ts';
import { type Proof, proofSchema, type Statement } from '@edgetune/shared/protocol/signed.ts';
import { writeDurably } from '@edgetune/shared/runtime/durable-file.ts';
import { z } from 'zod';
import { ConfigError } from './config.ts';

const fileSchema = z.object({
  id: coordinatorIdSchema,
  /** PKCS #8, PEM. */
  privateKey: z.string(),
  /** Each next key, signed with the one before it. */
  succession: proofSchema.shape.succession,
});
type IdentityFile = z.infer<typeof fileSchema>;

/** A statement of this coordinator's, which names it by itself. */
type Own<S> = S extends Statement ? Omit<S, 'coordinator'> : never;

export interface OwnIdentity {
  coordinator: CoordinatorIdentity;
  succession: Proof['succession'];
  sign(statement: Own<Statement>): Proof;
}

/** The data directory's file of it. */
export const identityFile = (dataDir: string) => join(dataDir, 'identity', 'coordinator.json');

/** @throws {ConfigError} where the file is damaged: a new one would be a stranger to every board */
export function loadIdentity(dataDir: string): OwnIdentity {
  const path = identityFile(dataDir);
  return identityOf(existsSync(path) ? readIdentity(path) : keep(path, newIdentity()));
}

/**
 * Takes a new key, signed with the one before it: boards learn it from that with the next that they hear.
 * @throws {ConfigError} where there is no identity yet, or its file is damaged
 */
export function rotateKey(dataDir: string, now: Date = new Date()): OwnIdentity {
  const path = identityFile(dataDir);
  if (!existsSync(path))
    throw new ConfigError(`there is no identity in ${dataDir} yet: the coordinator makes one at its first start`);
  const before = readIdentity(path);
  const { coordinator, succession } = identityOf(before);
  const privateKey = newKey();
  const statement: Statement = {
    kind: 'succession',
    coordinator: coordinator.id,
    publicKey: publicKeyOf(createPrivateKey(privateKey)),
    at: now.toISOString(),
  };
  const next = signedWith(createPrivateKey(before.privateKey), statement);
  const kept = proofSchema.shape.succession.safeParse([...succession, next]);
  if (!kept.success) throw new ConfigError(`the key has been replaced ${succession.length} times: let it be`);
  return identityOf(keep(path, { ...before, privateKey, succession: kept.data }));
}

function newIdentity(): IdentityFile {
  return { id: `c-${randomBytes(8).toString('hex')}`, privateKey: newKey(), succession: [] };
}

function newKey(): string {
  return generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

function publicKeyOf(key: KeyObject): string {
  return createPublicKey(key).export({ type: 'spki', format: 'der' }).toString('base64');
}

function identityOf({ id, privateKey, succession }: IdentityFile): OwnIdentity {
  const key = createPrivateKey(privateKey);
  return {
    coordinator: { id, publicKey: publicKeyOf(key) },
    succession,
    sign: (own) => ({ signed: signedWith(key, { ...own, coordinator: id } as Statement), succession }),
  };
}

function signedWith(key: KeyObject, statement: Statement): Proof['signed'] {
  const text = JSON.stringify(statement);
  return { statement: text, signature: sign(null, Buffer.from(text), key).toString('base64') };
}

function readIdentity(path: string): IdentityFile {
  try {
    const file = fileSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
    if (createPrivateKey(file.privateKey).asymmetricKeyType !== 'ed25519') throw new Error('no Ed25519 key');
    return file;
  } catch {
    throw new ConfigError(
      `${path}, by which boards know this coordinator, cannot be read: put it back from a backup (edgetune restore). Without it the coordinator is a stranger to its boards: if there is none, delete the file, and let each board join again ("edgetune device add NAME --renew")`,
    );
  }
}

function keep(path: string, file: IdentityFile): IdentityFile {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeDurably(path, `${JSON.stringify(file, null, 2)}\n`, 0o600);
  return file;
}
