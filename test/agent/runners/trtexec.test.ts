/** trtexec's command lines and output. The lines are in the words of TensorRT's samples (see the sources named in the code). */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { readOnnx } from '@edgetune/shared/onnx/read-onnx.ts';
import { boardSetup } from '../../../agent/board/board-setup.ts';
import { measureModel } from '../../../agent/measure/measure-model.ts';
import { RejectedError } from '../../../agent/rejected-error.ts';
import { buildArguments, runArguments, shapesArgument } from '../../../agent/runners/trtexec/command.ts';
import { errorOf, managedMemoryBytes, parseTimes, versionOf } from '../../../agent/runners/trtexec/output.ts';
import { describeBoard } from '../../../agent/this-machine/describe-board.ts';
import { measureRequestFor, type RequestChange } from '../../support/measuring.ts';
import { reluModel } from '../../support/models.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { fakeTrtexec } from './support/fake-trtexec.ts';

describe('command lines', () => {
  const engine = { enginePath: '/m/a.engine', shapes: 'input:8x16' };

  it('build an engine for the shapes that the model leaves open, in the precision that is asked for', () => {
    const shapes = (batch: string | number, width: string | number) =>
      shapesArgument(readOnnx(reluModel(batch, width)), { batchSize: 8, dimensions: { tokens: 128 } });
    assert.equal(shapes('batch', 16), 'input:8x16');
    assert.equal(shapes('batch', 'tokens'), 'input:8x128');
    assert.equal(shapesArgument(readOnnx(reluModel(1, 16)), { batchSize: 1, dimensions: {} }), null);
    assert.throws(() => shapes(4, 16), /fixed at 4/);
    assert.deepEqual(buildArguments({ modelPath: '/m/a.onnx', ...engine, precision: 'float16' }), [
      '--onnx=/m/a.onnx',
      '--saveEngine=/m/a.engine',
      '--shapes=input:8x16',
      '--fp16',
      '--warmUp=0',
      '--duration=0',
      '--iterations=1',
    ]);
  });

  it('run it for as long and as often as the stop rule asks at least', () => {
    const stopRule = { minRuns: 50, minDurationMs: 1500 };
    assert.deepEqual(runArguments({ ...engine, shapes: null, stopRule, timesPath: '/t/times.json' }), [
      '--loadEngine=/m/a.engine',
      '--warmUp=200',
      '--duration=2',
      '--iterations=50',
      '--exportTimes=/t/times.json',
    ]);
  });
});

describe('output', () => {
  it('tells the version, in the numbering of TensorRT 8 and of 10', () => {
    assert.equal(versionOf('&&&& RUNNING TensorRT.trtexec [TensorRT v8502] # trtexec --help\n'), '8.5.2');
    assert.equal(versionOf('&&&& RUNNING TensorRT.trtexec [TensorRT v100300] [b26] # trtexec\n'), '10.3.0');
    assert.equal(versionOf('trtexec: error while loading shared libraries: libnvinfer.so.8'), null);
  });

  it('tells each query; those of the warm-up, which older versions write too, are left out', () => {
    const query = (start: number, latencyMs: number) =>
      `{ "startEnqMs" : ${start}, "endEnqMs" : ${start + 0.3}, "startH2dMs" : ${start + 0.1}, "endH2dMs" : ${start + 0.2}, "startComputeMs" : ${start + 0.2}, "endComputeMs" : ${start + 1}, "startD2hMs" : ${start + 1}, "endD2hMs" : ${start + 1.1}, "h2dMs" : 0.1, "computeMs" : 0.8, "d2hMs" : 0.1, "latencyMs" : ${latencyMs}, "endToEndMs" : 1 }`;
    const text = `[\n  ${query(199, 9)}\n, ${query(200, 1)}\n, ${query(202, 1.5)}\n]\n`;
    const { latenciesMs, startMs, endMs } = parseTimes(text, 200);
    assert.deepEqual(latenciesMs, [1, 1.5]);
    assert.ok(Math.abs(startMs - 200.1) < 1e-9 && Math.abs(endMs - 203.1) < 1e-9);
    assert.throws(() => parseTimes(text, 300), /no query after its warm-up/);
    assert.throws(() => parseTimes('[ { "startComputeMs" : inf } ]', 0));
  });

  it('tells the memory that TensorRT manages, and what went wrong', () => {
    const output = [
      '[07/14/2023-11:55:11] [I] [TRT] [MemUsageChange] TensorRT-managed allocation in engine deserialization: CPU +0, GPU +186, now: CPU 0, GPU 186 (MiB)',
      '[07/14/2023-11:55:14] [I] [TRT] [MemUsageChange] TensorRT-managed allocation in IExecutionContext creation: CPU +2, GPU +80, now: CPU 2, GPU 266 (MiB)',
      '[07/14/2023-11:55:15] [E] [TRT] 4: [network.cpp::validate::3004] Error Code 4: Internal Error (Network must have at least one output)',
      '[07/14/2023-11:55:15] [E] Engine set up failed',
    ].join('\n');
    assert.equal(managedMemoryBytes(output), 268 * 2 ** 20);
    assert.match(errorOf(output) ?? '', /^4: \[network.cpp/);
    assert.equal(managedMemoryBytes('[I] Starting inference'), null);
  });
});

describe('engines', () => {
  const cached = async (t: TestContext) => {
    const trtexec = fakeTrtexec(t);
    process.env.EDGETUNE_AGENT_TRTEXEC = trtexec.path;
    t.after(() => delete process.env.EDGETUNE_AGENT_TRTEXEC);
    const models = join(temporaryFolder(t), 'models');
    mkdirSync(models);
    const modelPath = join(models, `${'a'.repeat(64)}.onnx`);
    writeFileSync(modelPath, reluModel());
    const setup = boardSetup({ toleratesLoad: true });
    const board = await describeBoard(setup);
    const measure = (change: RequestChange['config'] = {}) =>
      measureModel(
        measureRequestFor(modelPath, {
          config: { runner: 'trtexec', executionProvider: 'tensorrt', ...change },
        }),
        { board, modelPath, signal: new AbortController().signal },
        setup,
      );
    const builds = () => trtexec.runs().filter((args) => args.some((arg) => arg.startsWith('--onnx='))).length;
    return { measure, builds, models };
  };

  it('are built once for a model, its shapes and its precision, and kept beside the model', async (t) => {
    const { measure, builds, models } = await cached(t);
    const measured = await measure();
    assert.equal(measured.outcome, 'ok', measured.reason ?? '');
    assert.equal(measured.latencyMs?.p50, 2);
    assert.equal(measured.peakMemoryBytes, 268 * 2 ** 20);
    await measure();
    assert.equal(builds(), 1);
    await measure({ batchSize: 8 });
    await measure({ precision: 'float16' });
    assert.equal(builds(), 3);
    assert.equal(readdirSync(models).filter((name) => name.endsWith('.engine')).length, 3);
  });

  it('that cannot be built reject the job; one for which memory is short does not', async (t) => {
    const { measure, models } = await cached(t);
    t.after(() => delete process.env.FAKE_TRTEXEC_FAILS);
    process.env.FAKE_TRTEXEC_FAILS = 'ModelImporter.cpp:773: No importer registered for op: Foo';
    await assert.rejects(measure(), (error: Error) => {
      assert.ok(error instanceof RejectedError);
      assert.match(error.message, /cannot build an engine of this model: .*No importer registered for op: Foo/);
      return true;
    });
    process.env.FAKE_TRTEXEC_FAILS =
      '1: [defaultAllocator.cpp::allocate::19] Error Code 1: Cuda Runtime (out of memory)';
    assert.equal((await measure()).outcome, 'out-of-memory');
    assert.deepEqual(
      readdirSync(models).filter((name) => name.endsWith('.engine')),
      [],
    );
  });
});
