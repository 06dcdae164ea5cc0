/** Trains one rung of one trial in a running study: for the search, and for the final training of what is recommended. */
import { parseClassMetric } from '@edgetune/shared/domain/classification.ts';
import { qualityObjective } from '@edgetune/shared/domain/objective.ts';
import { metricsNamedIn } from '@edgetune/shared/domain/study.ts';
import type { Metrics, StudyEventBody } from '@edgetune/shared/domain/study-event.ts';
import { ChildDiedError, type TrialTask } from '../../training/training-service.ts';
import type { Ask } from '../../tuner/tuner.ts';
import type { StudyContext } from './study-context.ts';

export type TrainingFinished = Extract<StudyEventBody, { type: 'training-finished' }>;

export function taskOf({ spec }: StudyContext, { trialId, candidate }: Pick<Ask, 'trialId' | 'candidate'>): TrialTask {
  return { workload: spec.workload, dataset: spec.dataset, candidate, seed: spec.tuner.seed * 1_000_003 + trialId };
}

/** Trains one rung on the cores that the candidate asks for, from the trial's last checkpoint, and emits what happens. */
export async function trainRung(
  context: StudyContext,
  ask: Pick<Ask, 'trialId' | 'rung' | 'candidate' | 'budget'>,
  signal: AbortSignal,
): Promise<TrainingFinished> {
  const { training, blobs, cores: pool, emit, studyId } = context;
  const asked = Number(ask.candidate.trainingCores ?? 1);
  const cores = Math.min(asked, pool.total);
  if (cores < asked) {
    // A study that asks for so many is refused where it is made; it may go on where there are fewer.
    const message = `trials with trainingCores ${asked} are trained on ${cores}: training has no more cores on this coordinator now (--training-cores)`;
    emit({ type: 'warning', message });
  }
  const release = await pool.acquire({ cores, studyId, signal });
  const { trialId, rung } = ask;
  const wanted = withoutOtherClasses(context.spec);
  const startMs = Date.now();
  const lane = takeLane(context.lanes);
  try {
    const checkpoint = await checkpointFor(context, ask);
    emit({ type: 'training-started', trialId, rung, backend: await training.backend(), trainingCores: cores });
    await context.written();
    const outcome = await unlessKilled(context, ask, () =>
      training.train(
        {
          ...taskOf(context, ask),
          budget: ask.budget,
          cores,
          checkpoint,
          judgedBy: qualityObjective(context.spec.objectives),
        },
        ({ epoch, metrics }) => emit({ type: 'epoch', trialId, rung, epoch, metrics: wanted(metrics) }),
        signal,
      ),
    );
    const finished: TrainingFinished = {
      type: 'training-finished',
      trialId,
      rung,
      metrics: { ...wanted(outcome.metrics), epochs: outcome.epochs, dataFraction: ask.budget.dataFraction },
      bestEpoch: outcome.bestEpoch,
      checkpointSha256: await blobs.put(outcome.checkpoint),
      seconds: outcome.seconds,
      cpuSeconds: outcome.cpuSeconds,
      energyJ: outcome.energyJ,
      energySource: outcome.energySource,
    };
    emit(finished);
    return finished;
  } finally {
    release();
    context.lanes.delete(lane);
    context.span({ lane: `training ${lane}`, kind: 'training', trialId, startMs, endMs: Date.now() });
  }
}

/** Of metrics of single classes, of which there may be hundreds, those that the study names. */
function withoutOtherClasses(spec: StudyContext['spec']): (metrics: Metrics) => Metrics {
  const named = new Set(metricsNamedIn(spec).flatMap(({ list }) => list.map(({ metric }) => metric)));
  return (metrics) =>
    Object.fromEntries(Object.entries(metrics).filter(([name]) => named.has(name) || parseClassMetric(name) === null));
}

/** The last one that is trained no further than this rung; null: it is trained from the beginning. */
async function checkpointFor(
  { state, blobs, emit }: StudyContext,
  { trialId, budget }: Pick<Ask, 'trialId' | 'budget'>,
): Promise<Uint8Array | null> {
  const sha256 = state.trainings.findLast(
    (event) =>
      event.trialId === trialId && event.checkpointSha256 !== null && (event.metrics.epochs ?? 0) <= budget.epochs,
  )?.checkpointSha256;
  if (!sha256) return null;
  if (blobs.has(sha256)) return blobs.get(sha256);
  // When a study has succeeded its checkpoints may go; it was extended since.
  const message = `trial ${trialId} is trained from the beginning: its checkpoint was let go when the study had ended`;
  emit({ type: 'warning', message });
  return null;
}

/** Begins anew where the process was killed, as often as the study says. */
async function unlessKilled<T>(
  { spec: { trainingRetries }, emit }: StudyContext,
  { trialId, rung }: Pick<Ask, 'trialId' | 'rung'>,
  train: () => Promise<T>,
): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await train();
    } catch (error) {
      if (!(error instanceof ChildDiedError) || tries >= trainingRetries) throw error;
      const reason = `${error.message}; it begins again from its last checkpoint (${tries + 1} of ${trainingRetries})`;
      emit({ type: 'training-interrupted', trialId, rung, reason });
    }
  }
}

function takeLane(taken: Set<number>): number {
  let lane = 1;
  while (taken.has(lane)) lane++;
  taken.add(lane);
  return lane;
}
