/** What is measured: each public model, with one thread and two, one sample and eight where its batch is open. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Precision } from '@edgetune/shared/domain/inference-config.ts';
import { graphPrecision } from '@edgetune/shared/onnx/graph-precision.ts';
import { inputShapes } from '@edgetune/shared/onnx/infer-shapes.ts';
import { modelSizes } from '@edgetune/shared/onnx/model-sizes.ts';
import { readOnnx } from '@edgetune/shared/onnx/read-onnx.ts';
import { z } from 'zod';

export interface FidelityCase {
  name: string;
  path: string;
  batchSize: number;
  threads: number;
  precision: Precision;
  dimensions: Record<string, number>;
  /** Of each input, all sizes filled in. */
  shapes: Record<string, number[]>;
}

/** What models.json says of the sizes that its authors tested. */
const modelsSchema = z.object({
  models: z.array(
    z.object({
      file: z.string(),
      inputs: z.array(
        z.object({ declared_shape: z.array(z.union([z.number(), z.string()])), test_shape: z.array(z.number()) }),
      ),
    }),
  ),
});

/** @param only names of models, or null for all */
export function fidelityCases(folder: string, only: readonly string[] | null): FidelityCase[] {
  const { models } = modelsSchema.parse(JSON.parse(readFileSync(join(folder, 'models.json'), 'utf8')));
  return models.flatMap(({ file, inputs }) => {
    const name = file.replace(/\.onnx$/, '');
    if (only && !only.includes(name)) return [];
    const path = join(folder, file);
    const graph = readOnnx(readFileSync(path));
    const tested = new Map(
      inputs.flatMap(({ declared_shape: declared, test_shape: test }) =>
        declared.flatMap((size, axis) => (typeof size === 'string' ? [[size, test[axis] as number] as const] : [])),
      ),
    );
    const first = inputs[0]?.declared_shape[0];
    const dimensions = Object.fromEntries([...tested].filter(([size]) => size !== first));
    const testedBatch = typeof first === 'string' ? (tested.get(first) as number) : 1;
    // A first size that was not tested with one sample counts something else, such as frames of speech.
    const isOpen = testedBatch === 1 && modelSizes(graph).fixedBatch === null;
    return (isOpen ? [1, 8] : [testedBatch]).flatMap((batchSize) =>
      [1, 2].map((threads) => ({
        name,
        path,
        batchSize,
        threads,
        precision: graphPrecision(graph),
        dimensions,
        shapes: Object.fromEntries(inputShapes(graph, { batchSize, dimensions })),
      })),
    );
  });
}
