/** The bench from the command line, and over a coordinator that is killed: real processes, simulated boards. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import type { BenchView } from '@edgetune/shared/protocol/bench.ts';
import { createClient } from '../../coordinator/cli/client.ts';
import { convModel } from '../coordinator/inference/support/conv-model.ts';
import { runProgram } from '../support/programs.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { event, PROCESS_S, until } from '../support/waiting.ts';
import {
  coordinatorIn,
  freePort,
  joinAgents,
  startAgentProcess,
  startCoordinatorProcess,
  untilBench,
} from './support/system.ts';

const BIN = join(import.meta.dirname, '../../coordinator/bin/edgetune.js');
const measuredIn = ({ devices }: BenchView) => devices.reduce((sum, { measurements }) => sum + measurements.length, 0);

it('finds the highest rate of the server scenario within a p99 latency, from the command line', async (t) => {
  const folder = temporaryFolder(t, { 'model.onnx': convModel({ layers: 4, channels: 32, size: 32 }) });
  const coordinator = await coordinatorIn(t, folder);
  await joinAgents(t, coordinator, folder, { pi: ['--simulate', 'raspberry-pi-5'] });
  const bench = async (...flags: string[]) => {
    const out = join(folder, 'bench.json');
    const model = join(folder, 'model.onnx');
    const fixed = ['bench', model, '--devices', 'pi', '--server', coordinator.url, '--format', 'json', '--out', out];
    const { code, err } = await runProgram(process.execPath, [BIN, ...fixed, ...flags]);
    if (code !== 0) throw new Error(err);
    return JSON.parse(readFileSync(out, 'utf8')) as BenchView;
  };
  const server = ['--scenario', 'server', '--p99-bound', '20', '--objective', 'maximize throughput'];
  const [entry] = (await bench(...server, '--batch-sizes', '1,4')).devices;
  const { best } = entry as BenchView['devices'][number];
  assert.ok(best?.latencyMs && best.throughputPerS, entry?.reason ?? '');
  assert.ok(best.latencyMs.p99 <= 20 && (best.latencyMs.p99Bound ?? 0) > 0);
  const [offline] = (await bench('--scenario', 'offline', '--objective', 'maximize throughput', '--batch-sizes', '4'))
    .devices;
  assert.ok(best.throughputPerS < (offline?.best?.throughputPerS ?? 0), 'waiting costs throughput');

  const hopeless = ['--scenario', 'server', '--p99-bound', '0.001', '--batch-sizes', '1', '--threads', '1'];
  await assert.rejects(bench(...hopeless), /nothing was measured on pi: .*no rate keeps p99 <= 0.001 ms/);
  await assert.rejects(bench('--scenario', 'server'), /needs either --rate.* or --p99-bound/);
});

it('goes on with a bench when the coordinator was killed in the middle of it', async (t) => {
  const folder = temporaryFolder(t);
  const [port, mqttPort] = [await freePort(), await freePort()];
  const server = `http://localhost:${port}`;
  const first = await startCoordinatorProcess(t, { folder, port, mqttPort });
  const client = createClient({ server });
  const { token } = await client.addDevice('pi');
  // Slow enough to be caught.
  const flags = ['--simulate', 'raspberry-pi-4', '--time-scale', '0.1'];
  startAgentProcess(t, { server, token, folder, name: 'pi', flags });
  const { modelSha256 } = await client.uploadBenchModel(convModel());
  await until('the board to have joined', async () => (await client.devices()).every(({ board }) => board !== null), {
    seconds: PROCESS_S,
  });
  const { id } = await client.startBench({ modelSha256, devices: ['pi'] });
  const before = await untilBench(client, id, 'two measurements', (view) => measuredIn(view) >= 2);
  const ended = event('the killed coordinator to end', first, 'exit', PROCESS_S);
  first.kill('SIGKILL');
  await ended;
  await startCoordinatorProcess(t, { folder, port, mqttPort });
  const view = await untilBench(client, id, 'the bench to end', ({ state }) => state !== 'running');
  const [entry] = view.devices;
  assert.deepEqual([view.state, entry?.state], ['finished', 'finished'], entry?.reason ?? '');
  const ids = new Set(entry?.measurements.map((measurement) => measurement.id));
  for (const { id: kept } of before.devices[0]?.measurements ?? [])
    assert.ok(ids.has(kept), 'nothing measured is lost');
});
