/** `edgetune bench`: the best way to run an ONNX model on each of some devices. */
import { writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { precisionSchema } from '@edgetune/shared/domain/inference-config.ts';
import { BENCH_METRICS } from '@edgetune/shared/domain/metric-list.ts';
import { parseConstraint, parseObjective } from '@edgetune/shared/domain/objective.ts';
import { SCENARIO_KINDS, type Scenario } from '@edgetune/shared/domain/scenario.ts';
import type { FixedInputs } from '@edgetune/shared/onnx/fix-inputs.ts';
import type { InputFlags } from '@edgetune/shared/onnx/input-options.ts';
import type { BenchView } from '@edgetune/shared/protocol/bench.ts';
import { benchCsv, benchMarkdown } from '@edgetune/shared/protocol/bench-report.ts';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Client } from '../client.ts';
import { modelFrom, modelRefusal, withInputOptions } from '../model-options.ts';
import { metricsText, scenariosText } from '../render/parts.ts';
import { clientOf, EXIT, type ServerOptions, sayWaiting, withServer } from './context.ts';

const EXAMPLES = `
Examples:
  edgetune bench model.onnx --devices kitchen-pi,orin
  edgetune bench model.onnx --devices kitchen-pi --scenario server --rate 20 --constraint 'latency.p99 <= 30 ms'
  edgetune bench model.onnx --devices kitchen-pi --scenario server --p99-bound 30 --objective 'maximize throughput'
  edgetune bench bert.onnx --devices orin --dimension tokens=128 --format csv --out bert.csv
  edgetune bench ocr.onnx --devices orin --shape x=batch,3,48,192`;

const POLL_MS = 300;

interface Options extends ServerOptions, InputFlags {
  devices: string[];
  scenario: Scenario['kind'];
  rate?: number;
  p99Bound?: number;
  maxSeconds?: number;
  window: number;
  samplesPerQuery: number;
  objective: string[];
  constraint: string[];
  batchSizes?: number[];
  threads?: number[];
  precisions?: ReturnType<typeof precisionSchema.parse>[];
  format: 'markdown' | 'csv' | 'json';
  out?: string;
}

export function registerBench(program: Command): void {
  withInputOptions(withServer(program.command('bench <model>')))
    .description('Find the best way to run an ONNX model on each of some devices.')
    .requiredOption('--devices <names>', 'device names, separated by commas', list)
    .addOption(
      new Option('--scenario <kind>', 'load scenario, as MLPerf defines it')
        .choices(SCENARIO_KINDS)
        .default('single-stream'),
    )
    .option('--rate <per second>', 'arrivals per second of the server scenario', positive)
    .option('--p99-bound <ms>', 'of the server scenario: find the highest rate that keeps this p99 latency', positive)
    .option('--window <ms>', 'batching window of the server scenario', notNegative, 0)
    .option('--samples-per-query <count>', 'of the multi-stream scenario', integer, 8)
    .option('--objective <text>', 'such as "maximize throughput"; may be repeated', checked(parseObjective), [])
    .option('--constraint <text>', 'such as "latency.p99 <= 30 ms"; may be repeated', checked(parseConstraint), [])
    .option(
      '--batch-sizes <sizes>',
      "batch sizes to choose from (default: 1,2,4,8,16,32, or the model's fixed one)",
      integers,
    )
    .option('--threads <counts>', "threads to choose from (default: 1 to each device's cores)", integers)
    .option('--precisions <names>', 'precisions to choose from (default: that of the model)', (text) =>
      list(text).map((name) => orRefuse(() => precisionSchema.parse(name), `${precisionSchema.options.join(', ')}`)),
    )
    .option('--max-seconds <s>', 'measure no further config on a device after so long', positive)
    .addOption(
      new Option('--format <format>', 'of the report').choices(['markdown', 'csv', 'json']).default('markdown'),
    )
    .option('--out <file>', 'write the report to a file')
    .addHelpText('after', () => `\n${scenariosText()}\n\n${metricsText(BENCH_METRICS)}\n${EXAMPLES}`)
    .action(async (file: string, options: Options, command: Command) => {
      if (options.scenario === 'server' && (options.rate === undefined) === (options.p99Bound === undefined))
        command.error(
          '--scenario server needs either --rate, how many samples arrive in a second, or --p99-bound, to find the highest',
        );
      const view = await run(clientOf(options), file, { ...options, fixed: modelOf(file, options, command) });
      const text = { markdown: benchMarkdown, csv: benchCsv, json: asJson }[options.format](view);
      if (options.out === undefined) process.stdout.write(text);
      else writeFileSync(options.out, text);
      for (const { device, best, reason } of view.devices)
        if (!best) console.error(`edgetune: nothing was measured on ${device}: ${reason ?? 'no reason given'}`);
      if (view.devices.some(({ best, feasible }) => !best || !feasible)) process.exitCode = EXIT.failed;
    });
}

/** Ends the command with the reason where it cannot be benched. */
function modelOf(file: string, options: Options, command: Command): FixedInputs {
  try {
    return modelFrom(file, options);
  } catch (error) {
    const refusal = modelRefusal(error);
    if (refusal) command.error(`error: ${file}: ${refusal.message}`, { exitCode: EXIT.failed });
    throw error;
  }
}

async function run(client: Client, file: string, options: Options & { fixed: FixedInputs }): Promise<BenchView> {
  const scenario = scenarioOf(options);
  const { model, dimensions } = options.fixed;
  const { modelSha256 } = await client.uploadBenchModel(model);
  let view = await client.startBench({
    modelSha256,
    modelName: basename(file),
    devices: options.devices,
    scenario,
    objectives: options.objective,
    constraints: options.constraint,
    dimensions,
    ...(options.batchSizes ? { batchSizes: options.batchSizes } : {}),
    ...(options.threads ? { threads: options.threads } : {}),
    ...(options.maxSeconds === undefined ? {} : { maxSeconds: options.maxSeconds }),
    ...(options.precisions ? { precisions: options.precisions } : {}),
  });
  for (const { name, presence } of await client.devices())
    if (presence === 'offline' && options.devices.includes(name))
      console.error(`edgetune: ${name} is offline: the bench waits for it (Ctrl-C cancels)`);
  const interrupt = () =>
    void client.cancelBench(view.id).catch((error: Error) => console.error(`edgetune: ${error.message}`));
  process.once('SIGINT', interrupt);
  try {
    const waits = sayWaiting('the bench');
    for (let known = -1; view.state === 'running'; ) {
      waits(view.waiting);
      const measured = view.devices.reduce((sum, { measurements }) => sum + measurements.length, 0);
      if (measured !== known) console.error(`${measured} configs measured …`);
      known = measured;
      await sleep(POLL_MS);
      view = await client.bench(view.id);
    }
  } finally {
    process.off('SIGINT', interrupt);
  }
  return view;
}

function scenarioOf({ scenario, rate, p99Bound, window, samplesPerQuery }: Options): Scenario {
  if (scenario === 'multi-stream') return { kind: scenario, samplesPerQuery };
  if (scenario === 'server')
    return { kind: scenario, arrivalsPerS: rate, p99BoundMs: p99Bound, batchingWindowMs: window };
  return { kind: scenario };
}

function asJson(view: BenchView): string {
  return `${JSON.stringify(view, null, 2)}\n`;
}

const list = (text: string): string[] =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');

function orRefuse<T>(compute: () => T, allowed?: string): T {
  try {
    return compute();
  } catch (error) {
    throw new InvalidArgumentError(allowed === undefined ? (error as Error).message : `use one of ${allowed}`);
  }
}

/** Refuses a text that does not parse here, before anything is uploaded; the server parses it again. */
const checked = (parse: (text: string) => unknown) => (text: string, before: string[]) => {
  orRefuse(() => parse(text));
  return [...before, text];
};

function number(text: string, isGood: (value: number) => boolean, expected: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (!isGood(value)) throw new InvalidArgumentError(`expected ${expected}`);
  return value;
}
const positive = (text: string) => number(text, (value) => value > 0 && Number.isFinite(value), 'a positive number');
const notNegative = (text: string) => number(text, (value) => value >= 0 && Number.isFinite(value), 'a number from 0');
const integer = (text: string) => number(text, (value) => Number.isInteger(value) && value > 0, 'a positive integer');
const integers = (text: string) => list(text).map(integer);
