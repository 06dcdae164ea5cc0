/** What every runner promises, really run: ONNX Runtime in Node.js and in Python, and a stand-in for trtexec. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import type { BoardDescription } from '@edgetune/shared/domain/device.ts';
import type { Measurement } from '@edgetune/shared/domain/measurement.ts';
import { boardSetup } from '../../../agent/board/board-setup.ts';
import { measureModel } from '../../../agent/measure/measure-model.ts';
import { RejectedError } from '../../../agent/rejected-error.ts';
import { RUNNERS } from '../../../agent/runners/all.ts';
import { describeBoard } from '../../../agent/this-machine/describe-board.ts';
import { measureRequestFor, type RequestChange } from '../../support/measuring.ts';
import { reluModel } from '../../support/models.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { PROVISIONS } from './support/provisions.ts';

const setup = boardSetup({ toleratesLoad: true });
const never = new AbortController().signal;

for (const { name: runner, description } of RUNNERS) {
  describe(`runner ${runner}`, () => {
    const provision = PROVISIONS[runner];
    assert.ok(provision, `say in support/provisions.ts how the tests have ${runner}`);
    const { executionProvider, provide, playsAll } = provision;
    const config = { runner, executionProvider };
    let reason: string | null = null;
    let board: BoardDescription;
    const cleanUps: (() => void)[] = [];
    before(async () => {
      reason = provide({ after: (cleanUp) => void cleanUps.push(cleanUp as () => void) });
      board = await describeBoard(setup);
    });
    after(() => {
      for (const cleanUp of cleanUps) cleanUp();
    });

    const promise = (name: string, body: (t: TestContext) => Promise<void>) =>
      it(name, async (t) => (reason === null ? body(t) : t.skip(`${config.runner} is not to be had here: ${reason}`)));
    const measure = (t: TestContext, model: Uint8Array, change: RequestChange = {}): Promise<Measurement> => {
      const modelPath = join(temporaryFolder(t), 'model.onnx');
      writeFileSync(modelPath, model);
      const request = measureRequestFor(modelPath, { ...change, config: { ...config, ...change.config } });
      return measureModel(request, { board, modelPath, signal: never }, setup);
    };

    promise('is announced with its version and what it executes on', async () => {
      const runtime = board.runtimes.find(({ runner }) => runner === config.runner);
      assert.match(runtime?.version ?? '', /^\d+\.\d+\.\d+/);
      assert.ok(runtime?.executionProviders.includes(config.executionProvider));
      assert.ok(description.length > 0);
    });

    promise('measures: latencies, throughput and the memory of its process; nothing is left running', async (t) => {
      const measured = await measure(t, reluModel());
      assert.equal(measured.outcome, 'ok', measured.reason ?? '');
      const { latencyMs, throughputPerS, processPeakMemoryBytes } = measured;
      assert.ok(latencyMs && latencyMs.count >= 5 && latencyMs.min > 0);
      assert.ok(
        throughputPerS && Math.abs((throughputPerS * latencyMs.mean) / 1000 - 1) < 0.2,
        `${throughputPerS} a second`,
      );
      assert.ok((processPeakMemoryBytes ?? 0) > 1e6);
      assert.deepEqual(measuringProcesses(), []);
    });

    promise('runs the batch that is asked for', async (t) => {
      const measured = await measure(t, reluModel(), { config: { batchSize: 8 } });
      const { latencyMs, throughputPerS } = measured;
      const samplesPerRun = ((throughputPerS ?? 0) * (latencyMs?.mean ?? 0)) / 1000;
      assert.ok(Math.abs(samplesPerRun - 8) < 1.6, `${samplesPerRun} samples a run`);
    });

    promise('takes sizes of other dimensions, and names one that is missing', async (t) => {
      await assert.rejects(measure(t, reluModel('batch', 'tokens')), /"tokens"/);
      const measured = await measure(t, reluModel('batch', 'tokens'), { dimensions: { tokens: 4 } });
      assert.equal(measured.outcome, 'ok', measured.reason ?? '');
    });

    promise('rejects what it can never run, and says why', async (t) => {
      await assert.rejects(measure(t, reluModel(1), { config: { batchSize: 4 } }), (error: Error) => {
        assert.ok(error instanceof RejectedError, String(error));
        assert.match(error.message, /fixed/);
        return true;
      });
      await assert.rejects(measure(t, reluModel().subarray(0, 30)), RejectedError);
    });

    promise(playsAll ? 'plays all scenarios' : 'rejects a scenario that it cannot play', async (t) => {
      const scenarios = [
        { kind: 'server', arrivalsPerS: 200, batchingWindowMs: 1 },
        { kind: 'multi-stream', samplesPerQuery: 4 },
      ];
      for (const scenario of scenarios) {
        const run = measure(t, reluModel(), { scenario, config: { batchSize: 2 } });
        if (playsAll) assert.equal((await run).outcome, 'ok');
        else await assert.rejects(run, /back to back only: it cannot play the scenario/);
      }
    });
  });
}

/** Processes that this one has started for measuring and that still run. */
function measuringProcesses(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const status = readFileSync(`/proc/${pid}/status`, 'utf8');
        const isMine = new RegExp(`^PPid:\\s+${process.pid}$`, 'm').test(status);
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
        return isMine && command.includes('measure-child') ? [command] : [];
      } catch {
        return []; // It has ended while it was looked at.
      }
    });
}
