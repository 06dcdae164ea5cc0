/** ONNX Runtime's Node.js binding, on the CPU, in the measuring process itself. */
import { createRequire } from 'node:module';
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { keepHalvesAsBits } from './half-tensors.ts';
import { loadOnnxRuntime } from './load-onnxruntime.ts';
import { makeInputs } from './model-inputs.ts';
import { ownMemory, resetPeak } from './own-memory.ts';
import { type CommandedModel, onnxruntimeError, type Runner, type RunRequest, type Usage } from './runner.ts';
import { TINY_MODEL_BASE64 } from './tiny-model.ts';

export const onnxruntimeNode: Runner = {
  name: 'onnxruntime-node',
  description: "ONNX Runtime's Node.js binding, on the CPU; comes with the agent",
  executesHere: true,
  async probe() {
    // The package does not export its package.json; its entry point lies in its dist folder.
    const require = createRequire(import.meta.url);
    const path = require.resolve('onnxruntime-node').replace(/dist\/.*$/, 'package.json');
    return {
      version: (require(path) as { version: string }).version,
      executionProviders: ['cpu'],
      precisions: ['float32', 'float16', 'int8'],
    };
  },
  async start(request) {
    const ort = await loadOnnxRuntime();
    keepHalvesAsBits(ort.Tensor);
    const options = sessionOptions(request);
    const tiny = await ort.InferenceSession.create(Buffer.from(TINY_MODEL_BASE64, 'base64'), options);
    await tiny.run({ x: new ort.Tensor('float32', [0], [1]) });
    await tiny.release();
    return {
      async load() {
        const memory = watchMemory();
        const session = await orRefused(ort.InferenceSession.create(request.modelPath, options));
        return commanded(ort.Tensor, session, request, memory);
      },
    };
  },
};

function sessionOptions({ config }: RunRequest): InferenceSession.SessionOptions {
  return {
    executionProviders: ['cpu'],
    intraOpNumThreads: config.threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
  };
}

/**
 * Uncollected outputs hold memory of ONNX Runtime's: each run would write to new memory, which no cache knows. Collecting
 * leaves cold caches too, so that it is done between bursts, and no more often than a second-level cache would be full.
 */
const MOST_UNCOLLECTED_BYTES = 500_000;

function bytesOf(outputs: InferenceSession.ReturnType): number {
  const sizes = Object.values(outputs).map(({ data }) => (ArrayBuffer.isView(data) ? data.byteLength : 0));
  return sizes.reduce((sum, bytes) => sum + bytes, 0);
}

function commanded(
  OrtTensor: typeof Tensor,
  session: InferenceSession,
  { config, dimensions, seed }: RunRequest,
  memory: () => Omit<Usage, 'cpuSeconds'>,
): CommandedModel {
  const feeds = new Map<number, Record<string, Tensor>>();
  const feedsFor = (samples: number) => {
    const known = feeds.get(samples);
    if (known) return known;
    const made = makeInputs(OrtTensor, session, { batchSize: samples, fullBatch: config.batchSize, dimensions, seed });
    feeds.set(samples, made);
    return made;
  };
  /** The outputs of one run, and how long ONNX Runtime and its binding took for them. */
  const timed = async (feed: Record<string, Tensor>) => {
    // `session.run` leaves the run to the next turn of the event loop: the clock starts there, just before it. (Should it
    // once run at once, the clock has been started already.)
    let startMs = performance.now();
    setImmediate(() => {
      startMs = performance.now();
    });
    const outputs = await session.run(feed);
    return { outputs, durationMs: performance.now() - startMs };
  };
  const firstOutput = session.outputNames[0] as string;
  let uncollectedBytes = 0;
  return {
    kind: 'commanded',
    async run(samples) {
      const { outputs, durationMs } = await orRefused(timed(feedsFor(samples)));
      return { outputRows: outputs[firstOutput]?.dims[0] ?? null, durationMs };
    },
    async burst(samples, times) {
      const feed = feedsFor(samples);
      const tookMs: number[] = [];
      let outputBytes = 0;
      for (let i = 0; i < times; i++) {
        const { outputs, durationMs } = await timed(feed);
        tookMs.push(durationMs);
        if (i === 0) outputBytes = bytesOf(outputs);
      }
      uncollectedBytes += outputBytes * times;
      if (uncollectedBytes > MOST_UNCOLLECTED_BYTES) {
        globalThis.gc?.({ type: 'minor' });
        uncollectedBytes = 0;
      }
      return tookMs;
    },
    async usage() {
      const { user, system } = process.cpuUsage();
      return { cpuSeconds: (user + system) / 1e6, ...memory() };
    },
  };
}

/** Peak of this process from now on, and above what is resident now. */
function watchMemory(): () => Omit<Usage, 'cpuSeconds'> {
  globalThis.gc?.();
  resetPeak();
  const before = ownMemory('VmRSS');
  return () => {
    const peak = ownMemory('VmHWM');
    return {
      peakMemoryBytes: peak === null || before === null ? null : Math.max(0, peak - before),
      processPeakMemoryBytes: peak,
    };
  };
}

async function orRefused<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw onnxruntimeError((error as Error).message, error);
  }
}
