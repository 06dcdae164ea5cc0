/** The command line. Exit codes: 0 done, 1 failed, 2 wrong usage or input, 3 no coordinator answers. */
import { errorText } from '@edgetune/shared/domain/schema-mistakes.ts';
import { Command, CommanderError } from 'commander';
import { PARTS } from '../parts.ts';
import { VERSION } from '../version.ts';
import { registerBackup } from './commands/backup.ts';
import { registerBench } from './commands/bench.ts';
import { EXIT } from './commands/context.ts';
import { registerDataset } from './commands/dataset.ts';
import { registerDevice } from './commands/device.ts';
import { registerProfile } from './commands/profile.ts';
import { registerQuantise } from './commands/quantise.ts';
import { registerRotateKey } from './commands/rotate-key.ts';
import { registerSchema } from './commands/schema.ts';
import { registerServe } from './commands/serve.ts';
import { registerSimulate } from './commands/simulate.ts';
import { registerStudy } from './commands/study.ts';
import { registerTuner } from './commands/tuner.ts';
import { RefusedError, UnreachableError } from './transport.ts';

const program = new Command('edgetune')
  .description('Tunes models for edge boards: model, training, system and inference parameters in one fold.')
  .version(VERSION)
  .addHelpText(
    'after',
    '\nExit codes: 0 done, 1 failed, 2 wrong usage or input, 3 no coordinator answers.\n\nFirst steps:\n  edgetune serve\n  edgetune device add kitchen-pi\n  edgetune study run my-study.yaml',
  );
registerServe(program);
registerBackup(program);
registerRotateKey(program);
registerDevice(program);
registerStudy(program, PARTS);
registerDataset(program, PARTS);
registerBench(program);
registerTuner(program, PARTS);
registerSchema(program, PARTS);
registerSimulate(program);
registerQuantise(program);
registerProfile(program);
throwInsteadOfExit(program);

/** Commander ends the process by itself with 1; subcommands do not inherit the override. */
function throwInsteadOfExit(command: Command): void {
  command.exitOverride();
  for (const subcommand of command.commands) throwInsteadOfExit(subcommand);
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT.usage;
  if (error instanceof UnreachableError) return EXIT.unreachable;
  if (error instanceof RefusedError) return error.status === 400 ? EXIT.usage : EXIT.failed;
  const { code, name } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || name === 'ConfigError' ? EXIT.usage : EXIT.failed;
}

try {
  await program.parseAsync();
} catch (error) {
  // Commander has said it already.
  if (!(error instanceof CommanderError)) console.error(`edgetune: ${errorText(error)}`);
  process.exit(exitCodeOf(error));
}
