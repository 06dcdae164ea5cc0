/** The measuring process by itself: the test plays the agent, with models that ONNX Runtime runs, or a runner that it stands in for. */
import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { execArgvFor } from '@edgetune/shared/runtime/child-module.ts';
import { monotonicMs } from '../../../../agent/board/kernel-time.ts';
import {
  type MeasureOrder,
  type MeasureReport,
  measureReportSchema,
} from '../../../../agent/measure/process/child-messages.ts';
import { measureRequestFor, type RequestChange } from '../../../support/measuring.ts';
import { reluModel, rowsModel } from '../../../support/models.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';
import { event, PROCESS_S, until } from '../../../support/waiting.ts';

const url = new URL('../../../../agent/measure/process/measure-child.ts', import.meta.url);

class Child {
  readonly process: ChildProcess;
  readonly exit: Promise<unknown[]>;
  /** What it has said and the test has not heard yet. */
  readonly #said: MeasureReport[] = [];
  #listener = () => {};

  constructor(t: TestContext, env: NodeJS.ProcessEnv = {}) {
    this.process = fork(url, { execArgv: ['--expose-gc', ...execArgvFor(url)], env: { ...process.env, ...env } });
    this.exit = event('the measuring process to end', this.process, 'exit', PROCESS_S);
    this.process.on('message', (message) => {
      this.#said.push(measureReportSchema.parse(message));
      this.#listener();
    });
    t.after(() => this.process.kill('SIGKILL'));
  }

  /** The next that it says. */
  async hear(): Promise<MeasureReport> {
    const changes = (listener: () => void) => {
      this.#listener = listener;
      return () => {};
    };
    await until('the measuring process to say something', () => this.#said.length > 0, { changes, seconds: PROCESS_S });
    return this.#said.shift() as MeasureReport;
  }

  async hears(type: MeasureReport['type']): Promise<void> {
    assert.equal((await this.hear()).type, type);
  }

  say(word: unknown): void {
    this.process.send(word as string);
  }

  /** Lets it load and begin. @returns what it says in the end */
  async play(order: unknown): Promise<MeasureReport> {
    this.say(order);
    await this.hears('started');
    this.say('load');
    await this.hears('ready');
    this.say('begin');
    return this.hear();
  }
}

function orderFor(t: TestContext, model: Uint8Array, change: RequestChange = {}): MeasureOrder {
  const modelPath = join(temporaryFolder(t), 'model.onnx');
  writeFileSync(modelPath, model);
  const { config, scenario, stopRule, dimensions } = measureRequestFor(modelPath, change);
  return { modelPath, config, scenario, stopRule, dimensions, seed: 1 };
}

describe('a model on ONNX Runtime', () => {
  it('is loaded and begun when the agent says so; what was measured is told, and the process ends', async (t) => {
    const child = new Child(t);
    const beforeMs = monotonicMs();
    const done = await child.play(orderFor(t, reluModel(), { config: { batchSize: 4 } }));
    assert.ok(done.type === 'done', JSON.stringify(done));
    assert.deepEqual([done.outputRows, done.samples, done.attendingCpuSeconds], [4, done.latenciesMs.length * 4, 0]);
    assert.ok(done.latenciesMs.length >= 5 && done.windowMs >= 100);
    const endMs = done.windowStartMs + done.windowMs;
    assert.ok(done.windowStartMs > beforeMs && endMs <= monotonicMs(), `${beforeMs}, ${done.windowStartMs}, ${endMs}`);
    // The start of the process takes far longer than the window.
    assert.ok(done.cpuSeconds >= 0 && done.cpuSeconds < 2 + done.windowMs / 250, `${done.cpuSeconds} s`);
    assert.ok((done.processPeakMemoryBytes ?? 0) > (done.peakMemoryBytes ?? 0));
    assert.deepEqual(await child.exit, [0, null]);
  });

  it('needs no batch but the one that its scenario brings about', async (t) => {
    const batchSize = 2;
    const fixed = rowsModel(batchSize);
    for (const scenario of [
      { kind: 'single-stream' },
      { kind: 'offline' },
      { kind: 'multi-stream', samplesPerQuery: 4 },
    ]) {
      const said = await new Child(t).play(orderFor(t, fixed, { config: { batchSize }, scenario }));
      assert.equal(said.type, 'done', `${scenario.kind}: ${JSON.stringify(said)}`);
    }
    for (const scenario of [
      { kind: 'server', arrivalsPerS: 1000, batchingWindowMs: 0 },
      { kind: 'multi-stream', samplesPerQuery: 5 },
    ]) {
      const child = new Child(t);
      child.say(orderFor(t, fixed, { config: { batchSize }, scenario }));
      await child.hears('started');
      child.say('load');
      const said = await child.hear();
      assert.ok(said.type === 'failed' && !said.rejected, `${scenario.kind}: ${JSON.stringify(said)}`);
    }
  });

  it('that cannot be read is refused, and one that is not there has failed', async (t) => {
    const child = new Child(t);
    child.say(orderFor(t, Uint8Array.of(8, 8, 255)));
    await child.hears('started');
    child.say('load');
    const said = await child.hear();
    assert.ok(said.type === 'failed' && said.rejected, JSON.stringify(said));
    assert.deepEqual(await child.exit, [0, null]);
  });

  it('whose bound no rate keeps is refused', async (t) => {
    const scenario = { kind: 'server', p99BoundMs: 1e-6, batchingWindowMs: 0 };
    const said = await new Child(t).play(orderFor(t, reluModel(), { scenario }));
    assert.ok(said.type === 'failed' && said.rejected && /no rate keeps p99/.test(said.message), JSON.stringify(said));
  });
});

describe('an order', () => {
  it('for a runner that this agent does not have is refused, and says which there are', async (t) => {
    const child = new Child(t);
    const order = orderFor(t, reluModel());
    child.say({ ...order, config: { ...order.config, runner: 'abacus' } });
    const said = await child.hear();
    assert.ok(said.type === 'failed' && said.rejected, JSON.stringify(said));
    assert.match(said.message, /abacus.*onnxruntime-node/s);
    assert.deepEqual(await child.exit, [0, null]);
  });

  it('that cannot be read has failed, and so has a word that is not the one that is waited for', async (t) => {
    const child = new Child(t);
    child.say({ modelPath: 7 });
    const said = await child.hear();
    assert.ok(said.type === 'failed' && !said.rejected, JSON.stringify(said));
    const hasty = new Child(t);
    hasty.say(orderFor(t, reluModel()));
    await hasty.hears('started');
    hasty.say('begin');
    const answer = await hasty.hear();
    assert.ok(answer.type === 'failed' && !answer.rejected && /load/.test(answer.message), JSON.stringify(answer));
  });
});

describe('the measuring process', () => {
  it('goes on when it is told by a signal to end: only the agent ends it', async (t) => {
    const child = new Child(t);
    child.say(orderFor(t, reluModel()));
    await child.hears('started');
    for (const signal of ['SIGTERM', 'SIGINT'] as const) child.process.kill(signal);
    child.say('load');
    await child.hears('ready');
    for (const signal of ['SIGTERM', 'SIGINT'] as const) child.process.kill(signal);
    child.say('begin');
    await child.hears('done');
    assert.deepEqual(await child.exit, [0, null]);
  });

  it('ends with its agent, in the middle of a window too', async (t) => {
    const child = new Child(t);
    const stopRule = { minDurationMs: 600_000, maxDurationMs: 600_000, maxRuns: 1e9 };
    child.say(orderFor(t, reluModel(), { stopRule }));
    await child.hears('started');
    child.say('load');
    await child.hears('ready');
    child.say('begin');
    child.process.disconnect();
    assert.deepEqual(await child.exit, [0, null]);
  });
});

describe('a runner in another process', () => {
  /** A program that answers like the Python side-car, has used a second more at each question, and writes down its runs. */
  function sideCar(t: TestContext) {
    const folder = temporaryFolder(t);
    const [program, log] = [join(folder, 'python3'), join(folder, 'runs')];
    writeFileSync(
      program,
      `#!${process.execPath}
      const { appendFileSync } = require('node:fs');
      const note = (text) => appendFileSync(${JSON.stringify(log)}, text + ' ');
      let cpuSeconds = 0;
      const actions = {
        start: () => ({ type: 'started' }),
        load: () => ({ type: 'loaded', inputs: [{ name: 'input', type: 'tensor(float)', shape: ['batch', 3] }] }),
        feed: () => ({ type: 'fed' }),
        run: ({ samples, times }) => {
          note(samples + 'x' + times);
          return { type: 'ran', durationsMs: new Array(times).fill(20), outputRows: samples };
        },
        usage: () => {
          note('usage');
          cpuSeconds += 1;
          return { type: 'usage', cpuSeconds, peakMemoryBytes: cpuSeconds * 10, processPeakMemoryBytes: cpuSeconds * 100 };
        },
      };
      require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
        const command = JSON.parse(line);
        console.log(JSON.stringify(actions[command.do](command)));
      });`,
    );
    chmodSync(program, 0o755);
    const runs = () => (existsSync(log) ? readFileSync(log, 'utf8').trim().split(' ') : []);
    return { env: { EDGETUNE_AGENT_PYTHON: program }, runs };
  }

  const order = (t: TestContext, change: RequestChange = {}) =>
    orderFor(t, reluModel(), {
      ...change,
      config: { runner: 'onnxruntime-python', ...change.config },
      stopRule: { minRuns: 5, minDurationMs: 0, ...change.stopRule },
    });

  it('is warm before it says so, and warm again before the window', async (t) => {
    const { env, runs } = sideCar(t);
    const child = new Child(t, env);
    child.say(order(t, { config: { batchSize: 2 }, stopRule: { warmupRuns: 3, minRuns: 5 } }));
    await child.hears('started');
    assert.deepEqual(runs(), [], 'nothing is run before the model is loaded');
    child.say('load');
    await child.hears('ready');
    assert.deepEqual(runs(), ['2x1', '2x1', '2x1', 'usage']);
    child.say('begin');
    const done = await child.hear();
    assert.deepEqual(runs().slice(4, 7), ['2x1', '2x1', 'usage']);
    assert.deepEqual(runs().slice(7), [...new Array(5).fill('2x1'), 'usage']);
    assert.ok(done.type === 'done', JSON.stringify(done));
    // What it used is counted from the beginning of the window; what it takes, at its end of warming up.
    assert.deepEqual([done.cpuSeconds, done.peakMemoryBytes, done.processPeakMemoryBytes], [1, 10, 100]);
    assert.ok(done.attendingCpuSeconds > 0 && done.attendingCpuSeconds < 0.5, `${done.attendingCpuSeconds} s`);
    assert.deepEqual(done.latenciesMs, [20, 20, 20, 20, 20]);
  });

  it('is warmed up twice at least, after all other batches that its scenario can bring about', async (t) => {
    for (const [scenario, batchSize, expected] of [
      [{ kind: 'single-stream' }, 3, ['3x1', '3x1']],
      [{ kind: 'server', arrivalsPerS: 100, batchingWindowMs: 0 }, 3, ['1x1', '2x1', '3x1', '3x1']],
      [{ kind: 'server', arrivalsPerS: 100, batchingWindowMs: 0 }, 1, ['1x1', '1x1']],
      [{ kind: 'multi-stream', samplesPerQuery: 8 }, 3, ['2x1', '3x1', '3x1']],
      [{ kind: 'multi-stream', samplesPerQuery: 6 }, 3, ['3x1', '3x1']],
    ] as const) {
      const { env, runs } = sideCar(t);
      const child = new Child(t, env);
      child.say(order(t, { config: { batchSize }, scenario, stopRule: { warmupRuns: 0 } }));
      await child.hears('started');
      child.say('load');
      await child.hears('ready');
      assert.deepEqual(runs(), [...expected, 'usage'], JSON.stringify(scenario));
      child.process.kill('SIGKILL');
    }
  });
});
