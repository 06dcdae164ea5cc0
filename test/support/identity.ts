/** An identity as a coordinator has it, made here from the words of the protocol. */
import { generateKeyPairSync, sign } from 'node:crypto';
import type { Proof, Statement } from '@edgetune/shared/protocol/signed.ts';
import type { FleetIdentity } from '../../coordinator/fleet/fleet-identity.ts';

type Own<S> = S extends Statement ? Omit<S, 'coordinator'> : never;

export interface TestIdentity extends FleetIdentity {
  sign(statement: Own<Statement>): Proof;
  /** The same coordinator with another key, that this one has signed. */
  next(): TestIdentity;
}

export function makeIdentity(id = 'c-0123456789abcdef'): TestIdentity {
  return withKey(id, newKey(), []);
}

const newKey = () => generateKeyPairSync('ed25519');

function withKey(id: string, { publicKey, privateKey }: ReturnType<typeof newKey>, succession: Proof['succession']) {
  const base64Of = (key: typeof publicKey) => key.export({ type: 'spki', format: 'der' }).toString('base64');
  const signed = (statement: Own<Statement>) => {
    const text = JSON.stringify({ ...statement, coordinator: id });
    return { statement: text, signature: sign(null, Buffer.from(text), privateKey).toString('base64') };
  };
  const identity: TestIdentity = {
    coordinator: { id, publicKey: base64Of(publicKey) },
    succession,
    sign: (statement) => ({ signed: signed(statement), succession }),
    next() {
      const key = newKey();
      const step = signed({ kind: 'succession', publicKey: base64Of(key.publicKey), at: '2026-01-01T00:00:00.000Z' });
      return withKey(id, key, [...succession, step]);
    },
  };
  return identity;
}
