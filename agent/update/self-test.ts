/** Whether an agent works on this board: it starts a measuring process, which loads ONNX Runtime and runs a tiny model. */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { measureRequestSchema, stopRuleSchema } from '@edgetune/shared/protocol/job.ts';
import { TINY_MODEL_BASE64 } from '../runners/tiny-model.ts';
import { thisMachine } from '../this-machine/agent-board.ts';

/** @throws {Error} that says what does not work */
export async function selfTest(): Promise<void> {
  const model = Buffer.from(TINY_MODEL_BASE64, 'base64');
  const folder = mkdtempSync(join(tmpdir(), 'edgetune-self-test-'));
  try {
    const modelPath = join(folder, 'tiny.onnx');
    writeFileSync(modelPath, model);
    const board = thisMachine({ toleratesLoad: true });
    const { outcome, reason } = await board.measure(
      measureRequestSchema.parse({
        kind: 'measure',
        modelSha256: createHash('sha256').update(model).digest('hex'),
        modelBytes: model.length,
        signature: 'self-test',
        config: { batchSize: 1, threads: 1 },
        scenario: { kind: 'single-stream' },
        stopRule: stopRuleSchema.parse({ warmupRuns: 0, minRuns: 1, minDurationMs: 0, maxRuns: 1 }),
      }),
      { board: await board.describe(), modelPath, signal: new AbortController().signal },
    );
    // A board that is busy or hot while it is tested works all the same.
    if (outcome !== 'ok' && outcome !== 'invalid') throw new Error(`a tiny model could not be run: ${reason}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
