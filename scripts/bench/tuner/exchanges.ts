/** Exchanges a second with the program `edgetune tuner` over its pipes. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';

const PROGRAM = join(import.meta.dirname, '../../../coordinator/bin/edgetune.js');

const askedSchema = z.object({
  trial: z.number(),
  rung: z.number(),
  candidate: z.object({ rate: z.number(), depth: z.number() }).loose(),
  budget: z.object({ epochs: z.number() }).loose(),
});

/** A mixed space of four parameters. */
const SPACE = {
  training: {
    rate: { type: 'float', min: 1e-5, max: 1, scale: 'log' },
    momentum: { type: 'float', min: 0, max: 1 },
    optimizer: { type: 'categorical', choices: ['sgd', 'adam'] },
    depth: { type: 'int', min: 1, max: 9 },
  },
};

/**
 * Exchanges a second (an ask or a tell is one, each waits for its answer) over the first rungs, counted from when the
 * program has answered a first question that changes nothing.
 */
export async function exchangesPerS(sampler: string, rungs: number): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'edgetune-exchanges-'));
  const spec = join(folder, 'study.json');
  const search = { space: SPACE, objectives: ['minimize loss'], tuner: { sampler }, stop: { trials: 100_000 } };
  // JSON is YAML, too.
  writeFileSync(spec, JSON.stringify(search));
  const child = spawn(process.execPath, [PROGRAM, 'tuner', '--spec', spec], { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  try {
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const exchange = async (message: object): Promise<unknown> => {
      child.stdin.write(`${JSON.stringify(message)}\n`);
      return JSON.parse((await lines.next()).value);
    };
    await exchange({ best: {} });
    const start = performance.now();
    for (let rung = 0; rung < rungs; rung++) {
      const { trial, rung: at, candidate, budget } = askedSchema.parse(await exchange({ ask: {} }));
      const loss = Math.abs(Math.log10(candidate.rate) + 2) + candidate.depth / 100 + 1 / budget.epochs;
      await exchange({ tell: { trial, rung: at, metrics: { loss } } });
    }
    return (2 * rungs) / ((performance.now() - start) / 1000);
  } finally {
    child.stdin.end();
    await exited;
    rmSync(folder, { recursive: true });
  }
}
