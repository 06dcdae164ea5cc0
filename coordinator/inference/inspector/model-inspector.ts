/**
 * Reads models in a thread of its own, one after another, with limits of time and memory: whatever somebody sends keeps no page, board or
 * study waiting. One that takes more is refused, and the thread begun anew.
 */
import { Worker } from 'node:worker_threads';
import { OnnxError, type OnnxErrorCode } from '@edgetune/shared/onnx/onnx-error.ts';
import { childModuleUrl, threadEntryFor } from '@edgetune/shared/runtime/child-module.ts';
import {
  type InspectionRequest,
  type InspectorCall,
  type InspectorReply,
  inspectorReplySchema,
  type ModelInspection,
} from './inspector-messages.ts';

/** Of the largest public models a second is enough on a slow machine. */
const LONGEST_MS = 30_000;
/** Of what JavaScript makes of a model; weights are no part of it. */
const MOST_HEAP_MB = 1024;

export interface InspectorLimits {
  longestMs?: number;
  mostHeapMb?: number;
}

export interface ModelInspector {
  /** @throws {OnnxError} where the model is none that can be run, or reading it takes too much time or memory */
  inspect(request: InspectionRequest): Promise<ModelInspection>;
  /** Coordinates for the predictor; null where it cannot be analysed. @throws {OnnxError} where that takes too much */
  architectureOf(model: Uint8Array, dimensions: Readonly<Record<string, number>>): Promise<readonly number[] | null>;
  /** Ends the thread; what is asked after that is refused. */
  close(): Promise<void>;
}

type Answer = InspectorReply['answer'];
type Question = InspectorCall extends infer Call ? (Call extends unknown ? Omit<Call, 'call'> : never) : never;

interface Waiting {
  question: Question;
  resolve(answer: Answer): void;
  reject(error: Error): void;
}

export function createModelInspector({
  longestMs = LONGEST_MS,
  mostHeapMb = MOST_HEAP_MB,
}: InspectorLimits = {}): ModelInspector {
  const queue: Waiting[] = [];
  let worker: Worker | null = null;
  let current: { call: number; waiting: Waiting; timer: NodeJS.Timeout } | null = null;
  let calls = 0;
  let isClosed = false;

  const tooMuch = (of: string) =>
    new OnnxError('too-large', 'file', `reading it takes more than ${of}: EdgeTune does not run it`);

  function start(): Worker {
    const url = childModuleUrl(import.meta.url, './inspect-worker.ts', './inspect-worker.js');
    const made = new Worker(threadEntryFor(url), { resourceLimits: { maxOldGenerationSizeMb: mostHeapMb } });
    // It ends with the coordinator.
    made.unref();
    made.on('message', (message) => {
      const { call, answer } = inspectorReplySchema.parse(message);
      if (current?.call === call) settle((waiting) => waiting.resolve(answer));
    });
    made.on('error', (error: NodeJS.ErrnoException) => {
      if (made !== worker) return;
      worker = null;
      const isMemory = error.code === 'ERR_WORKER_OUT_OF_MEMORY';
      settle((waiting) => waiting.reject(isMemory ? tooMuch(`${mostHeapMb} MB of memory`) : error));
    });
    return made;
  }

  function settle(how: (waiting: Waiting) => void): void {
    const done = current;
    current = null;
    if (done) {
      clearTimeout(done.timer);
      how(done.waiting);
    }
    next();
  }

  function next(): void {
    const waiting = current === null ? queue.shift() : undefined;
    if (!waiting) return;
    worker ??= start();
    const call = calls++;
    // Its time begins with its turn.
    const timer = setTimeout(() => {
      void worker?.terminate();
      worker = null;
      settle(({ reject }) => reject(tooMuch(`${longestMs / 1000} s`)));
    }, longestMs);
    current = { call, waiting, timer };
    worker.postMessage({ call, ...waiting.question });
  }

  function ask(question: Question): Promise<Answer> {
    if (isClosed) return Promise.reject(new Error('the coordinator ends'));
    return new Promise((resolve, reject) => {
      queue.push({ question, resolve, reject });
      next();
    });
  }

  return {
    async inspect(request) {
      const answer = await ask({ name: 'inspect', request });
      if ('inspection' in answer) return answer.inspection;
      throw refusalOf(answer);
    },
    async architectureOf(model, dimensions) {
      const answer = await ask({ name: 'architecture', model, dimensions: { ...dimensions } });
      if ('architecture' in answer) return answer.architecture;
      throw refusalOf(answer);
    },
    async close() {
      isClosed = true;
      const ended = new Error('the coordinator ends');
      for (const { reject } of queue.splice(0)) reject(ended);
      const open = worker;
      worker = null;
      settle(({ reject }) => reject(ended));
      await open?.terminate();
    },
  };
}

function refusalOf(answer: Answer): Error {
  if (!('code' in answer)) return new Error('the thread answered another question');
  return new OnnxError(answer.code as OnnxErrorCode, answer.where, answer.message);
}
