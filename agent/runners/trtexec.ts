/**
 * NVIDIA's trtexec: builds a TensorRT engine of the model and runs it on the GPU. It generates its load by itself, back to
 * back, so that other scenarios are refused; the Python side-car with its TensorRT provider plays them all.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync, utimesSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { OnnxError } from '@edgetune/shared/onnx/onnx-error.ts';
import { readOnnx } from '@edgetune/shared/onnx/read-onnx.ts';
import { runText } from '../board/host.ts';
import { monotonicMs } from '../board/kernel-time.ts';
import {
  LIBRARIES,
  ModelRefusedError,
  PROBE_TIMEOUT_MS,
  type Runner,
  type RunRequest,
  type SelfPlayed,
} from './runner.ts';
import { buildArguments, findTrtexec, runArguments, shapesArgument, WARM_UP_MS } from './trtexec/command.ts';
import { errorOf, managedMemoryBytes, parseTimes, STARTS_INFERENCE, versionOf } from './trtexec/output.ts';
import { type ProcessUsage, processUsage } from './trtexec/process-usage.ts';

export const trtexec: Runner = {
  name: 'trtexec',
  description: "NVIDIA's program that builds TensorRT engines and runs them, back-to-back queries only",
  executesHere: false,
  async probe(host) {
    const program = findTrtexec();
    const version = program && versionOf((await runText(host, program, ['--help'], PROBE_TIMEOUT_MS)) ?? '');
    return version ? { version, executionProviders: ['tensorrt'], precisions: ['float32', 'float16', 'int8'] } : null;
  },
  probedFrom: () => [...[findTrtexec()].filter((path) => path !== null), LIBRARIES],
  async start(request) {
    const { kind } = request.scenario;
    if (kind !== 'single-stream' && kind !== 'offline')
      throw new ModelRefusedError(
        `trtexec runs queries back to back only: it cannot play the scenario ${kind}; use the runner onnxruntime-python with the execution provider tensorrt`,
      );
    const program = findTrtexec();
    if (!program) throw new Error('trtexec is not there any more');
    const shapes = shapesOf(request);
    const enginePath = await engineFor(program, request, shapes);
    return {
      load: async () => ({ kind: 'self-timed', play: () => play(program, enginePath, shapes, request) }),
    };
  },
};

function shapesOf({ modelPath, config: { batchSize }, dimensions }: RunRequest): string | null {
  try {
    return shapesArgument(readOnnx(readFileSync(modelPath)), { batchSize, dimensions });
  } catch (error) {
    throw error instanceof OnnxError ? new ModelRefusedError(error.message, { cause: error }) : error;
  }
}

/** A model in the agent's cache is named by its SHA-256: its engines stay beside it, and go when the cache is full. */
const CACHED_MODEL = /^[0-9a-f]{64}\.onnx$/;

/** Path of the engine: from the cache, or built, which takes minutes on a Jetson. @throws {ModelRefusedError} */
async function engineFor(program: string, { modelPath, config }: RunRequest, shapes: string | null): Promise<string> {
  const version = versionOf((await run(program, ['--help'])).output) ?? 'unknown';
  const key = createHash('sha256')
    .update(JSON.stringify([version, config.precision, shapes]))
    .digest('hex')
    .slice(0, 16);
  const name = basename(modelPath).replace(/\.onnx$/, '');
  const folder = CACHED_MODEL.test(basename(modelPath)) ? dirname(resolve(modelPath)) : process.cwd();
  const path = join(folder, `${name}-${key}.engine`);
  if (existsSync(path)) {
    utimesSync(path, new Date(), new Date());
    return path;
  }
  const enginePath = `${path}.partial`;
  const { output, code } = await run(
    program,
    buildArguments({ modelPath, enginePath, shapes, precision: config.precision }),
  );
  if (code !== 0) {
    rmSync(enginePath, { force: true });
    const why = errorOf(output) ?? `it ended with code ${code}`;
    if (/out ?of ?memory/i.test(output)) throw new Error(`out of memory while TensorRT built an engine: ${why}`);
    throw new ModelRefusedError(`TensorRT cannot build an engine of this model: ${why}`);
  }
  renameSync(enginePath, path);
  return path;
}

/** How often the use of CPU and memory is looked at. */
const LOOK_EVERY_MS = 100;

async function play(
  program: string,
  enginePath: string,
  shapes: string | null,
  { config, stopRule }: RunRequest,
): Promise<SelfPlayed> {
  const timesPath = join(process.cwd(), 'times.json');
  let inference: { atMs: number; usage: ProcessUsage | null } | null = null;
  let usage: ProcessUsage | null = null;
  let timer: NodeJS.Timeout | undefined;
  const { output, code } = await run(
    program,
    runArguments({ enginePath, shapes, stopRule, timesPath }),
    (child, text) => {
      if (inference || !STARTS_INFERENCE.test(text)) return;
      const pid = child.pid as number;
      inference = { atMs: monotonicMs(), usage: processUsage(pid) };
      timer = setInterval(() => {
        usage = processUsage(pid) ?? usage;
      }, LOOK_EVERY_MS);
    },
  );
  clearInterval(timer);
  const began = inference as { atMs: number; usage: ProcessUsage | null } | null;
  if (code !== 0 || !began) throw new Error(`trtexec failed: ${errorOf(output) ?? `it ended with code ${code}`}`);
  const { latenciesMs, startMs, endMs } = parseTimes(readFileSync(timesPath, 'utf8'), WARM_UP_MS);
  const last = (usage ?? began.usage) as ProcessUsage | null;
  return {
    latenciesMs,
    samples: latenciesMs.length * config.batchSize,
    windowStartMs: began.atMs + startMs,
    windowMs: endMs - startMs,
    overheadMs: 0,
    stopReason: 'min-reached',
    cpuSeconds: last && began.usage ? last.cpuSeconds - began.usage.cpuSeconds : 0,
    peakMemoryBytes: managedMemoryBytes(output),
    processPeakMemoryBytes: last?.peakMemoryBytes ?? null,
  };
}

interface Ended {
  output: string;
  /** Null: ended by a signal. */
  code: number | null;
}

function run(
  program: string,
  args: readonly string[],
  onOutput: (child: ChildProcess, output: string) => void = () => {},
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const hear = (chunk: string) => {
      output += chunk;
      onOutput(child, output);
    };
    child.stdout.setEncoding('utf8').on('data', hear);
    child.stderr.setEncoding('utf8').on('data', hear);
    child.on('error', (error) => reject(new Error(`${program} could not be started: ${error.message}`)));
    child.on('close', (code) => resolve({ output, code }));
  });
}
