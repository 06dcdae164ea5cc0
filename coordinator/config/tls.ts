/** The key and certificate with which the coordinator is reached: files of the user's, or made here and kept. */
import { createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { writeDurably } from '@edgetune/shared/runtime/durable-file.ts';
import { withoutBrackets } from '@edgetune/shared/runtime/pinned-tls.ts';
import { publicKeyPin } from '@edgetune/shared/runtime/public-key-pin.ts';
import { type Config, ConfigError } from './config.ts';
import { selfSignedCertificate } from './self-signed.ts';

export interface TlsIdentity {
  /** PEM; the certificate's own chain may follow it. */
  cert: string;
  key: string;
  /** What boards know the coordinator by (see publicKeyPin). */
  pin: string;
}

const VALID_DAYS = 3650;
const RENEW_DAYS = 30;
const DAY_MS = 86_400_000;

/**
 * Null: plain HTTP and MQTT. What is made here lies in the data directory's `tls`; the certificate is made anew, for the same
 * key, where it ends soon or lacks one of the names.
 * @param names host names and addresses under which the coordinator is reached
 * @throws {ConfigError} where the files cannot be read or do not belong together
 */
export function loadTls(
  { tls, tlsCert, tlsKey, dataDir }: Config,
  names: readonly string[],
  now: Date = new Date(),
): TlsIdentity | null {
  if (tls === 'self-signed') return ownIdentity(join(dataDir, 'tls'), certifiable(names), now);
  if (tlsCert === undefined || tlsKey === undefined) return null;
  const [cert, key] = [read(tlsCert), read(tlsKey)];
  return identity(cert, key, `${tlsCert} and ${tlsKey}`);
}

/** Each once, and not what stands for all addresses. */
function certifiable(names: readonly string[]): string[] {
  return [...new Set(names.map(withoutBrackets))].filter((name) => name !== '0.0.0.0' && name !== '::');
}

function ownIdentity(folder: string, names: readonly string[], now: Date): TlsIdentity {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const kept = readIfThere(keyFile);
  if (kept !== null && !isKey(kept))
    throw new ConfigError(
      `${keyFile} is no private key: put it back from a backup, or delete it for a new one (the boards must then be told its public key: "edgetune device add NAME --renew")`,
    );
  const key = kept ?? keep(keyFile, newKey());
  const cert = readIfThere(certFile);
  if (cert !== null && isGood(cert, key, names, now)) return identity(cert, key, folder);
  const until = new Date(now.getTime() + VALID_DAYS * DAY_MS);
  // A board's clock may be a little behind.
  const from = new Date(now.getTime() - DAY_MS);
  return identity(keep(certFile, selfSignedCertificate({ key, names, from, until })), key, folder);
}

function newKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

function isKey(pem: string): boolean {
  try {
    createPrivateKey(pem);
    return true;
  } catch {
    return false;
  }
}

function isGood(cert: string, key: string, names: readonly string[], now: Date): boolean {
  try {
    const parsed = new X509Certificate(cert);
    const endsMs = Date.parse(parsed.validTo);
    const covers = (name: string) => (isIP(name) ? parsed.checkIP(name) : parsed.checkHost(name)) !== undefined;
    return (
      parsed.checkPrivateKey(createPrivateKey(key)) &&
      endsMs - now.getTime() > RENEW_DAYS * DAY_MS &&
      names.every(covers)
    );
  } catch {
    return false;
  }
}

/** @param where the files, for the message */
function identity(cert: string, key: string, where: string): TlsIdentity {
  try {
    const parsed = new X509Certificate(cert);
    if (!parsed.checkPrivateKey(createPrivateKey(key))) throw new Error("the key is another certificate's");
    return { cert, key, pin: publicKeyPin(parsed.publicKey) };
  } catch (error) {
    throw new ConfigError(
      `${where}: no certificate and private key as PEM that belong together (${(error as Error).message})`,
    );
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new ConfigError(`the TLS file ${file} cannot be read: ${(error as Error).message}`);
  }
}

function readIfThere(file: string): string | null {
  return existsSync(file) ? read(file) : null;
}

/** Nobody else's to read. */
function keep(file: string, content: string): string {
  writeDurably(file, content, 0o600);
  return content;
}
