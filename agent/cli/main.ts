/** The agent's command line. Exit codes: 0 done, 1 failed, 2 wrong usage, 3 removed from the fleet. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { inferenceConfigSchema } from '@edgetune/shared/domain/inference-config.ts';
import { formatQuantity } from '@edgetune/shared/domain/units.ts';
import { measureRequestSchema, stopRuleSchema } from '@edgetune/shared/protocol/job.ts';
import { Command, InvalidArgumentError } from 'commander';
import { simulatedBoard, thisMachine } from '../session/agent-board.ts';
import { EnrolmentError, savedEnrolment } from '../session/enrolment.ts';
import { startAgent } from '../session/start-agent.ts';
import { AGENT_VERSION } from '../version.ts';

const EXIT = { failed: 1, usage: 2, removed: 3 } as const;
const DEFAULT_DATA_DIRECTORY = join(process.env.XDG_DATA_HOME ?? join(homedir(), '.local', 'share'), 'edgetune-agent');

const program = new Command('edgetune-agent')
  .description('Measures candidate models on this board for an EdgeTune coordinator.')
  .version(AGENT_VERSION)
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : EXIT.usage));

program
  .command('run')
  .description('Join the fleet (at the first run) and measure what the coordinator asks for, until Ctrl-C.')
  .option('--server <url>', 'where the coordinator is, such as http://192.168.1.10:8080')
  .option('--token <token>', 'join token from "edgetune device add"; needed at the first run only')
  .option(
    '--data-dir <folder>',
    'where the credential, cached models and undelivered results are kept',
    DEFAULT_DATA_DIRECTORY,
  )
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
  .option('--power-mode <mode>', 'with --simulate: one of the profile’s power modes')
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
    const log = (message: string) => console.log(`${new Date().toISOString()} ${message}`);
    const board = options.simulate
      ? simulatedBoard({
          profile: options.simulate,
          timeScale: options.timeScale,
          seed: options.seed,
          powerMode: options.powerMode,
        })
      : thisMachine();
    const agent = await startAgent({
      server,
      token: options.token,
      dataDirectory,
      board,
      log,
      cacheBytes: options.cacheMb * 1e6,
    });
    const end = async (code: number) => {
      await agent.stop();
      process.exit(code);
    };
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void end(0));
    await agent.removed;
    await end(EXIT.removed);
  });

program
  .command('status')
  .description('Which fleet this board belongs to.')
  .option('--data-dir <folder>', 'data directory of the agent', DEFAULT_DATA_DIRECTORY)
  .option('--json', 'print JSON')
  .action(({ dataDir, json }) => {
    const enrolment = savedEnrolment(resolve(dataDir));
    const { credential: _, ...visible } = enrolment ?? { credential: null };
    if (json) console.log(JSON.stringify(enrolment ? visible : null, null, 2));
    else
      console.log(
        enrolment
          ? `joined ${enrolment.server} as "${enrolment.name}" (${enrolment.deviceId})`
          : 'this board has not joined a fleet',
      );
  });

program
  .command('describe')
  .description('What this board tells a coordinator about itself, as JSON.')
  .option('--simulate <profile>', 'describe a simulated board instead')
  .action(async ({ simulate }) => {
    const board = simulate ? simulatedBoard({ profile: simulate, timeScale: 0, seed: 1 }) : thisMachine();
    console.log(JSON.stringify(await board.describe(), null, 2));
  });

program
  .command('measure <model>')
  .description('Measure an ONNX model on this machine, without a coordinator.')
  .option('--batch <n>', 'samples per run', numberFrom(1), 1)
  .option('--threads <n>', 'threads', numberFrom(1), 1)
  .option('--seconds <s>', 'measure for at least so long', numberFrom(0), 1)
  .option('--dimension <name=size...>', 'sizes of dynamic dimensions other than the batch')
  .option('--json', 'print the whole measurement as JSON')
  .addHelpText(
    'after',
    '\nExamples:\n  edgetune-agent measure model.onnx --threads 2\n  edgetune-agent measure bert.onnx --batch 8 --dimension tokens=128 --json',
  )
  .action(async (model: string, options) => {
    const modelPath = resolve(model);
    const bytes = readFileSync(modelPath);
    const board = thisMachine();
    const request = measureRequestSchema.parse({
      kind: 'measure',
      modelSha256: createHash('sha256').update(bytes).digest('hex'),
      modelBytes: bytes.length,
      signature: 'stand-alone',
      config: inferenceConfigSchema.parse({ batchSize: options.batch, threads: options.threads }),
      scenario: { kind: 'single-stream' },
      stopRule: stopRuleSchema.parse({ minDurationMs: options.seconds * 1000 }),
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
    if (options.json) console.log(JSON.stringify(measurement, null, 2));
    else if (measurement.latencyMs) {
      const { p50, p99, count } = measurement.latencyMs;
      console.log(
        `latency p50 ${formatQuantity(p50, 'time')}, p99 ${formatQuantity(p99, 'time')} (${count} runs); ${formatQuantity(measurement.throughputPerS ?? 0, 'rate')}; memory ${formatQuantity(measurement.peakMemoryBytes ?? Number.NaN, 'memory')}; ${measurement.busyCores?.toFixed(2)} cores busy`,
      );
    } else {
      console.error(`${measurement.outcome}: ${measurement.reason}`);
      process.exitCode = EXIT.failed;
    }
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
  console.error(`edgetune-agent: ${(error as Error).message}`);
  process.exit(EXIT.failed);
}
