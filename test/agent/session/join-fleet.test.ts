/** As whom an agent speaks: as it has joined before, unless the line that starts it says otherwise. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { it, type TestContext } from 'node:test';
import { EnrolmentError } from '../../../agent/enrolment/enrolment.ts';
import { joinFleet } from '../../../agent/session/join-fleet.ts';
import { noteSharedCredential, sharedCredentialNote } from '../../../agent/session/shared-credential.ts';
import { boardDescription } from '../../support/fleet.ts';
import { makeIdentity } from '../../support/identity.ts';
import { listen } from '../../support/listening.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const pinOf = (byte: number) => `sha256//${Buffer.alloc(32, byte).toString('base64')}`;
const board = boardDescription();
const SAVED = {
  ...{ deviceId: 'd-000000000001', credential: 's'.repeat(32), name: 'kitchen-pi', mqttUrl: 'mqtt://127.0.0.1:9' },
  server: 'http://coordinator:8080',
  mqttSharesKey: false,
};
const joinedIn = (t: TestContext, change = {}) =>
  temporaryFolder(t, { 'enrolment.json': JSON.stringify({ ...SAVED, ...change }) });

it('who has joined needs neither address nor token again', async (t) => {
  const saved = await joinFleet({ server: '', dataDirectory: joinedIn(t) }, board);
  assert.deepEqual(saved, { ...SAVED, pin: undefined });
  const pinned = await joinFleet({ server: '', dataDirectory: joinedIn(t, { pin: pinOf(1) }) }, board);
  assert.equal(pinned.pin, pinOf(1));
});

it('what the line says holds before what was saved', async (t) => {
  const options = { server: 'http://elsewhere:8080', pin: pinOf(2), dataDirectory: joinedIn(t, { pin: pinOf(1) }) };
  const { server, pin, deviceId } = await joinFleet(options, board);
  assert.deepEqual([server, pin, deviceId], [options.server, pinOf(2), SAVED.deviceId]);
});

it('the token of a pasted line was used up by the first run, unless the line names another key', async (t) => {
  const token = 'used';
  const again = await joinFleet({ server: 'http://127.0.0.1:9', token, dataDirectory: joinedIn(t) }, board);
  assert.equal(again.deviceId, SAVED.deviceId);
  const same = { server: 'http://127.0.0.1:9', token, pin: pinOf(1) };
  const pinned = await joinFleet({ ...same, dataDirectory: joinedIn(t, { pin: pinOf(1) }) }, board);
  assert.equal(pinned.deviceId, SAVED.deviceId);
  for (const dataDirectory of [joinedIn(t), joinedIn(t, { pin: pinOf(2) }), temporaryFolder(t)])
    await assert.rejects(
      joinFleet({ ...same, dataDirectory }, board),
      (error: Error) => error instanceof EnrolmentError || /must begin with https/.test(error.message),
    );
});

it('who joined before there was a key takes it by a token that is good, and goes on where it is none', async (t) => {
  const { coordinator } = makeIdentity();
  const { server: _, ...enrolled } = SAVED;
  let status = 200;
  const answer: RequestListener = (_request, response) =>
    void response.writeHead(status).end(JSON.stringify({ ...enrolled, credential: 'n'.repeat(32), coordinator }));
  const server = `http://127.0.0.1:${await listen(t, createServer(answer))}`;
  const token = 'of a pasted line';
  const dataDirectory = joinedIn(t, { server });
  const joined = await joinFleet({ server: '', token, dataDirectory }, board);
  assert.deepEqual([joined.coordinator, joined.credential], [coordinator, 'n'.repeat(32)]);
  status = 403;
  const again = await joinFleet({ server: '', token, dataDirectory }, board);
  assert.deepEqual(again.coordinator, coordinator, 'and is not joined anew by the same line');
  const used = await joinFleet({ server: '', token, dataDirectory: joinedIn(t, { server }) }, board);
  assert.deepEqual([used.coordinator, used.credential], [undefined, SAVED.credential]);
});

it('who has not joined does so by its token, and is told how to get one', async (t) => {
  const asked: unknown[] = [];
  const { server: _, ...enrolled } = SAVED;
  const port = await listen(
    t,
    createServer(async (request, response) => {
      asked.push([request.method, request.url, JSON.parse(await text(request))]);
      response.setHeader('content-type', 'application/json').end(JSON.stringify(enrolled));
    }),
  );
  const [server, dataDirectory] = [`http://127.0.0.1:${port}`, temporaryFolder(t)];
  for (const token of [undefined, ''])
    await assert.rejects(
      joinFleet({ server, token, dataDirectory }, board),
      (error: Error) =>
        error instanceof EnrolmentError && /has not joined a fleet yet: run "edgetune device add/.test(error.message),
    );
  assert.deepEqual(asked, []);
  const joined = await joinFleet({ server, token: 'new', dataDirectory }, board);
  assert.deepEqual(asked, [['POST', '/api/enroll', { token: 'new', board }]]);
  assert.deepEqual(joined, { ...SAVED, server, pin: undefined });
  assert.deepEqual(JSON.parse(readFileSync(join(dataDirectory, 'enrolment.json'), 'utf8')), { ...SAVED, server });
});

it('who is refused because another board uses its credential joins by the token that is pasted, and shares none then', async (t) => {
  const { coordinator } = makeIdentity();
  const { server: _, ...enrolled } = SAVED;
  const answer: RequestListener = (_request, response) =>
    void response.writeHead(200).end(JSON.stringify({ ...enrolled, name: 'kitchen-pi-2', coordinator }));
  const server = `http://127.0.0.1:${await listen(t, createServer(answer))}`;
  const dataDirectory = joinedIn(t, { server, coordinator });
  const note = { name: 'kitchen-pi', first: 'A', second: 'B', at: new Date().toISOString() };
  const joining = async () => (await joinFleet({ server, token: 'of a new line', dataDirectory }, board)).name;
  assert.equal(await joining(), 'kitchen-pi');
  noteSharedCredential(dataDirectory, { ...note, isRefused: false });
  assert.equal(await joining(), 'kitchen-pi', 'the first is what it was');
  noteSharedCredential(dataDirectory, { ...note, isRefused: true });
  assert.equal(await joining(), 'kitchen-pi-2');
  assert.equal(sharedCredentialNote(dataDirectory), null);
});

it('of what was said a day ago of a shared credential nothing is believed, nor of a damaged file', (t) => {
  const dataDirectory = temporaryFolder(t);
  const note = { isRefused: true, name: 'kitchen-pi', first: 'A', second: 'B', at: '2026-01-01T00:00:00.000Z' };
  noteSharedCredential(dataDirectory, note);
  const day = 24 * 60 * 60 * 1000;
  const at = (ms: number) => sharedCredentialNote(dataDirectory, Date.parse(note.at) + ms);
  assert.deepEqual([at(day), at(day + 1)], [note, null]);
  writeFileSync(join(dataDirectory, 'shared-credential.json'), '{');
  assert.equal(at(0), null);
});
