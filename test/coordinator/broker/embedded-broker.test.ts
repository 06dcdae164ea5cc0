import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import { MAX_MESSAGE_BYTES } from '@edgetune/shared/protocol/messages.ts';
import { topics } from '@edgetune/shared/protocol/topics.ts';
import { pinnedStream } from '@edgetune/shared/runtime/pinned-tls.ts';
import mqtt, { type IClientOptions, MqttClient } from 'mqtt';
import WebSocket from 'ws';
import { connectBroker } from '../../../coordinator/broker/connect-broker.ts';
import {
  type EmbeddedBroker,
  type EmbeddedBrokerOptions,
  startBroker,
} from '../../../coordinator/broker/embedded-broker.ts';
import { listen } from '../../support/listening.ts';
import { selfSigned } from '../../support/tls.ts';
import { event, until, within } from '../../support/waiting.ts';

const me = 'd-000000000001';
const other = 'd-000000000002';
const credentials: Record<string, string> = { [me]: 'secret of me', [other]: 'secret of other' };

async function start(t: TestContext, options: Partial<EmbeddedBrokerOptions> = {}) {
  const log: string[] = [];
  const broker = await startBroker({
    host: '127.0.0.1',
    port: 0,
    hasDevice: (id) => Object.hasOwn(credentials, id),
    verifyCredential: (id, credential) => credentials[id] === credential,
    log: plainLogger((message) => log.push(message)),
    ...options,
  });
  t.after(() => broker.close());
  return { broker, log };
}

function login(options: IClientOptions = {}): IClientOptions {
  return {
    clientId: me,
    username: me,
    password: credentials[me] as string,
    protocolVersion: 4,
    reconnectPeriod: 0,
    ...options,
  };
}

async function connectClient(
  t: TestContext,
  broker: EmbeddedBroker,
  options: IClientOptions = {},
): Promise<MqttClient> {
  const client = await within('a login', mqtt.connectAsync(broker.url, login(options), false));
  client.on('error', () => {});
  t.after(() => client.end(true));
  return client;
}

async function connectCoordinator(t: TestContext, broker: EmbeddedBroker): Promise<MqttClient> {
  const client = await within(
    'the coordinator to log in',
    connectBroker(
      { url: broker.url, ...broker.coordinator },
      plainLogger(() => {}),
    ),
  );
  t.after(() => client.end(true));
  return client;
}

/** Return code of CONNACK (MQTT 3.1.1 §3.2.2.3). */
async function refusal(broker: EmbeddedBroker, options: IClientOptions): Promise<number | undefined> {
  const answered = mqtt.connectAsync(broker.url, login(options), false).then(
    (client) => {
      client.end(true);
      return null;
    },
    (error: { code?: number }) => error,
  );
  const failed = await within('a refusal', answered);
  assert.ok(failed, 'the login was to be refused');
  return failed.code;
}

async function rawSocket(broker: EmbeddedBroker): Promise<Socket> {
  const socket = connect(broker.port, '127.0.0.1');
  socket.on('error', () => {});
  socket.resume();
  await event('a connection', socket, 'connect');
  return socket;
}

test('logins: device by id and credential, client id bound to the user name', async (t) => {
  const { broker } = await start(t);
  await connectClient(t, broker);
  await connectCoordinator(t, broker);
  assert.equal(await refusal(broker, { password: 'wrong' }), 5);
  assert.equal(await refusal(broker, { clientId: other }), 2);
  assert.equal(await refusal(broker, { clientId: '' }), 2);
  assert.equal(await refusal(broker, { clientId: 'd-unknown', username: 'd-unknown' }), 5);
  assert.equal(await refusal(broker, { clientId: 'coordinator', username: 'coordinator', password: 'guess' }), 5);
  assert.equal(await refusal(broker, { clientId: '__proto__', username: '__proto__' }), 5);
  const anonymous = mqtt.connectAsync(broker.url, { clientId: me, protocolVersion: 4, reconnectPeriod: 0 }, false);
  await assert.rejects(anonymous, { code: 4 });
});

test('who keeps failing must wait; another device at the same address need not', async (t) => {
  const { broker, log } = await start(t);
  for (let count = 0; count < 10; count++) assert.equal(await refusal(broker, { password: 'wrong' }), 5);
  assert.equal(await refusal(broker, {}), 3);
  await connectClient(t, broker, { clientId: other, username: other, password: credentials[other] as string });
  await connectCoordinator(t, broker);
  assert.equal(log.filter((line) => /login of .* refused/.test(line)).length, 1);
});

test('a denied message is dropped, acknowledged and logged; the connection stays', async (t) => {
  const { broker, log } = await start(t);
  const coordinator = await connectCoordinator(t, broker);
  await within('a subscription', coordinator.subscribeAsync('edgetune/devices/+/status', { qos: 1 }));
  const heard: string[] = [];
  coordinator.on('message', (topic, payload) => heard.push(`${topic} ${payload}`));
  const client = await connectClient(t, broker);
  await within('a message to be taken', client.publishAsync(topics.status(other), 'forged', { qos: 1, retain: true }));
  await within('a message to be taken', client.publishAsync('$SYS/edgetune/new/clients', other, { qos: 1 }));
  await within('a message to be taken', client.publishAsync(topics.command(other), 'forged', { qos: 1, retain: true }));
  await within(
    'a message to be taken',
    client.publishAsync(topics.hello(me), 'x'.repeat(MAX_MESSAGE_BYTES + 1), { qos: 1 }),
  );
  const arrived = messageOf(coordinator);
  await within('a message to be taken', client.publishAsync(topics.status(me), 'mine', { qos: 1, retain: true }));
  await arrived;
  assert.deepEqual(heard, [`${topics.status(me)} mine`]);
  assert.ok(client.connected);
  assert.equal(log.filter((line) => line.includes('dropped a message')).length, 4);
  const later = await connectClient(t, broker, {
    clientId: other,
    username: other,
    password: credentials[other] as string,
  });
  let retained = 0;
  later.on('message', () => retained++);
  await within('a subscription', later.subscribeAsync(topics.command(other), { qos: 1 }));
  const command = messageOf(later);
  await within('a message to be taken', coordinator.publishAsync(topics.command(other), 'real', { qos: 1 }));
  assert.equal(await command, 'real');
  assert.equal(retained, 1, 'nothing forged was retained');
});

test('a forged will is dropped; an honest one is published', async (t) => {
  const { broker, log } = await start(t);
  const coordinator = await connectCoordinator(t, broker);
  await within('a subscription', coordinator.subscribeAsync('edgetune/devices/+/status', { qos: 1 }));
  const will = (id: string) => ({
    topic: topics.status(id),
    payload: Buffer.from(`will for ${id}`),
    qos: 1 as const,
    retain: true,
  });
  const forger = await connectClient(t, broker, { will: will(other) });
  forger.stream.destroy();
  await until('the will to be dropped', () => log.some((line) => line.includes('dropped a message')));
  const heard = messageOf(coordinator);
  const honest = await connectClient(t, broker, { will: will(me) });
  honest.stream.destroy();
  assert.equal(await heard, `will for ${me}`);
});

test('subscriptions beyond its own commands are refused to a device', async (t) => {
  const { broker } = await start(t);
  const client = await connectClient(t, broker);
  for (const filter of ['#', '+/#', '$SYS/#', 'edgetune/devices/+/command', topics.command(other), topics.status(me)]) {
    const outcome = await within(
      'a subscription',
      client.subscribeAsync(filter, { qos: 1 }).catch((error: Error) => error),
    );
    assert.ok(outcome instanceof Error, filter);
  }
  const [granted] = await within('a subscription', client.subscribeAsync(topics.command(me), { qos: 1 }));
  assert.equal(granted?.qos, 1);
});

test('abuse before the login: huge frames, other packets, rubbish and silence get nowhere', async (t) => {
  const { broker } = await start(t);
  const hugeConnect = Buffer.from([0x10, 0xff, 0xff, 0xff, 0x7f]);
  const subscribe = Buffer.from([0x82, 6, 0, 1, 0, 1, 0x23, 0]);
  const publish = Buffer.from([0x30, 5, 0, 1, 0x61, 0x68, 0x69]);
  for (const bytes of [
    hugeConnect,
    subscribe,
    publish,
    Buffer.alloc(5000, 0xff),
    Buffer.from('GET / HTTP/1.1\r\n\r\n'),
  ]) {
    const socket = await rawSocket(broker);
    const closed = closeOf(socket);
    socket.write(bytes);
    await closed;
  }
  await connectClient(t, broker);
});

test('200 sockets that declare a huge CONNECT and send on take no memory', async (t) => {
  const { broker } = await start(t);
  const before = process.memoryUsage().rss;
  const megabyte = Buffer.alloc(1e6);
  await Promise.all(
    Array.from({ length: 200 }, async () => {
      const socket = await rawSocket(broker);
      const closed = closeOf(socket);
      socket.write(Buffer.from([0x10, 0xff, 0xff, 0xff, 0x60]));
      socket.write(megabyte);
      await closed;
    }),
  );
  const grownBytes = process.memoryUsage().rss - before;
  assert.ok(grownBytes < 100e6, `grew by ${grownBytes} bytes`);
});

test('a topic of a thousand levels harms nobody', async (t) => {
  const { broker } = await start(t);
  const client = await connectClient(t, broker);
  const closed = closeOf(client);
  client.publish(`${topics.status(me)}${'/a'.repeat(1000)}`, 'deep', { qos: 0 });
  await closed;
  const again = await connectClient(t, broker);
  await assert.rejects(again.subscribeAsync('a/'.repeat(1000), { qos: 0 }));
  await connectClient(t, broker);
});

test('strangers beyond the limit are turned away; connections are counted down again', async (t) => {
  const { broker } = await start(t, { maxConnections: 2 });
  const first = await rawSocket(broker);
  await rawSocket(broker);
  const third = connect(broker.port, '127.0.0.1').resume();
  third.on('error', () => {});
  await closeOf(third);
  const closed = closeOf(first);
  first.write(Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff]));
  await closed;
  await connectClient(t, broker);
});

test('a session of the same device replaces the older one', async (t) => {
  const { broker } = await start(t);
  const first = await connectClient(t, broker);
  const closed = closeOf(first);
  await connectClient(t, broker);
  await closed;
});

test('over WebSocket on the HTTP port, but not for pages, and only under /mqtt', async (t) => {
  const { broker } = await start(t);
  const http = createServer();
  broker.attachWebSocket(http);
  const base = `ws://127.0.0.1:${await listen(t, http)}`;
  const coordinator = await connectCoordinator(t, broker);
  await within('a subscription', coordinator.subscribeAsync('edgetune/devices/+/hello', { qos: 1 }));
  const heard = messageOf(coordinator);
  const client = await mqtt.connectAsync(`${base}/mqtt`, login(), false);
  t.after(() => client.end(true));
  const large = 'x'.repeat(MAX_MESSAGE_BYTES);
  await within('a message to be taken', client.publishAsync(topics.hello(me), large, { qos: 1 }));
  assert.equal(await heard, large);

  const page = new WebSocket(`${base}/mqtt`, 'mqtt', { origin: 'https://evil.example' });
  assert.match(String((await event('the page to be refused', page, 'error'))[0]), /403/);
  const elsewhere = new WebSocket(`${base}/other`, 'mqtt');
  await event('another path to be refused', elsewhere, 'error');
});

test('a removed device is disconnected', async (t) => {
  const { broker } = await start(t);
  const client = await connectClient(t, broker);
  const closed = closeOf(client);
  broker.disconnect(me);
  await closed;
});

test('the coordinator connects again by itself and hears what it had subscribed to', async (t) => {
  const { broker } = await start(t);
  const coordinator = await connectCoordinator(t, broker);
  await within('a subscription', coordinator.subscribeAsync('edgetune/devices/+/hello', { qos: 1 }));
  const client = await connectClient(t, broker);
  const closed = closeOf(coordinator);
  const again = event('the coordinator to be back', coordinator, 'connect');
  coordinator.stream.destroy();
  await closed;
  await again;
  const heard: string[] = [];
  coordinator.on('message', (_topic, payload) => heard.push(String(payload)));
  // It subscribes anew after it has connected: what is said in between is not for it.
  await until('the hello to be heard', async () => {
    await within('a message to be taken', client.publishAsync(topics.hello(me), 'again', { qos: 1 }));
    return heard.length > 0;
  });
  assert.equal(heard[0], 'again');
});

test('a port in use is named', async (t) => {
  const { broker } = await start(t);
  const again = startBroker({
    host: '127.0.0.1',
    port: broker.port,
    hasDevice: () => false,
    verifyCredential: () => false,
    log: plainLogger(() => {}),
  });
  await assert.rejects(again, new RegExp(`the MQTT port ${broker.port} on 127.0.0.1 is in use: .*choose another port`));
});

test('a broker that refuses, or is not there, is named without its password', async (t) => {
  const { broker } = await start(t);
  const refused = connectBroker(
    { url: `mqtt://coordinator:wrong-secret@127.0.0.1:${broker.port}` },
    plainLogger(() => {}),
  );
  await assert.rejects(refused, (error: Error) => {
    assert.match(error.message, /the MQTT broker at mqtt:\/\/127\.0\.0\.1:\d+ cannot be used: .*Not authorized/);
    assert.doesNotMatch(error.message, /wrong-secret/);
    return true;
  });
  const { port } = broker;
  await broker.close();
  await assert.rejects(
    connectBroker(
      { url: `mqtt://127.0.0.1:${port}` },
      plainLogger(() => {}),
    ),
    /ECONNREFUSED/,
  );
  await assert.rejects(
    connectBroker(
      { url: 'nonsense' },
      plainLogger(() => {}),
    ),
    /the given URL cannot be used/,
  );
});

test('nothing is kept of a session, whatever the client asks for', async (t) => {
  const { broker } = await start(t);
  const coordinator = await connectCoordinator(t, broker);
  const connectAndLeave = async (isFirst: boolean) => {
    const client = mqtt.connect(broker.url, login({ clean: false }));
    client.on('error', () => {});
    t.after(() => client.end(true));
    const [connack] = await event('a login', client, 'connect');
    const heard: string[] = [];
    client.on('message', (_topic, payload) => heard.push(String(payload)));
    if (isFirst) await within('a subscription', client.subscribeAsync(topics.command(me), { qos: 1 }));
    // What comes after it would come after what was kept, too.
    else await within('an answer', client.publishAsync(topics.hello(me), '{}', { qos: 1 }));
    await within('the end', client.endAsync());
    return { sessionPresent: connack.sessionPresent, heard };
  };
  assert.deepEqual(await connectAndLeave(true), { sessionPresent: false, heard: [] });
  await within('the command', coordinator.publishAsync(topics.command(me), 'kept?', { qos: 1 }));
  assert.deepEqual(await connectAndLeave(false), { sessionPresent: false, heard: [] });
});

test('a stranger over WebSocket is gone with the broker', async (t) => {
  const { broker } = await start(t);
  const server = createServer();
  broker.attachWebSocket(server);
  const port = await listen(t, server);
  const socket = new WebSocket(`ws://127.0.0.1:${port}/mqtt`, 'mqtt');
  socket.on('error', () => {});
  t.after(() => socket.terminate());
  await event('the connection', socket, 'open');
  const closed = event('the end of the connection', socket, 'close');
  await within('the broker to close', broker.close());
  await closed;
});

function closeOf(connection: Socket | MqttClient): Promise<unknown> {
  return event('a connection to be closed', connection, 'close');
}

async function messageOf(client: MqttClient): Promise<string> {
  return String((await event('a message', client, 'message'))[1]);
}

test('encrypted, it is reached by who pins its key, and a stranger that says nothing is hung up on at the end', async (t) => {
  const tls = selfSigned();
  const { broker } = await start(t, { tls });
  assert.match(broker.url, /^mqtts:/);
  const coordinator = await connectCoordinator(t, broker);
  const device = new MqttClient(() => pinnedStream(broker.url, tls.pin), login());
  t.after(() => device.end(true));
  await event('the device to connect', device, 'connect');
  await within('a subscription', device.subscribeAsync(topics.command(me)));
  const said = messageOf(device);
  await within('a message to be taken', coordinator.publishAsync(topics.command(me), 'a command'));
  assert.equal(await said, 'a command');
  const otherPin = `sha256//${Buffer.alloc(32).toString('base64')}`;
  await assert.rejects(
    connectBroker(
      { url: broker.url, ...broker.coordinator, pin: otherPin },
      plainLogger(() => {}),
    ),
    /cannot be used: .* shows the public key/,
  );
  const stranger = connect(broker.port, '127.0.0.1');
  await event('a stranger to connect', stranger, 'connect');
  const gone = closeOf(stranger);
  await broker.close();
  await gone;
});
