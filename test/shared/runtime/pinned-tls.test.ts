/** Trust in a public key: what it is computed from, and that nothing is sent to who has another. */
import assert from 'node:assert/strict';
import { createPublicKey } from 'node:crypto';
import { createServer } from 'node:https';
import { createServer as createPlainServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { it } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import { fetchPinned } from '@edgetune/shared/runtime/pinned-fetch.ts';
import { connectPinned, pinnedStream, WrongKeyError } from '@edgetune/shared/runtime/pinned-tls.ts';
import { publicKeyPin, publicKeyPinSchema } from '@edgetune/shared/runtime/public-key-pin.ts';
import { listen } from '../../support/listening.ts';
import { selfSigned } from '../../support/tls.ts';
import { event, within } from '../../support/waiting.ts';

const OTHER = `sha256//${Buffer.alloc(32).toString('base64')}`;
const host = '127.0.0.1';

it('pins a key as curl does', () => {
  // ISRG Root X2 of Let's Encrypt. Its pin by "openssl x509 -in ISRG_Root_X2.pem -pubkey -noout | openssl pkey -pubin
  // -outform der | openssl dgst -sha256 -binary | openssl enc -base64", which is what curl's manual says of --pinnedpubkey.
  const key = createPublicKey(`-----BEGIN PUBLIC KEY-----
MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEzZvVn4CDCuwJSvMWSj5cz3es3mcFDR0H
ttwW+1qLFNvicWDEukWVEYmO6gbf9yoWHKS5xcUy4APgHoIYOIvXRdgKam7mAHf7
AlF9ItgKbppbd9/w+kHsOdx1ymgHDB/q
-----END PUBLIC KEY-----`);
  assert.equal(publicKeyPin(key), 'sha256//diGVwiVYbubAI3RW4hB9xU8e/CH2GnkuvVFZE8zmgzI=');
  for (const wrong of ['', 'sha256//abc', publicKeyPin(key).slice(8), `${OTHER};${OTHER}`])
    assert.equal(publicKeyPinSchema.safeParse(wrong).success, false, wrong);
});

it('fetches from the holder of the key', async (t) => {
  const tls = selfSigned();
  const server = createServer(tls, async (request, response) => {
    const body = await text(request);
    if (request.url === '/gone') return response.writeHead(204).end();
    response.writeHead(201, { 'x-seen': [request.method, request.headers['x-mine'], body].join(' ') });
    response.end('an answer');
  });
  const port = await listen(t, server);
  for (const name of [host, 'localhost']) {
    const url = new URL(`https://${name}:${port}/here`);
    const answer = await fetchPinned(tls.pin)(url, { method: 'POST', headers: { 'x-mine': 'yes' }, body: 'a body' });
    assert.equal(answer.status, 201);
    assert.equal(answer.headers.get('x-seen'), 'POST yes a body');
    assert.equal(await answer.text(), 'an answer');
  }
  const empty = await fetchPinned(tls.pin)(new URL(`https://${host}:${port}/gone`));
  assert.equal(empty.status, 204);
  assert.equal(empty.body, null);
  await assert.rejects(fetchPinned(tls.pin)(new URL(`http://${host}:${port}/`)), /must begin with https/);
  assert.equal(fetchPinned(undefined), fetch);
});

it('ends a download with its signal, and one that is asked for too late at once', async (t) => {
  const tls = selfSigned();
  const port = await listen(
    t,
    createServer(tls, (_request, response) => void response.write('a part of it')),
  );
  const url = new URL(`https://${host}:${port}/`);
  const controller = new AbortController();
  const answer = await fetchPinned(tls.pin)(url, { signal: controller.signal });
  const read = answer.text();
  controller.abort();
  await assert.rejects(read);
  await assert.rejects(fetchPinned(tls.pin)(url, { signal: controller.signal }), { name: 'AbortError' });
});

it('sends nothing to who has another key, and says which', async (t) => {
  const tls = selfSigned();
  const received: Buffer[] = [];
  const server = createTlsServer(tls, (socket) =>
    socket.on('error', () => {}).on('data', (data) => received.push(data)),
  );
  const port = await listen(t, server);
  const isWrong = (error: Error) =>
    error instanceof WrongKeyError &&
    error.shownPin === tls.pin &&
    /shows the public key sha256.*--renew.*somebody else answers/.test(error.message);
  await assert.rejects(fetchPinned(OTHER)(new URL(`https://${host}:${port}/secret`)), isWrong);
  const stream = pinnedStream(`mqtts://${host}:${port}`, OTHER);
  stream.write('a password');
  const [error] = await event('the wrong key to be refused', stream, 'error');
  assert.ok(isWrong(error));
  assert.deepEqual(received, []);
});

it('is a stream to the holder of the key, both ways and to its end', async (t) => {
  const tls = selfSigned();
  const port = await listen(
    t,
    createTlsServer(tls, (socket) => socket.pipe(socket)),
  );
  const stream = pinnedStream(`mqtts://${host}:${port}`, tls.pin);
  // More than a socket takes at once.
  const said = 'x'.repeat(3_000_000);
  stream.end(said);
  assert.equal(await within('the echo', text(stream)), said);
  assert.throws(() => pinnedStream(`ws://${host}:${port}`, tls.pin), /must begin with mqtts/);
});

it('says what is in the way of a connection', async (t) => {
  const server = createPlainServer((socket) => socket.resume().end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  const port = await listen(t, server);
  await assert.rejects(connectPinned({ host, port, pin: OTHER }), /wrong version number|packet length|closed/i);
  const closed = event('the server to close', server, 'close');
  server.close();
  await closed;
  await assert.rejects(connectPinned({ host, port, pin: OTHER }), { code: 'ECONNREFUSED' });
});

it('lets go of a server that accepts and says nothing', async (t) => {
  const gone: Promise<unknown>[] = [];
  const server = createPlainServer((socket) =>
    gone.push(event('the connection to be let go', socket.on('error', () => {}).resume(), 'close')),
  );
  const port = await listen(t, server);
  const stream = pinnedStream(`mqtts://${host}:${port}`, OTHER);
  const connected = event('the connection', server, 'connection');
  stream.write('a password');
  await connected;
  const closed = event('the stream to close', stream, 'close');
  stream.on('error', () => {}).destroy();
  await closed;
  await Promise.all(gone);
});
