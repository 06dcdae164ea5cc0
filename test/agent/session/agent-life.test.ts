/** An agent's life with a real broker and a board that the test plays: what it says, what it does when it is told. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import { topics } from '@edgetune/shared/protocol/topics.ts';
import { localStatus, stopLocalAgent } from '../../../agent/session/local-status.ts';
import { startAgent } from '../../../agent/session/start-agent.ts';
import type { AgentBoard } from '../../../agent/this-machine/agent-board.ts';
import { AGENT_VERSION } from '../../../agent/version.ts';
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
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { Arrival, until, untilAborted, within } from '../../support/waiting.ts';

const request = measureRequest();

/** An agent that has joined before, with the model in its cache. */
async function agentOn(t: TestContext, board: Partial<AgentBoard> = {}, files: Record<string, string> = {}) {
  const under = await startFleet(t);
  const { fleet, broker } = under;
  const { token } = await fleet.addDevice('kitchen-pi');
  const { deviceId, credential, coordinator } = await fleet.enroll({ token, board: boardDescription() });
  const enrolment = {
    deviceId,
    credential,
    name: 'kitchen-pi',
    mqttUrl: broker.url,
    server: 'http://127.0.0.1:9',
    coordinator,
  };
  const dataDirectory = temporaryFolder(t, { 'enrolment.json': JSON.stringify(enrolment), ...files });
  mkdirSync(join(dataDirectory, 'models'), { recursive: true });
  writeFileSync(join(dataDirectory, 'models', `${request.modelSha256}.onnx`), Buffer.alloc(request.modelBytes));
  const log: string[] = [];
  const start = () =>
    startAgent({
      ...{ server: '', dataDirectory, log: plainLogger((line) => log.push(line)) },
      board: {
        describe: async () => boardDescription(),
        async measure(asked, { mayBegin }) {
          await mayBegin?.();
          return measurementFor(asked);
        },
        ...board,
      },
    });
  const agent = await start();
  t.after(() => agent.stop());
  await untilPresence(fleet, 'kitchen-pi', 'online');
  return { ...under, agent, deviceId, dataDirectory, log, start };
}

it('sets its board back before it looks at it, and gives it each job with its model', async (t) => {
  const order: string[] = [];
  let given: unknown;
  const { fleet, deviceId, dataDirectory, agent } = await agentOn(t, {
    async setBack() {
      order.push('set back');
    },
    async describe() {
      order.push('described');
      return boardDescription({ governor: 'as it is now' });
    },
    async measure(asked, { mayBegin, signal, onProgress, describe, ...context }) {
      given = { asked, context };
      assert.equal(signal.aborted, false);
      onProgress?.();
      await mayBegin?.();
      return measurementFor(asked);
    },
  });
  assert.deepEqual(order.slice(0, 2), ['set back', 'described']);
  assert.deepEqual([agent.deviceId, agent.name], [deviceId, 'kitchen-pi']);
  const governor = () => fleet.device('kitchen-pi')?.board?.governor;
  await until('the board to say how it is now', () => governor() === 'as it is now');
  await measureOn(fleet, deviceId, request, measureOptions());
  assert.deepEqual(given, {
    asked: request,
    context: {
      board: boardDescription({ governor: 'as it is now' }),
      modelPath: join(dataDirectory, 'models', `${request.modelSha256}.onnx`),
      waitForHost: false,
    },
  });
  await until('the result to be acknowledged', () => readdirSync(join(dataDirectory, 'outbox')).length === 0);
});

it('says all again when it is asked: who it is, and what nobody has acknowledged', async (t) => {
  const { fleet, client, deviceId, store, dataDirectory } = await agentOn(t);
  const heard: string[] = [];
  client.on('message', (topic) => heard.push(topic.replace(/.*\//, '')));
  const { failures } = store.jobs;
  let count = 0;
  // Nothing can be kept for now.
  store.jobs.failures = () => count++;
  await measureOn(fleet, deviceId, request, measureOptions());
  const isLast = () => heard.length >= 3;
  await until('three reports', isLast);
  store.jobs.failures = failures;
  assert.equal(readdirSync(join(dataDirectory, 'outbox')).length, 1);
  heard.splice(0);
  await client.publishAsync(topics.command(deviceId), JSON.stringify({ type: 'greet' }), { qos: 1 });
  await until('the result to be acknowledged', () => readdirSync(join(dataDirectory, 'outbox')).length === 0);
  assert.deepEqual(heard, ['hello', 'job-update']);
});

it('cancels what it is told to, and says so', async (t) => {
  const running = new Arrival('the job to run');
  const { fleet, deviceId, store } = await agentOn(t, {
    measure: (_asked, { signal }) => {
      running.come();
      return untilAborted(signal);
    },
  });
  const controller = new AbortController();
  const result = measureOn(fleet, deviceId, request, measureOptions({ signal: controller.signal }));
  const next = measureOn(fleet, deviceId, request, measureOptions());
  await running.wait();
  controller.abort(new Error('not needed'));
  await assert.rejects(result, /not needed/);
  const waiting = () => fleet.device('kitchen-pi')?.queuedJobs === 0;
  await untilFleet(fleet, 'the next job to be sent', waiting, 5);
  assert.equal(store.jobs.unfinished().length, 1);
  const last = assert.rejects(next, /removed/);
  await fleet.remove('kitchen-pi');
  await last;
});

it('that is removed from the fleet forgets its credential, its jobs and its results, and ends', async (t) => {
  const { agent, fleet, deviceId, dataDirectory, log } = await agentOn(t, {
    measure: (_asked, { signal }) => untilAborted(signal),
  });
  const result = assert.rejects(measureOn(fleet, deviceId, request, measureOptions()), /was removed from the fleet/);
  await until('the job to be in the journal', () => readdirSync(join(dataDirectory, 'jobs')).length === 1);
  await fleet.remove('kitchen-pi');
  await result;
  assert.equal(await within('the agent to end', agent.ended), 'removed');
  assert.ok(!existsSync(join(dataDirectory, 'enrolment.json')));
  assert.deepEqual(readdirSync(join(dataDirectory, 'jobs')), []);
  assert.ok(log.some((line) => /^this device was removed from the fleet: .*"edgetune-agent join"/.test(line)));
});

it('answers on its own board how it stands, and ends when it is asked to there', async (t) => {
  const { agent, dataDirectory, fleet, deviceId } = await agentOn(t, {
    measure: (_asked, { signal }) => untilAborted(signal),
  });
  const result = measureOn(fleet, deviceId, request, measureOptions());
  result.catch(() => {});
  await until('the job to be taken', async () => (await localStatus(dataDirectory))?.jobs.length === 1);
  const status = await localStatus(dataDirectory);
  assert.deepEqual([status?.pid, status?.version, status?.connected], [process.pid, AGENT_VERSION, true]);
  assert.ok(Math.abs(Date.parse(status?.startedAt ?? '') - Date.now()) < 60_000);
  const stopped = stopLocalAgent(dataDirectory);
  assert.equal(await within('the agent to end', agent.ended), 'stopped');
  await within('the agent to stop', agent.stop());
  await within('the command to see it', stopped);
  assert.equal(await localStatus(dataDirectory), null);
  await untilPresence(fleet, 'kitchen-pi', 'offline');
});

it('works without a status on its board where that cannot be, and says so', async (t) => {
  const { fleet, deviceId, log, agent } = await agentOn(t, {}, { 'agent.sock/in the way': '' });
  await measureOn(fleet, deviceId, request, measureOptions());
  assert.ok(log.some((line) => line.startsWith('"edgetune-agent status" will say that no agent runs here: ')));
  await agent.stop();
});

it('takes up again what it was at, says what it holds, and delivers what it had finished', async (t) => {
  let runs = 0;
  const { agent, fleet, deviceId, dataDirectory, start } = await agentOn(t, {
    async measure(asked, { signal, mayBegin }) {
      await mayBegin?.();
      return ++runs === 1 ? untilAborted(signal) : measurementFor(asked);
    },
  });
  const states: string[] = [];
  const options = { ...measureOptions(), onStateChange: (state: string) => void states.push(state) };
  const result = measureOn(fleet, deviceId, request, options);
  await untilFleet(fleet, 'the job to run', () => states.includes('running'));
  await agent.stop();
  await untilPresence(fleet, 'kitchen-pi', 'offline');
  const journal = readdirSync(join(dataDirectory, 'jobs')).map((name) =>
    JSON.parse(readFileSync(join(dataDirectory, 'jobs', name), 'utf8')),
  );
  assert.deepEqual(
    journal.map(({ begun }) => begun),
    [0],
  );
  const again = await start();
  t.after(() => again.stop());
  const { id } = await result;
  assert.match(id, /-1$/, 'the same attempt');
  assert.equal(runs, 2);
  assert.deepEqual(states, ['queued', 'sent', 'accepted', 'running', 'succeeded']);
});
