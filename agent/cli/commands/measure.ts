/** `edgetune-agent measure`: a measurement without a coordinator. */
import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import {
  executionProviderSchema,
  inferenceConfigSchema,
  precisionSchema,
} from '@edgetune/shared/domain/inference-config.ts';
import { partsText } from '@edgetune/shared/domain/part.ts';
import type { OnnxGraph } from '@edgetune/shared/onnx/graph.ts';
import { graphPrecision } from '@edgetune/shared/onnx/graph-precision.ts';
import { inputShapes } from '@edgetune/shared/onnx/infer-shapes.ts';
import { modelSizes, type Sizes } from '@edgetune/shared/onnx/model-sizes.ts';
import { OnnxError } from '@edgetune/shared/onnx/onnx-error.ts';
import { measureRequestSchema, stopRuleSchema } from '@edgetune/shared/protocol/job.ts';
import { type Command, Option } from 'commander';
import type { Runner } from '../../runners/runner.ts';
import { thisMachine } from '../../this-machine/agent-board.ts';
import { boardOptionsOf, withMeasuringOptions } from '../board-options.ts';
import { EXIT } from '../exit-codes.ts';
import { measurementLine } from '../measurement-line.ts';
import { modelFile, withInputOptions } from '../model-options.ts';
import { numberFrom } from '../number-from.ts';

const LONGEST_MEASURE_MS = 30_000;

/** @param runners those that may be asked for */
export function registerMeasure(program: Command, runners: readonly Runner[]): void {
  withInputOptions(withMeasuringOptions(program.command('measure <model>')))
    .description('Measure an ONNX model on this machine, without a coordinator.')
    .option('--batch <n>', 'samples per run; absent: 1, or what the model is fixed to', numberFrom(1))
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
    .option('--json', 'print the whole measurement as JSON')
    .addHelpText('after', `\n${partsText('Runners', runners)}`)
    .addHelpText(
      'after',
      '\nExamples:\n  edgetune-agent measure model.onnx --threads 2\n  edgetune-agent measure bert.onnx --batch 8 --dimension tokens=128 --json\n  edgetune-agent measure ocr.onnx --shape x=1,3,48,192\n  edgetune-agent measure model.onnx --runner onnxruntime-python --provider cuda',
    )
    .action(async (path: string, options, command: Command) => {
      const file = modelFile(resolve(path), options, command);
      const { model, graph, dimensions } = file;
      const sizes = modelSizes(graph, dimensions);
      const batchSize: number = options.batch ?? sizes.fixedBatch ?? 1;
      const inputs = shapesOrEnd(graph, { batchSize, dimensions }, command);
      const board = thisMachine({ ...boardOptionsOf(options), runners });
      const request = measureRequestSchema.parse({
        kind: 'measure',
        modelSha256: createHash('sha256').update(model).digest('hex'),
        modelBytes: model.length,
        signature: 'stand-alone',
        config: inferenceConfigSchema.parse({
          batchSize,
          threads: options.threads,
          runner: options.runner,
          executionProvider: options.provider,
          precision: options.precision ?? graphPrecision(graph),
        }),
        memoryLimitBytes: options.memoryLimitMb ? options.memoryLimitMb * 1e6 : null,
        scenario: { kind: 'single-stream' },
        stopRule: stopRuleSchema.parse({
          minDurationMs: options.seconds * 1000,
          maxDurationMs: Math.max(LONGEST_MEASURE_MS, options.seconds * 1000),
        }),
        dimensions,
      });
      const controller = new AbortController();
      process.once('SIGINT', () => controller.abort(new Error('interrupted')));
      const measurement = await board
        .measure(request, { board: await board.describe(), modelPath: file.path, signal: controller.signal })
        .finally(file.release);
      const said = { inputs: Object.fromEntries(inputs), assumptions: sizes.assumptions };
      if (options.json) console.log(JSON.stringify({ ...measurement, ...said }, null, 2));
      else {
        console.log(measurementLine(measurement));
        for (const [name, shape] of inputs) console.log(`  input ${name}: [${shape.join(', ')}]`);
        for (const assumption of said.assumptions) console.log(`  assumed: ${assumption}`);
      }
      if (measurement.outcome === 'ok') return;
      console.error(`${measurement.outcome}: ${measurement.reason}`);
      process.exitCode = EXIT.failed;
    });
}

/** Ends the command where a size is missing, before anything is measured. */
function shapesOrEnd(graph: OnnxGraph, sizes: Sizes, command: Command): ReadonlyMap<string, number[]> {
  try {
    return inputShapes(graph, sizes);
  } catch (error) {
    if (error instanceof OnnxError) command.error(`error: ${error.message}`, { exitCode: EXIT.failed });
    throw error;
  }
}
