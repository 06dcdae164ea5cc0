/** One study of the comparison: the product's own study service, on a simulated clock, with its costs booked. */

import type { SearchSpace } from '@edgetune/shared/domain/search-space.ts';
import type { StudySpec, StudySpecInput } from '@edgetune/shared/domain/study.ts';
import type { WorkloadInfo } from '@edgetune/shared/domain/study-parts.ts';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import { analyseModel } from '@edgetune/shared/onnx/analyse.ts';
import { systemClock } from '../../../coordinator/fleet/clock.ts';
import { createInferenceServer } from '../../../coordinator/inference/create-inference-server.ts';
import { Troubles } from '../../../coordinator/lifecycle/troubles.ts';
import { PARTS } from '../../../coordinator/parts.ts';
import { createStudyService } from '../../../coordinator/study/create-study-service.ts';
import { createSpanBus } from '../../../coordinator/study/span-bus.ts';
import { createCorePool } from '../../../coordinator/training/core-pool.ts';
import { WATTS_PER_BUSY_CORE } from '../../../coordinator/training/training-energy.ts';
import type { TrainingService } from '../../../coordinator/training/training-service.ts';
import { BOARDS, simulatedBoards } from './boards.ts';
import { memoryBlobs, memoryHistory, memoryStudies } from './memory.ts';
import { Timeline } from './timeline.ts';

export type Mode = StudySpec['tuner']['mode'];
export const MODES = [
  'accuracy-only',
  'onefold',
  'hierarchical',
  'hyperpower',
  'top-k-after-one-epoch',
] as const satisfies readonly Mode[];

/** Cores of the machine on whose simulated timeline trials train side by side. */
export const TRAINING_CORES = 2;

/** Trains on the simulated clock, and says what that has cost so far. */
export interface BookedTraining {
  service: TrainingService;
  cpuSeconds(): number;
}

/** What is tuned: the same for every mode. */
export interface Problem {
  name: string;
  /** Where the learning curves come from. */
  source: 'trained here' | 'real curves' | 'surrogate curves';
  space: SearchSpace;
  spec: Pick<StudySpecInput, 'workload' | 'dataset' | 'space' | 'budget' | 'objectives' | 'constraints'>;
  /** Trials of the run of `accuracy-only` that fixes A. */
  trials: number;
  training(timeline: Timeline): BookedTraining;
}

export interface Outcome {
  /** Simulated seconds until a model has been trained to the end and its inference configs are measured. */
  seconds: number;
  cpuSeconds: number;
  deviceSeconds: number;
  deviceJoules: number;
  measurements: number;
  trials: number;
  /** On the validation split, of the recommended model. */
  accuracy: number;
  testAccuracy: number;
  /** Of the recommended model with its recommended config, on the slowest (hungriest) board. */
  latencyMs: number;
  inferenceJ: number;
  feasible: boolean;
}

/** Joules of a study: CPU-seconds at one wattage, and what the boards have drawn. */
export function joulesOf({ cpuSeconds, deviceJoules }: Outcome, watts = WATTS_PER_BUSY_CORE): number {
  return cpuSeconds * watts + deviceJoules;
}

/**
 * @param until where the study stops: an accuracy, a number of candidates, seconds of training; null: not by it
 */
export async function runStudy(
  problem: Problem,
  mode: Mode,
  seed: number,
  { target, trials, timeS }: { target: number | null; trials: number; timeS: number | null },
): Promise<Outcome> {
  const timeline = new Timeline();
  const blobs = memoryBlobs();
  const boards = simulatedBoards(timeline, blobs);
  const training = problem.training(timeline);
  const workload = { ...(PARTS.workloads[0] as WorkloadInfo), defaultSpace: problem.space };
  const service = createStudyService({
    studies: memoryStudies(),
    troubles: new Troubles(),
    blobs,
    training: training.service,
    inference: createInferenceServer({ measure: boards.fleet.measure, history: memoryHistory(), blobs }),
    fleet: boards.fleet,
    cores: createCorePool(TRAINING_CORES),
    clock: systemClock,
    analyse: (onnx) => analyseModel(onnx, { batchSize: 1, dimensions: {} }),
    spans: createSpanBus(),
    parts: { ...PARTS, workloads: [workload] },
    log: plainLogger(() => {}),
  });
  const spec: StudySpecInput = {
    name: `${mode} ${seed}`,
    ...problem.spec,
    devices: Object.keys(BOARDS),
    tuner: { mode, seed },
    stop: {
      trials,
      ...(timeS === null ? {} : { timeS }),
      ...(target === null ? {} : { target: [{ metric: 'accuracy', operator: '>=', limit: target }] }),
    },
    recommend: 1,
  };
  const { id } = await service.create(JSON.stringify(spec));
  await timeline.run(
    new Promise<void>((resolve) => {
      service.subscribeAll(({ study }) => {
        if (['succeeded', 'failed'].includes(study.state)) resolve();
      });
    }),
  );
  const seconds = timeline.now;
  const study = service.find(id);
  const model = study?.recommendation?.models[0];
  await service.close();
  if (!study || !model) throw new Error(`${problem.name}, ${mode}, seed ${seed}: ${study?.reason}`);
  const { devices } = model;
  const worst = (of: (device: (typeof devices)[number]) => number | undefined) =>
    Math.max(...devices.map((device) => of(device) ?? Number.NaN));
  return {
    seconds,
    cpuSeconds: training.cpuSeconds(),
    ...boards.cost(),
    trials: study.trialViews.length,
    accuracy: model.validationAccuracy,
    testAccuracy: model.testAccuracy,
    latencyMs: worst(({ measurement }) => measurement.latencyMs?.p50),
    inferenceJ: worst(({ measurement }) => measurement.energy?.netJ),
    feasible: model.feasible,
  };
}
