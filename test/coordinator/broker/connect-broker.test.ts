/** The coordinator's own session with a broker: how it connects, what it says of trouble, and that it comes back. */
import assert from 'node:assert/strict';
import { createServer, type Socket } from 'node:net';
import { it, type TestContext } from 'node:test';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import { Aedes } from 'aedes';
import { connectBroker } from '../../../coordinator/broker/connect-broker.ts';
import { listen } from '../../support/listening.ts';
import { event, until, within } from '../../support/waiting.ts';

const silent = plainLogger(() => {});

/** A broker that believes everybody, and notes who came. */
async function openBroker(t: TestContext) {
  const broker = await Aedes.createBroker();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}));
    broker.handle(socket);
  });
  const port = await listen(t, server);
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    broker.close();
  });
  const logins: unknown[] = [];
  let refuses = false;
  broker.authenticate = (client, username, password, done) => {
    logins.push([client.id, username, password && String(password)]);
    if (refuses) done(Object.assign(new Error('no'), { returnCode: 5 as const }), false);
    else done(null, true);
  };
  return {
    port,
    logins,
    refuse: (isRefusing: boolean) => {
      refuses = isRefusing;
    },
    cut: () => {
      for (const socket of sockets) socket.destroy();
    },
  };
}

it('logs in as the coordinator, by what stands in the URL or beside it', async (t) => {
  const { port, logins } = await openBroker(t);
  for (const login of [
    { url: `mqtt://127.0.0.1:${port}` },
    { url: `mqtt://127.0.0.1:${port}`, username: 'me', password: 'sesame' },
    { url: `mqtt://you:open@127.0.0.1:${port}` },
  ]) {
    const client = await within('the session', connectBroker(login, silent));
    const { protocolVersion, keepalive, connectTimeout, reconnectPeriod, reconnectOnConnackError, clean } =
      client.options;
    assert.deepEqual(
      [protocolVersion, keepalive, connectTimeout, reconnectPeriod, reconnectOnConnackError, clean],
      [4, 30, 10_000, 1000, true, true],
    );
    await within('its end', client.endAsync(true));
  }
  assert.deepEqual(logins, [
    ['coordinator', undefined, undefined],
    ['coordinator', 'me', 'sesame'],
    ['coordinator', 'you', 'open'],
  ]);
});

it('comes back by itself, also after it was refused, and tells each trouble with the address', async (t) => {
  const { port, cut, refuse } = await openBroker(t);
  const log: string[] = [];
  const login = { url: `mqtt://you:open@127.0.0.1:${port}` };
  const client = await connectBroker(
    login,
    plainLogger((line) => log.push(line)),
  );
  t.after(() => client.end(true));
  refuse(true);
  cut();
  const address = `broker mqtt://127.0.0.1:${port}`;
  await until('both troubles', () => log.length >= 2);
  assert.ok(log.includes(`${address}: not reachable, trying again every second`), log.join('\n'));
  assert.ok(
    log.some((line) => line.startsWith(`${address}: Connection refused: Not authorized`)),
    log.join('\n'),
  );
  assert.ok(!log.join().includes('open'), 'no password is told');
  const back = event('the session to be back', client, 'connect');
  refuse(false);
  await back;
});

it('a broker that hangs up, refuses, or is not there is told as such at the first time', async (t) => {
  const port = await listen(
    t,
    createServer((socket) => socket.on('error', () => {}).destroy()),
  );
  const failing = (url: string) => within('the refusal', connectBroker({ url }, silent));
  const words = 'Check its URL, user name and password';
  await assert.rejects(failing(`mqtt://127.0.0.1:${port}`), {
    message: `the MQTT broker at mqtt://127.0.0.1:${port} cannot be used: it closed the connection. ${words}`,
  });
  await assert.rejects(failing('mqtt://127.0.0.1:9'), /mqtt:\/\/127\.0\.0\.1:9 cannot be used: .*ECONNREFUSED/);
  await assert.rejects(failing('ftp://127.0.0.1:9'), /ftp:\/\/127\.0\.0\.1:9 cannot be used: .+\. Check its URL/);
  const open = await openBroker(t);
  open.refuse(true);
  await assert.rejects(failing(`mqtt://127.0.0.1:${open.port}`), /Not authorized/);
  assert.equal(open.logins.length, 1, 'it does not try again');
});

it('with a pinned key nothing is sent that is not encrypted', async () => {
  const pin = `sha256//${Buffer.alloc(32).toString('base64')}`;
  const connecting = connectBroker({ url: 'mqtt://127.0.0.1:9', pin }, silent);
  await assert.rejects(within('the refusal', connecting), /cannot be used: .*must begin with mqtts/);
});
