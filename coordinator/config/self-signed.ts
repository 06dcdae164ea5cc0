/**
 * A self-signed certificate (RFC 5280) for a P-256 key (RFC 5480), in DER (X.690): Node.js reads certificates and signs, and
 * only the few structures around that are written here.
 */
import { createPrivateKey, createPublicKey, randomBytes, sign } from 'node:crypto';
import { isIP } from 'node:net';

const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bits: 0x03,
  octets: 0x04,
  oid: 0x06,
  utf8: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;
/** Object identifiers as DER writes their content. */
const OID = {
  ecdsaWithSha256: '2a8648ce3d040302',
  commonName: '550403',
  subjectAltName: '551d11',
  basicConstraints: '551d13',
} as const;

export interface CertificateOptions {
  /** PEM of a P-256 private key. */
  key: string;
  /** Host names and IP addresses that it is valid for, at least one. */
  names: readonly string[];
  from: Date;
  until: Date;
}

/** @returns the certificate as PEM, version 3, for a server of these names and no other use */
export function selfSignedCertificate({ key, names, from, until }: CertificateOptions): string {
  const privateKey = createPrivateKey(key);
  const algorithm = der(TAG.sequence, oid('ecdsaWithSha256'));
  const name = der(
    TAG.sequence,
    der(TAG.set, der(TAG.sequence, oid('commonName'), der(TAG.utf8, Buffer.from('EdgeTune coordinator')))),
  );
  const extensions = der(
    TAG.sequence,
    extension('subjectAltName', der(TAG.sequence, ...names.map(generalName))),
    // An empty sequence says that it is no authority.
    extension('basicConstraints', der(TAG.sequence)),
  );
  const toBeSigned = der(
    TAG.sequence,
    der(explicit(0), der(TAG.integer, Buffer.of(2))),
    der(TAG.integer, serialNumber()),
    algorithm,
    name,
    der(TAG.sequence, time(from), time(until)),
    name,
    createPublicKey(privateKey).export({ type: 'spki', format: 'der' }),
    der(explicit(3), extensions),
  );
  const signature = sign('sha256', toBeSigned, { key: privateKey, dsaEncoding: 'der' });
  const certificate = der(TAG.sequence, toBeSigned, algorithm, der(TAG.bits, Buffer.of(0), signature));
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}

/** Tag, length and content. */
function der(tag: number, ...content: Buffer[]): Buffer {
  const body = Buffer.concat(content);
  if (body.length < 0x80) return Buffer.concat([Buffer.of(tag, body.length), body]);
  const hex = body.length.toString(16);
  const length = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex');
  return Buffer.concat([Buffer.of(tag, 0x80 + length.length), length, body]);
}

const explicit = (n: number) => 0xa0 + n;
const oid = (name: keyof typeof OID) => der(TAG.oid, Buffer.from(OID[name], 'hex'));

function extension(name: 'subjectAltName' | 'basicConstraints', value: Buffer): Buffer {
  const critical = name === 'basicConstraints' ? [der(TAG.boolean, Buffer.of(0xff))] : [];
  return der(TAG.sequence, oid(name), ...critical, der(TAG.octets, value));
}

/** GeneralName: [2] dNSName or [7] iPAddress. */
function generalName(name: string): Buffer {
  const family = isIP(name);
  if (family === 0) return der(0x82, Buffer.from(name, 'ascii'));
  return der(0x87, family === 4 ? Buffer.from(name.split('.').map(Number)) : ipv6Bytes(name));
}

function ipv6Bytes(address: string): Buffer {
  // The URL parser writes what ends in an IPv4 address as groups, too.
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':'));
  const [before, after] = [groups(head), groups(tail ?? '')];
  const filled = [...before, ...Array<string>(8 - before.length - after.length).fill('0'), ...after];
  return Buffer.from(filled.map((group) => group.padStart(4, '0')).join(''), 'hex');
}

/** Up to 2049 the year must be written with two digits, from then on with four (RFC 5280, section 4.1.2.5). */
function time(date: Date): Buffer {
  const digits = date.toISOString().replaceAll(/[-:T]|\.\d+/g, '');
  return date.getUTCFullYear() < 2050
    ? der(TAG.utcTime, Buffer.from(digits.slice(2)))
    : der(TAG.generalizedTime, Buffer.from(digits));
}

/** Positive, 16 bytes, random. */
function serialNumber(): Buffer {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] as number) & 0x7f) | 0x40;
  return bytes;
}
