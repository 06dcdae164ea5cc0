/** What an agent says to its coordinator and hears from it, over a broker that believes everybody. */
import assert from 'node:assert/strict';
import { createServer, type Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import type { CommandMessage, JobUpdateMessage } from '@edgetune/shared/protocol/messages.ts';
import { topics } from '@edgetune/shared/protocol/topics.ts';
import { Aedes, type Client } from 'aedes';
import type { Membership } from '../../../agent/session/join-fleet.ts';
import { Session } from '../../../agent/session/session.ts';
import { boardDescription } from '../../support/fleet.ts';
import { listen } from '../../support/listening.ts';
import { Arrival, turn, until, within } from '../../support/waiting.ts';

const deviceId = 'd-000000000001';

interface Said {
  topic: string;
  payload: string;
  qos: number;
  retain: boolean;
}

async function brokerFor(t: TestContext) {
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
  const said: Said[] = [];
  const logins: { id: string; username: string; password: string }[] = [];
  broker.authenticate = (client: Client, username, password, done) => {
    logins.push({ id: client.id, username: String(username), password: String(password) });
    done(null, true);
  };
  broker.on('publish', ({ topic, payload, qos, retain }, client) => {
    if (client) said.push({ topic, payload: String(payload), qos, retain });
  });
  const command = (payload: string) =>
    broker.publish(
      { cmd: 'publish', topic: topics.command(deviceId), payload, qos: 1, retain: false, dup: false },
      () => {},
    );
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return { broker, port, said, logins, command, cut };
}

function sessionOn(t: TestContext, port: number, onConnected: (session: Session) => void = () => {}) {
  const log: string[] = [];
  const commands: CommandMessage[] = [];
  const connected = { times: 0 };
  const membership = {
    ...{ deviceId, credential: 'secret', name: 'kitchen-pi', server: 'http://127.0.0.1:9', pin: undefined },
    mqttUrl: `mqtt://127.0.0.1:${port}`,
  } as Membership;
  const session = new Session(
    membership,
    plainLogger((line) => log.push(line)),
  );
  session.listen({
    onConnected() {
      connected.times++;
      onConnected(session);
    },
    onCommand: (command) => commands.push(command),
  });
  t.after(() => session.close());
  return { session, log, commands, connected };
}

const update = (state: JobUpdateMessage['state']): JobUpdateMessage => ({
  ...{ protocol: 1, updateId: `u-${state}`, jobId: 'j1', attempt: 1, leaseToken: 'x', state },
  ...{ reason: null, measurement: null, at: '2026-01-01T00:00:00.000Z' },
});

describe('a session', () => {
  it('logs in as the device, says that it is online before anything else, and offline when it ends', async (t) => {
    const { port, said, logins } = await brokerFor(t);
    const board = boardDescription();
    const jobs = [{ jobId: 'j1', attempt: 1, leaseToken: 'x' }];
    const { session, log } = sessionOn(t, port, (connected) => {
      connected.sayHello({ board, jobs });
      connected.report(update('running'));
    });
    await until('three messages', () => said.length === 3);
    assert.deepEqual(logins, [{ id: deviceId, username: deviceId, password: 'secret' }]);
    assert.deepEqual(
      said.map(({ topic, qos, retain }) => [topic, qos, retain]),
      [
        [topics.status(deviceId), 1, true],
        [topics.hello(deviceId), 1, false],
        [topics.jobUpdate(deviceId), 1, false],
      ],
    );
    const [online, hello, running] = said.map(({ payload }) => JSON.parse(payload));
    assert.deepEqual([online.protocol, online.state], [1, 'online']);
    assert.deepEqual(hello, { protocol: 1, sessionId: online.sessionId, deviceId, board, jobs });
    assert.deepEqual(running, update('running'));
    assert.ok(log.some((line) => line === `connected to mqtt://127.0.0.1:${port} as "kitchen-pi"`));
    assert.equal(session.connected, true);
    await session.close();
    assert.equal(session.connected, false);
    const last = said.at(-1) as Said;
    assert.deepEqual([last.topic, last.retain], [topics.status(deviceId), true]);
    assert.deepEqual(
      [JSON.parse(last.payload).state, JSON.parse(last.payload).sessionId],
      ['offline', online.sessionId],
    );
    assert.equal(said.length, 4, 'its last will is not needed');
  });

  it('that breaks leaves its will, under its own id, and says all anew when it is back', async (t) => {
    const { port, said, broker, cut } = await brokerFor(t);
    const { connected, session } = sessionOn(t, port);
    await until('the session to connect', () => connected.times === 1 && said.length === 1);
    const will = new Arrival<string>('the will');
    broker.on('publish', ({ topic, payload }) => {
      if (topic === topics.status(deviceId) && String(payload).includes('offline')) will.come(String(payload));
    });
    cut();
    const { sessionId, state } = JSON.parse(await will.wait());
    assert.deepEqual([sessionId, state], [JSON.parse(said[0]?.payload ?? '').sessionId, 'offline']);
    await until('the session to notice', () => !session.connected, { everyTurn: true });
    session.report(update('succeeded'));
    await until('the session to be back', () => connected.times === 2);
    await until('it to be online again', () => said.filter(({ payload }) => payload.includes('online')).length === 2);
    assert.ok(!said.some(({ payload }) => payload.includes('u-succeeded')), 'nothing is queued meanwhile');
  });

  it('hears the commands to this device, and says of what it does not understand that it was ignored', async (t) => {
    const { port, said, command } = await brokerFor(t);
    const { commands, log } = sessionOn(t, port, (session) => session.report(update('accepted')));
    await until('the session to listen', () => said.length === 2);
    const cancel = { type: 'cancel', jobId: 'j1', attempt: 1, leaseToken: 'x', reason: 'not needed' };
    for (const payload of ['no JSON', '{"type":"dance"}', JSON.stringify(cancel)]) command(payload);
    await until('the command', () => commands.length === 1);
    assert.deepEqual(commands, [cancel]);
    assert.equal(log.filter((line) => /does not understand was ignored/.test(line)).length, 2);
  });

  it('says a trouble once until it is connected, and again after that', async (t) => {
    const { port, cut } = await brokerFor(t);
    const { connected, log } = sessionOn(t, port);
    const away = () => log.filter((line) => /cannot be reached: trying again/.test(line)).length;
    for (const times of [1, 2]) {
      await until('the session to connect', () => connected.times === times);
      cut();
      await until('the trouble to be told', () => away() === times);
    }
    await until('the session to connect again', () => connected.times === 3);
    assert.equal(away(), 2);
  });

  it('that never was connected ends at once', async (t) => {
    const port = await listen(
      t,
      createServer((socket) => void socket.resume()),
    );
    const { session } = sessionOn(t, port);
    await turn();
    await within('the session to end', session.close(), 1);
    assert.equal(session.connected, false);
  });

  it('with a pinned key refuses a broker that does not encrypt', () => {
    const membership = { deviceId, credential: 'x', mqttUrl: 'mqtt://127.0.0.1:9', mqttSharesKey: true };
    const pin = `sha256//${Buffer.alloc(32).toString('base64')}`;
    const log = plainLogger(() => {});
    assert.throws(() => new Session({ ...membership, pin } as Membership, log), /must begin with mqtts/);
  });
});
