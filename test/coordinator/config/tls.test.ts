/** The coordinator's key and certificate: made once, renewed for the same key, or the user's own. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { ConfigError, loadConfig } from '../../../coordinator/config/config.ts';
import { loadTls } from '../../../coordinator/config/tls.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { selfSigned } from '../../support/tls.ts';

const NAMES = ['localhost', '127.0.0.1', '[::1]', '0.0.0.0', 'localhost', 'edge.example'];

it('writes a certificate that Node.js reads, for these names and until then', () => {
  const { cert, key } = selfSigned(['localhost', '192.168.1.10', '::1', 'fe80::1:2', '::ffff:10.0.0.1', 'a.example']);
  const parsed = new X509Certificate(cert);
  assert.ok(parsed.verify(parsed.publicKey), 'signed by its own key');
  assert.equal(parsed.subject, 'CN=EdgeTune coordinator');
  assert.equal(parsed.issuer, parsed.subject);
  assert.equal(parsed.ca, false);
  assert.equal(Date.parse(parsed.validFrom), Date.parse('2026-01-01T00:00:00Z'));
  assert.equal(Date.parse(parsed.validTo), Date.parse('2050-06-01T00:00:00Z'));
  assert.equal(
    parsed.subjectAltName,
    'DNS:localhost, IP Address:192.168.1.10, IP Address:0:0:0:0:0:0:0:1, IP Address:FE80:0:0:0:0:0:1:2, IP Address:0:0:0:0:0:FFFF:A00:1, DNS:a.example',
  );
  assert.match(parsed.serialNumber, /^[4-7][0-9A-F]{31}$/);
  assert.ok(key.startsWith('-----BEGIN PRIVATE KEY-----'));
});

it('makes a key at the first start that nobody else may read, and keeps it', (t) => {
  const config = loadConfig({ dataDir: temporaryFolder(t), tls: 'self-signed' }, {});
  const first = loadTls(config, NAMES);
  assert.ok(first);
  for (const file of ['key.pem', 'cert.pem'])
    assert.equal(statSync(join(config.dataDir, 'tls', file)).mode & 0o777, 0o600);
  assert.equal(
    new X509Certificate(first.cert).subjectAltName,
    'DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1, DNS:edge.example',
  );
  assert.deepEqual(loadTls(config, NAMES), first);
});

it('renews its certificate for the same key: near its end, for another name, where it is damaged', (t) => {
  const config = loadConfig({ dataDir: temporaryFolder(t), tls: 'self-signed' }, {});
  const first = loadTls(config, NAMES);
  const later = loadTls(config, NAMES, new Date(Date.now() + 3630 * 86_400_000));
  const named = loadTls(config, [...NAMES, 'b.example'], new Date());
  writeFileSync(join(config.dataDir, 'tls/cert.pem'), 'nonsense');
  const mended = loadTls(config, NAMES);
  for (const renewed of [later, named, mended]) {
    assert.notEqual(renewed?.cert, first?.cert);
    assert.equal(renewed?.pin, first?.pin);
  }
  writeFileSync(join(config.dataDir, 'tls/key.pem'), 'nonsense');
  assert.throws(() => loadTls(config, NAMES), ConfigError);
  assert.equal(readFileSync(join(config.dataDir, 'tls/key.pem'), 'utf8'), 'nonsense', 'a key is never made anew');
});

it("takes the user's own, and says what is wrong with them", (t) => {
  const [mine, other] = [selfSigned(), selfSigned()];
  const folder = temporaryFolder(t, { 'cert.pem': mine.cert, 'key.pem': mine.key, 'other.pem': other.key });
  const tls = (settings: object) => loadTls(loadConfig({ dataDir: folder, ...settings }, {}), NAMES);
  const [tlsCert, tlsKey] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  assert.deepEqual(tls({ tlsCert, tlsKey }), mine);
  assert.equal(tls({}), null);
  assert.throws(
    () => tls({ tlsCert, tlsKey: join(folder, 'other.pem') }),
    /other\.pem: no certificate and private key/,
  );
  assert.throws(() => tls({ tlsCert, tlsKey: tlsCert }), /no certificate and private key as PEM/);
  assert.throws(() => tls({ tlsCert, tlsKey: '/nowhere.pem' }), /\/nowhere\.pem cannot be read/);
  assert.throws(() => tls({ tlsCert }), /go together/);
  assert.throws(() => tls({ tls: 'self-signed', tlsCert, tlsKey }), /leave one of them out/);
  assert.throws(() => tls({ tls: 'on' }), /tls: /);
  assert.throws(() => tls({ tls: 'self-signed', publicUrl: 'http://a.example' }), /must begin with https/);
});
