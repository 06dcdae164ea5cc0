/** A server that falls silent is given up, over connections of both kinds. */
import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { it, type TestContext } from 'node:test';
import { requestHttp } from '@edgetune/shared/runtime/http-request.ts';
import { listen } from '../../support/listening.ts';
import { selfSigned } from '../../support/tls.ts';
import { within } from '../../support/waiting.ts';

const tls = selfSigned();

function beginsToAnswer(t: TestContext, server: Server): Promise<number> {
  server.on('request', (_request, response) => response.write('a part of it'));
  return listen(t, server);
}

it('limits how long a connection may be silent, also one to a pinned key', async (t) => {
  const plain = await beginsToAnswer(t, createServer());
  const pinned = await beginsToAnswer(t, createTlsServer(tls));
  for (const { body } of [
    await requestHttp(new URL(`http://127.0.0.1:${plain}/`)),
    await requestHttp(new URL(`https://127.0.0.1:${pinned}/`), { pin: tls.pin }),
  ]) {
    const { socket } = body as IncomingMessage;
    assert.equal(socket.timeout, 300_000);
    const read = assert.rejects(body.toArray(), { code: 'ECONNRESET' });
    socket.emit('timeout');
    await within('the silent answer to be given up', read);
  }
});
