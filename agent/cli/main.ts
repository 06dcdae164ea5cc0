/** The agent's command line. Exit codes: 0 done, 1 failed, 2 wrong usage, 3 removed from the fleet, 75 start again. */
import { resolve } from 'node:path';
import { errorText } from '@edgetune/shared/domain/schema-mistakes.ts';
import { printable } from '@edgetune/shared/log/printable.ts';
import { Command } from 'commander';
import { EnrolmentError, savedEnrolment } from '../enrolment/enrolment.ts';
import { RUNNERS } from '../runners/all.ts';
import { REMOVED_TEXT } from '../session/membership-end.ts';
import { startAgent } from '../session/start-agent.ts';
import { thisMachine } from '../this-machine/agent-board.ts';
import { Versions } from '../update/versions.ts';
import { AGENT_VERSION } from '../version.ts';
import { boardOptionsOf, withControlOptions, withPlugOption } from './board-options.ts';
import { registerDoctor } from './commands/doctor.ts';
import { registerJoin } from './commands/join.ts';
import { registerMeasure } from './commands/measure.ts';
import { registerSelfTest } from './commands/self-test.ts';
import { registerStatus } from './commands/status.ts';
import { registerUninstall } from './commands/uninstall.ts';
import { withDataDirectory } from './data-directory.ts';
import { EXIT } from './exit-codes.ts';
import { loggerOf, withLogOptions } from './log-options.ts';
import { numberFrom } from './number-from.ts';
import { PIN_HELP, parsePin } from './pin.ts';

/** By how it ended; `updated` asks install/edgetune-agent.sh to start the other version. */
const EXIT_OF_RUN = { stopped: 0, 'given-up': EXIT.failed, removed: EXIT.removed, updated: 75 } as const;

const program = new Command('edgetune-agent')
  .description('Measures candidate models on this board for an EdgeTune coordinator.')
  .version(AGENT_VERSION)
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : EXIT.usage));

withLogOptions(withControlOptions(withDataDirectory(program.command('run'))))
  .description('Join the fleet (at the first run) and measure what the coordinator asks for, until Ctrl-C.')
  .option('--server <url>', 'where the coordinator is, such as http://192.168.1.10:8080')
  .option('--pin <sha256//…>', PIN_HELP, parsePin)
  .option('--token <token>', 'join token from "edgetune device add"; needed at the first run only')
  .option(
    '--simulate <profile>',
    'stand in for a board instead of measuring this machine: raspberry-pi-5 or another profile, or one as YAML',
  )
  .option(
    '--time-scale <factor>',
    'with --simulate: real seconds per device second; 0 answers at once',
    numberFrom(0),
    0,
  )
  .option('--seed <n>', 'with --simulate: same seed, same noise', Number, 1)
  .option('--power-mode <mode>', 'power mode to measure in: of a Jetson (see nvpmodel -p), or of the simulated profile')
  .option('--cache-mb <n>', 'size of the model cache', numberFrom(1), 1000)
  .addHelpText(
    'after',
    '\nExamples:\n  edgetune-agent run --server http://192.168.1.10:8080 --token et_…\n  edgetune-agent run --server http://localhost:8080 --token et_… --simulate raspberry-pi-5 --data-dir ./pi5',
  )
  .action(async (options) => {
    const dataDirectory = resolve(options.dataDir);
    const server = options.server ?? savedEnrolment(dataDirectory)?.server;
    if (!server)
      throw new EnrolmentError(
        '--server is missing: where is the coordinator? Example: --server http://192.168.1.10:8080',
      );
    const log = loggerOf(options);
    const board = options.simulate
      ? (await import('../simulated/simulated-agent-board.ts')).simulatedBoard({
          profile: options.simulate,
          timeScale: options.timeScale,
          seed: options.seed,
          powerMode: options.powerMode,
        })
      : thisMachine({ ...boardOptionsOf(options), dataDirectory, log });
    const agent = await startAgent({
      server,
      pin: options.pin,
      token: options.token,
      dataDirectory,
      board,
      log,
      cacheBytes: options.cacheMb * 1e6,
      versions: Versions.ofThisInstallation(),
    });
    let ending = false;
    const end = async (code: number) => {
      // Ctrl-C and systemd tell the script that started the agent too, which passes it on.
      if (ending) return;
      ending = true;
      await agent.stop();
      process.exit(code);
    };
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void end(0));
    const how = await agent.ended;
    if (how === 'removed') console.error(`edgetune-agent: ${REMOVED_TEXT}`);
    await end(EXIT_OF_RUN[how]);
  });

registerJoin(program);
registerStatus(program);
registerDoctor(program);
registerUninstall(program);
registerSelfTest(program);

withPlugOption(program.command('describe'))
  .description('What this board tells a coordinator about itself, as JSON.')
  .option('--simulate <profile>', 'describe a simulated board instead')
  .action(async ({ simulate, ...options }) => {
    const board = simulate
      ? (await import('../simulated/simulated-agent-board.ts')).simulatedBoard({
          profile: simulate,
          timeScale: 0,
          seed: 1,
        })
      : thisMachine(boardOptionsOf(options));
    console.log(JSON.stringify(await board.describe(), null, 2));
  });

registerMeasure(program, RUNNERS);

try {
  await program.parseAsync();
} catch (error) {
  console.error(`edgetune-agent: ${printable(errorText(error))}`);
  process.exit(EXIT.failed);
}
