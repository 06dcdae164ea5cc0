/**
 * A pinned public key, as `curl --pinnedpubkey` and HPKP write it: `sha256//` and the base64 of the SHA-256 of the key's
 * SubjectPublicKeyInfo (RFC 7469, section 2.4). It outlives certificates that are renewed with the same key.
 */
import { createHash, type KeyObject } from 'node:crypto';
import { z } from 'zod';

export const publicKeyPinSchema = z
  .string()
  .regex(/^sha256\/\/[A-Za-z0-9+/]{43}=$/, 'a public key is pinned as sha256//… with 44 characters of base64');

/** How a command line asks a server that is known by its public key, or by authorities. */
export function curlTo(pin: string | undefined): string {
  return pin === undefined ? 'curl -fsSL' : `curl -fsSk --pinnedpubkey '${pin}'`;
}

/** @param key a public key, such as `new X509Certificate(pem).publicKey` */
export function publicKeyPin(key: KeyObject): string {
  const spki = key.export({ type: 'spki', format: 'der' });
  return `sha256//${createHash('sha256').update(spki).digest('base64')}`;
}
