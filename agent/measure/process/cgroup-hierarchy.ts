/**
 * Where a control group with a memory limit can be made: below this process' own group, in version 2 or version 1 of the
 * kernel's interface (Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst).
 */
import { mkdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { entries, type Host, HostError, readText } from '../../board/host.ts';

export interface CgroupHierarchy {
  version: 1 | 2;
  /** Folder in which groups for measurements are made. */
  parent: string;
}

/** @returns null where this board's kernel or this process' rights allow no group with a memory limit */
export function findHierarchy(host: Host): CgroupHierarchy | null {
  const mounts = parseMounts(readText(host, '/proc/self/mountinfo') ?? '');
  const paths = readText(host, '/proc/self/cgroup') ?? '';
  const v1 = memoryGroupV1(host, mounts, paths);
  if (v1) return { version: 1, parent: v1 };
  const parent = groupsV2(mounts, paths).find((group) => givesMemoryToChildren(host, group));
  return parent ? { version: 2, parent } : null;
}

interface Mount {
  root: string;
  folder: string;
  type: string;
  options: string[];
}

/** Fields of proc(5)'s mountinfo: id, parent, device, root, mount point, options, optional fields, "-", type, source, super options. */
function parseMounts(mountinfo: string): Mount[] {
  return mountinfo.split('\n').flatMap((line) => {
    const [before, after] = line.split(' - ');
    const [, , , root, folder] = before?.split(' ') ?? [];
    const [type, , options] = after?.split(' ') ?? [];
    return root && folder && type ? [{ root, folder, type, options: options?.split(',') ?? [] }] : [];
  });
}

/** A group's folder. In a container the mount shows a part of the hierarchy only: its root is cut off the path. */
function folderOf({ root, folder }: Mount, path: string): string {
  const below = relative(root, path);
  return below.startsWith('..') ? folder : join(folder, below);
}

/** Lines of /proc/self/cgroup (cgroups(7)): id, controllers of version 1 (none for version 2), path. */
function memoryGroupV1(host: Host, mounts: readonly Mount[], paths: string): string | null {
  const mount = mounts.find(({ type, options }) => type === 'cgroup' && options.includes('memory'));
  const path = paths
    .split('\n')
    .map((line) => line.split(':'))
    .find(([, controllers]) => controllers?.split(',').includes('memory'))?.[2];
  if (!mount || path === undefined) return null;
  const own = folderOf(mount, path);
  return readText(host, join(own, 'memory.limit_in_bytes')) === null ? null : own;
}

/** This process' own group (or the one out of whose way it, or an agent before it, has moved), and the one at the top. */
function groupsV2(mounts: readonly Mount[], paths: string): string[] {
  const mount = mounts.find(({ type }) => type === 'cgroup2');
  const path = /^0::(.*)$/m.exec(paths)?.[1];
  return mount && path !== undefined ? [folderOf(mount, path).replace(/\/agent$/, ''), mount.folder] : [];
}

/** Whether groups below this one get memory limits; where they do not yet and this process may, it sees to it. */
function givesMemoryToChildren(host: Host, group: string): boolean {
  const words = (file: string) => readText(host, join(group, file))?.split(' ') ?? [];
  if (words('cgroup.subtree_control').includes('memory')) return true;
  const available = words('cgroup.controllers');
  if (!available.includes('memory')) return false;
  const wanted = available.filter((name) => name === 'memory' || name === 'cpuset').map((name) => `+${name}`);
  try {
    leaveToChildren(host, group);
    host.write(join(group, 'cgroup.subtree_control'), wanted.join(' '));
    return true;
  } catch (error) {
    if (error instanceof HostError) return false;
    throw error;
  }
}

/**
 * A group of version 2 that hands controllers on may hold no processes itself. Where this process is alone in it, or with
 * the script that started it (as in a service with `Delegate=yes`), they move one level down.
 */
function leaveToChildren(host: Host, group: string): void {
  const inside = readText(host, join(group, 'cgroup.procs'))?.split('\n').filter(Boolean) ?? [];
  const own = [String(process.pid), String(process.ppid)];
  if (!inside.includes(String(process.pid)) || inside.some((pid) => !own.includes(pid))) return;
  const leaf = join(group, 'agent');
  try {
    mkdirSync(leaf);
  } catch {
    // That of an earlier agent is used; without a folder the writing fails, too.
  }
  // The kernel takes one at a time.
  for (const pid of inside) host.write(join(leaf, 'cgroup.procs'), pid);
}

/** Groups of earlier measurements that are still there. */
export function groupsIn(host: Host, { parent }: CgroupHierarchy, prefix: string): string[] {
  return entries(host, parent, new RegExp(`^${prefix}`));
}
