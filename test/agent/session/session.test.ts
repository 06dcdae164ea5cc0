/** What an agent says to its coordinator and hears from it, over a broker that believes everybody. */
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import type { CommandMessage, JobUpdateMessage } from '@edgetune/shared/protocol/messages.ts';
import { topics } from '@edgetune/shared/protocol/topics.ts';
import type { Membership } from '../../../agent/session/join-fleet.ts';
import { Session } from '../../../agent/session/session.ts';
import { boardDescription } from '../../support/fleet.ts';
import { listen } from '../../support/listening.ts';
import { Arrival, turn, until, within } from '../../support/waiting.ts';
import { type BrokerUnderTest, brokerFor, type Said } from './support/believing-broker.ts';

const deviceId = 'd-000000000001';

function sessionOn(
  t: TestContext,
  { port, goesFirst }: Pick<BrokerUnderTest, 'port' | 'goesFirst'>,
  onConnected: (session: Session) => void = () => {},
  change: Partial<Membership> = {},
) {
  t.mock.method(Math, 'random', () => 0);
  const log: string[] = [];
  const commands: CommandMessage[] = [];
  const connected = { times: 0 };
  const membership = {
    ...{ deviceId, credential: 'secret', name: 'kitchen-pi', server: 'http://127.0.0.1:9', pin: undefined },
    mqttUrl: `mqtt://127.0.0.1:${port}`,
    ...change,
  } as Membership;
  const session = new Session(
    membership,
    plainLogger((line) => log.push(line)),
  );
  session.listen({
    onRefused: () => {},
    onConnected() {
      connected.times++;
      onConnected(session);
    },
    onCommand: (command) => commands.push(command),
  });
  goesFirst(() => session.close());
  return { session, log, commands, connected };
}

const update = (state: JobUpdateMessage['state']): JobUpdateMessage => ({
  ...{ protocol: 1, updateId: `u-${state}`, jobId: 'j1', attempt: 1, leaseToken: 'x', state },
  ...{ reason: null, measurement: null, at: '2026-01-01T00:00:00.000Z' },
});

describe('a session', () => {
  it('logs in as the device, says that it is online before anything else, and offline when it ends', async (t) => {
    const under = await brokerFor(t, deviceId);
    const { port, said, subscribed, logins } = under;
    const board = boardDescription();
    const jobs = [{ jobId: 'j1', attempt: 1, leaseToken: 'x' }];
    const { session, log } = sessionOn(t, under, (connected) => {
      connected.sayHello({ board, jobs });
      connected.report(update('running'));
    });
    await until('three messages', () => said.length === 3);
    assert.deepEqual(logins, [{ id: deviceId, username: deviceId, password: 'secret' }]);
    assert.deepEqual(subscribed, [{ topic: topics.command(deviceId), qos: 1 }]);
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
    assert.deepEqual([last.topic, last.qos, last.retain], [topics.status(deviceId), 1, true]);
    assert.deepEqual(
      [JSON.parse(last.payload).state, JSON.parse(last.payload).sessionId],
      ['offline', online.sessionId],
    );
    assert.equal(said.length, 4, 'its last will is not needed');
  });

  it('that breaks leaves its will, under its own id, and says all anew when it is back', async (t) => {
    const under = await brokerFor(t, deviceId);
    const { said, broker, cut } = under;
    const { connected, session } = sessionOn(t, under);
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
    const under = await brokerFor(t, deviceId);
    const { said, command } = under;
    const { commands, log } = sessionOn(t, under, (session) => session.report(update('accepted')));
    await until('the session to listen', () => said.length === 2);
    const cancel = { type: 'cancel', jobId: 'j1', attempt: 1, leaseToken: 'x', reason: 'not needed' };
    for (const payload of ['no JSON', '{"type":"dance"}', JSON.stringify(cancel)]) command(payload);
    await until('the command', () => commands.length === 1);
    assert.deepEqual(commands, [cancel]);
    assert.equal(log.filter((line) => /does not understand was ignored/.test(line)).length, 2);
  });

  it('says a trouble once until it is connected, and again after that', async (t) => {
    const under = await brokerFor(t, deviceId);
    const { cut } = under;
    const { connected, log } = sessionOn(t, under);
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
    const { session } = sessionOn(t, { port, goesFirst: (leave) => void t.after(leave) });
    await turn();
    await within('the session to end', session.close(), 1);
    assert.equal(session.connected, false);
  });

  it('does not wait longer than two seconds for a broker to hear that it goes', async (t) => {
    const under = await brokerFor(t, deviceId);
    const { said, broker } = under;
    const { session } = sessionOn(t, under);
    await until('the session to be online', () => said.length === 1);
    const farewell = new Arrival<() => void>('the farewell');
    // Answered too late.
    broker.authorizePublish = (_client, _packet, done) => {
      farewell.come(() => done(null));
      broker.authorizePublish = (_other, _will, answer) => answer(null);
    };
    t.mock.timers.enable({ apis: ['setTimeout'] });
    let closed = false;
    const closing = session.close().then(() => {
      closed = true;
    });
    const answer = await farewell.wait();
    t.mock.timers.tick(1999);
    await turn();
    assert.deepEqual([closed, session.connected], [false, true]);
    t.mock.timers.tick(1);
    // What was begun with real timers is ended with them.
    t.mock.timers.reset();
    await within('the session to end', closing);
    answer();
  });

  it('that is refused says why, once, and tries again: its coordinator may be restored meanwhile', async (t) => {
    const under = await brokerFor(t, deviceId);
    const { broker, logins } = under;
    const { authenticate } = broker;
    broker.authenticate = (client, username, password, done) =>
      authenticate(client, username, password, () => done(null, logins.length > 2));
    const { connected, log } = sessionOn(t, under);
    await until('the session to be let in', () => connected.times === 1);
    assert.equal(logins.length, 3);
    const said = log.filter((line) => line.startsWith('connection: '));
    assert.deepEqual(said, ['connection: Connection refused: Not authorized']);
  });

  it('without the coordinator’s key speaks to a broker of its own, whatever is pinned', async (t) => {
    const under = await brokerFor(t, deviceId);
    const pin = `sha256//${Buffer.alloc(32).toString('base64')}`;
    const { connected } = sessionOn(t, under, () => {}, { pin, mqttSharesKey: false });
    await until('the session to connect', () => connected.times === 1);
  });

  it('with a pinned key refuses a broker that does not encrypt', () => {
    const membership = { deviceId, credential: 'x', mqttUrl: 'mqtt://127.0.0.1:9', mqttSharesKey: true };
    const pin = `sha256//${Buffer.alloc(32).toString('base64')}`;
    const log = plainLogger(() => {});
    assert.throws(() => new Session({ ...membership, pin } as Membership, log), /must begin with mqtts/);
  });
});

describe('a session that stands back', () => {
  it('leaves without a word of its own and comes back by itself, as itself; it is no other session', async (t) => {
    const under = await brokerFor(t, deviceId);
    const { session, connected } = sessionOn(t, under, (each) =>
      each.sayHello({ board: boardDescription(), jobs: [] }),
    );
    const hellos = () => under.said.filter(({ topic }) => topic === topics.hello(deviceId));
    await until('the session to say hello', () => hellos().length === 1);
    session.standBack(1);
    session.standBack(1);
    await until('the session to be back', () => hellos().length === 2);
    assert.deepEqual([connected.times, under.logins.length], [2, 2]);
    const [first, second] = hellos().map(({ payload }) => JSON.parse(payload).sessionId);
    assert.equal(second, first);
    assert.deepEqual([session.is(first), session.is('another')], [true, false]);
  });

  it('does not come back once it is closed', async (t) => {
    const under = await brokerFor(t, deviceId);
    const { session, connected } = sessionOn(t, under);
    await until('the session to be there', () => connected.times === 1);
    session.standBack(1);
    await within('the session to close', session.close());
    await turn();
    await turn();
    assert.deepEqual([connected.times, session.connected], [1, false]);
  });
});
