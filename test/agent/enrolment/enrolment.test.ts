/** A board joins by its token, keeps what it got for itself, and leaves. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { WrongKeyError } from '@edgetune/shared/runtime/pinned-tls.ts';
import { EnrolmentError, enrol, forgetEnrolment, savedEnrolment } from '../../../agent/enrolment/enrolment.ts';
import { leaveFleet } from '../../../agent/enrolment/leave-fleet.ts';
import { boardDescription } from '../../support/fleet.ts';
import { makeIdentity } from '../../support/identity.ts';
import { listen } from '../../support/listening.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { selfSigned } from '../../support/tls.ts';

const { coordinator } = makeIdentity();
const ENROLLED = {
  ...{ deviceId: 'd-000000000001', credential: 'c'.repeat(32), name: 'kitchen-pi', mqttUrl: 'mqtts://127.0.0.1:8883' },
  ...{ mqttSharesKey: true, coordinator },
};
const answering =
  (status: number, body: string): RequestListener =>
  (_request, response) =>
    void response.writeHead(status).end(body);
const joining = (t: TestContext, server: string, pin?: string) => {
  const dataDirectory = temporaryFolder(t);
  const joined = () => enrol({ server, pin, token: 'token', board: boardDescription(), dataDirectory });
  return { dataDirectory, joined };
};

it('keeps credential, key and pin for its own user, until it is made to forget them', async (t) => {
  const { key, cert, pin } = selfSigned();
  const tls = createTlsServer({ key, cert }, answering(200, JSON.stringify(ENROLLED)));
  const server = `https://127.0.0.1:${await listen(t, tls)}`;
  const { dataDirectory, joined } = joining(t, server, pin);
  assert.deepEqual(await joined(), { ...ENROLLED, server, pin });
  assert.deepEqual(savedEnrolment(dataDirectory), { ...ENROLLED, server, pin });
  assert.equal(statSync(join(dataDirectory, 'enrolment.json')).mode & 0o777, 0o600);
  forgetEnrolment(dataDirectory);
  assert.ok(!existsSync(join(dataDirectory, 'enrolment.json')));
  forgetEnrolment(dataDirectory);
  assert.equal(savedEnrolment(dataDirectory), null);
});

it('without TLS there is no pin to keep', async (t) => {
  const server = `http://127.0.0.1:${await listen(t, createServer(answering(200, JSON.stringify(ENROLLED))))}`;
  const { dataDirectory, joined } = joining(t, server);
  await joined();
  assert.ok(!('pin' in JSON.parse(readFileSync(join(dataDirectory, 'enrolment.json'), 'utf8'))));
});

it('says why it was refused, and keeps nothing', async (t) => {
  const cases: [number, string, RegExp][] = [
    [403, JSON.stringify({ error: 'used up', hint: 'make another' }), /refused this board: used up\. make another$/],
    [403, JSON.stringify({ error: 'used up' }), /refused this board: used up$/],
    [502, 'a proxy', /refused this board: HTTP 502$/],
    [200, JSON.stringify({ ...ENROLLED, credential: 'short' }), /is no EdgeTune coordinator of this version/],
  ];
  for (const [status, body, words] of cases) {
    const server = `http://127.0.0.1:${await listen(t, createServer(answering(status, body)))}`;
    const { dataDirectory, joined } = joining(t, server);
    await assert.rejects(joined, (error: Error) => error instanceof EnrolmentError && words.test(error.message));
    assert.equal(savedEnrolment(dataDirectory), null);
  }
  const tls = await listen(t, createTlsServer(selfSigned(), answering(200, JSON.stringify(ENROLLED))));
  const { joined } = joining(t, `https://127.0.0.1:${tls}`, selfSigned().pin);
  await assert.rejects(joined, WrongKeyError, 'somebody else is not told the token');
  await assert.rejects(joining(t, 'http://127.0.0.1:1').joined, /cannot be reached .*is it running/);
});

it('leaves with its own credential, and hears where it was not let go', async (t) => {
  const asked: unknown[] = [];
  let status = 204;
  const answer: RequestListener = ({ method, url, headers }, response) => {
    asked.push([method, url, headers.authorization]);
    response.writeHead(status).end();
  };
  const server = `http://127.0.0.1:${await listen(t, createServer(answer))}`;
  await leaveFleet({ ...ENROLLED, server });
  assert.deepEqual(asked, [['DELETE', '/api/enroll', `Bearer ${ENROLLED.deviceId}:${ENROLLED.credential}`]]);
  status = 401;
  await assert.rejects(leaveFleet({ ...ENROLLED, server }), /it answered HTTP 401/);
});
