/** Connections that have not logged in: who opens many, or says nothing, takes places from itself alone. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import fc from 'fast-check';
import mqtt from 'mqtt';
import { startBroker } from '../../../coordinator/broker/embedded-broker.ts';
import { StrangerLimit } from '../../../coordinator/broker/stranger-limit.ts';
import { selfSigned } from '../../support/tls.ts';
import { event, until, within } from '../../support/waiting.ts';

function limit({ perAddress = 3, total = 10 } = {}) {
  const log: string[] = [];
  const clock = { ms: 0 };
  const strangers = new StrangerLimit({
    perAddress,
    total,
    log: plainLogger((line) => log.push(line)),
    now: () => clock.ms,
  });
  const ended: string[] = [];
  const admit = (address: string, name = address) => strangers.admit(address, () => ended.push(name));
  return { strangers, log, clock, ended, admit };
}

describe('of one address', () => {
  it('there are so many at most, and others have their places all the same', () => {
    const { admit, log, ended, strangers } = limit();
    for (let i = 0; i < 3; i++) assert.ok(admit('10.0.0.1'));
    assert.equal(admit('10.0.0.1'), null);
    assert.deepEqual(log, ['broker: refused a connection of 10.0.0.1: 3 of it have not logged in']);
    assert.ok(admit('10.0.0.2'));
    assert.deepEqual([ended, strangers.count], [[], 4]);
  });

  it('who logs in or goes makes room, once', () => {
    const { admit, strangers } = limit({ perAddress: 2 });
    const [leave] = [admit('10.0.0.1'), admit('10.0.0.1')];
    leave?.();
    leave?.();
    assert.equal(strangers.count, 1);
    assert.ok(admit('10.0.0.1'));
    assert.equal(admit('10.0.0.1'), null);
  });

  it('who has said nothing for two seconds gives way to the next', () => {
    const { admit, ended, clock, strangers } = limit({ perAddress: 2 });
    admit('10.0.0.1', 'first');
    clock.ms = 1000;
    admit('10.0.0.1', 'second');
    clock.ms = 1999;
    assert.equal(admit('10.0.0.1'), null);
    clock.ms = 2000;
    assert.ok(admit('10.0.0.1', 'third'));
    assert.equal(admit('10.0.0.1'), null);
    assert.deepEqual([ended, strangers.count], [['first'], 2]);
  });

  it('all of a network of IPv6 are one, and IPv4 in it is IPv4', () => {
    const { admit } = limit({ perAddress: 1 });
    assert.ok(admit('2001:db8::1'));
    for (const same of ['2001:0DB8:0:0:1::7', '2001:db8:0:0:ffff:ffff:ffff:ffff', '2001:db8::%eth0'])
      assert.equal(admit(same), null, same);
    for (const other of ['2001:db8:0:1::1', '::1', 'fe80::1%eth0', '10.0.0.1']) assert.ok(admit(other), other);
    assert.equal(admit('::ffff:10.0.0.1'), null);
  });
});

describe('of all together', () => {
  it('who comes first from anywhere is let in, in the place of who has most', () => {
    const { admit, ended, strangers } = limit({ perAddress: 8, total: 10 });
    for (let i = 0; i < 8; i++) admit('10.0.0.1', `a${i}`);
    for (let i = 0; i < 2; i++) admit('10.0.0.2', `b${i}`);
    for (let i = 0; i < 3; i++) assert.ok(admit(`10.0.1.${i}`));
    assert.deepEqual([ended, strangers.count], [['a0', 'a1', 'a2'], 10]);
  });

  it('who has most itself is refused', () => {
    const { admit, log } = limit({ perAddress: 8, total: 4 });
    for (const address of ['10.0.0.1', '10.0.0.1', '10.0.0.2', '10.0.0.2']) admit(address);
    assert.equal(admit('10.0.0.1'), null);
    assert.match(log.join(), /refused a connection of 10\.0\.0\.1: 4 of all addresses have not logged in/);
  });

  it('neither limit is ever passed, and who has none yet is always let in', () => {
    const visit = fc.record({ address: fc.nat(6), leaves: fc.boolean(), later: fc.nat(1500) });
    fc.assert(
      fc.property(fc.array(visit, { maxLength: 80 }), (visits) => {
        const { strangers, clock } = limit({ perAddress: 3, total: 5 });
        const open = new Map<number, Set<object>>();
        for (const { address, leaves, later } of visits) {
          clock.ms += later;
          const own = open.get(address) ?? new Set();
          open.set(address, own);
          const me = {};
          const leave = strangers.admit(`10.0.0.${address}`, () => own.delete(me));
          if (own.size === 0) assert.ok(leave);
          if (leave && !leaves) own.add(me);
          if (leaves) leave?.();
          const sizes = [...open.values()].map(({ size }) => size);
          assert.ok(Math.max(...sizes) <= 3);
          assert.equal(
            strangers.count,
            sizes.reduce((sum, size) => sum + size, 0),
          );
          assert.ok(strangers.count <= 5);
        }
      }),
    );
  });
});

describe('the broker', () => {
  const secret = 's'.repeat(32);
  async function broker(t: TestContext, tls?: ReturnType<typeof selfSigned>) {
    const log: string[] = [];
    const started = await startBroker({
      ...{ host: '127.0.0.1', port: 0, strangersPerAddress: 4, hasDevice: () => true },
      ...(tls ? { tls } : {}),
      verifyCredential: (_id, credential) => credential === secret,
      log: plainLogger((line) => log.push(line)),
    });
    t.after(() => started.close());
    return { ...started, log };
  }

  for (const encrypted of [false, true])
    it(`lets a board in among silent sockets of its own address${encrypted ? ' that never shake hands' : ''}`, async (t) => {
      const tls = encrypted ? selfSigned() : undefined;
      const { port, url, log } = await broker(t, tls);
      // More than all strangers together may be.
      const silent = Array.from({ length: 300 }, () => connect(port, '127.0.0.1').on('error', () => {}));
      t.after(() => silent.map((socket) => socket.destroy()));
      await until('all but four to be turned away', () => silent.filter(({ closed }) => closed).length >= 296);
      assert.match(log.join(), /refused a connection of 127\.0\.0\.1: 4 of it have not logged in/);
      const options = {
        clientId: 'd-000000000001',
        username: 'd-000000000001',
        password: secret,
        reconnectPeriod: 200,
      };
      const client = mqtt.connect(url, { ...options, rejectUnauthorized: false }).on('error', () => {});
      t.after(() => client.endAsync(true));
      await event('the board to be let in', client, 'connect');
      assert.ok(client.connected);
    });

  it('counts who has logged in no more', async (t) => {
    const { url } = await broker(t);
    for (let i = 0; i < 8; i++) {
      const id = `d-00000000000${i}`;
      const connecting = mqtt.connectAsync(url, { clientId: id, username: id, password: secret, reconnectPeriod: 0 });
      const client = await within(`${id} to connect`, connecting);
      t.after(() => client.endAsync(true));
    }
  });

  it('and who has gone before its handshake neither', async (t) => {
    const { port, log } = await broker(t, selfSigned());
    for (let i = 0; i < 12; i++) {
      const socket = connect(port, '127.0.0.1');
      await event('a connection', socket, 'connect');
      const closed = event('it to be closed', socket, 'close');
      socket.destroy();
      await closed;
    }
    const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false });
    t.after(() => socket.destroy());
    await event('a handshake', socket, 'secureConnect');
    assert.deepEqual(log, []);
  });
});
