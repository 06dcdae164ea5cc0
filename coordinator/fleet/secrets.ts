/**
 * Join tokens and credentials: 256 random bits, of which only the SHA-256 is kept. A slow hash (scrypt) protects
 * passwords that people choose against guessing; nobody guesses 256 bits, and a credential is checked at every connect
 * and every download.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

export function newSecret(): string {
  return randomBytes(32).toString('base64url');
}

export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

export function matchesHash(secret: string, hash: string): boolean {
  const [ours, theirs] = [Buffer.from(hashSecret(secret), 'hex'), Buffer.from(hash, 'hex')];
  // A damaged row of the database may hold anything.
  return ours.length === theirs.length && timingSafeEqual(ours, theirs);
}
