/** `edgetune quantise`: the int8 variant of a model of which no data are at hand. */
import { readFileSync, writeFileSync } from 'node:fs';
import { formatQuantity } from '@edgetune/shared/domain/units.ts';
import { OnnxError } from '@edgetune/shared/onnx/onnx-error.ts';
import { readOnnx } from '@edgetune/shared/onnx/read-onnx.ts';
import type { Command } from 'commander';
import { QuantiseError, quantiseOnnx } from '../../export/quantise-onnx.ts';
import { randomBatches } from '../../training/calibration-batches.ts';
import { dimensionOption } from './simulate-options.ts';

interface Options {
  out: string;
  dimension: Record<string, number>;
}

const NOTE = `
It is calibrated on random inputs: it shows what the model would cost in int8, not how accurate it would be. The models that a
study recommends are quantised with their training data.

Example:
  edgetune quantise model.onnx --out model-int8.onnx
  edgetune simulate model.onnx model-int8.onnx --profile raspberry-pi-5`;

async function quantise(model: string, { out, dimension }: Options, command: Command): Promise<void> {
  const onnx = new Uint8Array(readFileSync(model));
  try {
    const int8 = await quantiseOnnx(onnx, await randomBatches(readOnnx(onnx), dimension));
    writeFileSync(out, int8);
    const sizes = [onnx, int8].map(({ length }) => formatQuantity(length, 'memory'));
    console.log(`${out}: ${sizes.join(' → ')}; calibrated on random inputs: for measuring only`);
  } catch (error) {
    if (error instanceof QuantiseError || error instanceof OnnxError)
      command.error(`error: ${model}: ${error.message}`, { exitCode: 1 });
    throw error;
  }
}

export function registerQuantise(program: Command): void {
  program
    .command('quantise')
    .description('the int8 variant of an ONNX model, for measuring what it would cost')
    .argument('<model>', 'ONNX file that computes in float32')
    .requiredOption('--out <file>', 'where to write the variant')
    .option('--dimension <name=size>', 'size of a symbolic dimension, repeatable', dimensionOption, {})
    .addHelpText('after', NOTE)
    .action(quantise);
}
