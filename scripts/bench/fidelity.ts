/**
 * `npm run bench:fidelity [-- --models a,b --rounds 5 --seconds 0.5 --json FILE]`: does the agent measure what others measure?
 * Runs of the agent (onnxruntime-node, and its Python side-car) and of the tools that people trust, one after the other, over
 * the public models: median latency within 3 % for models of 1 ms and more, within 30 µs for smaller ones; peak memory within
 * 10 % of the kernel's account of an equal run.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { RunnerName } from '@edgetune/shared/domain/inference-config.ts';
import type { Measurement } from '@edgetune/shared/domain/measurement.ts';
import { measureRequestSchema } from '@edgetune/shared/protocol/job.ts';
import { z } from 'zod';
import { boardSetup } from '../../agent/board/board-setup.ts';
import { describeBoard } from '../../agent/board/describe-board.ts';
import { measureModel } from '../../agent/measure/measure-model.ts';
import { pinTo } from '../../agent/measure/pinning.ts';
import { TINY_MODEL_BASE64 } from '../../agent/runners/tiny-model.ts';
import { type FidelityCase, fidelityCases } from './fidelity/cases.ts';
import { perfTest } from './fidelity/perf-test.ts';
import { onnxruntimeVersion, pythonWithOnnxruntime } from './python-onnxruntime.ts';
import { type BenchRow, report } from './support.ts';

const MODELS = join(import.meta.dirname, '../../../shared/data/datasets/onnx-models');
const REFERENCE = join(import.meta.dirname, 'fidelity', 'reference.py');

const { values: options } = parseArgs({
  options: {
    models: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '0.5' },
    json: { type: 'string' },
  },
});
const ROUNDS = Number(options.rounds);
const SECONDS = Number(options.seconds);

interface Figures {
  medianMs: number;
  peakMemoryBytes: number | null;
}

/** What one tool says of one case. */
type Tool = (of: FidelityCase) => Promise<Figures> | Figures;

const setup = boardSetup({ toleratesLoad: true });
const board = await describeBoard(setup);
const folder = mkdtempSync(join(tmpdir(), 'edgetune-fidelity-'));
const tiny = join(folder, 'tiny.onnx');
writeFileSync(tiny, Buffer.from(TINY_MODEL_BASE64, 'base64'));

function agentWith(runner: RunnerName): Tool {
  return async ({ path, batchSize, threads, precision, dimensions }) => {
    const bytes = readFileSync(path);
    const request = measureRequestSchema.parse({
      kind: 'measure',
      modelSha256: createHash('sha256').update(bytes).digest('hex'),
      modelBytes: bytes.length,
      signature: 'fidelity',
      config: { batchSize, threads, runner, precision },
      scenario: { kind: 'single-stream' },
      stopRule: { minDurationMs: SECONDS * 1000, minRuns: 20 },
      dimensions,
    });
    const signal = new AbortController().signal;
    const measured: Measurement = await measureModel(request, { board, modelPath: path, signal }, setup);
    if (!measured.latencyMs) throw new Error(`${path}: ${measured.outcome}: ${measured.reason}`);
    return { medianMs: measured.latencyMs.p50, peakMemoryBytes: measured.peakMemoryBytes };
  };
}

const referenceSchema = z.object({ medianMs: z.number(), runs: z.number(), peakMemoryBytes: z.number() });

/** A plain Python program on the same cores. */
function reference(python: string): Tool {
  return ({ path, threads, shapes }) => {
    const order = JSON.stringify({ model: path, threads, shapes, seconds: SECONDS, tiny });
    const words = [...(pinTo(setup.host, threads)?.launcher ?? []), python, REFERENCE, order];
    const { stdout, stderr, status } = spawnSync(words[0] as string, words.slice(1), { encoding: 'utf8' });
    if (status !== 0) throw new Error(`${path}: the reference failed: ${stderr.trim().split('\n').at(-1)}`);
    return referenceSchema.parse(JSON.parse(stdout));
  };
}

/** The least disturbed of the rounds: others only ever add to a median. */
function least(figures: readonly Figures[]): Figures {
  const of = (values: (number | null)[]) => Math.min(...values.filter((value) => value !== null));
  return {
    medianMs: of(figures.map(({ medianMs }) => medianMs)),
    peakMemoryBytes: of(figures.map(({ peakMemoryBytes }) => peakMemoryBytes)),
  };
}

const LARGE_MS = 1;
const MOST_DIFFERENCE = 0.03;
const MOST_DIFFERENCE_MS = 0.03;
const MOST_MEMORY_DIFFERENCE = 0.1;

function isLatencyNear(ours: number, theirs: number): boolean {
  const limit = theirs >= LARGE_MS ? MOST_DIFFERENCE * theirs : MOST_DIFFERENCE_MS;
  return Math.abs(ours - theirs) <= limit;
}

async function rowsOf(each: FidelityCase, tools: Readonly<Record<string, Tool>>): Promise<BenchRow> {
  const figures = new Map<string, Figures[]>(Object.keys(tools).map((name) => [name, []]));
  const names = Object.keys(tools);
  for (let round = 0; round < ROUNDS; round++) {
    // Whoever comes first finds a cooler machine: the order goes round.
    for (let i = 0; i < names.length; i++) {
      const name = names[(i + round) % names.length] as string;
      figures.get(name)?.push(await (tools[name] as Tool)(each));
    }
  }
  const of = (name: string) => (figures.has(name) ? least(figures.get(name) as Figures[]) : null);
  const [ours, sideCar, theirs, perf] = ['agent', 'side-car', 'python', 'perf_test'].map(of);
  const to = (name: Figures | null | undefined) =>
    name && theirs ? 100 * (name.medianMs / theirs.medianMs - 1) : null;
  const memory = (name: Figures | null | undefined) => (name?.peakMemoryBytes ? name.peakMemoryBytes / 1e6 : null);
  const isNear = theirs && ours ? isLatencyNear(ours.medianMs, theirs.medianMs) : null;
  const isMemoryNear =
    ours?.peakMemoryBytes && theirs?.peakMemoryBytes
      ? Math.abs(ours.peakMemoryBytes / theirs.peakMemoryBytes - 1) <= MOST_MEMORY_DIFFERENCE
      : null;
  return {
    model: each.name,
    batch: each.batchSize,
    threads: each.threads,
    'python ms': theirs?.medianMs ?? null,
    'agent ms': ours?.medianMs ?? null,
    'agent %': to(ours),
    'side-car %': to(sideCar),
    'perf_test %': to(perf),
    near: isNear === null ? '–' : isNear ? 'yes' : 'NO',
    'python MB': memory(theirs),
    'agent MB': memory(ours),
    'side-car MB': memory(sideCar),
    'memory near': isMemoryNear === null ? '–' : isMemoryNear ? 'yes' : 'NO',
  };
}

if (!existsSync(MODELS)) {
  console.log('skipped: the public models are not beside this repository (../shared/data/datasets/onnx-models)');
  process.exit();
}
const found = pythonWithOnnxruntime();
if ('reason' in found)
  console.log(`skipped: Python onnxruntime ${onnxruntimeVersion()} is not to be had: ${found.reason}`);
else process.env.EDGETUNE_AGENT_PYTHON = found.python;
const perf = perfTest(setup.host, SECONDS);
if (!perf) console.log('skipped: onnxruntime_perf_test is not on the PATH (it is built with ONNX Runtime itself)');
if ('python' in found && !board.runtimes.some(({ runner }) => runner === 'onnxruntime-python'))
  board.runtimes = (await describeBoard(setup)).runtimes;

const tools: Record<string, Tool> = {
  agent: agentWith('onnxruntime-node'),
  ...('python' in found && { 'side-car': agentWith('onnxruntime-python'), python: reference(found.python) }),
  ...(perf && { perf_test: perf }),
};
const rows: BenchRow[] = [];
try {
  for (const each of fidelityCases(MODELS, options.models?.split(',') ?? null)) {
    const row = await rowsOf(each, tools);
    console.error(Object.values(row).join('  '));
    rows.push(row);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const count = (column: string) => `${rows.filter((row) => row[column] === 'yes').length} of ${rows.length}`;
report([
  {
    title: `The agent beside Python onnxruntime ${onnxruntimeVersion()}: ${count('near')} medians near, ${count('memory near')} peaks of memory (least disturbed of ${ROUNDS} interleaved rounds of ${SECONDS} s)`,
    rows,
  },
]);
process.exit();
