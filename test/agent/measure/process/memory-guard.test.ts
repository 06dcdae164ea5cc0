/** Which guard a measuring process gets, and what it is allowed: a hierarchy of control groups that the test plays. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { type Host, HostError } from '../../../../agent/board/host.ts';
import { systemHost } from '../../../../agent/board/system-host.ts';
import { createMemoryGuard, removeStaleGroups } from '../../../../agent/measure/process/memory-guard.ts';
import { MemoryWatcher } from '../../../../agent/measure/process/memory-watcher.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';
import { event, until } from '../../../support/waiting.ts';

const MB = 1024 * 1024;
/** Of 1000 MB that are available a tenth is left to the kernel and the agent. */
const SPARE_BYTES = 900 * MB;

/** A kernel with version 1 of the interface, whose memory groups are ordinary folders. */
function board(t: TestContext, files: Record<string, string> = {}) {
  const parent = temporaryFolder(t, { 'memory.limit_in_bytes': 'unlimited\n' });
  const kernel: Record<string, string> = {
    '/proc/meminfo': `MemTotal: 2048000 kB\nMemAvailable:    ${1000 * 1024} kB\n`,
    '/proc/vmstat': 'oom_kill 3\n',
    '/proc/self/mountinfo': `35 31 0:32 / ${parent} rw - cgroup cgroup rw,memory`,
    '/proc/self/cgroup': '9:memory:/',
    ...files,
  };
  const machine = systemHost();
  const host: Host = {
    ...machine,
    read: (path) => {
      const text = kernel[path];
      if (text !== undefined) return text;
      if (path.startsWith('/proc')) throw new HostError('missing', path);
      return machine.read(path);
    },
    // The kernel makes the files of a group, and they go with it.
    write: (path, text) => writeFileSync(path, text),
    sleep: async (ms) => {
      await machine.sleep(ms);
      for (const name of groups()) if (hasEnded(join(parent, name))) rmSync(join(parent, name), { recursive: true });
    },
  };
  const groups = () => readdirSync(parent).filter((name) => name.startsWith('edgetune-measure-'));
  return { host, kernel, parent, groups };
}

/** Whether processes were in the group, and none is any more. */
function hasEnded(group: string): boolean {
  const procs = join(group, 'cgroup.procs');
  if (!existsSync(procs)) return false;
  const pids = readFileSync(procs, 'utf8').split('\n').filter(Boolean);
  return !pids.some((pid) => existsSync(`/proc/${pid}`));
}

async function guarded(t: TestContext, cpus: number[] | null = null, files: Record<string, string> = {}) {
  const { host, kernel, parent, groups } = board(t, files);
  const guard = await createMemoryGuard(host, cpus);
  const procs = guard.launcher.at(-1) as string;
  const folder = dirname(procs);
  const read = (name: string) =>
    existsSync(join(folder, name)) ? readFileSync(join(folder, name), 'utf8').trim() : null;
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
  return { guard, kernel, parent, groups, folder, read, write };
}

it('the process enters its group before it becomes the command, on its cores, within what the board can spare', async (t) => {
  const { guard, parent, groups, folder, read } = await guarded(t, [2, 3]);
  assert.deepEqual(guard.launcher, ['/bin/sh', '-c', 'echo $$ > "$0" && exec "$@"', join(folder, 'cgroup.procs')]);
  assert.equal(dirname(folder), parent);
  assert.deepEqual([read('cpuset.cpus'), read('memory.limit_in_bytes')], ['2,3', String(SPARE_BYTES)]);
  assert.deepEqual(groups(), [folder.slice(parent.length + 1)], 'the group with which it was tried is gone');
  assert.equal(guard.shortage(), null);
});

it('where cores are not asked for they are left as they are', async (t) => {
  const { folder } = await guarded(t);
  assert.ok(!existsSync(join(folder, 'cpuset.cpus')));
});

it('a job’s limit counts above what the process has, and stands in the shortage', async (t) => {
  const { guard, read, write } = await guarded(t);
  write('memory.usage_in_bytes', `${100 * MB}\n`);
  write('memory.stat', `cache ${20 * MB}\n`);
  guard.allow(50 * MB);
  assert.equal(read('memory.limit_in_bytes'), String(130 * MB));
  write('memory.oom_control', 'oom_kill 1\n');
  assert.deepEqual(guard.shortage(), { bytes: 50 * MB });
  guard.allow(null);
  assert.equal(read('memory.limit_in_bytes'), String(SPARE_BYTES));
  assert.deepEqual(guard.shortage(), { bytes: SPARE_BYTES });
});

it('a job’s limit beyond what the board can spare is the board’s', async (t) => {
  const { guard, read, write } = await guarded(t);
  write('memory.oom_control', 'oom_kill 1\n');
  guard.allow(SPARE_BYTES - 1);
  assert.equal(read('memory.limit_in_bytes'), String(SPARE_BYTES - 1));
  assert.deepEqual(guard.shortage(), { bytes: SPARE_BYTES - 1 });
  guard.allow(SPARE_BYTES);
  assert.equal(read('memory.limit_in_bytes'), String(SPARE_BYTES));
  assert.deepEqual(guard.shortage(), { bytes: SPARE_BYTES });
});

it('a board that does not tell what it can spare sets no limit, but that of a job', async (t) => {
  const { guard, read, write } = await guarded(t, null, { '/proc/meminfo': 'MemTotal: 2048000 kB\n' });
  assert.equal(read('memory.limit_in_bytes'), '-1');
  guard.allow(50 * MB);
  assert.equal(read('memory.limit_in_bytes'), String(50 * MB));
  guard.allow(null);
  write('memory.oom_control', 'oom_kill 1\n');
  assert.equal(read('memory.limit_in_bytes'), '-1');
  assert.deepEqual(guard.shortage(), { bytes: null });
});

it('a kill elsewhere on the board is the whole board’s shortage, where it came since then', async (t) => {
  const { guard, kernel } = await guarded(t);
  kernel['/proc/vmstat'] = 'oom_kill 4\n';
  assert.deepEqual(guard.shortage(), { bytes: null });
});

it('closing ends what is in the group, and the group', async (t) => {
  const { guard, groups, read } = await guarded(t);
  const [shell, ...words] = guard.launcher as [string, ...string[]];
  const child = spawn(shell, [...words, 'sleep', '600']);
  const ended = event('the process to end', child, 'exit');
  await until('it to be in its group', () => read('cgroup.procs') === String(child.pid));
  await guard.close();
  assert.deepEqual(await ended, [null, 'SIGKILL']);
  assert.deepEqual(groups(), []);
});

it('without groups, or where none can be made, entered or limited, the memory is watched', async (t) => {
  const watched = async (host: Host) => (await createMemoryGuard(host, null)) instanceof MemoryWatcher;
  assert.ok(await watched(board(t, { '/proc/self/cgroup': '' }).host), 'no groups');
  const { host, parent } = board(t);
  const at = (folder: string) => `35 31 0:32 / ${folder} rw - cgroup cgroup rw,memory`;
  const file = join(parent, 'memory.limit_in_bytes');
  // A folder in which nothing can be made: a file.
  const unmakeable: Host = {
    ...host,
    read: (path) =>
      path === '/proc/self/mountinfo' ? at(file) : path === `${file}/memory.limit_in_bytes` ? '1' : host.read(path),
  };
  assert.ok(await watched(unmakeable), 'cannot be made');
  const unlimited: Host = {
    ...host,
    write: (path, text) => {
      if (path.endsWith('memory.limit_in_bytes')) throw new HostError('denied', path);
      host.write(path, text);
    },
  };
  assert.ok(await watched(unlimited), 'cannot be limited');
  const broken: Host = {
    ...host,
    write: (path) => {
      if (path.endsWith('memory.limit_in_bytes')) throw new TypeError('a mistake of ours');
    },
  };
  await assert.rejects(createMemoryGuard(broken, null), TypeError);
});

it('the hierarchy is looked for and tried once for a board', async (t) => {
  const { host, groups } = board(t);
  let looks = 0;
  const watched: Host = {
    ...host,
    read: (path) => {
      if (path === '/proc/self/mountinfo') looks++;
      return host.read(path);
    },
  };
  await createMemoryGuard(watched, null);
  const once = looks;
  assert.ok(once > 0);
  await removeStaleGroups(watched);
  await createMemoryGuard(watched, null);
  assert.deepEqual([looks, groups().length], [once, 2], 'each process has a group of its own');
});

it('what an agent that was killed has left goes when the next one begins; what others still use stays', async (t) => {
  const { host, parent, groups } = board(t);
  const ended = 2 ** 22 + 1; // Above the largest process id of the kernel.
  for (const name of [`edgetune-measure-${ended}-0`, `edgetune-measure-${process.ppid}-0`, 'edgetune-other'])
    mkdirSync(join(parent, name));
  await removeStaleGroups(host);
  assert.deepEqual(groups(), [`edgetune-measure-${process.ppid}-0`]);
});
