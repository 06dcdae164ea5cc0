/** Public models (CNN, int8, LSTM, transformer, dynamic shapes, control flow) benched on this machine and on a simulated board. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import { benchViewSchema } from '@edgetune/shared/protocol/bench.ts';
import { startAgent } from '../../agent/session/start-agent.ts';
import { simulatedBoard } from '../../agent/simulated/simulated-agent-board.ts';
import { thisMachine } from '../../agent/this-machine/agent-board.ts';
import { createClient } from '../../coordinator/cli/client.ts';
import { sharedData } from '../support/data.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { coordinatorIn, untilBench, untilOnline } from './support/system.ts';

/** Sizes of the dimensions that the models leave open, as their README tests them. */
const SIZES: Record<string, number> = { length: 128, sequence: 576, tokens: 32 };
/** Batches that an open first axis can be, where it is none: frames of speech, of which the model needs a few. */
const BATCHES: Record<string, number[]> = { 'qtdnn-int8.onnx': [20] };
const ENOUGH = { minDurationMs: 20, minRuns: 5, warmupRuns: 1 };

it('each public model is measured on each device, or refused with the reason', async (t) => {
  const models = sharedData('datasets/onnx-models');
  if (!models) return t.skip('../shared/data/datasets/onnx-models is not there');
  const folder = temporaryFolder(t);
  const coordinator = await coordinatorIn(t, folder, ENOUGH);
  const client = createClient({ server: coordinator.url });
  for (const [name, board] of [
    // Whatever else runs on this machine: it is not the latency that is tested.
    ['here', thisMachine({ toleratesLoad: true })],
    ['pi', simulatedBoard({ profile: 'raspberry-pi-5', timeScale: 0, seed: 1 })],
  ] as const) {
    const { token } = await coordinator.fleet.addDevice(name);
    const dataDirectory = join(folder, name);
    const agent = await startAgent({
      server: coordinator.url,
      token,
      dataDirectory,
      board,
      log: plainLogger(() => {}),
    });
    t.after(() => agent.stop());
  }
  await untilOnline(coordinator, 'here', 'pi');
  for (const file of readdirSync(models).filter((name) => name.endsWith('.onnx'))) {
    const { modelSha256, fixedBatch, openDimensions } = await client.uploadBenchModel(readFileSync(join(models, file)));
    const started = await client.startBench({
      modelSha256,
      modelName: file,
      devices: ['here', 'pi'],
      dimensions: Object.fromEntries(openDimensions.map((name) => [name, SIZES[name] as number])),
      ...(fixedBatch === null ? { batchSizes: BATCHES[file] ?? [1, 2] } : {}),
      // One config each: whether it runs is the question, not what is best.
      maxSeconds: 0.001,
    });
    const ended = await untilBench(client, started.id, `the bench of ${file}`, ({ state }) => state !== 'running');
    const view = benchViewSchema.parse(ended);
    const [here, pi] = view.devices;
    for (const entry of view.devices) {
      const batches = new Set(entry.measurements.map(({ config }) => config.batchSize));
      if (fixedBatch !== null) assert.deepEqual([...batches], entry.best ? [fixedBatch] : [], `${file}: batches`);
      t.diagnostic(`${file} on ${entry.device}: ${entry.best?.latencyMs?.p50 ?? entry.reason}`);
    }
    assert.ok(here?.best, `${file} on this machine: ${here?.reason}`);
    assert.ok(pi?.best, `${file} on the simulated board: ${pi?.reason}`);
  }
});
