/** ONNX Runtime's Node.js binding, on the CPU, in the measuring process itself. */
import type { Tensor } from 'onnxruntime-node';
import { makeInputs } from './model-inputs.ts';
import { ownMemory, resetPeak } from './own-memory.ts';
import { type LoadedModel, type LoadRequest, ModelRefusedError, type Runner } from './runner.ts';

export const onnxruntimeNode: Runner = { name: 'onnxruntime-node', load };

/** What ONNX Runtime says of a model that it will never run. */
const NEVER_RUNS = /not implemented|unsupported|opset|invalid (model|graph)|load model|Protobuf parsing failed/i;

async function load({ modelPath, config, dimensions, seed }: LoadRequest): Promise<LoadedModel> {
  const ort = await import('onnxruntime-node');
  const residentBefore = ownMemory('VmRSS');
  resetPeak();
  const session = await refusing(
    ort.InferenceSession.create(modelPath, {
      executionProviders: ['cpu'],
      intraOpNumThreads: config.threads,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      graphOptimizationLevel: 'all',
    }),
  );
  const feeds = new Map<number, Record<string, Tensor>>();
  const feedsFor = (samples: number) => {
    const feed = feeds.get(samples) ?? makeInputs(session, { batchSize: samples, dimensions, seed });
    feeds.set(samples, feed);
    return feed;
  };
  return {
    async run(samples) {
      const outputs = await refusing(session.run(feedsFor(samples)));
      return outputs[session.outputNames[0] as string]?.dims[0] ?? null;
    },
    async usage() {
      const { user, system } = process.cpuUsage();
      const peak = ownMemory('VmHWM');
      return {
        cpuSeconds: (user + system) / 1e6,
        peakMemoryBytes: peak === null || residentBefore === null ? null : Math.max(0, peak - residentBefore),
      };
    },
  };
}

async function refusing<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const { message } = error as Error;
    throw NEVER_RUNS.test(message) ? new ModelRefusedError(message, { cause: error }) : error;
  }
}
