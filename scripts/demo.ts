/**
 * The main job, end to end, on this machine alone: a coordinator, an agent that measures this machine for real, three
 * simulated boards, and a study on images that EdgeTune draws itself. `npm run demo -- --once` ends by itself.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import { ensureDashboard } from '../coordinator/cli/ensure-dashboard.ts';
import { StudyProgress } from '../coordinator/cli/render/progress.ts';
import { renderRecommendation, renderTimeline } from '../coordinator/cli/render/recommendation.ts';
import { loadConfig } from '../coordinator/config/config.ts';
import { type Coordinator, startCoordinator } from '../coordinator/main.ts';
import { writeFiles } from './write-files.ts';

const ROOT = join(import.meta.dirname, '..');
const endsByItself = process.argv.includes('--once');
const DIRECTORY = join(ROOT, '.edgetune', 'demo');

/** Simulated boards take as long as the boards would (time scale 1), so that the overlap with training is real. */
const DEVICES = [
  // The agents of the simulated boards run here too.
  { name: 'this-machine', flags: ['--tolerate-load'] },
  { name: 'pi-4', flags: ['--simulate', 'raspberry-pi-4', '--time-scale', '1'] },
  { name: 'pi-5', flags: ['--simulate', 'raspberry-pi-5', '--time-scale', '1'] },
  { name: 'orin-nano', flags: ['--simulate', 'jetson-orin-nano', '--time-scale', '1'] },
];

/** Small enough for two minutes on two cores. */
const STUDY = `name: demo
workload: image-classifier
dataset: {format: synthetic-images, classes: 6, samples: 1200, imageSize: 12, channels: 3}
devices: [${DEVICES.map(({ name }) => name).join(', ')}]
space:
  model:
    width: {type: ordinal, values: [8, 12, 16]}
    depth: {type: int, min: 1, max: 2}
    block: {type: categorical, choices: [residual, separable]}
  training:
    learningRate: {type: float, min: 0.002, max: 0.03, scale: log}
    batchSizeTraining: {type: ordinal, values: [32, 64]}
  system:
    trainingCores: {type: ordinal, values: [${availableParallelism() > 1 ? '1, 2' : '1'}]}
  inference:
    batchSize: {type: ordinal, values: [1, 4]}
    threads: {type: ordinal, values: [1, 2, 4]}
objectives: [maximize accuracy, minimize latency.p50]
constraints: ['latency.p99 <= 30 ms']
budget: {minEpochs: 1, maxEpochs: 6, minDataFraction: 0.4, maxDataFraction: 1, reductionFactor: 3}
stop: {trials: 8}
recommend: 2
`;

/** The port itself, or, where it is taken, any free one. */
async function freePort(wanted: number): Promise<number> {
  const listen = (port: number) =>
    new Promise<number | null>((resolve) => {
      const server = createServer();
      server.once('error', () => resolve(null));
      server.listen(port, '127.0.0.1', () => {
        const { port: found } = server.address() as { port: number };
        server.close(() => resolve(found));
      });
    });
  return (await listen(wanted)) ?? ((await listen(0)) as number);
}

async function startAgent(coordinator: Coordinator, { name, flags }: (typeof DEVICES)[number]): Promise<ChildProcess> {
  const { token } = await coordinator.fleet.addDevice(name);
  const dataDirectory = join(DIRECTORY, 'agents', name);
  const bin = join(ROOT, 'agent', 'bin', 'edgetune-agent.js');
  return spawn(
    process.execPath,
    [bin, 'run', '--server', coordinator.url, '--token', token, '--data-dir', dataDirectory, ...flags],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
}

async function untilOnline(coordinator: Coordinator): Promise<void> {
  const ready = () =>
    coordinator.fleet.devices().every(({ presence }) => presence !== 'pending' && presence !== 'offline');
  await new Promise<void>((resolve) => {
    const end = coordinator.fleet.subscribe(() => {
      if (!ready()) return;
      end();
      resolve();
    });
  });
}

async function main(): Promise<number> {
  const startMs = Date.now();
  const seconds = () => `${((Date.now() - startMs) / 1000).toFixed(0)} s`;
  rmSync(DIRECTORY, { recursive: true, force: true });
  mkdirSync(DIRECTORY, { recursive: true });
  console.log(
    `EdgeTune demo on ${availableParallelism()} cores. The images are synthetic: EdgeTune draws them itself.`,
  );
  await ensureDashboard(plainLogger(console.log));

  const config = loadConfig(
    { dataDir: join(DIRECTORY, 'data'), port: await freePort(8080), mqttPort: await freePort(1883) },
    {},
  );
  const messages: string[] = [];
  // Measured for half a second each: enough for a stable median of models of a millisecond.
  const coordinator = await startCoordinator({
    config,
    log: plainLogger((message) => messages.push(message)),
    stopRule: { minDurationMs: 500, minRuns: 30 },
  });
  const agents = await Promise.all(
    DEVICES.map(async (device) => {
      const child = await startAgent(coordinator, device);
      return { name: device.name, child, exited: once(child, 'exit') };
    }),
  );
  const endAll = async () => {
    await coordinator.close();
    for (const { child } of agents) child.kill('SIGTERM');
    await Promise.all(agents.map(({ exited }) => exited));
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void endAll().then(() => process.exit(0)));

  await Promise.race([
    untilOnline(coordinator),
    ...agents.map(async ({ name, exited }) => {
      await exited;
      throw new Error(`the agent of ${name} ended: its message is above`);
    }),
  ]);
  console.log(`Dashboard: ${coordinator.url}`);
  console.log(
    `Devices online after ${seconds()}: this-machine (measured for real), pi-4, pi-5 and orin-nano (SIMULATED, in the boards' own time)\n`,
  );
  const { id } = await coordinator.studies.create(STUDY);
  const progress = new StudyProgress(process.stdout, 8);
  await new Promise<void>((resolve) => {
    coordinator.studies.subscribe(id, (event) => {
      progress.show(event);
      if (event.body.type === 'study-state' && ['succeeded', 'failed', 'stopped'].includes(event.body.state)) resolve();
    });
  });
  progress.end();
  const study = coordinator.studies.find(id);
  if (study?.state !== 'succeeded') {
    console.error(`The study ${study?.state}: ${study?.reason}\n${messages.join('\n')}`);
    await endAll();
    return 1;
  }
  const exported = join(DIRECTORY, 'recommendation');
  const [model] = writeFiles(await coordinator.studies.exportFiles(id), exported).filter((path) =>
    path.endsWith('.onnx'),
  );
  console.log(`\n${renderRecommendation(study)}\n\n${renderTimeline(study)}`);
  console.log(
    `\nThe trained model: ${relative(process.cwd(), model as string)}\nReport and evidence: ${relative(process.cwd(), exported)}\nDone in ${seconds()}.`,
  );
  if (endsByItself) {
    await endAll();
    return 0;
  }
  console.log(`\nThe dashboard stays at ${coordinator.url} until Ctrl-C.`);
  return new Promise<never>(() => {});
}

process.exit(await main());
