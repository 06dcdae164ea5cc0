/** How an agent answers on its own board. */
import assert from 'node:assert/strict';
import { statSync, writeFileSync } from 'node:fs';
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
import { within } from '../../support/waiting.ts';

const STATUS: LocalStatus = {
  ...{ pid: 42, version: '1.2.3', startedAt: '2026-01-01T00:00:00.000Z', connected: true, jobs: ['j1', 'j2'] },
};

async function served(t: TestContext, folder = temporaryFolder(t)) {
  const calls = { stopped: 0 };
  const local = await serveLocalStatus(folder, { status: () => STATUS, stop: () => calls.stopped++ });
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
  assert.deepEqual(await localStatus(folder), STATUS);
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
