/** Whether a measuring process is kept on its cores: by util-linux' taskset, where the board tells which cores there are. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { systemHost } from '../../../../agent/board/system-host.ts';
import { pinTo } from '../../../../agent/measure/process/pinning.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

/** A board that tells this, and programs in two folders of its PATH. */
function board(t: TestContext, files: Record<string, string>, programs: string[] = ['taskset']) {
  const root = temporaryFolder(t, files);
  const tools = temporaryFolder(t, Object.fromEntries(programs.map((name) => [name, ''])));
  const before = process.env.PATH;
  process.env.PATH = `${temporaryFolder(t)}:${tools}`;
  t.after(() => {
    process.env.PATH = before;
  });
  return { host: systemHost(root), taskset: join(tools, 'taskset') };
}

const FOUR_CORES = {
  'proc/self/status': 'Name:\tagent\nCpus_allowed_list:\t0-3\n',
  'sys/devices/system/cpu/online': '0-3\n',
};

it('so many cores as threads are asked for, and the words that keep a command on them', (t) => {
  const { host, taskset } = board(t, FOUR_CORES);
  assert.deepEqual(pinTo(host, 2), { cores: [0, 1], launcher: [taskset, '-c', '0,1'] });
  assert.deepEqual(pinTo(host, 1), { cores: [0], launcher: [taskset, '-c', '0'] });
});

it('no pinning without taskset, and none by a program of another name', (t) => {
  assert.equal(pinTo(board(t, FOUR_CORES, []).host, 2), null);
  assert.equal(pinTo(board(t, FOUR_CORES, ['taskset2']).host, 2), null);
});

it('no pinning where the board does not tell its cores, or none of those allowed is online', (t) => {
  assert.equal(pinTo(board(t, {}).host, 2), null);
  // A power mode has switched off the cores that this process was kept on.
  const off = {
    ...FOUR_CORES,
    'proc/self/status': 'Cpus_allowed_list:\t2-3\n',
    'sys/devices/system/cpu/online': '0-1\n',
  };
  assert.equal(pinTo(board(t, off).host, 2), null);
});
