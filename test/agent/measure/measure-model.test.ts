/** This machine is really measured: batch and threads are honoured, and what cannot run is refused with the reason. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import type { BoardDescription } from '@edgetune/shared/domain/device.ts';
import type { Measurement } from '@edgetune/shared/domain/measurement.ts';
import { measureRequestSchema } from '@edgetune/shared/protocol/job.ts';
import { RejectedError } from '../../../agent/rejected-error.ts';
import { thisMachine } from '../../../agent/this-machine/agent-board.ts';
import { OnnxGraphBuilder } from '../../../coordinator/export/onnx-graph-builder.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { PROCESS_S, until, within } from '../../support/waiting.ts';

// Other tests run meanwhile.
const machine = thisMachine({ toleratesLoad: true });
let board: BoardDescription;
before(async () => {
  board = await machine.describe();
});

/** Two convolutions big enough that threads matter: 2 × 38 million multiply-accumulates a sample. */
function writeModel(folder: string, batch: string | number = 'batch'): string {
  const builder = new OnnxGraphBuilder();
  const channels = 64;
  const kernel = () =>
    builder.weights([channels, channels, 3, 3], new Float32Array(channels * channels * 9).fill(0.01));
  const same = { pads: { ints: [1, 1, 1, 1] } };
  const first = builder.node('Conv', ['input', kernel()], same);
  builder.node('Conv', [first, kernel()], same, 'output');
  const dims = [batch, channels, 32, 32];
  const path = join(folder, 'model.onnx');
  writeFileSync(
    path,
    builder.finish({ input: { name: 'input', dims }, output: { name: 'output', dims }, metadata: {} }),
  );
  return path;
}

function request(
  modelPath: string,
  change: {
    batchSize?: number;
    threads?: number;
    minDurationMs?: number;
    scenario?: object;
    dimensions?: Record<string, number>;
  } = {},
) {
  const bytes = readFileSync(modelPath);
  return measureRequestSchema.parse({
    kind: 'measure',
    modelSha256: createHash('sha256').update(bytes).digest('hex'),
    modelBytes: bytes.length,
    signature: 'test',
    config: { batchSize: change.batchSize ?? 1, threads: change.threads ?? 1 },
    scenario: change.scenario ?? { kind: 'single-stream' },
    stopRule: { warmupRuns: 1, minRuns: 5, minDurationMs: change.minDurationMs ?? 100, maxDurationMs: 10_000 },
    dimensions: change.dimensions ?? {},
  });
}

const never = new AbortController().signal;
const measure = (modelPath: string, change?: Parameters<typeof request>[1], signal = never) =>
  within('a measurement', machine.measure(request(modelPath, change), { board, modelPath, signal }), PROCESS_S);

interface Watched {
  measurement: Measurement;
  threads: number;
  cores: number;
}

/** Looks at the measuring process while it runs: how many threads it has and on how many cores it may run. */
async function watchThreads(run: Promise<Measurement>): Promise<Watched | null> {
  const seen: { threads: number; cores: number }[] = [];
  let hasEnded = false;
  const result = run.finally(() => {
    hasEnded = true;
  });
  const look = () => {
    const now = measuringProcess();
    // The threads come one by one while the model is loaded.
    if (now && now.threads >= (seen.at(-1)?.threads ?? 0)) seen.push(now);
    return hasEnded;
  };
  await until('the measurement to end', look, { seconds: PROCESS_S });
  const last = seen.at(-1);
  return last ? { measurement: await result, ...last } : null;
}

function measuringProcess(): { threads: number; cores: number } | null {
  try {
    const children = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim().split(' ');
    const pid = children.find((child) => readFileSync(`/proc/${child}/cmdline`, 'utf8').includes('measure-child'));
    if (!pid) return null;
    const allowed = /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '';
    return { threads: readdirSync(`/proc/${pid}/task`).length, cores: coresIn(allowed) };
  } catch {
    return null; // It has ended while it was looked at.
  }
}

function coresIn(list: string): number {
  return list.split(',').reduce((sum, range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return sum + last - first + 1;
  }, 0);
}

describe('measuring this machine', () => {
  it('runs the batch that is asked for: more samples a second than queries, and a longer run', async (t) => {
    const path = writeModel(temporaryFolder(t));
    const [one, eight] = [await measure(path), await measure(path, { batchSize: 8 })];
    assert.equal(one.outcome, 'ok');
    const runs = (m: typeof one) => (m.throughputPerS as number) * ((m.latencyMs?.mean as number) / 1000);
    assert.ok(Math.abs(runs(one) - 1) < 0.2, `${runs(one)} samples a run`);
    assert.ok(Math.abs(runs(eight) - 8) < 1.6, `${runs(eight)} samples a run`);
    assert.ok((eight.peakMemoryBytes as number) > (one.peakMemoryBytes as number), 'eight samples take more memory');
  });

  it('computes on as many threads as are asked for, pinned to as many cores', async (t) => {
    if (availableParallelism() < 2) return t.skip('this machine has one core');
    const path = writeModel(temporaryFolder(t));
    const watched = (threads: number) => watchThreads(measure(path, { batchSize: 8, threads, minDurationMs: 500 }));
    const [alone, pair] = [await watched(1), await watched(2)];
    assert.ok(alone && pair, 'the measuring process was seen');
    assert.equal(pair.threads - alone.threads, 1, 'ONNX Runtime has one thread more');
    if (existsSync('/usr/bin/taskset')) assert.deepEqual([alone.cores, pair.cores], [1, 2]);
    // Whether the cores were to be had depends on what else runs here: it is asked of a quiet machine only.
    const measured = [alone.measurement, pair.measurement];
    if (measured.some((m) => (m.conditions.otherLoadCores ?? 1) > 0.3)) {
      t.diagnostic('other work keeps this machine busy: busy cores were not compared');
      return;
    }
    const [first, second] = measured.map((m) => m.busyCores ?? 0) as [number, number];
    assert.ok(first < 1.1 && second > 1.5, `${first} and ${second} cores busy`);
  });

  it('plays the other scenarios', async (t) => {
    const path = writeModel(temporaryFolder(t));
    const multi = await measure(path, { batchSize: 2, scenario: { kind: 'multi-stream', samplesPerQuery: 4 } });
    assert.equal(multi.outcome, 'ok');
    const server = await measure(path, {
      batchSize: 2,
      scenario: { kind: 'server', arrivalsPerS: 50, batchingWindowMs: 1 },
    });
    assert.equal(server.outcome, 'ok');
    assert.ok((server.throughputPerS as number) < 120, 'no faster than the samples arrive');
  });

  it('refuses what is no model, what is cut short, and what this board cannot do', async (t) => {
    const folder = temporaryFolder(t);
    const path = writeModel(folder);
    await assert.rejects(
      measure(path, { threads: 4096 >> 4 }),
      (error: Error) => error instanceof RejectedError && /256 threads cannot run on/.test(error.message),
    );
    const bytes = readFileSync(path);
    for (const [name, content] of [
      ['cut', bytes.subarray(0, bytes.length / 2)],
      ['text', Buffer.from('not a model at all')],
    ] as const) {
      const wrong = join(folder, `${name}.onnx`);
      writeFileSync(wrong, content);
      await assert.rejects(measure(wrong), RejectedError, name);
    }
    const fixed = writeModel(folder, 1);
    await assert.rejects(measure(fixed, { batchSize: 4 }), /batch is fixed at 1; it cannot run with 4/);
  });

  it('names a dynamic dimension whose size is not given, and takes it when it is', async (t) => {
    const builder = new OnnxGraphBuilder();
    builder.node('Relu', ['input'], {}, 'output');
    const dims = ['batch', 'tokens'];
    const path = join(temporaryFolder(t), 'dynamic.onnx');
    writeFileSync(
      path,
      builder.finish({ input: { name: 'input', dims }, output: { name: 'output', dims }, metadata: {} }),
    );
    await assert.rejects(measure(path), /axis 1: give a size for "tokens" \(for example --dimension tokens=128/);
    assert.equal((await measure(path, { dimensions: { tokens: 16 } })).outcome, 'ok');
  });

  it('ends at once when it is cancelled', async (t) => {
    const path = writeModel(temporaryFolder(t));
    const controller = new AbortController();
    const run = measure(path, {}, controller.signal);
    controller.abort(new Error('no longer wanted'));
    await assert.rejects(run, /no longer wanted/);
  });
});
