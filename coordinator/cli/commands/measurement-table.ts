/** The table of `edgetune profile fit`: one measurement a row. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { BoardProfile } from '@edgetune/shared/costmodel/board-profile.ts';
import type { FitRow } from '@edgetune/shared/costmodel/fit-profile.ts';
import {
  executionProviderSchema,
  inferenceConfigSchema,
  precisionSchema,
  runnerNameSchema,
} from '@edgetune/shared/domain/inference-config.ts';
import { mistakesInLine } from '@edgetune/shared/domain/schema-mistakes.ts';
import { analyseGraph, type RunnableModel, runnableModel } from '@edgetune/shared/onnx/analyse.ts';
import { precisionMismatch } from '@edgetune/shared/onnx/graph-precision.ts';
import { type InputFlags, NOTHING_SAID } from '@edgetune/shared/onnx/input-options.ts';
import { z } from 'zod';
import { modelFrom } from '../model-options.ts';

const blankIsNull = (schema: z.ZodType<number>) =>
  z.preprocess((value) => (value === undefined || value === '' ? null : Number(value)), schema.nullable());

const blankIsAbsent = <T extends z.ZodType>(schema: T) =>
  z.preprocess((value) => (value === '' ? undefined : value), schema.optional());

const rowSchema = z.object({
  model: z.string().min(1, 'the path of the model is missing'),
  threads: blankIsNull(z.int().min(1)).transform((value) => value ?? 1),
  batch: blankIsNull(z.int().min(1)).transform((value) => value ?? 1),
  precision: blankIsAbsent(precisionSchema),
  provider: blankIsAbsent(executionProviderSchema),
  runner: blankIsAbsent(runnerNameSchema),
  latency_ms: blankIsNull(z.number().positive()),
  energy_mj: blankIsNull(z.number().positive()),
  memory_bytes: blankIsNull(z.number().positive()),
});

const COLUMNS = Object.keys(rowSchema.shape);
/** Other ways to head the column of the model's path. */
const MODEL_COLUMNS = new Set(['model path', 'model_path', 'path']);

/** Splits one line of CSV; quoted cells may hold commas and doubled quotes. */
function cellsOf(line: string): string[] {
  // With a comma in front every cell, the first and empty ones too, starts with one.
  const cells = [...`,${line}`.matchAll(/,\s*(?:"((?:[^"]|"")*)"\s*|([^,]*))/g)];
  return cells.map((match) => (match[1] === undefined ? (match[2] ?? '').trim() : match[1].replaceAll('""', '"')));
}

/** A model's path: from the table's folder, or from where the command runs. */
function modelPath(table: string, model: string): string {
  const beside = resolve(dirname(table), model);
  return existsSync(beside) ? beside : resolve(model);
}

/** The first runner with which the board reaches a provider; absent where it has none or none was named: the config's own. */
function runnerOf({ backends }: BoardProfile, provider: string | undefined) {
  return provider && backends.find((each) => each.executionProvider === provider)?.runners[0];
}

/**
 * Reads the table and every model that it names (each once per batch size).
 * @throws {RangeError} listing every line that is wrong and why
 */
export function readMeasurementTable(table: string, base: BoardProfile, flags: InputFlags = NOTHING_SAID): FitRow[] {
  const lines = readFileSync(table, 'utf8')
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/);
  const head = cellsOf(lines[0] ?? '').map((name) => (MODEL_COLUMNS.has(name) ? 'model' : name));
  if (!head.includes('model') || !head.includes('latency_ms'))
    throw new RangeError(`${table}: the first line must name the columns ${COLUMNS.join(', ')}; it is "${lines[0]}"`);
  const analyses = new Map<string, RunnableModel>();
  const mistakes: string[] = [];
  const rows = lines.slice(1).flatMap((line, index): FitRow[] => {
    if (line.trim() === '') return [];
    const cells = cellsOf(line);
    const parsed = rowSchema.safeParse(Object.fromEntries(head.map((name, at) => [name, cells[at] ?? ''])));
    if (!parsed.success) {
      mistakes.push(`  line ${index + 2}: ${mistakesInLine(parsed.error)}`);
      return [];
    }
    const { model, batch, threads, precision, provider, runner, latency_ms, energy_mj, memory_bytes } = parsed.data;
    try {
      const path = modelPath(table, model);
      const key = `${batch} ${path}`;
      const analysis = analyses.get(key) ?? analysisOf(path, batch, flags);
      analyses.set(key, analysis);
      const config = inferenceConfigSchema.parse({
        batchSize: batch,
        threads,
        precision: precision ?? analysis.precision,
        executionProvider: provider,
        runner: runner ?? runnerOf(base, provider),
      });
      const mismatch = precisionMismatch(analysis.precision, config);
      if (mismatch) throw new RangeError(mismatch);
      return [
        {
          analysis,
          config,
          latencyMs: latency_ms,
          netEnergyJ: energy_mj === null ? null : energy_mj / 1000,
          memoryBytes: memory_bytes,
        },
      ];
    } catch (error) {
      mistakes.push(`  line ${index + 2}: ${model}: ${(error as Error).message}`);
      return [];
    }
  });
  if (mistakes.length > 0) throw new RangeError(`${table}:\n${mistakes.join('\n')}`);
  return rows;
}

function analysisOf(path: string, batchSize: number, flags: InputFlags): RunnableModel {
  const { graph, dimensions } = modelFrom(path, flags);
  return runnableModel(analyseGraph(graph, { batchSize, dimensions }));
}
