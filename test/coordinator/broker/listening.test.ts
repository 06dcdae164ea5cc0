/** Where the broker listens: TCP and WebSocket, and under which address it is reached. */
import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { describe, it, type TestContext } from 'node:test';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import WebSocket from 'ws';
import { startBroker } from '../../../coordinator/broker/embedded-broker.ts';
import { listenTcp, type TcpOptions } from '../../../coordinator/broker/listen-tcp.ts';
import { mqttOverWebSocket } from '../../../coordinator/broker/web-socket.ts';
import { listen } from '../../support/listening.ts';
import { event, turn, until, within } from '../../support/waiting.ts';

describe('TCP', () => {
  async function listener(t: TestContext, change: Partial<TcpOptions> = {}) {
    const accepted: Socket[] = [];
    const tcp = await listenTcp({
      ...{ host: '127.0.0.1', port: 0, handshakeTimeoutMs: 1000, maxConnections: 2 },
      admit: () => () => {},
      accept: (socket) => accepted.push(socket.on('error', () => {})),
      onError: (error) => assert.fail(error),
      ...change,
    });
    t.after(() => tcp.endAll());
    t.after(() => void tcp.close());
    const dial = async () => {
      const socket = connect(tcp.port, '127.0.0.1').on('error', () => {});
      await event('a connection', socket, 'connect');
      return socket;
    };
    return { tcp, accepted, dial };
  }

  it('gives each connection on, up to so many, and ends when they have ended', async (t) => {
    const { tcp, accepted, dial } = await listener(t);
    const [first, second] = [await dial(), await dial()];
    await until('both to be accepted', () => accepted.length === 2);
    const third = connect(tcp.port, '127.0.0.1').on('error', () => {});
    await event('the third to be turned away', third, 'close');
    assert.equal(accepted.length, 2);
    let isClosed = false;
    const closed = tcp.close().then(() => {
      isClosed = true;
    });
    first.destroy();
    await turn();
    assert.equal(isClosed, false, 'one is open');
    const gone = event('the second to be ended', second.resume(), 'close');
    tcp.endAll();
    await within('the listener to close', closed);
    await gone;
  });

  it('a port in use is named, with what to do; what else is wrong is told as it is', async (t) => {
    const { tcp } = await listener(t);
    await assert.rejects(listener(t, { port: tcp.port }), {
      message: `the MQTT port ${tcp.port} on 127.0.0.1 is in use: stop what uses it, or choose another port`,
    });
    await assert.rejects(listener(t, { host: '192.0.2.1' }), { code: 'EADDRNOTAVAIL' });
  });
});

describe('WebSocket', () => {
  async function server(t: TestContext) {
    const accepted: { socket: Duplex; request: IncomingMessage }[] = [];
    const sockets = mqttOverWebSocket(1000, (socket, asked) => {
      accepted.push({ socket: socket.on('error', () => {}), request: asked });
    });
    const http = createServer();
    sockets.attach(http);
    const port = await listen(t, http);
    t.after(() => {
      for (const { socket } of accepted) socket.destroy();
      sockets.close();
    });
    const open = (path: string, options: object = {}, protocol = 'mqtt') =>
      new WebSocket(`ws://127.0.0.1:${port}${path}`, protocol, options).on('error', () => {});
    return { http, accepted, open, port };
  }

  it('a client that breaks off while it is refused ends nobody else', async (t) => {
    const { http } = await server(t);
    for (const request of [
      { url: '/mqtt', headers: { origin: 'https://elsewhere' } },
      { url: '/other', headers: {} },
    ]) {
      const broken = new Duplex({
        read() {},
        write: (_chunk, _encoding, done) => done(new Error('read ECONNRESET')),
      });
      const gone = event('the connection to end', broken, 'close');
      http.emit('upgrade', request, broken, Buffer.alloc(0));
      broken.destroy(new Error('read ECONNRESET'));
      await gone;
    }
  });

  it('speaks MQTT under /mqtt, whatever is asked beside it, both ways', async (t) => {
    const { accepted, open } = await server(t);
    const socket = open('/mqtt?session=1');
    await event('the socket to open', socket, 'open');
    assert.equal(socket.protocol, 'mqtt');
    socket.send('there');
    const [heard] = await event('what is sent', accepted[0]?.socket as Duplex, 'data');
    assert.equal(String(heard), 'there');
    assert.equal(accepted[0]?.request.url, '/mqtt?session=1');
    const back = event('the answer', socket, 'message');
    accepted[0]?.socket.write('and back');
    assert.equal(String((await back)[0]), 'and back');
    const closed = event('a frame that is too long to be refused', socket, 'close');
    socket.send('x'.repeat(1001));
    await closed;
  });

  it('refuses pages, other paths and other protocols', async (t) => {
    const { accepted, open } = await server(t);
    const page = open('/mqtt', { origin: 'https://evil.example' });
    assert.match(String((await event('the page to be refused', page, 'error'))[0]), /403/);
    for (const path of ['/other', '/mqtt/more', '/']) await event(`${path} to be refused`, open(path), 'error');
    assert.match(
      String((await event('the protocol to be refused', open('/mqtt', {}, 'chat'), 'error'))[0]),
      /subprotocol/,
    );
    assert.equal(accepted.filter(({ socket }) => !socket.destroyed).length <= 1, true);
  });

  it('leaves other paths to those who listen for them beside it', async (t) => {
    const { http, port } = await server(t);
    http.on('upgrade', (asked, socket) => {
      if (asked.url === '/other') socket.end('HTTP/1.1 418 Teapot\r\nConnection: close\r\n\r\n');
    });
    const headers = { connection: 'upgrade', upgrade: 'websocket' };
    const asking = request({ port, path: '/other', headers }).on('error', () => {});
    const [answer] = await event('the answer of the other', asking.end(), 'response');
    assert.equal(answer.statusCode, 418);
    answer.destroy();
  });
});

it('is reached from this machine by an address that can be dialled', async (t) => {
  const urls: string[] = [];
  for (const host of ['127.0.0.1', '0.0.0.0', 'localhost', '::1', '::']) {
    const broker = await startBroker({
      ...{ host, port: 0, hasDevice: () => false, verifyCredential: () => false },
      log: plainLogger(() => {}),
    });
    t.after(() => broker.close());
    urls.push(broker.url.replace(`:${broker.port}`, ''));
  }
  assert.deepEqual(urls, ['mqtt://127.0.0.1', 'mqtt://127.0.0.1', 'mqtt://localhost', 'mqtt://[::1]', 'mqtt://[::1]']);
});
