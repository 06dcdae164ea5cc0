/** A process that is kept within its memory without a control group, on a board whose files the test writes. */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { it, type TestContext } from 'node:test';
import { type Host, HostError } from '../../../../agent/board/host.ts';
import { outOfMemoryKills, spareBytes } from '../../../../agent/measure/process/board-memory.ts';
import { MemoryWatcher } from '../../../../agent/measure/process/memory-watcher.ts';

const KB = 1024;

/** A process of 100 kB with a child of 20 kB, which has one of 3 kB. */
function watched(t: TestContext, boardLimit: number | null) {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const files: Record<string, string> = { '/proc/vmstat': 'pgfault 9\noom_kill 5\nother 1' };
  const resident = (pid: number, kB: number) => {
    files[`/proc/${pid}/status`] = `Name:\tx\nVmPeak:\t  999999 kB\nVmRSS:\t  ${kB} kB\n`;
  };
  for (const [pid, kB] of [
    [10, 100],
    [11, 20],
    [12, 3],
  ] as const)
    resident(pid, kB);
  files['/proc/10/task/10/children'] = '11 ';
  files['/proc/11/task/11/children'] = '12 ';
  const host = {
    read(path: string) {
      const text = files[path];
      if (text === undefined) throw new HostError('missing', path);
      return text;
    },
  } as unknown as Host;
  const killed: number[] = [];
  t.mock.method(process, 'kill', (pid: number, signal: string) => {
    assert.equal(signal, 'SIGKILL');
    killed.push(pid);
    if (pid === 11) throw new Error('it has ended');
    return true;
  });
  const child = { pid: 10, exitCode: null, signalCode: null } as { pid: number } & Record<string, unknown>;
  const watcher = new MemoryWatcher(host, boardLimit);
  watcher.watch(child as unknown as ChildProcess);
  return { watcher, files, resident, killed, child };
}

it('what a process and all below it take more than is allowed ends them, within 20 ms', async (t) => {
  const { watcher, resident, killed } = watched(t, null);
  watcher.allow(50 * KB);
  resident(12, 53);
  t.mock.timers.tick(20);
  assert.deepEqual([killed, watcher.shortage()], [[], null], 'as much as is allowed');
  resident(12, 54);
  t.mock.timers.tick(19);
  assert.deepEqual(killed, []);
  t.mock.timers.tick(1);
  assert.deepEqual([killed, watcher.shortage()], [[10, 11, 12], { bytes: 50 * KB }]);
});

it('the board’s own limit counts all that they take, and is looked at less often while nothing else is', async (t) => {
  const { watcher, resident, killed } = watched(t, 200 * KB);
  resident(10, 177);
  t.mock.timers.tick(500);
  assert.deepEqual(killed, [], 'as much as there is');
  resident(10, 178);
  t.mock.timers.tick(499);
  assert.deepEqual(killed, []);
  t.mock.timers.tick(1);
  assert.deepEqual([killed.length, watcher.shortage()], [3, { bytes: 200 * KB }]);
});

it('a byte more than the board has to spare is too much', async (t) => {
  const { watcher, killed } = watched(t, 123 * KB - 1);
  t.mock.timers.tick(500);
  assert.deepEqual([killed.length, watcher.shortage()], [3, { bytes: 123 * KB - 1 }]);
});

it('a process that ends while it is looked at hides nothing of the others', async (t) => {
  const { watcher, files, resident, killed } = watched(t, 200 * KB);
  delete files['/proc/12/status'];
  resident(10, 180);
  t.mock.timers.tick(500);
  assert.deepEqual(killed, [], 'as much as there is');
  resident(10, 181);
  t.mock.timers.tick(500);
  assert.deepEqual([killed.length, watcher.shortage()], [3, { bytes: 200 * KB }]);
});

it('where the board has less to spare than the job allows, that is what counts, at once', async (t) => {
  for (const [allowed, limit, everyMs] of [
    // 123 kB are taken already.
    [77, 200, 20],
    [76, 76, 20],
  ] as const) {
    const { watcher, resident, killed } = watched(t, 200 * KB);
    watcher.allow(allowed * KB);
    resident(10, 178);
    t.mock.timers.tick(everyMs - 1);
    assert.deepEqual(killed, []);
    t.mock.timers.tick(1);
    assert.deepEqual([killed.length, watcher.shortage()], [3, { bytes: limit * KB }]);
    t.mock.timers.reset();
    t.mock.restoreAll();
  }
});

it('without any limit nothing is looked at; what the kernel kills on the board is told', async (t) => {
  const { watcher, files, resident, killed } = watched(t, null);
  resident(10, 1e9);
  t.mock.timers.tick(10_000);
  assert.deepEqual([killed, watcher.shortage()], [[], null]);
  files['/proc/vmstat'] = 'oom_kill 6';
  assert.deepEqual(watcher.shortage(), { bytes: null });
});

it('is over when it is closed: what runs is ended, and what has ended is left alone', async (t) => {
  const { watcher, resident, killed, child } = watched(t, 200 * KB);
  await watcher.close();
  assert.deepEqual(killed, [10, 11, 12]);
  resident(10, 1000);
  t.mock.timers.tick(10_000);
  assert.equal(killed.length, 3);
  for (const change of [{ exitCode: 0 }, { exitCode: null, signalCode: 'SIGKILL' }]) {
    Object.assign(child, change);
    await watcher.close();
    assert.equal(killed.length, 3, 'its number may be another’s by now');
  }
});

it('the board can spare nine tenths of what is available; kills are counted from the start', () => {
  const files: Record<string, string> = {};
  const host = {
    read(path: string) {
      if (files[path] === undefined) throw new HostError('missing', path);
      return files[path];
    },
  } as unknown as Host;
  assert.equal(spareBytes(host), null);
  files['/proc/meminfo'] = 'MemTotal:  2000 kB\nMemAvailable:   1000 kB\n';
  assert.equal(spareBytes(host), 1000 * KB * 0.9);
  const kills = outOfMemoryKills(host);
  assert.equal(kills(), 0);
  files['/proc/vmstat'] = 'oom_kill 2\n';
  assert.equal(kills(), 2);
  const later = outOfMemoryKills(host);
  files['/proc/vmstat'] = 'oom_kill 3\n';
  assert.deepEqual([kills(), later()], [3, 1]);
});
