/** `edgetune-agent uninstall`: ends the agent, takes the board out of its fleet, deletes the data directory. */
import { existsSync, rmdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { savedEnrolment } from '../../enrolment/enrolment.ts';
import { leaveFleet } from '../../enrolment/leave-fleet.ts';
import { stopLocalAgent } from '../../session/local-status.ts';
import { DATA_ENTRIES, withDataDirectory } from '../data-directory.ts';

export function registerUninstall(program: Command): void {
  withDataDirectory(program.command('uninstall'))
    .description('Leave the fleet and delete all that the agent keeps on this board.')
    .action(async ({ dataDir }: { dataDir: string }) => {
      const dataDirectory = resolve(dataDir);
      await stopLocalAgent(dataDirectory);
      const enrolment = savedEnrolment(dataDirectory);
      if (enrolment) {
        const { server, name } = enrolment;
        try {
          await leaveFleet(enrolment);
          console.log(`"${name}" has left the fleet of ${server}`);
        } catch (error) {
          console.error(
            `the coordinator at ${server} was not told (${(error as Error).message}): remove the device there, "edgetune device remove ${name}"`,
          );
        }
      }
      removeData(dataDirectory);
    });
}

/** What the agent has put there, and nothing else: the folder may be one that it shares. */
function removeData(dataDirectory: string): void {
  for (const entry of DATA_ENTRIES) rmSync(join(dataDirectory, entry), { recursive: true, force: true });
  if (!existsSync(dataDirectory)) return;
  try {
    rmdirSync(dataDirectory);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOTEMPTY') console.error(`${dataDirectory} has files that are not the agent's: it was kept`);
    // The folder of an installed agent is root's to remove: the uninstall script does that.
    else if (code !== 'EACCES' && code !== 'EPERM') throw error;
  }
}
