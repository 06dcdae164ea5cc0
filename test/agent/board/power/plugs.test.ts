/** Smart plugs: their answers as the vendors document them, addresses as users write them, and windows that are too short. */
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { Aedes } from 'aedes';
import fc from 'fast-check';
import { findMeters } from '../../../../agent/board/power/find-meters.ts';
import { parsePlugAddress } from '../../../../agent/board/power/plug-address.ts';
import { tasmotaWatts } from '../../../../agent/board/power/tasmota-plug.ts';
import { systemHost } from '../../../../agent/board/system-host.ts';
import { EnergyObserver } from '../../../../agent/measure/window/window-energy.ts';
import { FixtureHost } from '../../../support/fixture-host.ts';
import { listen } from '../../../support/listening.ts';
import { runProgram } from '../../../support/programs.ts';

/** https://tasmota.github.io/docs/JSON-Status-Responses/ and tele/<topic>/SENSOR of a plug with an energy meter. */
const ENERGY =
  '{"TotalStartTime":"2023-01-01T00:00:00","Total":3.185,"Yesterday":3.058,"Today":0.127,"Period":0,"Power":6.4,"ApparentPower":11,"ReactivePower":9,"Factor":0.58,"Voltage":234,"Current":0.049}';
const SENSOR = `{"Time":"2023-02-09T15:15:03","ENERGY":${ENERGY}}`;
const STATUS10 = `{"StatusSNS":${SENSOR}}`;
/** https://shelly-api-docs.shelly.cloud/gen2/ComponentsAndServices/Switch#status */
const SHELLY =
  '{"id":0,"source":"init","output":true,"apower":8.9,"voltage":237.5,"current":0.062,"aenergy":{"total":6.532,"by_minute":[45.199,47.141,88.397],"minute_ts":1626935779},"temperature":{"tC":23.5,"tF":74.4}}';

const tasmota = parsePlugAddress('tasmota://user:secret@broker:1883/lab/plug');
const shelly = parsePlugAddress('shelly://192.168.1.40');

function withTasmota(): FixtureHost {
  const host = FixtureHost.of('raspberry-pi-4');
  host.onPublish = (topic, payload) =>
    topic === 'cmnd/lab/plug/STATUS' && payload === '10'
      ? { topic: 'stat/lab/plug/STATUS10', payload: STATUS10 }
      : null;
  return host;
}

describe('a Tasmota plug', () => {
  it('answers Status 10 with its power, and what it sends by itself counts too', async () => {
    assert.deepEqual([tasmotaWatts(SENSOR), tasmotaWatts(STATUS10)], [6.4, 6.4]);
    const host = withTasmota();
    const [meter] = await findMeters(host, tasmota);
    const open = await meter?.open();
    assert.equal(await open?.read(), 6.4);
    host.onPublish = () => ({ topic: 'tele/lab/plug/SENSOR', payload: SENSOR.replace('6.4', '7') });
    assert.equal(await open?.read(), 7);
  });

  it('without power, with two channels, or silent: the reading fails and says so', async () => {
    for (const text of ['{"Time":"2023-02-09T15:15:03"}', 'offline', SENSOR.replace('6.4', '[6.4,0]')])
      assert.throws(() => tasmotaWatts(text), /no single ENERGY.Power/);
    const host = withTasmota();
    host.onPublish = () => null;
    const open = await (await findMeters(host, tasmota))[0]?.open();
    await assert.rejects(open?.read() ?? Promise.resolve(), /no message/);
  });
});

describe('a Shelly plug', () => {
  it('answers with apower', async () => {
    const host = FixtureHost.of('raspberry-pi-4');
    host.urls.set('http://192.168.1.40/rpc/Switch.GetStatus?id=0', SHELLY);
    const [meter] = await findMeters(host, shelly);
    assert.equal(await (await meter?.open())?.read(), 8.9);
    host.urls.set('http://192.168.1.40/rpc/Switch.GetStatus?id=0', '{"id":0,"output":true}');
    await assert.rejects((await meter?.open())?.read() ?? Promise.resolve(), /without apower/);
  });
});

describe('a plug as the meter of a board', () => {
  it('comes before the board’s own sensors: it was chosen on purpose', async () => {
    const names = (await findMeters(FixtureHost.of('raspberry-pi-5'), shelly)).map(({ name, covers }) => [
      name,
      covers,
    ]);
    assert.deepEqual(names, [
      ['Shelly plug 192.168.1.40', 'wall'],
      ['Raspberry Pi 5 PMIC', 'board'],
    ]);
  });

  it('measures no short window, and does not wait for one', async () => {
    const host = withTasmota();
    const [meter] = await findMeters(host, tasmota);
    const before = host.now;
    const observer = new EnergyObserver(host, meter ?? null, 3000);
    await observer.begin();
    await observer.end();
    const { energy, absence } = observer.perSample({ samples: 5, windowStartMs: before, windowMs: 2000 });
    assert.equal(energy, null);
    assert.match(absence ?? '', /needs windows of 10 s or more, and this one had 3.0 s at most/);
    assert.equal(host.now, before);
  });

  it('that cannot be reached leaves the energy absent with the reason', async () => {
    const host = FixtureHost.of('raspberry-pi-4');
    const observer = new EnergyObserver(host, (await findMeters(host, shelly))[0] ?? null, 60_000);
    await observer.begin();
    await observer.end();
    const { absence } = observer.perSample({ samples: 5, windowStartMs: 0, windowMs: 20_000 });
    assert.match(absence ?? '', /Shelly plug 192.168.1.40 could not be read: .*ECONNREFUSED/);
  });
});

describe('a password', () => {
  const SECRETS = fc.stringMatching(/^[A-Za-z0-9!$&*()=;:,.~@/%-]{1,20}$/).map((text) => `Hunter2${text}Hunter2`);

  it('is in no part of an address but the login, and in no message', () => {
    const forms = fc.constantFrom(
      (secret: string) => `tasmota://me:${secret}@broker:1883/lab/plug`,
      (secret: string) => `tasmota://me:${secret}@broker`,
      (secret: string) => `shelly://admin:${secret}@192.168.1.40/0`,
      (secret: string) => `mqtt://me:${secret}@broker/plug`,
      (secret: string) => `tasmota://me:${secret}@broker/#`,
      (secret: string) => `tasmota:me:${secret}@broker/plug`,
    );
    fc.assert(
      fc.property(SECRETS, forms, (secret, form) => {
        let seen: string;
        try {
          const { login, ...rest } = { login: null, ...parsePlugAddress(form(secret)) };
          seen = JSON.stringify(rest);
        } catch (error) {
          assert.ok(error instanceof RangeError);
          seen = error.message;
        }
        assert.doesNotMatch(seen, /Hunter2/);
      }),
    );
  });

  it('is told to the broker, and is in no name, reason, description or log of a plug', async (t) => {
    const logins: unknown[] = [];
    const broker = await Aedes.createBroker();
    t.after(() => broker.close());
    broker.authenticate = (_client, username, password, done) => {
      logins.push([String(username), String(password)]);
      done(Object.assign(new Error('no'), { returnCode: 5 as const }), false);
    };
    const port = await listen(t, createServer(broker.handle));
    const plug = parsePlugAddress(`tasmota://me:Hunter2%2F@127.0.0.1:${port}/lab/plug`);
    const host = systemHost();
    const [meter] = await findMeters(host, plug);
    const observer = new EnergyObserver(host, meter ?? null, 60_000);
    await observer.begin();
    await observer.end();
    const { absence } = observer.perSample({ samples: 5, windowStartMs: 0, windowMs: 20_000 });
    assert.deepEqual(logins, [['me', 'Hunter2/']]);
    assert.match(
      absence ?? '',
      /Tasmota plug lab\/plug could not be read: mqtt:\/\/127\.0\.0\.1:\d+: .*[Nn]ot authorized/,
    );
    const silent = systemHost().mqtt('mqtt://127.0.0.1:1', 500, { username: 'me', password: 'Hunter2' });
    const error = await silent.then(
      () => assert.fail('nobody is there'),
      (failure: Error) => failure,
    );
    assert.doesNotMatch(inspect({ absence, meter, error }, { depth: 20 }), /Hunter2/);
  });

  it('that is written wrongly is not repeated by the command', async () => {
    const main = fileURLToPath(new URL('../../../../agent/bin/edgetune-agent.js', import.meta.url));
    for (const [args, env] of [
      [['--power-plug', 'tasmota://me:Hunter2@broker'], {}],
      [[], { EDGETUNE_AGENT_POWER_PLUG: 'shelly://me:Hunter2@plug' }],
    ] as const) {
      const { code, out, err } = await runProgram(process.execPath, [main, 'doctor', ...args], {
        env: { ...process.env, ...env },
      });
      assert.equal(code, 2);
      assert.match(err, /--power-plug.*(tasmota|shelly):\/\//);
      assert.doesNotMatch(out + err, /Hunter2/);
    }
  });
});

describe('an address', () => {
  it('is read in full', () => {
    const login = { username: 'user', password: 'secret' };
    assert.deepEqual(tasmota, { kind: 'tasmota', broker: 'mqtt://broker:1883', login, topic: 'lab/plug' });
    const { login: none } = parsePlugAddress('tasmota://broker/plug') as { login: unknown };
    assert.equal(none, null);
    const { login: written } = parsePlugAddress('tasmota://a%40b:p%2Fq:r%25@broker/plug') as { login: unknown };
    assert.deepEqual(written, { username: 'a@b', password: 'p/q:r%' });
    const { login: raw } = parsePlugAddress('tasmota://me:100%@broker/plug') as { login: unknown };
    assert.deepEqual(raw, { username: 'me', password: '100%' });
    assert.deepEqual(parsePlugAddress('shelly://plug.local:8080/1'), {
      kind: 'shelly',
      address: 'plug.local:8080',
      switchId: 1,
    });
  });

  it('that is none is refused with what it should look like', () => {
    for (const text of [
      '',
      'http://plug',
      'tasmota://broker',
      'tasmota://broker/#',
      'shelly://',
      'shelly://a/b',
      'plug',
    ])
      assert.throws(() => parsePlugAddress(text), /write tasmota:\/\/BROKER:1883\/TOPIC/, text);
  });
});
