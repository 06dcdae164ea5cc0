/** A key with a certificate for servers of tests on this machine. */
import { generateKeyPairSync } from 'node:crypto';
import { selfSignedCertificate } from '../../coordinator/config/self-signed.ts';
import { publicKeyPin } from '../../shared/runtime/public-key-pin.ts';

export function selfSigned(names: readonly string[] = ['localhost', '127.0.0.1']) {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const [from, until] = [new Date('2026-01-01T00:00:00Z'), new Date('2050-06-01T00:00:00Z')];
  return { key, cert: selfSignedCertificate({ key, names, from, until }), pin: publicKeyPin(publicKey) };
}
