/** A study on simulated boards in the boards' own time: how much training and measuring overlap, and the study's overhead. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import { loadConfig } from '../../coordinator/config/config.ts';
import { startCoordinator } from '../../coordinator/main.ts';
import type { BenchTable } from './support.ts';

const BOARDS = { 'pi-4': 'raspberry-pi-4', 'pi-5': 'raspberry-pi-5' };

const STUDY = `name: asynchrony
dataset: {format: synthetic-images, classes: 6, samples: 1200, imageSize: 12, channels: 3}
devices: [${Object.keys(BOARDS).join(', ')}]
space:
  model:
    width: {type: ordinal, values: [8, 12, 16]}
    depth: {type: int, min: 1, max: 2}
    block: {type: categorical, choices: [residual, separable]}
  training: {learningRate: {type: float, min: 0.002, max: 0.03, scale: log}}
  inference: {batchSize: {type: ordinal, values: [1, 4]}, threads: {type: ordinal, values: [1, 2, 4]}}
budget: {minEpochs: 1, maxEpochs: 4, minDataFraction: 0.5, maxDataFraction: 1, reductionFactor: 2}
stop: {trials: 8}
recommend: 1
`;

export async function benchAsynchrony(): Promise<BenchTable> {
  const folder = mkdtempSync(join(tmpdir(), 'edgetune-bench-'));
  const agents: ChildProcess[] = [];
  const coordinator = await startCoordinator({
    config: loadConfig({ dataDir: join(folder, 'data'), port: 0, mqttPort: 0 }, {}),
    log: plainLogger(() => {}),
  });
  try {
    for (const [name, profile] of Object.entries(BOARDS)) {
      const { token } = await coordinator.fleet.addDevice(name);
      const bin = join(import.meta.dirname, '../../agent/bin/edgetune-agent.js');
      const flags = [
        'run',
        '--server',
        coordinator.url,
        '--token',
        token,
        '--data-dir',
        join(folder, name),
        '--simulate',
        profile,
        '--time-scale',
        '1',
      ];
      agents.push(spawn(process.execPath, [bin, ...flags], { stdio: ['ignore', 'ignore', 'inherit'] }));
    }
    await new Promise<void>((resolve) => {
      const end = coordinator.fleet.subscribe(() => {
        if (!coordinator.fleet.devices().every(({ presence }) => presence === 'online')) return;
        end();
        resolve();
      });
    });
    const { id } = await coordinator.studies.create(STUDY);
    await new Promise<void>((resolve) => {
      coordinator.studies.subscribe(id, ({ body }) => {
        if (body.type === 'study-state' && ['succeeded', 'failed'].includes(body.state)) resolve();
      });
    });
    const study = coordinator.studies.find(id);
    if (study?.state !== 'succeeded') throw new Error(`the study ${study?.state}: ${study?.reason}`);
    const { totalS, trainingS, measuringS, overlapS, overheadS } = study.timeline;
    const bound = trainingS + measuringS - 0.8 * Math.min(trainingS, measuringS);
    return {
      title: 'Asynchrony: a study on two simulated boards at time scale 1 (seconds; SIMULATED measuring)',
      rows: [
        {
          total: totalS,
          training: trainingS,
          measuring: measuringS,
          'at the same time': overlapS,
          'training + measuring − 80 % of the shorter': bound,
          'total is less': totalS < bound ? 'yes' : 'no',
          overhead: overheadS,
          'overhead ÷ total': overheadS / totalS,
        },
      ],
    };
  } finally {
    await coordinator.close();
    for (const agent of agents) agent.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}
