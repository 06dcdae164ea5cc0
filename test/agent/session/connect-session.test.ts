/** With what words a device's session begins, and how it comes back. */
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { it, type TestContext } from 'node:test';
import { Aedes, type ConnectPacket } from 'aedes';
import { connectSession } from '../../../agent/session/connect-session.ts';
import { listen } from '../../support/listening.ts';
import { event } from '../../support/waiting.ts';

const WILL = { topic: 'status', payload: Buffer.from('offline'), qos: 1, retain: true } as const;

function sessionTo(t: TestContext, port: number) {
  const url = `mqtt://127.0.0.1:${port}`;
  const client = connectSession({ url, pin: undefined, deviceId: 'd-1', credential: 'secret', will: WILL });
  client.on('error', () => {});
  t.after(() => client.endAsync(true));
  return client;
}

it('says in MQTT 3.1.1 who it is and what holds when it is gone, and is heard of every 15 s', async (t) => {
  const broker = await Aedes.createBroker();
  t.after(() => broker.close());
  const packets: ConnectPacket[] = [];
  broker.preConnect = (_client, packet, done) => {
    packets.push(packet);
    done(null, true);
  };
  const port = await listen(t, createServer(broker.handle));
  await event('the session to connect', sessionTo(t, port), 'connect');
  const [packet] = packets;
  assert.deepEqual(
    [packet?.protocolVersion, packet?.clientId, packet?.username, String(packet?.password)],
    [4, 'd-1', 'd-1', 'secret'],
  );
  assert.deepEqual([packet?.clean, packet?.keepalive], [true, 15]);
  const { topic, payload, qos, retain } = packet?.will ?? {};
  assert.deepEqual({ topic, payload: String(payload), qos, retain }, { ...WILL, payload: 'offline' });
});

it('comes back after half a second to two and a half, each device at a time of its own', async (t) => {
  const port = await listen(
    t,
    createServer((socket) => void socket.resume()),
  );
  for (const [drawn, ms] of [
    [0, 500],
    [0.7503, 2000],
    [0.99999, 2499],
  ] as const) {
    const random = t.mock.method(Math, 'random', () => drawn);
    const client = sessionTo(t, port);
    random.mock.restore();
    assert.equal(client.options.reconnectPeriod, ms);
  }
});
