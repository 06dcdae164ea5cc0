/**
 * All on which a board's description depends, looked at in milliseconds: while it is the same, so is the description, whose
 * making takes seconds (systeminformation and Python are started).
 */
import type { BoardSetup } from '../board/board-setup.ts';
import { currentPowerMode } from '../board/controls/power-mode.ts';
import { readText } from '../board/host.ts';
import { speedSettings } from '../board/speed-settings.ts';
import type { Runner } from '../runners/runner.ts';

/** What the kernel tells of itself and of what it runs on. */
const FILES = [
  '/proc/sys/kernel/random/boot_id',
  '/proc/sys/kernel/osrelease',
  '/etc/os-release',
  '/proc/device-tree/model',
  '/sys/devices/system/cpu/online',
] as const;

/** Equal texts: nothing has changed. */
export async function boardState({ host }: Pick<BoardSetup, 'host'>, runners: readonly Runner[]): Promise<string> {
  const runtimes = runners.flatMap(({ probedFrom }) => probedFrom?.(host) ?? []);
  return JSON.stringify([
    FILES.map((path) => readText(host, path)),
    (await currentPowerMode(host))?.name ?? null,
    speedSettings(host),
    runtimes.map((path) => [path, host.modifiedMs(path)]),
  ]);
}
