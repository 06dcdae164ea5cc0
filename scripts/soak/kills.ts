/**
 * A deterministic study that is killed at random moments, where nothing but what is on the disk is left of it, and goes on:
 * it asks, is told and recommends exactly what it does undisturbed.
 */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { metricsOf } from '@edgetune/shared/domain/measurement-metrics.ts';
import type { StudyEventBody } from '@edgetune/shared/domain/study-event.ts';
import { mulberry32 } from '@edgetune/shared/math/generators.ts';
import { systemClock } from '../../coordinator/fleet/clock.ts';
import { MemoryAgent } from './memory-agents.ts';
import type { SoakPart } from './parts.ts';
import { createWorld, type World } from './worlds.ts';

const MOST_KILLS = 5;

const study = (seed: number) => `name: killed
workload: image-classifier
dataset: {format: synthetic-images}
devices: [pi, orin]
deterministic: true
objectives: [maximize accuracy, minimize latency.p50, minimize energy]
space:
  model: {width: {type: ordinal, values: [4, 6, 8, 12]}, depth: {type: int, min: 1, max: 4}}
  training: {learningRate: {type: float, min: 0.001, max: 0.1, scale: log}}
  inference: {batchSize: {type: ordinal, values: [1, 2, 4, 8]}, threads: {type: ordinal, values: [1, 2, 3, 4]}}
budget: {minEpochs: 1, maxEpochs: 4, minDataFraction: 1, reductionFactor: 2}
tuner: {seed: ${seed}}
stop: {trials: 14}
recommend: 2
`;

const BOARDS = { pi: 'raspberry-pi-4', orin: 'jetson-orin-nano' };

export const kills: SoakPart = {
  name: 'kills',
  description: 'a deterministic study that is killed at random moments comes out as the undisturbed one',
  runs: 50,
  whyNot: () => null,
  async run(seed) {
    const folder = mkdtempSync(join(tmpdir(), 'edgetune-soak-'));
    try {
      const next = mulberry32(seed);
      const random = () => next() / 2 ** 32;
      const undisturbed = await runToItsEnd(join(folder, 'undisturbed'), seed, random, () => Infinity);
      const { events } = undisturbed;
      const killed = await runToItsEnd(join(folder, 'killed'), seed, random, () => Math.ceil((random() * events) / 3));
      const differences = compare(undisturbed.said, killed.said);
      if (differences.length > 0) throw new Error(`after ${killed.kills} kills: ${differences.join('; ')}`);
      return `${killed.kills} kills in ${killed.events} events, the same outcome`;
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

/** What has to be the same, by its name. */
type Said = Map<string, unknown>;

/** @param patience how many events until it is killed, anew each time */
async function runToItsEnd(directory: string, seed: number, random: () => number, patience: () => number) {
  const agents = new Set(Object.entries(BOARDS).map(([name, profile]) => new MemoryAgent({ name, profile, random })));
  let world = await createWorld({ directory, agents, clock: systemClock, random });
  for (const agent of agents) await world.add(agent);
  let { id } = await world.studies.create(study(seed));
  for (let killed = 0; ; killed++) {
    const died = `${directory}-${killed}`;
    const isOver = await untilKilled(world, id, killed < MOST_KILLS ? patience() : Infinity, () =>
      // What is on the disk now is all that a kill leaves.
      cpSync(killed === 0 ? directory : `${directory}-${killed - 1}`, died, { recursive: true }),
    );
    if (isOver) {
      const bodies = world.studies.events(id, 0, 1_000_000).map(({ body }) => body);
      await world.close();
      return { said: saidIn(bodies), events: bodies.length, kills: killed };
    }
    for (const agent of agents) agent.disconnect();
    await world.close();
    rmSync(join(died, 'coordinator.lock'), { force: true });
    world = await createWorld({ directory: died, agents, clock: systemClock, random });
    world.studies.start();
    id = (world.studies.list()[0] as { id: string }).id;
  }
}

/** @returns true: it was not killed before its end */
function untilKilled({ studies }: World, id: string, patience: number, onKilled: () => void): Promise<boolean> {
  return new Promise((resolve, reject) => {
    let left = patience;
    const end = studies.subscribe(id, ({ body }) => {
      const isOver = body.type === 'study-state' && ['succeeded', 'failed'].includes(body.state);
      if (!isOver && --left > 0) return;
      end();
      if (body.type === 'study-state' && body.state === 'failed') return reject(new Error(`it failed: ${body.reason}`));
      if (!isOver) onKilled();
      resolve(isOver);
    });
  });
}

function saidIn(bodies: readonly StudyEventBody[]): Said {
  const said: Said = new Map();
  for (const body of bodies) {
    if (body.type === 'trial-asked') said.set(`ask ${body.ask}`, body);
    if (body.type === 'trial-told') {
      const { trialId, rung, status, metrics, violation } = body;
      said.set(`trial ${trialId}, rung ${rung}`, { status, metrics, violation });
    }
    if (body.type === 'inference-finished') {
      const { trialId, device, best, feasible, metrics } = body;
      said.set(`trial ${trialId} on ${device}`, { best, feasible, metrics });
    }
    if (body.type === 'recommendation') said.set('the recommendation', recommended(body.recommendation));
  }
  return said;
}

function recommended({ models, why }: Extract<StudyEventBody, { type: 'recommendation' }>['recommendation']) {
  return {
    why,
    models: models.map(({ trialId, candidate, validationAccuracy, onnxSha256, devices }) => ({
      ...{ trialId, candidate, validationAccuracy, onnxSha256 },
      devices: devices.map(({ device, config, measurement }) => ({ device, config, metrics: metricsOf(measurement) })),
    })),
  };
}

function compare(undisturbed: Said, killed: Said): string[] {
  const names = new Set([...undisturbed.keys(), ...killed.keys()]);
  return [...names].flatMap((name) => {
    const [one, other] = [undisturbed.get(name), killed.get(name)];
    if (isDeepStrictEqual(one, other)) return [];
    return [`${name}: ${JSON.stringify(one)} undisturbed, ${JSON.stringify(other)} after kills`];
  });
}
