/** What the agent says to a measuring process and makes of its answers, with a process that the test plays. */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { PassThrough } from 'node:stream';
import { it, type TestContext } from 'node:test';
import { inferenceConfigSchema } from '@edgetune/shared/domain/inference-config.ts';
import { stopRuleSchema } from '@edgetune/shared/protocol/job.ts';
import type { MeasureOrder, MeasureReport } from '../../../../agent/measure/process/child-messages.ts';
import type { MemoryGuard } from '../../../../agent/measure/process/memory-guard.ts';
import { ProcessWatch, type WatchOptions } from '../../../../agent/measure/process/process-watch.ts';
import { RejectedError } from '../../../../agent/rejected-error.ts';
import { Arrival, turn, within } from '../../../support/waiting.ts';

const ORDER: MeasureOrder = {
  modelPath: 'model.onnx',
  config: inferenceConfigSchema.parse({ batchSize: 1, threads: 1 }),
  scenario: { kind: 'single-stream' },
  stopRule: stopRuleSchema.parse({ maxDurationMs: 5000, minDurationMs: 1000 }),
  dimensions: {},
  seed: 1,
};

const DONE: Extract<MeasureReport, { type: 'done' }> = {
  ...{ type: 'done', latenciesMs: [1], samples: 1, windowStartMs: 0, windowMs: 1, overheadMs: 0, cpuSeconds: 0 },
  ...{ attendingCpuSeconds: 0, peakMemoryBytes: null, processPeakMemoryBytes: null, outputRows: 1 },
  stopReason: 'converged',
};

class Child extends EventEmitter {
  readonly stderr = new PassThrough();
  readonly heard: unknown[] = [];
  connected = true;
  send(word: unknown) {
    this.heard.push(word);
  }
  says(report: MeasureReport) {
    this.emit('message', report);
  }
}

function watch(change: Partial<WatchOptions> = {}) {
  const child = new Child();
  const allowed: (number | null)[] = [];
  const memory: { shortage: { bytes: number | null } | null } = { shortage: null };
  const guard: MemoryGuard = {
    ...{ launcher: [], watch() {}, async close() {} },
    allow: (bytes) => void allowed.push(bytes),
    shortage: () => memory.shortage,
  };
  const controller = new AbortController();
  const options: WatchOptions = {
    ...{ signal: controller.signal, memoryLimitBytes: 1000, mayBegin: async () => {}, onProgress() {}, observers: [] },
    ...change,
  };
  const { ending } = new ProcessWatch(child as unknown as ChildProcess, guard, ORDER, options);
  ending.catch(() => {});
  return { child, ending: () => within('the end', ending), allowed, memory, controller };
}

/** 60 s to begin, and twice the longest window. */
const TIMEOUT_MS = 70_000;

it('lets it load, begins when all may, and ends with what it says and what was observed', async () => {
  const order: string[] = [];
  const observer = (name: string) => ({
    begin: async () => void order.push(`${name} begins`),
    end: async () => void order.push(`${name} ends`),
    close: async () => {},
  });
  const { child, ending, allowed } = watch({
    mayBegin: async () => void order.push('may begin'),
    observers: [observer('first'), observer('second')],
  });
  assert.deepEqual(child.heard, [ORDER]);
  child.says({ type: 'started' });
  assert.deepEqual([child.heard.slice(1), allowed], [['load'], [1000]]);
  child.says({ type: 'ready' });
  await turn();
  assert.deepEqual(
    [child.heard.slice(1), allowed],
    [
      ['load', 'begin'],
      [1000, null],
    ],
  );
  assert.deepEqual(order, ['may begin', 'first begins', 'second begins']);
  child.says(DONE);
  child.emit('exit', 0, null);
  assert.deepEqual(await ending(), { kind: 'done', report: DONE });
  assert.deepEqual(order.slice(3), ['first ends', 'second ends']);
});

it('has a minute and twice the longest window from the start, from each progress and from the window’s begin', async (t: TestContext) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let told = 0;
  const { child, ending } = watch({ onProgress: () => told++ });
  let ended = false;
  void ending().then(() => {
    ended = true;
  });
  t.mock.timers.tick(TIMEOUT_MS - 1);
  child.says({ type: 'preparing' });
  assert.equal(told, 1);
  t.mock.timers.tick(TIMEOUT_MS - 1);
  child.says({ type: 'ready' });
  await turn();
  t.mock.timers.tick(TIMEOUT_MS - 1);
  await turn();
  assert.equal(ended, false);
  t.mock.timers.tick(1);
  const reason = 'the measurement did not end within 70 s';
  assert.deepEqual(await ending(), { kind: 'ended', outcome: 'timed-out', reason });
});

it('is not late while it waits to begin, nor while what observed it ends', async (t: TestContext) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const [begin, end] = [new Arrival('the word to begin'), new Arrival('the observer to end')];
  const { child, ending } = watch({
    mayBegin: () => begin.wait(),
    observers: [{ begin: async () => {}, end: () => end.wait(), close: async () => {} }],
  });
  child.says({ type: 'ready' });
  await turn();
  t.mock.timers.tick(10 * TIMEOUT_MS);
  begin.come();
  await turn();
  assert.deepEqual(child.heard.slice(1), ['begin']);
  child.says(DONE);
  t.mock.timers.tick(10 * TIMEOUT_MS);
  end.come();
  assert.equal((await ending()).kind, 'done');
});

it('is not told to begin where it is gone, or not wanted, by then', async () => {
  for (const isGone of [true, false]) {
    const begin = new Arrival('the word to begin');
    const { child, controller } = watch({ mayBegin: () => begin.wait() });
    child.says({ type: 'ready' });
    await turn();
    if (isGone) child.connected = false;
    else controller.abort(new Error('not needed'));
    begin.come();
    await turn();
    assert.deepEqual(child.heard.slice(1), []);
  }
});

it('ends with the reason of who wants it no more, and with what a listener throws', async () => {
  const aborted = watch();
  aborted.controller.abort(new Error('not needed'));
  await assert.rejects(aborted.ending(), { message: 'not needed' });
  const fault = new Error('a fault');
  const refuse = async () => Promise.reject(fault);
  const idle = async () => {};
  for (const change of [
    { mayBegin: refuse },
    { observers: [{ begin: refuse, end: idle, close: idle }] },
    { observers: [{ begin: idle, end: refuse, close: idle }] },
  ]) {
    const { child, ending } = watch(change);
    child.says({ type: 'ready' });
    await turn();
    child.says(DONE);
    await assert.rejects(ending(), fault);
  }
  const progress = watch({
    onProgress: () => {
      throw fault;
    },
  });
  progress.child.says({ type: 'preparing' });
  await assert.rejects(progress.ending(), fault);
});

it('a model that can never run here is rejected; one that fails has crashed, with its words', async () => {
  const rejected = watch();
  rejected.child.says({ type: 'failed', rejected: true, message: 'no such operator' });
  await assert.rejects(
    rejected.ending(),
    (error: Error) => error instanceof RejectedError && error.message === 'the model cannot run here: no such operator',
  );
  const failed = watch();
  failed.child.says({ type: 'failed', rejected: false, message: 'a bad input' });
  assert.deepEqual(await failed.ending(), { kind: 'ended', outcome: 'crashed', reason: 'a bad input' });
});

it('a runtime that gets no memory says so in many words; what is no such complaint has crashed', async () => {
  for (const words of [
    'bfc_arena.cc:360 void* onnxruntime::BFCArena::AllocateRawInternal Failed to allocate memory for requested buffer of size 40000000000',
    'bfc_arena.cc:376 Available memory of 1024 is smaller than requested bytes of 4096',
    'std::bad_alloc',
    'CUDA failure 2: out of memory',
    'CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED',
    'Array buffer allocation failed',
    'Invalid typed array length: 10000000000',
    'numpy: Unable to allocate 37.3 GiB for an array',
    'Cannot allocate memory',
  ]) {
    const { child, ending } = watch();
    child.says({ type: 'failed', rejected: false, message: words });
    assert.deepEqual(await ending(), { kind: 'ended', outcome: 'out-of-memory', reason: words });
  }
  const { child, ending } = watch();
  child.says({ type: 'failed', rejected: false, message: 'the tensor allocator of node "memory" is unknown' });
  assert.equal(((await ending()) as { outcome?: string }).outcome, 'crashed');
});

it('a process that ends has crashed, with how, and the last line that it wrote', async () => {
  for (const [code, killedBy, written, reason] of [
    [3, null, '', 'the measuring process ended with code 3'],
    [null, 'SIGSEGV', '', 'the measuring process ended by SIGSEGV'],
    [1, null, 'first\nlast\n', 'the measuring process ended with code 1: last'],
    [1, null, `${'x'.repeat(5000)}`, `the measuring process ended with code 1: ${'x'.repeat(2000)}`],
  ] as const) {
    const { child, ending } = watch();
    child.stderr.write(written);
    await turn();
    child.emit('exit', code, killedBy);
    assert.deepEqual(await ending(), { kind: 'ended', outcome: 'crashed', reason });
  }
  const never = watch();
  never.child.emit('error', new Error('no such file'));
  const reason = 'the measuring process could not be started: no such file';
  assert.deepEqual(await never.ending(), { kind: 'ended', outcome: 'crashed', reason });
  const rubbish = watch();
  rubbish.child.emit('message', { type: 'dance' });
  const end = await rubbish.ending();
  assert.ok(end.kind === 'ended' && end.outcome === 'crashed');
  assert.match(end.reason, /^the measuring process sent what cannot be read: /);
});

it('is out of memory where its guard, its runtime or its last words say so', async () => {
  for (const [bytes, reason] of [
    [2_000_000, 'out of memory at 2 MB'],
    [null, 'out of memory: the whole board ran out'],
  ] as const) {
    const { child, ending, memory } = watch();
    memory.shortage = { bytes };
    child.emit('exit', null, 'SIGKILL');
    assert.deepEqual(await ending(), { kind: 'ended', outcome: 'out-of-memory', reason });
  }
  for (const message of ['std::bad_alloc', 'Out of memory', 'outofmemory', 'Cannot allocate memory', 'MemoryError']) {
    const said = watch();
    said.child.says({ type: 'failed', rejected: false, message });
    assert.deepEqual(await said.ending(), { kind: 'ended', outcome: 'out-of-memory', reason: message });
    const written = watch();
    written.child.stderr.write(`${message}\nand more\n`);
    await turn();
    written.child.emit('exit', 134, null);
    const end = await written.ending();
    assert.equal(end.kind === 'ended' && end.outcome, 'out-of-memory');
  }
});

it('leaves nothing behind that could still happen', async (t: TestContext) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { child, ending, controller } = watch();
  const removed = t.mock.method(controller.signal, 'removeEventListener');
  child.says({ type: 'failed', rejected: false, message: 'a bad input' });
  t.mock.timers.tick(10 * TIMEOUT_MS);
  controller.abort(new Error('too late'));
  assert.equal((await ending()).kind, 'ended');
  assert.equal(removed.mock.callCount(), 1);
});
