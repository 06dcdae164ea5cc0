/** A whole system for tests: a real coordinator and real agent processes, on free ports, in a folder of their own. */

import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { isPresent } from '@edgetune/shared/domain/device.ts';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import type { StudyDetail } from '@edgetune/shared/protocol/http.ts';
import type { StopRule } from '@edgetune/shared/protocol/job.ts';
import { createClient } from '../../../coordinator/cli/client.ts';
import { type ConfigInput, loadConfig } from '../../../coordinator/config/config.ts';
import { type Coordinator, startCoordinator } from '../../../coordinator/main.ts';

const ROOT = join(import.meta.dirname, '../../..');

export async function coordinatorIn(
  t: TestContext,
  folder: string,
  stopRule?: Partial<StopRule>,
  settings: ConfigInput = {},
): Promise<Coordinator & { log: string[] }> {
  const log: string[] = [];
  const config = loadConfig({ dataDir: join(folder, 'data'), port: 0, mqttPort: 0, ...settings }, {});
  const coordinator = await startCoordinator({
    config,
    log: plainLogger((message) => log.push(message)),
    ...(stopRule ? { stopRule } : {}),
  });
  t.after(() => coordinator.close());
  return { ...coordinator, log };
}

/** An agent process that joins under this name; `flags` such as `--simulate raspberry-pi-5`. */
export function startAgentProcess(
  t: TestContext,
  options: { server: string; token: string; folder: string; name: string; flags?: string[] },
): ChildProcess {
  const bin = join(ROOT, 'agent/bin/edgetune-agent.js');
  const flags = [
    'run',
    '--server',
    options.server,
    '--token',
    options.token,
    '--data-dir',
    join(options.folder, options.name),
    ...(options.flags ?? []),
  ];
  const child = spawn(process.execPath, [bin, ...flags], { stdio: ['ignore', 'ignore', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  return child;
}

/** Agent processes by the names under which they join, each with its flags; resolves when all are online. */
export async function joinAgents(
  t: TestContext,
  coordinator: Coordinator,
  folder: string,
  agents: Readonly<Record<string, string[]>>,
): Promise<void> {
  for (const [name, flags] of Object.entries(agents)) {
    const { token } = coordinator.fleet.addDevice(name);
    startAgentProcess(t, { server: coordinator.url, token, folder, name, flags });
  }
  await untilOnline(coordinator, ...Object.keys(agents));
}

/** The coordinator as a process of its own, as `npm start` runs it; resolves when it answers. `output` is what it has said. */
export async function startCoordinatorProcess(
  t: TestContext,
  options: { folder: string; port: number; mqttPort: number; flags?: string[] },
): Promise<ChildProcess & { output: string }> {
  const bin = join(ROOT, 'coordinator/bin/edgetune.js');
  const flags = [
    'serve',
    '--data-dir',
    join(options.folder, 'data'),
    '--port',
    String(options.port),
    '--mqtt-port',
    String(options.mqttPort),
    ...(options.flags ?? []),
  ];
  const started = spawn(process.execPath, [bin, ...flags], { stdio: ['ignore', 'pipe', 'inherit'] });
  const child = Object.assign(started, { output: '' });
  t.after(() => child.kill('SIGKILL'));
  await new Promise<void>((resolve, reject) => {
    child.stdout?.on('data', (chunk) => {
      child.output += chunk;
      if (child.output.includes('EdgeTune is at')) resolve();
    });
    child.once('exit', (code) => reject(new Error(`the coordinator ended with code ${code}: ${child.output}`)));
  });
  return child;
}

export async function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

/** Resolves when the study has ended, as a client of the API sees it. */
export async function untilEnded(server: string, id: string): Promise<StudyDetail> {
  const client = createClient({ server });
  const controller = new AbortController();
  for await (const { body } of client.followStudy(id, controller.signal)) {
    if (body.type === 'study-state' && ['succeeded', 'failed', 'stopped'].includes(body.state)) break;
  }
  controller.abort();
  return client.study(id);
}

export async function untilOnline(coordinator: Coordinator, ...names: string[]): Promise<void> {
  const ready = () => names.every((name) => isPresent(coordinator.fleet.device(name)));
  await new Promise<void>((resolve) => {
    if (ready()) return resolve();
    const end = coordinator.fleet.subscribe(() => {
      if (!ready()) return;
      end();
      resolve();
    });
  });
}

/** A study small enough for tests. */
export const smallStudy = (devices: readonly string[], more = '') => `name: small
workload: image-classifier
dataset: {format: synthetic-images, classes: 3, samples: 160, imageSize: 8, channels: 1}
devices: [${devices.join(', ')}]
space:
  model: {width: {type: ordinal, values: [4, 6]}, depth: {type: constant, value: 1}, block: {type: categorical, choices: [residual, separable]}}
  training: {learningRate: {type: float, min: 0.003, max: 0.03, scale: log}, batchSizeTraining: {type: constant, value: 32}}
  inference: {batchSize: {type: ordinal, values: [1, 2]}, threads: {type: ordinal, values: [1, 2]}}
budget: {minEpochs: 1, maxEpochs: 2, minDataFraction: 0.5, maxDataFraction: 1, reductionFactor: 2}
stop: {trials: 3}
recommend: 1
${more}`;
