/** `edgetune-agent self-test`: what the install script and an update run before they rely on this version. */
import type { Command } from 'commander';
import { selfTest } from '../../update/self-test.ts';
import { AGENT_VERSION } from '../../version.ts';

export function registerSelfTest(program: Command): void {
  program
    .command('self-test')
    .description('Whether this agent works here: starts a measuring process that runs a tiny model in ONNX Runtime.')
    .action(async () => {
      await selfTest();
      console.log(`version ${AGENT_VERSION} works here`);
    });
}
