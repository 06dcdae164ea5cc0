/** `edgetune-agent join`: what the install script does before it starts the service. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { EnrolmentError, enrol, savedEnrolment } from '../../enrolment/enrolment.ts';
import { forgetSharedCredential } from '../../session/shared-credential.ts';
import { thisMachine } from '../../this-machine/agent-board.ts';
import { withDataDirectory } from '../data-directory.ts';
import { PIN_HELP, parsePin } from '../pin.ts';

export function registerJoin(program: Command): void {
  withDataDirectory(program.command('join'))
    .description('Join a fleet without measuring yet.')
    .requiredOption('--server <url>', 'where the coordinator is, such as http://192.168.1.10:8080')
    .option('--pin <sha256//…>', PIN_HELP, parsePin)
    .requiredOption('--token <token>', 'join token from "edgetune device add"')
    .action(
      async ({ server, pin, token, dataDir }: { server: string; pin?: string; token: string; dataDir: string }) => {
        const dataDirectory = resolve(dataDir);
        const saved = savedEnrolment(dataDirectory);
        try {
          const board = await thisMachine().describe();
          const { name } = await enrol({ server, pin, token, board, dataDirectory });
          forgetSharedCredential(dataDirectory);
          console.log(`joined ${server} as "${name}"`);
        } catch (error) {
          // The same line pasted again: its token was used up by the first run.
          if (!(error instanceof EnrolmentError && saved?.server === server && saved.pin === pin)) throw error;
          console.log(`has joined ${server} as "${saved.name}" before`);
        }
      },
    );
}
