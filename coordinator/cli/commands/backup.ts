/** `edgetune backup` and `edgetune restore`: all that a coordinator needs to go on, in one file. */
import { formatQuantity } from '@edgetune/shared/domain/units.ts';
import type { Command } from 'commander';

interface Options {
  dataDir?: string;
  config?: string;
}

async function dataDirOf({ dataDir, config }: Options): Promise<string> {
  const { loadConfig } = await import('../../config/config.ts');
  return loadConfig({ dataDir }, process.env, config).dataDir;
}

const withDataDir = (command: Command) =>
  command
    .option('--data-dir <folder>', "where the coordinator's data are")
    .option('--config <file>', 'settings as YAML (default: edgetune.yaml in the data directory)');

export function registerBackup(program: Command): void {
  withDataDir(program.command('backup <file>'))
    .description('Copy the data of a coordinator into one file, also while it runs.')
    .option('--without-models', 'leave models and checkpoints out, which are most of it')
    .addHelpText(
      'after',
      '\nIn it: fleet, studies, measurements, benches and tuners (the database as of one moment); identity and TLS key, by which\nboards know the coordinator; edgetune.yaml; models and checkpoints. Keep it like a password: it holds keys.\nNot in it: certificates of your own, data sets, what boards have not delivered yet.\n\nExample:\n  edgetune backup edgetune-$(date +%F).tar',
    )
    .action(async (file: string, { withoutModels, ...options }: Options & { withoutModels?: boolean }) => {
      const { backUp } = await import('../../backup.ts');
      const { bytes, blobs } = await backUp(await dataDirOf(options), file, { withBlobs: withoutModels !== true });
      const models = blobs === null ? 'without models and checkpoints' : `with ${blobs} models and checkpoints`;
      console.log(`${file}: ${formatQuantity(bytes, 'memory')}, ${models}. It holds keys: keep it like a password.`);
    });

  withDataDir(program.command('restore <file>'))
    .description('Put a backup into a data directory, while no coordinator uses it.')
    .option('--replace', 'also where the directory has a fleet and studies: they are moved aside')
    .action(async (file: string, { replace, ...options }: Options & { replace?: boolean }) => {
      const { restore } = await import('../../restore.ts');
      const dataDir = await dataDirOf(options);
      const { manifest, movedTo } = await restore(dataDir, file, { replace: replace === true });
      console.log(`${dataDir} is as it was at ${manifest.createdAt}: start it with "edgetune serve".`);
      if (movedTo) console.log(`What was there before is in ${movedTo}.`);
      console.log('Boards that have joined since say hello as unknown: "edgetune device list" names them.');
    });
}
