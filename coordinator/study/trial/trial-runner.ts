/** One rung of one trial: build and hand out its architecture, train it to its budget, and say what came of it. */

import type { Precision } from '@edgetune/shared/domain/inference-config.ts';
import type { Constraint } from '@edgetune/shared/domain/objective.ts';
import { violationOfMetrics } from '@edgetune/shared/domain/objective-terms.ts';
import type { Metrics, StudyEventBody } from '@edgetune/shared/domain/study-event.ts';
import { ChildDiedError, DatasetError } from '../../training/training-service.ts';
import { type InferenceTiming, inferenceTimingOf, searchReadsDevices } from '../../tuner/mode.ts';
import { targetShortfall } from '../../tuner/stop-rule.ts';
import type { Ask } from '../../tuner/tuner.ts';
import type { StudyContext } from '../context/study-context.ts';
import { type TrainingFinished, trainRung } from '../context/train-rung.ts';
import {
  graphMetrics,
  graphViolation,
  MOST_VIOLATION,
  precisionsOf,
  trainingCosts,
  trialViolation,
} from '../state/trial-metrics.ts';
import { architectureOf } from './architecture.ts';
import type { InferenceView, TrialInference } from './trial-inference.ts';

export type Told = Extract<StudyEventBody, { type: 'trial-told' }>;

/** Why a trial was given up although nothing went wrong. */
class InfeasibleError extends Error {
  override name = 'InfeasibleError';
  /** By how much, where that is a prediction. */
  readonly predictedViolation: number;
  constructor(message: string, predictedViolation = 0) {
    super(message);
    this.predictedViolation = predictedViolation;
  }
}

/** The study has what it wanted: the trial need not go on. */
class NotNeededError extends Error {
  override name = 'NotNeededError';
}

/** Architectures that the mode `hyperpower` measures on each device before it predicts. */
const PROFILED_ARCHITECTURES = 4;

export class TrialRunner {
  readonly #context: StudyContext;
  readonly #inference: TrialInference;
  /** Does work that needs all devices: the study says for whom it waits. */
  readonly #waitFor: <T>(work: () => Promise<T>) => Promise<T>;
  readonly #timing: InferenceTiming;
  /** What holds during the search: a mode that leaves inference for the end knows no constraints before. */
  readonly #constraints: Constraint[];
  readonly #precisions: readonly Precision[];
  /** False: devices are asked about what is trained to the full budget, or has reached the target, and nothing else. */
  readonly #asksAboutAll: boolean;
  /** Set where the study has what it wanted: what is under way is not needed any more. */
  #notNeeded: NotNeededError | null = null;
  /** Aborts the training of a trial that turned out to be infeasible. */
  readonly #controllers = new Map<number, AbortController>();

  constructor(context: StudyContext, inference: TrialInference, waitFor: <T>(work: () => Promise<T>) => Promise<T>) {
    this.#context = context;
    this.#inference = inference;
    this.#waitFor = waitFor;
    this.#timing = inferenceTimingOf(context.spec.tuner.mode);
    this.#precisions = precisionsOf(context.spec.space);
    this.#asksAboutAll = this.#timing !== 'while-training' || searchReadsDevices(context.spec);
    this.#constraints = this.#timing === 'at-the-end' ? [] : context.spec.constraints;
  }

  /**
   * Runs an ask to its end. Failure and infeasibility of the trial are answers, not errors.
   * @throws {DatasetError} where no trial could train, the fault of a search, and the reason of the study's signal when it is stopped
   */
  async run(ask: Ask): Promise<Told> {
    try {
      await this.#context.written();
      await this.#build(ask);
      const training = await this.#train(ask);
      if (this.#context.spec.deterministic) await this.#settled(ask.trialId);
      const told = this.#told(ask, training);
      if (!this.#isTargetUnmeasured(told)) return told;
      // Also in a mode that would have been content with the prediction.
      this.#inference.start(ask.trialId);
      await this.#settled(ask.trialId);
      return this.#told(ask, training);
    } catch (error) {
      if (this.#context.signal.aborted) throw this.#context.signal.reason;
      if (error instanceof DatasetError) throw error;
      // It says nothing of the trial.
      if (this.#inference.fault) throw this.#inference.fault;
      const reason = (error as Error).message;
      this.#inference.cancel(ask.trialId, reason);
      // Also where it was waiting for its devices, which are not asked any more.
      if (this.#notNeeded) return this.#toldWithoutTraining(ask, 'stopped', reason);
      if (error instanceof InfeasibleError)
        return this.#toldWithoutTraining(ask, 'infeasible', reason, error.predictedViolation);
      this.#context.emit({ type: 'training-failed', trialId: ask.trialId, rung: ask.rung, reason });
      const told = this.#toldWithoutTraining(ask, 'failed', reason);
      return error instanceof ChildDiedError ? { ...told, crashed: true } : told;
    } finally {
      this.#controllers.delete(ask.trialId);
    }
  }

  #settled(trialId: number): Promise<void> {
    return this.#waitFor(() => this.#inference.settled(trialId));
  }

  /** A prediction may not end the study: a rung that would reach the target waits for its devices. */
  #isTargetUnmeasured({ trialId, metrics, predicted }: Told): boolean {
    const { stop } = this.#context.spec;
    const isMissing = predicted.length > 0 || (!this.#asksAboutAll && this.#inference.answers(trialId).open.length > 0);
    return isMissing && targetShortfall(stop.target, this.#context.counting(), metrics) === 0;
  }

  #asksDevicesAbout({ budget: { epochs, dataFraction } }: Ask): boolean {
    const full = this.#context.spec.budget;
    return this.#asksAboutAll || (epochs >= full.maxEpochs && dataFraction >= full.maxDataFraction);
  }

  /** Stops the trial's training, where it runs: no inference config on `device` meets the constraints. */
  giveUp(trialId: number, reason: string): void {
    this.#controllers.get(trialId)?.abort(new InfeasibleError(reason));
  }

  /** Stops every trial that is under way, and trains none any more: the study has what it wanted. */
  stopAll(reason: string): void {
    this.#notNeeded = new NotNeededError(reason);
    for (const controller of this.#controllers.values()) controller.abort(this.#notNeeded);
  }

  /** Trains a trial to a budget, or answers what it did before a restart. */
  async #train(ask: Ask): Promise<TrainingFinished> {
    const done = this.#context.state.trainingOf(ask);
    if (done) return done;
    if (this.#notNeeded) throw this.#notNeeded;
    const controller = new AbortController();
    this.#controllers.set(ask.trialId, controller);
    // An outcome that is known, or came in while there was no controller yet.
    this.#refuseInfeasible(ask.trialId);
    return trainRung(this.#context, ask, AbortSignal.any([controller.signal, this.#context.signal]));
  }

  async #build(ask: Ask): Promise<void> {
    const facts = await architectureOf(this.#context, ask);
    if (graphViolation(this.#constraints, facts, this.#precisions) > 0) {
      throw new InfeasibleError(
        `the graph alone violates a constraint (${facts.parameters} parameters, ${facts.macs} MACs, ${graphMetrics(facts, this.#precisions).modelSize} bytes)`,
      );
    }
    if (this.#timing === 'at-the-end') return;
    if (this.#timing === 'predicted-before-training' && !(await this.#profile(ask.trialId))) return;
    if (!this.#asksDevicesAbout(ask)) return;
    this.#inference.start(ask.trialId);
    // What the history knows is here at once; what has to be measured goes on beside training.
    if (this.#context.spec.deterministic) await this.#settled(ask.trialId);
    else {
      await this.#context.written();
      await new Promise(setImmediate);
    }
  }

  /**
   * The mode `hyperpower` (Stamoulis et al., DATE 2018): a few architectures are measured to learn a predictive model of
   * the devices, before their training; every later one that the model expects to violate a constraint is refused.
   * @returns false: what the devices would be asked is predicted
   */
  async #profile(trialId: number): Promise<boolean> {
    if (this.#inference.leastMeasured() < PROFILED_ARCHITECTURES) {
      this.#inference.start(trialId);
      await this.#settled(trialId);
      return true;
    }
    const { spec } = this.#context;
    const { metrics } = this.#inference.view(trialId);
    const violation = violationOfMetrics(spec.constraints, spec.devices, metrics);
    if (violation > 0)
      throw new InfeasibleError(
        `predicted from other architectures: it violates the constraints by ${violation.toPrecision(2)} of their limits`,
        violation,
      );
    return false;
  }

  #refuseInfeasible(trialId: number): void {
    const { reason } = this.#inference.answers(trialId);
    if (reason !== null) throw new InfeasibleError(reason);
  }

  #told(ask: Ask, training: TrainingFinished): Told {
    const { spec, state } = this.#context;
    const facts = state.architectures.get(ask.trialId);
    const inference = this.#inference.view(ask.trialId);
    const rungs = state.trainings.filter(({ trialId, rung }) => trialId === ask.trialId && rung <= ask.rung);
    const metrics: Metrics = {
      ...training.metrics,
      ...(facts ? graphMetrics(facts, this.#precisions) : {}),
      ...trainingCosts(spec, rungs, ask.trialId),
      ...inference.metrics,
    };
    const feasible = inference.reason === null;
    return {
      type: 'trial-told',
      trialId: ask.trialId,
      rung: ask.rung,
      status: feasible ? 'ok' : 'infeasible',
      metrics,
      ...predictionsOf(inference),
      ...(inference.pending.length > 0 ? { pending: inference.pending } : {}),
      violation: Math.min(MOST_VIOLATION, inference.violation + trialViolation(this.#constraints, metrics)),
      cost: spec.deterministic
        ? nominalCost(
            ask,
            rungs.findLast(({ rung }) => rung < ask.rung),
          )
        : { seconds: training.seconds, joules: training.energyJ },
      reason: inference.reason,
    };
  }

  #toldWithoutTraining(
    ask: Ask,
    status: 'infeasible' | 'failed' | 'stopped',
    reason: string,
    predictedViolation = 0,
  ): Told {
    const facts = this.#context.state.architectures.get(ask.trialId);
    const inference = this.#inference.view(ask.trialId);
    const violation =
      predictedViolation +
      inference.violation +
      (facts ? graphViolation(this.#constraints, facts, this.#precisions) : 0);
    return {
      type: 'trial-told',
      trialId: ask.trialId,
      rung: ask.rung,
      status,
      metrics: { ...(facts ? graphMetrics(facts, this.#precisions) : {}), ...inference.metrics },
      ...predictionsOf(inference),
      violation: Math.min(MOST_VIOLATION, violation),
      cost: { seconds: 0, joules: 0 },
      reason,
    };
  }
}

function predictionsOf({ predicted, intervals }: InferenceView): Pick<Told, 'predicted' | 'intervals'> {
  return { predicted, ...(predicted.length > 0 ? { intervals } : {}) };
}

/** Deterministic mode charges the nominal budget: epochs × data fraction since the last rung. */
function nominalCost(ask: Ask, previous: TrainingFinished | undefined): Told['cost'] {
  const done = previous?.metrics.epochs ?? 0;
  const units = (ask.budget.epochs - done) * ask.budget.dataFraction;
  return { seconds: units, joules: units };
}
