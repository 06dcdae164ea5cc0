/** The agent's command line. Exit codes: 0 done, 1 failed, 2 wrong usage, 3 removed from the fleet, 75 start again. */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import {
  executionProviderSchema,
  inferenceConfigSchema,
  precisionSchema,
  runnerNameSchema,
} from '@edgetune/shared/domain/inference-config.ts';
import { errorText } from '@edgetune/shared/domain/schema-mistakes.ts';
import { printable } from '@edgetune/shared/log/printable.ts';
import { graphPrecision } from '@edgetune/shared/onnx/graph-precision.ts';
import { readOnnx } from '@edgetune/shared/onnx/read-onnx.ts';
import { measureRequestSchema, stopRuleSchema } from '@edgetune/shared/protocol/job.ts';
import { Command, InvalidArgumentError, Option } from 'commander';
import { EnrolmentError, savedEnrolment } from '../enrolment/enrolment.ts';
import { startAgent } from '../session/start-agent.ts';
import { thisMachine } from '../this-machine/agent-board.ts';
import { Versions } from '../update/versions.ts';
import { AGENT_VERSION } from '../version.ts';
import { boardOptionsOf, withControlOptions, withMeasuringOptions, withPlugOption } from './board-options.ts';
import { registerDoctor } from './commands/doctor.ts';
import { registerJoin } from './commands/join.ts';
import { registerSelfTest } from './commands/self-test.ts';
import { registerStatus } from './commands/status.ts';
import { registerUninstall } from './commands/uninstall.ts';
import { withDataDirectory } from './data-directory.ts';
import { loggerOf, withLogOptions } from './log-options.ts';
import { measurementLine } from './measurement-line.ts';
import { PIN_HELP, parsePin } from './pin.ts';

const LONGEST_MEASURE_MS = 30_000;
const EXIT = { failed: 1, usage: 2, removed: 3 } as const;
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
    await end(EXIT_OF_RUN[await agent.ended]);
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

withMeasuringOptions(program.command('measure <model>'))
  .description('Measure an ONNX model on this machine, without a coordinator.')
  .option('--batch <n>', 'samples per run', numberFrom(1), 1)
  .option('--threads <n>', 'threads', numberFrom(1), 1)
  .addOption(new Option('--runner <name>', '"describe" tells which there are').choices(runnerNameSchema.options))
  .addOption(new Option('--provider <name>', 'execution provider').choices(executionProviderSchema.options))
  .addOption(
    new Option('--precision <p>', 'absent: the one that the model computes in').choices(precisionSchema.options),
  )
  .option('--memory-limit-mb <n>', 'end the measurement where the model takes more', numberFrom(1))
  .option('--seconds <s>', 'measure for at least so long', numberFrom(0), 1)
  .option('--dimension <name=size...>', 'sizes of dynamic dimensions other than the batch')
  .option('--json', 'print the whole measurement as JSON')
  .addHelpText(
    'after',
    '\nExamples:\n  edgetune-agent measure model.onnx --threads 2\n  edgetune-agent measure bert.onnx --batch 8 --dimension tokens=128 --json\n  edgetune-agent measure model.onnx --runner onnxruntime-python --provider cuda',
  )
  .action(async (model: string, options) => {
    const modelPath = resolve(model);
    const bytes = readFileSync(modelPath);
    const board = thisMachine(boardOptionsOf(options));
    const request = measureRequestSchema.parse({
      kind: 'measure',
      modelSha256: createHash('sha256').update(bytes).digest('hex'),
      modelBytes: bytes.length,
      signature: 'stand-alone',
      config: inferenceConfigSchema.parse({
        batchSize: options.batch,
        threads: options.threads,
        runner: options.runner,
        executionProvider: options.provider,
        precision: options.precision ?? graphPrecision(readOnnx(bytes)),
      }),
      memoryLimitBytes: options.memoryLimitMb ? options.memoryLimitMb * 1e6 : null,
      scenario: { kind: 'single-stream' },
      stopRule: stopRuleSchema.parse({
        minDurationMs: options.seconds * 1000,
        maxDurationMs: Math.max(LONGEST_MEASURE_MS, options.seconds * 1000),
      }),
      dimensions: Object.fromEntries(
        ((options.dimension ?? []) as string[]).map((text) => [text.split('=')[0], Number(text.split('=')[1])]),
      ),
    });
    const controller = new AbortController();
    process.once('SIGINT', () => controller.abort(new Error('interrupted')));
    const measurement = await board.measure(request, {
      board: await board.describe(),
      modelPath,
      signal: controller.signal,
    });
    console.log(options.json ? JSON.stringify(measurement, null, 2) : measurementLine(measurement));
    if (measurement.outcome === 'ok') return;
    console.error(`${measurement.outcome}: ${measurement.reason}`);
    process.exitCode = EXIT.failed;
  });

function numberFrom(least: number) {
  return (text: string): number => {
    const value = Number(text);
    if (!(value >= least)) throw new InvalidArgumentError(`expected a number of ${least} or more`);
    return value;
  };
}

try {
  await program.parseAsync();
} catch (error) {
  console.error(`edgetune-agent: ${printable(errorText(error))}`);
  process.exit(EXIT.failed);
}
