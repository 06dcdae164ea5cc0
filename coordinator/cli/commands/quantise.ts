/** `edgetune quantise`: the int8 variant of a model of which no data are at hand. */
import { writeFileSync } from 'node:fs';
import { formatQuantity } from '@edgetune/shared/domain/units.ts';
import type { InputFlags } from '@edgetune/shared/onnx/input-options.ts';
import { modelSizes } from '@edgetune/shared/onnx/model-sizes.ts';
import type { Command } from 'commander';
import { QuantiseError, quantiseOnnx } from '../../export/quantise-onnx.ts';
import { givenFeeds, randomBatches } from '../../training/calibration-batches.ts';
import { modelFrom, modelRefusal, wholeModel, withInputOptions } from '../model-options.ts';

interface Options extends InputFlags {
  out: string;
}

const NOTE = `
It is calibrated on random inputs: it shows what the model would cost in int8, not how accurate it would be. The models that a
study recommends are quantised with their training data.

Example:
  edgetune quantise model.onnx --out model-int8.onnx
  edgetune simulate model.onnx model-int8.onnx --profile raspberry-pi-5`;

async function quantise(model: string, { out, ...flags }: Options, command: Command): Promise<void> {
  try {
    const onnx = wholeModel(model);
    // What is given is for the calibration: the variant keeps the inputs and the open sizes of the model.
    const { graph, dimensions } = modelFrom(model, flags);
    const given = await givenFeeds(graph);
    const batches = (await randomBatches(graph, dimensions)).map((feeds) => ({ ...feeds, ...given }));
    const int8 = await quantiseOnnx(onnx, batches);
    writeFileSync(out, int8);
    const sizes = [onnx, int8].map(({ length }) => formatQuantity(length, 'memory'));
    const fed = graph.inputs.length > 0 ? 'random inputs' : 'what was given';
    console.log(`${out}: ${sizes.join(' → ')}; calibrated on ${fed}: for measuring only`);
    for (const assumption of modelSizes(graph, dimensions).assumptions) console.log(`  assumed: ${assumption}`);
  } catch (error) {
    const refusal = error instanceof QuantiseError ? error : modelRefusal(error);
    if (refusal) command.error(`error: ${model}: ${refusal.message}`, { exitCode: 1 });
    throw error;
  }
}

export function registerQuantise(program: Command): void {
  withInputOptions(program.command('quantise'))
    .description('the int8 variant of an ONNX model, for measuring what it would cost')
    .argument('<model>', 'ONNX file that computes in float32')
    .requiredOption('--out <file>', 'where to write the variant')
    .addHelpText('after', NOTE)
    .action(quantise);
}
