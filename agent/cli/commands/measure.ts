/** `edgetune-agent measure`: a measurement without a coordinator. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import {
  executionProviderSchema,
  inferenceConfigSchema,
  precisionSchema,
} from '@edgetune/shared/domain/inference-config.ts';
import { partsText } from '@edgetune/shared/domain/part.ts';
import { graphPrecision } from '@edgetune/shared/onnx/graph-precision.ts';
import { readOnnx } from '@edgetune/shared/onnx/read-onnx.ts';
import { measureRequestSchema, stopRuleSchema } from '@edgetune/shared/protocol/job.ts';
import { type Command, Option } from 'commander';
import type { Runner } from '../../runners/runner.ts';
import { thisMachine } from '../../this-machine/agent-board.ts';
import { boardOptionsOf, withMeasuringOptions } from '../board-options.ts';
import { EXIT } from '../exit-codes.ts';
import { measurementLine } from '../measurement-line.ts';
import { numberFrom } from '../number-from.ts';

const LONGEST_MEASURE_MS = 30_000;

/** @param runners those that may be asked for */
export function registerMeasure(program: Command, runners: readonly Runner[]): void {
  withMeasuringOptions(program.command('measure <model>'))
    .description('Measure an ONNX model on this machine, without a coordinator.')
    .option('--batch <n>', 'samples per run', numberFrom(1), 1)
    .option('--threads <n>', 'threads', numberFrom(1), 1)
    .addOption(
      new Option('--runner <name>', '"describe" tells which this board has').choices(runners.map(({ name }) => name)),
    )
    .addOption(new Option('--provider <name>', 'execution provider').choices(executionProviderSchema.options))
    .addOption(
      new Option('--precision <p>', 'absent: the one that the model computes in').choices(precisionSchema.options),
    )
    .option('--memory-limit-mb <n>', 'end the measurement where the model takes more', numberFrom(1))
    .option('--seconds <s>', 'measure for at least so long', numberFrom(0), 1)
    .option('--dimension <name=size...>', 'sizes of dynamic dimensions other than the batch')
    .option('--json', 'print the whole measurement as JSON')
    .addHelpText('after', `\n${partsText('Runners', runners)}`)
    .addHelpText(
      'after',
      '\nExamples:\n  edgetune-agent measure model.onnx --threads 2\n  edgetune-agent measure bert.onnx --batch 8 --dimension tokens=128 --json\n  edgetune-agent measure model.onnx --runner onnxruntime-python --provider cuda',
    )
    .action(async (model: string, options) => {
      const modelPath = resolve(model);
      const bytes = readFileSync(modelPath);
      const board = thisMachine({ ...boardOptionsOf(options), runners });
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
}
