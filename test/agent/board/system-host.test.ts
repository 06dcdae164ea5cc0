/** This machine through the door: files, commands with a time limit, HTTP and MQTT. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { createServer as createTcpServer, type Socket } from 'node:net';
import { describe, it } from 'node:test';
import { Aedes } from 'aedes';
import { entries, type HostErrorCode, readNumber, readText, runText } from '../../../agent/board/host.ts';
import { systemHost } from '../../../agent/board/system-host.ts';
import { listen } from '../../support/listening.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { Arrival } from '../../support/waiting.ts';

const withCode = (code: HostErrorCode) => (error: { code?: string }) => error.code === code;

describe('files', () => {
  it('are read under a root, trimmed and without NUL; numbers are numbers or null', (t) => {
    const host = systemHost(
      temporaryFolder(t, { 'a/text': ' Raspberry Pi\0\n', 'a/n': '42\n', 'a/nan': 'nan\n', 'a/empty': '' }),
    );
    assert.equal(host.read('/a/text'), 'Raspberry Pi');
    assert.deepEqual(
      ['n', 'nan', 'empty', 'none'].map((name) => readNumber(host, `/a/${name}`)),
      [42, null, null, null],
    );
    assert.throws(() => host.read('/a/none'), withCode('missing'));
    assert.throws(() => host.read('/a'), withCode('failed'));
  });

  it('are listed in the order of their numbers; a folder that is not there is empty', (t) => {
    const host = systemHost(temporaryFolder(t, { 'h/hwmon10': '', 'h/hwmon2': '', 'h/other': '' }));
    assert.deepEqual(entries(host, '/h', /^hwmon\d+$/), ['/h/hwmon2', '/h/hwmon10']);
    assert.deepEqual(host.list('/nowhere'), []);
  });

  it('are written only where they are', (t) => {
    const host = systemHost(temporaryFolder(t, { limit: '1' }));
    host.write('/limit', '2');
    assert.equal(readText(host, '/limit'), '2');
    assert.deepEqual([host.canWrite('/limit'), host.canWrite('/none')], [true, false]);
    assert.throws(() => host.write('/none', '2'), withCode('missing'));
  });
});

describe('commands', () => {
  const host = systemHost();
  it('give their output, and say why they failed', async () => {
    assert.equal(await host.run('sh', ['-c', 'echo $LC_ALL']), 'C\n');
    await assert.rejects(host.run('sh', ['-c', 'echo refused >&2; exit 3']), (error: Error & { code?: string }) => {
      assert.match(error.message, /refused/);
      return error.code === 'failed';
    });
    await assert.rejects(host.run('edgetune-no-such-command', []), withCode('missing'));
    assert.equal(await runText(host, 'edgetune-no-such-command', []), null);
  });

  it('have nothing on their standard input and a time limit', async () => {
    assert.equal(await host.run('cat', []), '');
    await assert.rejects(host.run('sleep', ['60'], 20), /no answer within 20 ms/);
  });
});

describe('time', () => {
  it('is the monotonic clock, and a sleep ends when it is aborted', async () => {
    const host = systemHost();
    const before = host.nowMs();
    assert.ok(Math.abs(before - Number(process.hrtime.bigint()) / 1e6) < 1000);
    const controller = new AbortController();
    const sleeping = host.sleep(60_000, controller.signal);
    controller.abort(new Error('no longer'));
    await assert.rejects(sleeping, /no longer/);
    await assert.rejects(host.sleep(1, controller.signal), /no longer/);
  });
});

describe('the network', () => {
  it('answers to HTTP, or says why not', async (t) => {
    const server = createServer((request, response) => {
      if (request.url === '/good') response.end('{"apower":5}');
      else response.writeHead(401).end();
    });
    const url = `http://127.0.0.1:${await listen(t, server)}`;
    assert.equal(await systemHost().httpGet(`${url}/good`, 2000), '{"apower":5}');
    await assert.rejects(systemHost().httpGet(`${url}/other`, 2000), /it answered 401/);
    server.close();
    await assert.rejects(systemHost().httpGet('http://127.0.0.1:1/', 2000), withCode('failed'));
  });

  it('asks over MQTT and hears the answer, not what was retained before', async (t) => {
    const broker = await Aedes.createBroker();
    const server = createTcpServer(broker.handle);
    const port = await listen(t, server);
    t.after(() => broker.close());
    broker.on('publish', ({ topic }) => {
      if (topic === 'cmnd/plug/STATUS')
        broker.publish(
          { cmd: 'publish', topic: 'stat/plug/STATUS10', payload: 'fresh', qos: 0, retain: false, dup: false },
          () => {},
        );
    });
    const retained = new Arrival<unknown>('the old message to be retained');
    broker.publish(
      { cmd: 'publish', topic: 'stat/plug/STATUS10', payload: 'old', qos: 0, retain: true, dup: false },
      retained.come,
    );
    await retained.wait();
    const client = await systemHost().mqtt(`mqtt://127.0.0.1:${port}`, 2000);
    const answer = client.next(['stat/plug/STATUS10'], 5000);
    client.publish('cmnd/plug/STATUS', '10');
    assert.equal(await answer, 'fresh');
    await assert.rejects(client.next(['stat/plug/STATUS10'], 20), /no message on stat\/plug\/STATUS10 within 20 ms/);
    await client.close();
    await assert.rejects(systemHost().mqtt('mqtt://127.0.0.1:1', 500), withCode('failed'));
  });

  it('outlives a broker that breaks the connection: there is no answer any more', async (t) => {
    const broker = await Aedes.createBroker();
    const sockets: Socket[] = [];
    const server = createTcpServer((socket) => {
      sockets.push(socket);
      broker.handle(socket);
    });
    const port = await listen(t, server);
    t.after(() => broker.close());
    const client = await systemHost().mqtt(`mqtt://127.0.0.1:${port}`, 2000);
    for (const socket of sockets) socket.resetAndDestroy();
    await assert.rejects(client.next(['stat/plug/STATUS10'], 200), withCode('failed'));
    await client.close();
  });
});
