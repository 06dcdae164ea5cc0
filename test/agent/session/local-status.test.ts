/** How an agent answers on its own board. */
import assert from 'node:assert/strict';
import { chmodSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { it, type TestContext } from 'node:test';
import {
  type LocalStatus,
  localStatus,
  serveLocalStatus,
  stopLocalAgent,
} from '../../../agent/session/local-status.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { turn, until, within } from '../../support/waiting.ts';

const STATUS: LocalStatus = {
  ...{ pid: 42, version: '1.2.3', startedAt: '2026-01-01T00:00:00.000Z', connected: true, jobs: ['j1', 'j2'] },
};

async function served(t: TestContext, folder = temporaryFolder(t)) {
  const calls = { stopped: 0, asked: 0 };
  const status = () => {
    calls.asked++;
    return STATUS;
  };
  const local = await serveLocalStatus(folder, { status, stop: () => calls.stopped++ });
  t.after(() => local.close());
  const said = async (request: string) => {
    const socket = connect(join(folder, 'agent.sock'));
    socket.write(request);
    return within('an answer', text(socket));
  };
  return { folder, calls, local, said };
}

it('says how it stands, to its own user, and nothing else', async (t) => {
  const { folder, calls, said } = await served(t);
  assert.deepEqual(await within('its status', localStatus(folder)), STATUS);
  assert.equal(statSync(join(folder, 'agent.sock')).mode & 0o777, 0o600);
  assert.deepEqual(JSON.parse(await said('status\n')), STATUS);
  for (const rubbish of ['dance\n', '{}', 'status stop']) assert.equal(await said(rubbish), '');
  assert.equal(calls.stopped, 0);
});

it('is asked to stop, and waited for until it has', async (t) => {
  const { folder, calls, local } = await served(t);
  let gone = false;
  const stopping = stopLocalAgent(folder).then(() => {
    gone = true;
  });
  await within('three answers', Promise.all([1, 2, 3].map(() => localStatus(folder))));
  assert.deepEqual([calls.stopped, gone], [1, false], 'it answers still');
  local.close();
  await within('the agent to be gone', stopping);
  assert.equal(calls.stopped, 1);
});

it('is asked every twentieth of a second whether it has stopped', async (t) => {
  const { folder, calls, local } = await served(t);
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const stopping = stopLocalAgent(folder);
  await until('the agent to be asked to stop', () => calls.stopped === 1);
  for (const asked of [2, 3]) {
    // The answer to the last question is a matter of this process, which needs some turns.
    for (let turns = 0; turns < 20; turns++) await turn();
    t.mock.timers.tick(49);
    for (let turns = 0; turns < 20; turns++) await turn();
    assert.equal(calls.asked, asked - 1);
    t.mock.timers.tick(1);
    await until('the next question', () => calls.asked === asked);
  }
  local.close();
  for (let turns = 0; turns < 20; turns++) await turn();
  t.mock.timers.tick(50);
  await within('the agent to be gone', stopping);
});

it('survives who asks and does not wait for the answer', async (t) => {
  const { folder, calls } = await served(t);
  const socket = connect(join(folder, 'agent.sock'));
  socket.on('error', () => {});
  socket.write('status\n', () => socket.destroy());
  await until('the question', () => calls.asked === 1);
  assert.deepEqual(await within('the next answer', localStatus(folder)), STATUS);
});

it('does not keep the agent from ending', async (t) => {
  // As they are when all that was closed is gone.
  const servers = () => process.getActiveResourcesInfo().filter((name) => name === 'PipeWrap').length;
  await turn();
  const before = servers();
  await served(t);
  assert.equal(servers(), before);
});

it('of another user is not told from none by mistake: it says what to do', async (t) => {
  const { folder } = await served(t);
  const isRoot = process.geteuid?.() === 0;
  chmodSync(folder, isRoot ? 0o700 : 0);
  if (isRoot) process.seteuid?.('nobody');
  try {
    await assert.rejects(localStatus(folder), {
      message: `${folder} belongs to another user: put sudo before the command`,
    });
  } finally {
    if (isRoot) process.seteuid?.(0);
    chmodSync(folder, 0o700);
  }
});

it('where no agent runs there is no status, and nothing to stop', async (t) => {
  const folder = temporaryFolder(t);
  assert.equal(await localStatus(folder), null);
  await within('nothing', stopLocalAgent(folder), 1);
  const { local } = await served(t, folder);
  local.close();
  assert.equal(await localStatus(folder), null);
});

it('takes the place of a socket that a killed agent has left', async (t) => {
  const folder = temporaryFolder(t, { 'agent.sock': 'left behind' });
  assert.equal(await localStatus(folder), null);
  await served(t, folder);
  assert.deepEqual(await localStatus(folder), STATUS);
});

it('cannot be where there is no folder', async (t) => {
  const folder = join(temporaryFolder(t), 'nowhere');
  await assert.rejects(serveLocalStatus(folder, { status: () => STATUS, stop: () => {} }), /listen .*agent\.sock/);
  writeFileSync(folder, '');
  assert.equal(await localStatus(folder), null);
});
