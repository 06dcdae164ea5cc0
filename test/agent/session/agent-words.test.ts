/** What an agent says and does as its coordinator speaks, over a broker that believes everybody: updates, models, returns. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import type { Job } from '@edgetune/shared/protocol/job.ts';
import type { CommandMessage, JobUpdateMessage, UpdateOffer } from '@edgetune/shared/protocol/messages.ts';
import { type AgentOptions, startAgent } from '../../../agent/session/start-agent.ts';
import { Versions } from '../../../agent/update/versions.ts';
import { boardDescription, measurementFor, measureRequest } from '../../support/fleet.ts';
import { makeIdentity } from '../../support/identity.ts';
import { listen } from '../../support/listening.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { Arrival, until, within } from '../../support/waiting.ts';
import { brokerFor } from './support/believing-broker.ts';

const deviceId = 'd-000000000001';
const identity = makeIdentity();
const MODEL = Buffer.alloc(1000, 3);
const SHA256 = createHash('sha256').update(MODEL).digest('hex');

const job = (change: Partial<Job> = {}): Job => ({
  ...{ jobId: 'j1', attempt: 1, leaseToken: 'x', stepTimeoutMs: 60_000, waitForHost: false },
  request: measureRequest({ modelSha256: SHA256, modelBytes: MODEL.length }),
  ...change,
});

const RESULT: JobUpdateMessage = {
  ...{ protocol: 1, updateId: 'u-1', jobId: 'j0', attempt: 1, leaseToken: 'x', state: 'failed' },
  ...{ reason: 'the disk is full', measurement: null, at: '2026-01-01T00:00:00.000Z' },
};

/** An agent that has joined before; its coordinator gives the model, and the archives that are given here. */
async function agentOn(
  t: TestContext,
  options: Partial<AgentOptions> & { files?: Record<string, string>; archives?: Record<string, Buffer> } = {},
) {
  const { files, archives = {}, ...change } = options;
  const broker = await brokerFor(t, deviceId);
  const port = await listen(
    t,
    createServer(({ url = '' }, response) => {
      const given = url === `/api/blobs/${SHA256}` ? MODEL : archives[url];
      response.writeHead(given ? 200 : 404).end(given);
    }),
  );
  const enrolment = {
    deviceId,
    credential: 's'.repeat(32),
    name: 'kitchen-pi',
    mqttUrl: `mqtt://127.0.0.1:${broker.port}`,
    coordinator: identity.coordinator,
  };
  const server = `http://127.0.0.1:${port}`;
  const dataDirectory = temporaryFolder(t, { 'enrolment.json': JSON.stringify({ ...enrolment, server }), ...files });
  const log: string[] = [];
  t.mock.method(Math, 'random', () => 0);
  const start = async () => {
    const agent = await startAgent({
      ...{ server: '', dataDirectory, log: plainLogger((line) => log.push(line)) },
      board: {
        describe: async () => boardDescription(),
        async measure(request, { mayBegin }) {
          await mayBegin?.();
          return measurementFor(request);
        },
      },
      ...change,
    });
    broker.goesFirst(() => agent.stop());
    return agent;
  };
  const said = (kind: string) =>
    broker.said.filter(({ topic }) => topic.endsWith(`/${kind}`)).map(({ payload }) => JSON.parse(payload));
  const words = () => said('job-update').map(({ jobId, state }) => `${jobId} ${state}`);
  const command = (message: CommandMessage) => broker.command(JSON.stringify(message));
  const online = (times = 1) => until('the agent to say who it is', () => said('hello').length === times);
  return { ...broker, start, said, words, command, online, dataDirectory, log };
}

const RELEASED = {
  kind: 'release',
  version: '0.3.0',
  platform: `${process.platform}-${process.arch}`,
  bytes: 1,
} as const;

const removal = (change: object = {}, by = identity) =>
  by.sign({ kind: 'removal', deviceId, at: '2026-01-01T00:00:00.000Z', ...change });

/** An installation whose current release is 0.1.0. */
function installation(t: TestContext): Versions {
  const folder = join(temporaryFolder(t), 'versions');
  for (const release of ['0.1.0', '0.2.0']) mkdirSync(join(folder, release, 'install'), { recursive: true });
  symlinkSync('0.1.0', join(folder, 'current'));
  return new Versions(folder);
}

/** A release whose self-test is this script. */
function release(t: TestContext, version: string, selfTest: string) {
  const folder = temporaryFolder(t, {
    'agent/package.json': JSON.stringify({ version }),
    'agent/bin/edgetune-agent.js': selfTest,
  });
  const archive = execFileSync('tar', ['-czf', '-', '-C', folder, 'agent'], { timeout: 20_000 });
  const sha256 = createHash('sha256').update(archive).digest('hex');
  const platform = `${process.platform}-${process.arch}`;
  const proof = identity.sign({ kind: 'release', version: '0.3.0', platform, sha256, bytes: archive.length });
  const offer: UpdateOffer = { version: '0.3.0', path: '/install/agent.tgz', sha256, proof };
  return { offer, archives: { [offer.path]: archive } };
}

it('that cannot update itself says nothing of updates, and passes an offer over', async (t) => {
  const { start, said, words, command, online } = await agentOn(t);
  await start();
  await online();
  command({ type: 'update', offer: { version: '0.3.0', path: '/install/agent.tgz', sha256: SHA256 } });
  command({ type: 'cancel', jobId: 'j9', attempt: 1, leaseToken: 'x', reason: 'not needed' });
  await until('the next command to be answered', () => words().length === 1);
  assert.deepEqual(words(), ['j9 cancelled']);
  assert.deepEqual(
    said('hello').map(({ update }) => update),
    [undefined],
  );
});

it('that can says which release runs and which script of root’s is older', async (t) => {
  const versions = installation(t);
  const name = 'uninstall.sh';
  writeFileSync(join(versions.folder, '0.1.0/install', name), 'as it is now');
  mkdirSync(join(versions.folder, '../bin'));
  writeFileSync(join(versions.folder, '../bin', name), 'as it was');
  versions.recordFailure({ release: '0.2.0', reason: 'it did not work' });
  const { start, said, online, log } = await agentOn(t, { versions });
  await start();
  await online();
  assert.deepEqual(said('hello')[0].update, {
    ...{ release: '0.1.0', platform: `${process.platform}-${process.arch}` },
    failed: { release: '0.2.0', reason: 'it did not work' },
  });
  assert.deepEqual(said('hello')[0].coordinator, identity.coordinator, 'and as whom it knows its coordinator');
  assert.ok(log.some((line) => line.startsWith('older than this version: uninstall.sh.')));
});

it('tells of an update that failed, and goes on', async (t) => {
  const { offer, archives } = release(t, '0.3.1', '');
  const versions = installation(t);
  const { start, said, command, online } = await agentOn(t, { versions, archives });
  await start();
  await online();
  command({ type: 'update', offer });
  await online(2);
  assert.match(said('hello')[1].update.failed.reason, /it says that it is version 0\.3\.1/);
  assert.equal(versions.current(), '0.1.0');
});

it('refuses an update that its coordinator has not signed, and fetches nothing', async (t) => {
  const { offer, archives } = release(t, '0.3.0', 'process.exit(0);');
  const versions = installation(t);
  const { start, command, online, log, words } = await agentOn(t, { versions, archives });
  await start();
  await online();
  command({ type: 'update', offer: { ...offer, proof: makeIdentity().sign({ ...RELEASED, sha256: offer.sha256 }) } });
  await until('the update to be refused', () =>
    log.some((line) => /^version 0\.3\.0 is offered, and refused/.test(line)),
  );
  assert.deepEqual(readdirSync(versions.folder).sort(), ['0.1.0', '0.2.0', 'current']);
  command({ type: 'job', job: job() });
  await until('the next job to be done', () => words().includes('j1 succeeded'));
});

it('ends when an update is to be started', async (t) => {
  const { offer, archives } = release(t, '0.3.0', '');
  const versions = installation(t);
  const { start, said, command, online } = await agentOn(t, { versions, archives });
  const agent = await start();
  await online();
  command({ type: 'update', offer });
  assert.equal(await within('the agent to end', agent.ended), 'updated');
  assert.equal(versions.isOnTrial(), true);
  assert.equal(said('hello').length, 1);
});

it('on trial has passed once it is connected, and says so', async (t) => {
  const versions = installation(t);
  versions.recordFailure({ release: '0.2.0', reason: 'it did not work the first time' });
  versions.try('0.2.0');
  const { start, said, online, log } = await agentOn(t, { versions });
  await start();
  await online();
  assert.equal(versions.isOnTrial(), false);
  assert.deepEqual([said('hello')[0].update.release, said('hello')[0].update.failed], ['0.2.0', null]);
  assert.ok(log.includes('the update to 0.2.0 is complete'));
});

it('on trial that cannot connect for two minutes ends; one that is stopped before does not give up', async (t) => {
  for (const isStopped of [false, true]) {
    const versions = installation(t);
    versions.try('0.2.0');
    const { start, broker } = await agentOn(t, { versions });
    // Called back too late: the broker does not let it in.
    const logins: (() => void)[] = [];
    broker.authenticate = (_client, _username, _password, done) => logins.push(() => done(null, false));
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const agent = await start();
    if (isStopped) await within('the agent to stop', agent.stop());
    t.mock.timers.tick(120_000);
    assert.equal(existsSync(join(versions.folder, 'trial.reason')), !isStopped);
    if (!isStopped) assert.equal(await within('the agent to end', agent.ended), 'given-up');
    await within('the agent to stop', agent.stop());
    t.mock.timers.reset();
    for (const answer of logins) answer();
  }
});

it('says again after a break how the running job stands, and what was not acknowledged', async (t) => {
  const end = new Arrival('the test to let the job end');
  const { start, words, command, online, cut } = await agentOn(t, {
    files: { 'outbox/u-1.json': JSON.stringify(RESULT) },
    board: {
      describe: async () => boardDescription(),
      async measure(request, { mayBegin }) {
        await mayBegin?.();
        await end.wait();
        return measurementFor(request);
      },
    },
  });
  await start();
  await online();
  command({ type: 'job', job: job({ waitForHost: true }) });
  await until('the job to wait for the word', () => words().includes('j1 running'));
  assert.deepEqual(words(), ['j0 failed', 'j1 accepted', 'j1 running']);
  cut();
  await online(2);
  await until('the job to be told of again', () => words().length === 5);
  assert.deepEqual(words().slice(3), ['j0 failed', 'j1 running']);
  command({ type: 'proceed', jobId: 'j1', attempt: 1, leaseToken: 'x' });
  end.come();
  await until('the job to end', () => words().includes('j1 succeeded'));
});

it('believes nobody that it was removed but the coordinator that it has joined, and says so', async (t) => {
  const { start, command, online, words, dataDirectory, log } = await agentOn(t, {
    files: { 'outbox/u-1.json': JSON.stringify(RESULT) },
  });
  await start();
  await online();
  const lies = [
    [undefined, /it is not signed/],
    [removal({}, makeIdentity()), /not signed with the key/],
    [removal({}, makeIdentity('c-ffffffffffffffff')), /another coordinator's \(c-f{16}\)/],
    [removal({ deviceId: 'd-000000000002' }), /about another device, d-000000000002/],
  ] as const;
  for (const [proof, why] of lies) {
    log.splice(0);
    command({ type: 'removed', ...(proof ? { proof } : {}) });
    await until('the lie to be told of', () => log.length > 0);
    assert.match(
      log.join(),
      /^somebody says that this board was removed from its fleet, and is not believed: .*Nothing is deleted$/,
    );
    assert.match(log.join(), why);
  }
  assert.deepEqual(readdirSync(join(dataDirectory, 'outbox')), ['u-1.json']);
  assert.ok(existsSync(join(dataDirectory, 'enrolment.json')));
  command({ type: 'job', job: job() });
  await until('the next job to be done', () => words().includes('j1 succeeded'));
});

it('says whom it speaks to where its coordinator is another, or has lost its data, and keeps what it has', async (t) => {
  const { start, command, online, dataDirectory, log } = await agentOn(t);
  await start();
  await online();
  log.splice(0);
  command({ type: 'unknown', coordinator: 'c-ffffffffffffffff' });
  command({ type: 'unknown', coordinator: identity.coordinator.id });
  await until('both to be told of', () => log.length === 2);
  assert.match(
    log[0] ?? '',
    /^another coordinator \(c-f{16}\) answers at .* \(c-0123456789abcdef\).*Nothing is deleted here: .*restore/,
  );
  assert.match(log[1] ?? '', /\(c-0123456789abcdef\) does not know this board \(d-000000000001\): were its data lost/);
  assert.ok(existsSync(join(dataDirectory, 'enrolment.json')));
});

it('asks who answers where it is not let in, and says that it is another coordinator', async (t) => {
  const health = { status: 'ok', version: '0.1.0', authentication: 'none', coordinator: 'c-ffffffffffffffff' };
  const archives = { '/api/health': Buffer.from(JSON.stringify(health)) };
  const { start, log, broker, dataDirectory, logins } = await agentOn(t, { archives });
  let times = 0;
  broker.authenticate = (_client, _username, _password, done) => {
    times++;
    done(Object.assign(new Error('not one of ours'), { returnCode: 5 as const }), false);
  };
  await start();
  const isOther = (line: string) => line.startsWith('another coordinator (c-ffffffffffffffff) answers at ');
  await until('the other coordinator to be told of', () => log.some(isOther));
  await until('the agent to try again', () => times > 1);
  assert.deepEqual([log.filter(isOther).length, logins], [1, []]);
  assert.ok(existsSync(join(dataDirectory, 'enrolment.json')));
});

it('asks why it is not let in, and believes nobody but its coordinator that it was removed meanwhile', async (t) => {
  const health = { status: 'ok', version: '0.1.0', authentication: 'none', coordinator: identity.coordinator.id };
  const path = `/api/enroll/removals/${deviceId}`;
  const answers = [
    { proof: removal(), end: 'removed' },
    { proof: removal({}, makeIdentity()), end: null },
    { proof: removal({ deviceId: 'd-000000000002' }), end: null },
    { proof: undefined, end: null },
  ];
  for (const { proof, end } of answers) {
    const archives = {
      '/api/health': Buffer.from(JSON.stringify(health)),
      ...(proof ? { [path]: Buffer.from(JSON.stringify({ proof })) } : {}),
    };
    const { start, log, broker, dataDirectory } = await agentOn(t, { archives });
    let times = 0;
    broker.authenticate = (_client, _username, _password, done) => {
      times++;
      done(Object.assign(new Error('not one of ours'), { returnCode: 5 as const }), false);
    };
    const agent = await start();
    if (end !== null) {
      assert.equal(await within('the agent to end', agent.ended), end);
      assert.match(
        log.join('\n'),
        /this device was removed from the fleet: .*paste that line here, or run "edgetune-agent join"/,
      );
    } else {
      const isDone = () => times > 1 && (proof === undefined || log.some((line) => /is not believed/.test(line)));
      await until('it to try again', isDone);
    }
    assert.equal(existsSync(join(dataDirectory, 'enrolment.json')), end === null);
  }
});

it('that is removed delivers no result any more and keeps it for a week, where somebody has not removed it before', async (t) => {
  for (const isThere of [true, false]) {
    const files = { 'outbox/u-1.json': JSON.stringify(RESULT) };
    const { start, command, online, dataDirectory, log } = await agentOn(t, { files });
    const agent = await start();
    await online();
    if (!isThere) rmSync(join(dataDirectory, 'outbox'), { recursive: true });
    command({ type: 'removed', proof: removal() });
    assert.equal(await within('the agent to end', agent.ended), 'removed');
    assert.ok(!existsSync(join(dataDirectory, 'outbox')));
    assert.ok(!existsSync(join(dataDirectory, 'enrolment.json')));
    const kept = log.filter((line) => line.startsWith('1 results that it has not delivered are kept for a week'));
    assert.deepEqual([existsSync(join(dataDirectory, 'removed')), kept.length], [isThere, isThere ? 1 : 0]);
  }
});

it('keeps a gigabyte of models, or as much as it is told', async (t) => {
  for (const [cacheBytes, others, kept] of [
    [undefined, 1e9 - MODEL.length, true],
    [undefined, 1e9 - MODEL.length + 1, false],
    [2000, 1000, true],
    [2000, 1001, false],
  ] as const) {
    const { start, words, command, online, dataDirectory } = await agentOn(t, {
      files: { 'models/other.onnx': '' },
      ...(cacheBytes === undefined ? {} : { cacheBytes }),
    });
    // A hole: it takes no place on the disk.
    truncateSync(join(dataDirectory, 'models/other.onnx'), others);
    await start();
    await online();
    command({ type: 'job', job: job() });
    await until('the job to end', () => words().includes('j1 succeeded'));
    const names = readdirSync(join(dataDirectory, 'models'));
    assert.equal(names.includes('other.onnx'), kept, `${others} bytes`);
    assert.deepEqual(readFileSync(join(dataDirectory, 'models', `${SHA256}.onnx`)), MODEL);
  }
});

it('describes its board anew before each job, says so where it has changed, and tells with the result how it was', async (t) => {
  let governor = 'ondemand';
  const seen: (string | null)[] = [];
  const { start, said, command, online, words, log } = await agentOn(t, {
    board: {
      describe: async () => boardDescription({ governor }),
      async measure(request, { board, mayBegin }) {
        seen.push(board.governor);
        await mayBegin?.();
        return measurementFor(request);
      },
    },
  });
  await start();
  await online();
  const done = async (jobId: string) => {
    command({ type: 'job', job: job({ jobId }) });
    await until(`${jobId} to be done`, () => words().includes(`${jobId} succeeded`));
  };
  await done('j1');
  governor = 'performance';
  await done('j2');
  await done('j3');
  assert.deepEqual(seen, ['ondemand', 'performance', 'performance']);
  const boards = (kind: string) => said(kind).flatMap(({ board }) => board?.governor ?? []);
  assert.deepEqual(boards('hello'), ['ondemand', 'performance'], 'once, though it was measured twice');
  assert.deepEqual(boards('job-update'), seen);
  assert.ok(log.includes('this board has changed: governor "ondemand" → "performance"'), log.join('\n'));
});

it('describes its board anew when it is asked who it is, and not while it measures', async (t) => {
  let described = 0;
  const release = new Arrival('the test to let the measurement end');
  const { start, said, command, online, words } = await agentOn(t, {
    board: {
      describe: async () => boardDescription({ kernel: `${++described}` }),
      async measure(request, { mayBegin }) {
        await mayBegin?.();
        await release.wait();
        return measurementFor(request);
      },
    },
  });
  await start();
  await until('the agent to say who it is', () => said('hello').length > 0);
  const kernel = () => said('hello').at(-1).board.kernel;
  const before = described;
  command({ type: 'greet' });
  await until('the agent to say who it is now', () => kernel() === `${before + 1}`);
  command({ type: 'job', job: job() });
  await until('the job to run', () => words().includes('j1 running'));
  const measured = described;
  const hellos = said('hello').length;
  command({ type: 'greet' });
  await online(hellos + 1);
  assert.deepEqual([described, kernel()], [measured, `${measured}`]);
  release.come();
  await until('the job to be done', () => words().includes('j1 succeeded'));
});
