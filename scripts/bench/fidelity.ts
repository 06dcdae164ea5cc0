/**
 * `npm run bench:fidelity [-- --models a,b --rounds 4 --seconds 0.5 --json FILE]`: does the agent measure what others measure?
 * Runs of the agent (onnxruntime-node, and its Python side-car) and of the tools that people trust, one after the other, over
 * the public models: median latency within 3 % for models of 1 ms and more, within 30 µs for smaller ones; peak memory within
 * 10 % (or 0.5 MB) of the kernel's account of an equal run.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Measurement } from '@edgetune/shared/domain/measurement.ts';
import { measureRequestSchema } from '@edgetune/shared/protocol/job.ts';
import { z } from 'zod';
import { boardSetup } from '../../agent/board/board-setup.ts';
import { measureModel } from '../../agent/measure/measure-model.ts';
import { pinTo } from '../../agent/measure/process/pinning.ts';
import { TINY_MODEL_BASE64 } from '../../agent/runners/tiny-model.ts';
import { describeBoard } from '../../agent/this-machine/describe-board.ts';
import { type FidelityCase, fidelityCases } from './fidelity/cases.ts';
import { perfTest } from './fidelity/perf-test.ts';
import { onnxruntimeVersion, pythonWithOnnxruntime } from './python-onnxruntime.ts';
import { type BenchRow, report } from './support.ts';

const MODELS = join(import.meta.dirname, '../../../shared/data/datasets/onnx-models');
const REFERENCE = join(import.meta.dirname, 'fidelity', 'reference.py');

const { values: options } = parseArgs({
  options: {
    models: { type: 'string' },
    rounds: { type: 'string', default: '4' },
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

function agentWith(runner: string): Tool {
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

/** A case that is not near yet gets so many times more rounds: on a busy machine a quiet one is rare. */
const MORE_ROUNDS = 3;

/** The least disturbed latency of the rounds, since others only ever add to a median; the middle one of the peaks. */
function least(figures: readonly Figures[]): Figures {
  const peaks = figures.map(({ peakMemoryBytes }) => peakMemoryBytes).filter((bytes) => bytes !== null);
  return {
    medianMs: Math.min(...figures.map(({ medianMs }) => medianMs)),
    peakMemoryBytes: peaks.sort((a, b) => a - b)[peaks.length >> 1] ?? null,
  };
}

const LARGE_MS = 1;
const MOST_DIFFERENCE = 0.03;
const MOST_DIFFERENCE_MS = 0.03;
const MOST_MEMORY_DIFFERENCE = 0.1;
/** What Python's and JavaScript's own objects differ by: more than a tenth of a model below 5 MB. */
const MOST_MEMORY_DIFFERENCE_BYTES = 0.5e6;

function isLatencyNear(ours: Figures, theirs: Figures): boolean {
  const limitMs = theirs.medianMs >= LARGE_MS ? MOST_DIFFERENCE * theirs.medianMs : MOST_DIFFERENCE_MS;
  return Math.abs(ours.medianMs - theirs.medianMs) <= limitMs;
}

function isMemoryNear(ours: Figures, theirs: Figures): boolean | null {
  if (ours.peakMemoryBytes === null || theirs.peakMemoryBytes === null) return null;
  const limit = Math.max(MOST_MEMORY_DIFFERENCE * theirs.peakMemoryBytes, MOST_MEMORY_DIFFERENCE_BYTES);
  return Math.abs(ours.peakMemoryBytes - theirs.peakMemoryBytes) <= limit;
}

/** Of each tool, the least disturbed of all rounds so far. */
async function measureAll(each: FidelityCase, tools: Readonly<Record<string, Tool>>): Promise<Record<string, Figures>> {
  const names = Object.keys(tools);
  const figures = Object.fromEntries(names.map((name) => [name, [] as Figures[]]));
  const found = () => Object.fromEntries(names.map((name) => [name, least(figures[name] as Figures[])]));
  for (let round = 0; round < MORE_ROUNDS * ROUNDS; round++) {
    // Whoever comes first finds a cooler machine: the order goes round.
    for (let i = 0; i < names.length; i++) {
      const name = names[(i + round) % names.length] as string;
      figures[name]?.push(await (tools[name] as Tool)(each));
    }
    const { agent, 'side-car': sideCar, python } = found();
    const isNear = !agent || !python || (isLatencyNear(agent, python) && (!sideCar || isLatencyNear(sideCar, python)));
    if (round + 1 >= ROUNDS && isNear) break;
  }
  return found();
}

async function rowOf(each: FidelityCase, tools: Readonly<Record<string, Tool>>): Promise<BenchRow> {
  const { agent, 'side-car': sideCar, python, perf_test: perf } = await measureAll(each, tools);
  const beside = (ours?: Figures) => (ours && python ? 100 * (ours.medianMs / python.medianMs - 1) : null);
  const mb = (of?: Figures) => (of?.peakMemoryBytes ? of.peakMemoryBytes / 1e6 : null);
  const verdict = (judge: typeof isMemoryNear, ours?: Figures) => {
    const isNear = ours && python ? judge(ours, python) : null;
    return isNear === null ? '–' : isNear ? 'yes' : 'NO';
  };
  return {
    model: each.name,
    batch: each.batchSize,
    threads: each.threads,
    'python ms': python?.medianMs ?? null,
    'agent ms': agent?.medianMs ?? null,
    'agent %': beside(agent),
    near: verdict(isLatencyNear, agent),
    'side-car %': beside(sideCar),
    'side-car near': verdict(isLatencyNear, sideCar),
    'perf_test %': beside(perf),
    'python MB': mb(python),
    'agent MB': mb(agent),
    'side-car MB': mb(sideCar),
    'memory near': verdict(isMemoryNear, agent),
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
/** One node that has nothing to compute: what is left is each tool's own way into ONNX Runtime and back. */
async function emptyRun(): Promise<BenchRow> {
  const nothing: FidelityCase = {
    name: 'nothing',
    path: tiny,
    batchSize: 1,
    threads: 1,
    precision: 'float32',
    dimensions: {},
    shapes: { x: [1] },
  };
  const figures = await measureAll(nothing, tools);
  return Object.fromEntries(Object.entries(figures).map(([name, { medianMs }]) => [`${name} µs`, 1000 * medianMs]));
}

const rows: BenchRow[] = [];
const empty: BenchRow[] = [];
try {
  empty.push(await emptyRun());
  for (const each of fidelityCases(MODELS, options.models?.split(',') ?? null)) {
    const row = await rowOf(each, tools);
    console.error(Object.values(row).join('  '));
    rows.push(row);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const count = (column: string) => `${rows.filter((row) => row[column] === 'yes').length} of ${rows.length}`;
report([
  {
    title: `The agent beside Python onnxruntime ${onnxruntimeVersion()}: ${count('near')} medians near, ${count('side-car near')} of the side-car, ${count('memory near')} peaks of memory (least disturbed of ${ROUNDS} to ${MORE_ROUNDS * ROUNDS} interleaved rounds of ${SECONDS} s)`,
    rows,
  },
  {
    title: 'A run of one node that has nothing to compute: the way into ONNX Runtime and back, contained above',
    rows: empty,
  },
]);
process.exit();
