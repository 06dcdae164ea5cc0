/** A whole system for tests: a real coordinator and real agent processes, on free ports, in a folder of their own. */

import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { TestContext } from 'node:test';
import { isPresent } from '@edgetune/shared/domain/device.ts';
import type { StudyEventBody } from '@edgetune/shared/domain/study-event.ts';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import type { BenchView } from '@edgetune/shared/protocol/bench.ts';
import type { StudyDetail } from '@edgetune/shared/protocol/http.ts';
import type { StopRule } from '@edgetune/shared/protocol/job.ts';
import { createClient } from '../../../coordinator/cli/client.ts';
import { type ConfigInput, loadConfig } from '../../../coordinator/config/config.ts';
import { type Coordinator, startCoordinator } from '../../../coordinator/main.ts';
import { untilFleet } from '../../support/fleet.ts';
import { event, firstOf, PROCESS_S, until } from '../../support/waiting.ts';

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
    const { token } = await coordinator.fleet.addDevice(name);
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
  child.stdout?.on('data', (chunk) => {
    child.output += chunk;
  });
  await untilSaid(child, child.stdout, 'EdgeTune is at');
  return child;
}

/** Waits until a process has said this. @throws where it ends before */
export async function untilSaid(child: ChildProcess, output: Readable | null, words: string): Promise<void> {
  let said = '';
  output?.on('data', (chunk) => {
    said += chunk;
  });
  const isSaid = () => {
    if (child.exitCode !== null) throw new Error(`${child.spawnfile} ended with code ${child.exitCode}: ${said}`);
    return said.includes(words);
  };
  await until(`${child.spawnfile} to say "${words}"`, isSaid, { seconds: PROCESS_S });
}

export async function freePort(): Promise<number> {
  const server = createServer();
  const listening = event('a free port', server, 'listening');
  server.listen(0, '127.0.0.1');
  await listening;
  const { port } = server.address() as { port: number };
  const closed = event('the free port to be given back', server, 'close');
  server.close();
  await closed;
  return port;
}

/** Resolves when the study has ended, as a client of the API sees it. */
export async function untilEnded(server: string, id: string): Promise<StudyDetail> {
  await untilEvent(
    'the study to end',
    server,
    id,
    (body) => body.type === 'study-state' && ['succeeded', 'failed', 'stopped'].includes(body.state),
  );
  return createClient({ server }).study(id);
}

/** Waits for an event of a study, also one that was before. */
export async function untilEvent(
  what: string,
  server: string,
  id: string,
  matches: (body: StudyEventBody) => boolean,
): Promise<void> {
  const controller = new AbortController();
  const events = createClient({ server }).followStudy(id, controller.signal);
  await firstOf(what, events, ({ body }) => matches(body), 180).finally(() => controller.abort());
}

export async function untilOnline(coordinator: Coordinator, ...names: string[]): Promise<void> {
  const ready = () => names.every((name) => isPresent(coordinator.fleet.device(name)));
  await untilFleet(coordinator.fleet, `${names.join(', ')} to be online`, ready, PROCESS_S);
}

/** Waits until a bench has come so far. */
export async function untilBench(
  client: Pick<ReturnType<typeof createClient>, 'bench'>,
  id: string,
  what: string,
  reached: (view: BenchView) => boolean,
  seconds = PROCESS_S,
): Promise<BenchView> {
  let view = await client.bench(id);
  await until(
    what,
    async () => {
      view = await client.bench(id);
      return reached(view);
    },
    { seconds },
  );
  return view;
}

/** A study small enough for tests, and large enough that its models are better than chance. */
export const smallStudy = (devices: readonly string[], more = '') => `name: small
workload: image-classifier
dataset: {format: synthetic-images, classes: 3, samples: 600, imageSize: 8, channels: 1}
devices: [${devices.join(', ')}]
space:
  model: {width: {type: ordinal, values: [4, 6]}, depth: {type: constant, value: 1}, block: {type: categorical, choices: [residual, separable]}}
  training: {learningRate: {type: float, min: 0.003, max: 0.03, scale: log}, batchSizeTraining: {type: constant, value: 32}}
  inference: {batchSize: {type: ordinal, values: [1, 2]}, threads: {type: ordinal, values: [1, 2]}}
budget: {minEpochs: 1, maxEpochs: 2, minDataFraction: 0.5, maxDataFraction: 1, reductionFactor: 2}
stop: {trials: 3}
recommend: 1
${more}`;
