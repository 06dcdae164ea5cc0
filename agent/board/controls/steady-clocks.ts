/**
 * Clocks that do not follow the load. On a Jetson `jetson_clocks` sets processor, GPU and memory to the highest clocks of
 * the power mode (--store and --restore: same document as power-mode.ts, "jetson_clocks"); elsewhere the governor
 * `performance` does so for the cores.
 */
import { type Host, runText } from '../host.ts';
import type { Change } from './control-journal.ts';
import { canSetGovernor, performanceGovernor } from './cpu-clock.ts';

/** How this board's clocks can be kept steady by this user; null: not at all. */
export async function steadyClocksBy(host: Host): Promise<'jetson_clocks' | 'governor' | null> {
  // It prints the clocks only to those who may set them.
  if ((await runText(host, 'jetson_clocks', ['--show'])) !== null) return 'jetson_clocks';
  return canSetGovernor(host) ? 'governor' : null;
}

/**
 * @param storePath where `jetson_clocks` keeps the clocks that it found
 * @returns null where this user cannot do it
 */
export async function steadyClocks(host: Host, storePath: string): Promise<Change | null> {
  const how = await steadyClocksBy(host);
  if (how !== 'jetson_clocks') return how && performanceGovernor(host);
  // Stored before the journal speaks of it: a restore without the file would fail for good.
  await host.run('jetson_clocks', ['--store', storePath]);
  return {
    undo: [{ kind: 'run', command: 'jetson_clocks', args: ['--restore', storePath], outlivesBoot: false }],
    apply: async () => void (await host.run('jetson_clocks', [])),
  };
}
