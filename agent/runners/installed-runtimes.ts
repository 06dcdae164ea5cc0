/** Which runners this board has, and what each of them offers. */
import type { BoardDescription } from '@edgetune/shared/domain/device.ts';
import type { Host } from '../board/host.ts';
import type { Missing } from '../board/probe-board.ts';
import type { Runner } from './runner.ts';

/** With what is missing for a runner that is there and of no use. */
export async function installedRuntimes(
  host: Host,
  runners: readonly Pick<Runner, 'name' | 'probe'>[],
): Promise<Pick<BoardDescription, 'runtimes'> & { missing: Missing[] }> {
  const probed = await Promise.all(runners.map(async ({ name, probe }) => ({ name, found: await probe(host) })));
  return {
    runtimes: probed.flatMap(({ name, found }) => (found && 'version' in found ? [{ runner: name, ...found }] : [])),
    missing: probed.flatMap(({ found }) => (found && 'why' in found ? [found] : [])),
  };
}
