/** Whose word a board believes, and how it learns the key of a coordinator that it joined before there was one. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import { enrolmentSchema, savedEnrolment } from '../../../agent/enrolment/enrolment.ts';
import { Trust } from '../../../agent/enrolment/trust.ts';
import { makeIdentity } from '../../support/identity.ts';
import { listen } from '../../support/listening.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { selfSigned } from '../../support/tls.ts';

const JOINED = {
  ...{ deviceId: 'd-000000000001', credential: 's'.repeat(32), name: 'kitchen-pi', mqttUrl: 'mqtt://127.0.0.1:9' },
  server: 'http://127.0.0.1:9',
};
const removal = { kind: 'removal', deviceId: 'd-000000000001', at: '2026-01-01T00:00:00.000Z' } as const;

function trustOf(t: TestContext, change: object) {
  const enrolment = enrolmentSchema.parse({ ...JOINED, ...change });
  const dataDirectory = temporaryFolder(t, { 'enrolment.json': JSON.stringify(enrolment) });
  const log: string[] = [];
  const trust = new Trust(
    enrolment,
    dataDirectory,
    plainLogger((line) => log.push(line)),
  );
  return { trust, log, dataDirectory, saved: () => savedEnrolment(dataDirectory) };
}

it('believes the coordinator that it has joined, and keeps the next key that it hears of', (t) => {
  const first = makeIdentity();
  const second = first.next();
  const { trust, saved } = trustOf(t, { coordinator: first.coordinator });
  assert.equal(trust.open(first.sign(removal), 'removal').deviceId, removal.deviceId);
  assert.equal(trust.open(second.sign(removal), 'removal').deviceId, removal.deviceId);
  assert.deepEqual([trust.coordinator, saved()?.coordinator], [second.coordinator, second.coordinator]);
  assert.deepEqual(saved()?.credential, JOINED.credential, 'nothing else of the enrolment is touched');
  assert.throws(() => trust.open(first.sign(removal), 'removal'), /not signed with the key/);
  assert.throws(() => trust.open(undefined, 'removal'), /it is not signed/);
});

it('without a key can tell nobody’s word, and says what to do', (t) => {
  const { trust } = trustOf(t, {});
  assert.equal(trust.coordinator, null);
  assert.throws(() => trust.open(makeIdentity().sign(removal), 'removal'), /cannot check whose word.*NAME --renew/);
});

it('that cannot be written holds as long as the agent runs, which is said; one that is known is not written again', (t) => {
  const first = makeIdentity();
  const second = first.next();
  const { trust, log, dataDirectory, saved } = trustOf(t, { coordinator: first.coordinator });
  // Where the file would be written beside its place.
  mkdirSync(join(dataDirectory, `enrolment.json.${process.pid}.tmp`));
  trust.open(first.sign(removal), 'removal');
  assert.deepEqual(log, []);
  trust.open(second.sign(removal), 'removal');
  assert.deepEqual([trust.coordinator, saved()?.coordinator], [second.coordinator, first.coordinator]);
  assert.match(log.join(), /^the coordinator's key is kept in memory only: after a restart it is taken again: /);
});

it('of a board that has left meanwhile keeps nothing', (t) => {
  const first = makeIdentity();
  const { trust, log, dataDirectory } = trustOf(t, { coordinator: first.coordinator });
  rmSync(dataDirectory, { recursive: true });
  trust.open(first.next().sign(removal), 'removal');
  assert.notDeepEqual(trust.coordinator, first.coordinator);
  assert.deepEqual(log, [], 'who has left meanwhile has nothing to keep');
});

it('takes the key once over its pinned connection, with its own credential', async (t) => {
  const { key, cert, pin } = selfSigned();
  const { coordinator, succession } = makeIdentity();
  const asked: unknown[] = [];
  let status = 401;
  const answer: RequestListener = (request, response) => {
    asked.push([request.method, request.url, request.headers.authorization]);
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ coordinator, succession }));
  };
  const port = await listen(t, createServer({ key, cert }, answer));
  const { trust, log, saved } = trustOf(t, { server: `https://127.0.0.1:${port}`, pin });
  await assert.rejects(trust.take(), /HTTP 401/);
  assert.equal(trust.coordinator, null, 'who does not know the board is not its coordinator');
  status = 200;
  assert.equal(await trust.take(), true);
  assert.deepEqual([trust.coordinator, saved()?.coordinator], [coordinator, coordinator]);
  assert.equal(await trust.take(), false);
  assert.deepEqual(asked, Array(2).fill(['GET', '/api/enroll', `Bearer ${JOINED.deviceId}:${JOINED.credential}`]));
  assert.deepEqual(log, [
    `the coordinator at https://127.0.0.1:${port} is known by its key from now on (${coordinator.id})`,
  ]);
});

it('takes none of who has another key than the pinned one, and none without TLS', async (t) => {
  const { key, cert } = selfSigned();
  let asked = 0;
  const answer: RequestListener = (_request, response) => {
    asked++;
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(makeIdentity()));
  };
  const port = await listen(t, createServer({ key, cert }, answer));
  const pinned = trustOf(t, { server: `https://127.0.0.1:${port}`, pin: selfSigned().pin });
  await assert.rejects(pinned.trust.take(), /shows the public key/);
  const plain = await listen(t, createHttpServer(answer));
  const unencrypted = trustOf(t, { server: `http://127.0.0.1:${plain}` });
  assert.equal(await unencrypted.trust.take(), false);
  assert.deepEqual([asked, pinned.trust.coordinator, unencrypted.trust.coordinator], [0, null, null]);
  assert.ok(!readFileSync(join(unencrypted.dataDirectory, 'enrolment.json'), 'utf8').includes('publicKey'));
});
