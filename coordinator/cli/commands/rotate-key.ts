/** `edgetune rotate-key`: another key by which boards know the coordinator. */
import type { Command } from 'commander';

export function registerRotateKey(program: Command): void {
  program
    .command('rotate-key')
    .description('Replace the key with which the coordinator signs updates and removals; it must not run meanwhile.')
    .option('--data-dir <folder>', 'where its data is kept')
    .option('--config <file>', 'settings as YAML (default: edgetune.yaml in the data directory)')
    .addHelpText(
      'after',
      '\nBoards take the new key because the old one has signed it: nothing is to be done on them.\nAfter a theft of the old key let each board join again: edgetune device add NAME --renew',
    )
    .action(async ({ config: file, ...flags }: Record<string, string>) => {
      const { loadConfig } = await import('../../config/config.ts');
      const { replaceKey } = await import('../../maintenance.ts');
      const { dataDir } = loadConfig(flags, process.env, file);
      const { id } = replaceKey(dataDir);
      console.log(`The coordinator ${id} signs with another key from its next start on.`);
    });
}
