/** Where groups can be made, on kernels of either interface; formats as in the kernel's cgroup-v2.rst, cgroup-v1/memory.rst and proc(5). */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { systemHost } from '../../../../agent/board/system-host.ts';
import { Cgroup } from '../../../../agent/measure/process/cgroup.ts';
import { findHierarchy } from '../../../../agent/measure/process/cgroup-hierarchy.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

const V2_MOUNT = '26 23 0:23 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate';
const V1_MOUNTS = [
  '31 23 0:28 / /sys/fs/cgroup ro,nosuid - tmpfs tmpfs ro,mode=755',
  '32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:9 - cgroup cgroup rw,cpu,cpuacct',
  '35 31 0:32 / /sys/fs/cgroup/memory rw,nosuid shared:12 - cgroup cgroup rw,memory',
  '41 31 0:38 / /sys/fs/cgroup/unified rw,nosuid - cgroup2 cgroup2 rw',
].join('\n');

describe('the place for control groups', () => {
  it('version 2, a service that owns its group: controllers are handed on, and the agent moves out of the way', (t) => {
    const own = 'sys/fs/cgroup/system.slice/edgetune-agent.service';
    const root = temporaryFolder(t, {
      'proc/self/mountinfo': V2_MOUNT,
      'proc/self/cgroup': '0::/system.slice/edgetune-agent.service',
      [`${own}/cgroup.controllers`]: 'cpuset cpu io memory pids\n',
      [`${own}/cgroup.subtree_control`]: '\n',
      [`${own}/cgroup.procs`]: '4711\n4712\n',
    });
    assert.deepEqual(findHierarchy(systemHost(root)), {
      version: 2,
      parent: '/sys/fs/cgroup/system.slice/edgetune-agent.service',
    });
    assert.match(readFileSync(join(root, own, 'cgroup.subtree_control'), 'utf8'), /^\+cpuset \+memory/);
  });

  it('version 2, an agent and the script that started it: both move out of the way, once', (t) => {
    const root = temporaryFolder(t);
    // Folders are made on this machine, wherever the files are read: so the hierarchy is mounted in a folder of the test.
    const group = join(root, 'cgroup/edgetune-agent.service');
    const write = (path: string, text: string) => {
      mkdirSync(join(root, path, '..'), { recursive: true });
      writeFileSync(join(root, path), text);
    };
    write('/proc/self/mountinfo', `26 23 0:23 / ${root}/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate`);
    write('/proc/self/cgroup', '0::/edgetune-agent.service');
    write(`${group}/cgroup.controllers`, 'memory pids\n');
    write(`${group}/cgroup.subtree_control`, '\n');
    write(`${group}/cgroup.procs`, `${process.ppid}\n${process.pid}\n`);
    write(`${group}/agent/cgroup.procs`, '');
    const host = systemHost(root);
    const moved: string[] = [];
    const watched: typeof host = {
      ...host,
      write(path, text) {
        if (path === `${group}/agent/cgroup.procs`) moved.push(text);
        host.write(path, text);
      },
    };
    assert.deepEqual(findHierarchy(watched), { version: 2, parent: group });
    assert.deepEqual(moved, [String(process.ppid), String(process.pid)], 'one at a time, as the kernel takes them');
    // An agent that is started again finds the folder of the one before it.
    moved.length = 0;
    write(`${group}/cgroup.subtree_control`, '\n');
    assert.deepEqual(findHierarchy(watched), { version: 2, parent: group });
    assert.equal(moved.length, 2);
    write('/proc/self/cgroup', '0::/edgetune-agent.service/agent');
    assert.deepEqual(findHierarchy(systemHost(root)), { version: 2, parent: group });
  });

  it('version 2, a user without rights: the top where it hands memory on, else none', (t) => {
    const session = 'sys/fs/cgroup/user.slice/session-1.scope';
    const files = {
      'proc/self/mountinfo': V2_MOUNT,
      'proc/self/cgroup': '0::/user.slice/session-1.scope',
      [`${session}/cgroup.controllers`]: 'cpu pids\n',
      [`${session}/cgroup.subtree_control`]: '\n',
      'sys/fs/cgroup/cgroup.controllers': 'cpuset cpu io memory pids\n',
    };
    const withMemory = temporaryFolder(t, { ...files, 'sys/fs/cgroup/cgroup.subtree_control': 'cpu memory pids\n' });
    assert.deepEqual(findHierarchy(systemHost(withMemory)), { version: 2, parent: '/sys/fs/cgroup' });
    // Raspberry Pi OS without cgroup_enable=memory: no group has the controller.
    const without = temporaryFolder(t, {
      ...files,
      'sys/fs/cgroup/cgroup.controllers': 'cpuset cpu io pids\n',
      'sys/fs/cgroup/cgroup.subtree_control': 'cpu pids\n',
    });
    assert.equal(findHierarchy(systemHost(without)), null);
  });

  it('version 1: below the own group of the memory hierarchy; in a container its mount shows a part only', (t) => {
    const root = temporaryFolder(t, {
      'proc/self/mountinfo': V1_MOUNTS,
      'proc/self/cgroup': '9:memory:/agents/one\n3:cpu,cpuacct:/\n0::/',
      'sys/fs/cgroup/memory/agents/one/memory.limit_in_bytes': '9223372036854771712\n',
    });
    assert.deepEqual(findHierarchy(systemHost(root)), { version: 1, parent: '/sys/fs/cgroup/memory/agents/one' });
    const container = temporaryFolder(t, {
      'proc/self/mountinfo': '35 31 0:32 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory',
      'proc/self/cgroup': '9:memory:/docker/abc',
      'sys/fs/cgroup/memory/memory.limit_in_bytes': '536870912\n',
    });
    assert.deepEqual(findHierarchy(systemHost(container)), { version: 1, parent: '/sys/fs/cgroup/memory' });
  });

  it('lines that are no mounts, or lack a field, are passed over', (t) => {
    const root = temporaryFolder(t, {
      'proc/self/mountinfo': `- cgroup2\n26 23 0:23 / - cgroup2 cgroup2 rw\n26 23 0:23 / /nowhere rw -\n${V2_MOUNT}\n`,
      'proc/self/cgroup': '0::/',
      'sys/fs/cgroup/cgroup.subtree_control': 'cpu memory\n',
    });
    assert.deepEqual(findHierarchy(systemHost(root)), { version: 2, parent: '/sys/fs/cgroup' });
  });

  it('no control groups: none', (t) => {
    assert.equal(findHierarchy(systemHost(temporaryFolder(t))), null);
  });
});

describe('a control group', () => {
  it('tells what cannot be had back, and who was killed, in both versions', (t) => {
    const root = temporaryFolder(t);
    for (const [version, files, limit] of [
      [
        2,
        {
          'memory.max': 'max\n',
          'memory.current': '120000000\n',
          'memory.stat': 'anon 80000000\nfile 30000000\nkernel 10000000\n',
          'memory.events': 'low 0\nhigh 0\nmax 12\noom 1\noom_kill 1\n',
        },
        'memory.max',
      ],
      [
        1,
        {
          'memory.limit_in_bytes': '9223372036854771712\n',
          'memory.usage_in_bytes': '120000000\n',
          'memory.stat': 'cache 30000000\nrss 80000000\ntotal_cache 30000000\n',
          'memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 1\n',
        },
        'memory.limit_in_bytes',
      ],
    ] as const) {
      mkdirSync(join(root, `v${version}`), { recursive: true });
      const host = systemHost();
      const group = new Cgroup(host, { version, parent: join(root, `v${version}`) });
      assert.ok(existsSync(group.folder));
      for (const [name, content] of Object.entries(files)) writeFileSync(join(group.folder, name), content);
      assert.equal(group.usedBytes(), 90_000_000);
      assert.equal(group.outOfMemoryKills(), 1);
      group.limit(212_000_000.4);
      assert.match(readFileSync(join(group.folder, limit), 'utf8'), /^212000001/);
    }
  });
});

it('a control group that tells nothing has used nothing, whatever its page cache', (t) => {
  const group = new Cgroup(systemHost(), { version: 2, parent: temporaryFolder(t) });
  assert.deepEqual([group.usedBytes(), group.outOfMemoryKills()], [0, 0]);
  writeFileSync(join(group.folder, 'memory.stat'), 'file 1000\n');
  assert.equal(group.usedBytes(), 0);
  writeFileSync(join(group.folder, 'memory.current'), '1001\n');
  assert.equal(group.usedBytes(), 1);
});

it('removing a control group ends the processes in it, and none whose number the kernel does not tell', async (t) => {
  const host = systemHost();
  const group = new Cgroup(host, { version: 2, parent: temporaryFolder(t) });
  // Those of another container are listed as 0, by which kill(2) means the whole group of the caller.
  writeFileSync(group.procsFile, '0\n4711\n\n4712\n');
  const killed: unknown[] = [];
  t.mock.method(process, 'kill', (...told: unknown[]) => {
    killed.push(told);
    // As in a kernel, the group can go when the last process has.
    if (killed.length === 2) rmSync(group.folder, { recursive: true });
    return true;
  });
  await group.remove();
  assert.deepEqual(killed, [
    [4711, 'SIGKILL'],
    [4712, 'SIGKILL'],
  ]);
});
