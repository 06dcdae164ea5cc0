/** The HTTP server itself. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Hono } from 'hono';
import { serveApi } from '../../../coordinator/api/serve-api.ts';
import { ask } from '../../support/ask.ts';

test('a fault of the server, such as too few file descriptors for a connection, is told, and it serves on', async (t) => {
  const told: string[] = [];
  const onError = (error: Error) => told.push(error.message);
  const app = new Hono().get('/', (c) => c.text('here'));
  const { server, port, close } = await serveApi(app, { host: '127.0.0.1', port: 0, onError });
  t.after(close);
  for (const message of ['accept EMFILE', 'accept EMFILE again']) server.emit('error', new Error(message));
  assert.deepEqual(told, ['accept EMFILE', 'accept EMFILE again']);
  assert.equal(await (await ask(new URL(`http://127.0.0.1:${port}/`))).text(), 'here');
});
