/** The network goes away in the middle of a job and comes back when it is done: the result is delivered, once. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import { startAgent } from '../../../agent/session/start-agent.ts';
import type { AgentBoard } from '../../../agent/this-machine/agent-board.ts';
import {
  boardDescription,
  measurementFor,
  measureOn,
  measureOptions,
  measureRequest,
  startFleet,
  untilFleet,
  untilPresence,
} from '../../support/fleet.ts';
import { listen } from '../../support/listening.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { Arrival, until, within } from '../../support/waiting.ts';

/** A way to a port that can be cut and mended. */
async function network(t: TestContext, port: number) {
  const sockets = new Set<Socket>();
  let isCut = false;
  const server = createServer((inward) => {
    if (isCut) return inward.destroy();
    const outward = connect(port, '127.0.0.1');
    for (const socket of [inward, outward]) {
      sockets.add(socket);
      socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    }
    inward.pipe(outward).pipe(inward);
  });
  const here = await listen(t, server);
  const cut = () => {
    isCut = true;
    for (const socket of sockets) socket.destroy();
  };
  const mend = () => {
    isCut = false;
  };
  t.after(cut);
  return { port: here, cut, mend };
}

it('a result that was measured while the network was away is delivered when it is back, once', async (t) => {
  const { fleet, broker, late } = await startFleet(t);
  const { token } = await fleet.addDevice('kitchen-pi');
  const { deviceId, credential } = await fleet.enroll({ token, board: boardDescription() });
  const way = await network(t, Number(new URL(broker.url).port));
  const request = measureRequest();
  // Joined before, and the model is in its cache: all that is left is MQTT.
  const dataDirectory = temporaryFolder(t, {
    'enrolment.json': JSON.stringify({
      deviceId,
      credential,
      name: 'kitchen-pi',
      mqttUrl: `mqtt://127.0.0.1:${way.port}`,
      server: 'http://127.0.0.1:9',
    }),
  });
  mkdirSync(join(dataDirectory, 'models'));
  writeFileSync(join(dataDirectory, 'models', `${request.modelSha256}.onnx`), Buffer.alloc(request.modelBytes));
  const finish = new Arrival('the measurement to be made');
  let runs = 0;
  const board: AgentBoard = {
    describe: async () => boardDescription(),
    async measure(asked, { mayBegin }) {
      runs++;
      await mayBegin?.();
      await finish.wait();
      return measurementFor(asked);
    },
  };
  const agent = await startAgent({ server: '', dataDirectory, board, log: plainLogger(() => {}) });
  t.after(() => agent.stop());
  const states: string[] = [];
  const result = measureOn(fleet, deviceId, request, {
    ...measureOptions(),
    onStateChange: (state) => void states.push(state),
  });
  await untilFleet(fleet, 'the job to run', () => states.includes('running'));

  way.cut();
  await untilPresence(fleet, 'kitchen-pi', 'offline');
  finish.come();
  await until('the result to be in the outbox', () => readdirSync(join(dataDirectory, 'outbox')).length === 1);
  assert.ok(!states.includes('succeeded'), 'nothing can have been delivered');

  way.mend();
  assert.equal((await within('the result to be delivered', result)).outcome, 'ok');
  await until('the outbox to be empty', () => readdirSync(join(dataDirectory, 'outbox')).length === 0);
  assert.equal(runs, 1);
  assert.deepEqual(late, [], 'no second result');
  assert.equal(states.filter((state) => state === 'succeeded').length, 1);
});

it('says once that the coordinator is away, however often it has tried', async (t) => {
  let tries = 0;
  const thrice = new Arrival('three tries to connect');
  const server = createServer((socket) => {
    socket.destroy();
    if (++tries === 3) thrice.come();
  });
  const port = await listen(t, server);
  const dataDirectory = temporaryFolder(t, {
    'enrolment.json': JSON.stringify({
      deviceId: 'd-000000000000',
      credential: 's'.repeat(32),
      name: 'kitchen-pi',
      mqttUrl: `mqtt://127.0.0.1:${port}`,
      server: 'http://127.0.0.1:9',
    }),
  });
  const log: string[] = [];
  const board: AgentBoard = {
    describe: async () => boardDescription(),
    measure: () => assert.fail('nobody asks for it'),
  };
  const agent = await startAgent({
    server: '',
    dataDirectory,
    board,
    log: plainLogger((message) => log.push(message)),
  });
  t.after(() => agent.stop());
  await thrice.wait();
  assert.equal(log.filter((message) => /cannot be reached/.test(message)).length, 1, log.join('\n'));
  assert.equal(new Set(log).size, log.length);
});
