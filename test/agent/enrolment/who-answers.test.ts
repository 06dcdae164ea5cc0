/** Whether who answers at the coordinator's address is the one that the board has joined. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { it } from 'node:test';
import { whoAnswers } from '../../../agent/enrolment/who-answers.ts';
import { makeIdentity } from '../../support/identity.ts';
import { listen } from '../../support/listening.ts';

it('is told by its identity; who does not tell one, and a board that knows none, are taken as they are', async (t) => {
  const { coordinator } = makeIdentity();
  let body: object | string = '';
  let status = 200;
  const server = createServer((_request, response) => void response.writeHead(status).end(JSON.stringify(body)));
  const url = `http://127.0.0.1:${await listen(t, server)}`;
  const ask = (known?: typeof coordinator) =>
    whoAnswers({ server: url, pin: undefined, ...(known ? { coordinator: known } : {}) });
  const health = { status: 'ok', version: '0.1.0', authentication: 'none' };
  body = { ...health, coordinator: coordinator.id };
  assert.deepEqual(await ask(coordinator), { status: 200, other: null });
  body = { ...health, coordinator: 'c-ffffffffffffffff' };
  assert.deepEqual(await ask(coordinator), { status: 200, other: 'c-ffffffffffffffff' });
  assert.deepEqual(await ask(), { status: 200, other: null });
  body = health;
  assert.deepEqual(await ask(coordinator), { status: 200, other: null }, 'a coordinator before there were identities');
  [status, body] = [503, 'a proxy'];
  assert.deepEqual(await ask(coordinator), { status: 503, other: null });
});
