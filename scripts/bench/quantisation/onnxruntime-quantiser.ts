/** Variants that ONNX Runtime's own quantiser makes of a model, calibrated on the same samples. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import type { Feeds } from '../../../coordinator/export/run-onnx.ts';

export interface TheirVariant {
  settings: string;
  onnx: Uint8Array;
}

const lineSchema = z.union([
  z.object({ settings: z.string(), file: z.string() }),
  z.object({ settings: z.string(), reason: z.string() }),
]);
const SCRIPT = join(import.meta.dirname, 'onnxruntime_quantiser.py');
const TIMEOUT_MS = 600_000;

/** @param python an interpreter with onnxruntime and onnx @returns those that it could make; the others are told aloud */
export function theirVariants(python: string, onnx: Uint8Array, batches: readonly Feeds[]): TheirVariant[] {
  const folder = mkdtempSync(join(tmpdir(), 'edgetune-quantiser-'));
  try {
    writeFileSync(join(folder, 'model.onnx'), onnx);
    writeFileSync(
      join(folder, 'feeds.json'),
      JSON.stringify(batches.map((feeds, batch) => written(folder, feeds, batch))),
    );
    const run = spawnSync(python, [SCRIPT, folder], { encoding: 'utf8', timeout: TIMEOUT_MS, maxBuffer: 2 ** 26 });
    if (run.status !== 0) throw new Error(`ONNX Runtime's quantiser failed: ${run.stderr || run.error?.message}`);
    const lines = run.stdout.split('\n').filter((line) => line.startsWith('{'));
    return lines.flatMap((line) => {
      const made = lineSchema.parse(JSON.parse(line));
      if ('file' in made) return [{ settings: made.settings, onnx: new Uint8Array(readFileSync(made.file)) }];
      console.error(`  ONNX Runtime's quantiser, ${made.settings}: ${made.reason}`);
      return [];
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function written(folder: string, feeds: Feeds, batch: number) {
  return Object.fromEntries(
    Object.entries(feeds).map(([name, { type, dims, data }], index) => {
      const file = `${batch}-${index}.bin`;
      const { buffer, byteOffset, byteLength } = data as Float32Array;
      writeFileSync(join(folder, file), new Uint8Array(buffer, byteOffset, byteLength));
      return [name, { file, type: type === 'bool' ? 'bool_' : type, dims }];
    }),
  );
}
