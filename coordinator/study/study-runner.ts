/** Runs one study from wherever its events leave it to its recommendation. */

import { METRICS } from '@edgetune/shared/domain/objective.ts';
import type { Recommendation } from '@edgetune/shared/domain/recommendation.ts';
import { isSameBoard } from '@edgetune/shared/domain/study-device.ts';
import type { Metrics, StudyDevice, StudyEventBody } from '@edgetune/shared/domain/study-event.ts';
import type { StudyExtension } from '@edgetune/shared/domain/study-extension.ts';
import type { TrialView } from '@edgetune/shared/protocol/http.ts';
import { unlessAborted } from '../lifecycle/aborted.ts';
import { createTuner } from '../tuner/create-tuner.ts';
import { inferenceTimingOf } from '../tuner/mode.ts';
import { problemOf } from '../tuner/problem-of.ts';
import type { Ask, Feasibility, Tell, Tuner } from '../tuner/tuner.ts';
import type { CheckedStudySpec, StudyContext } from './context/study-context.ts';
import { DeviceWaits } from './device-waits.ts';
import { extendedSpec, tunerExtension } from './extension.ts';
import { nearest } from './outcome/nearest.ts';
import { measureTheRest, recommend } from './outcome/recommend.ts';
import { MOST_VIOLATION, trialViolation } from './state/trial-metrics.ts';
import { TrialInference } from './trial/trial-inference.ts';
import { type Told, TrialRunner } from './trial/trial-runner.ts';

/** So many trials failed, and none ever worked: the study is wrong, not the candidates. */
const HOPELESS_FAILURES = 3;
/** In deterministic mode the batch of trials must not depend on the machine's cores. */
const DETERMINISTIC_BATCH = 8;

/** A study that cannot go on; the reason says what to do. */
export class StudyFailedError extends Error {
  override name = 'StudyFailedError';
}

export class StudyRunner {
  readonly #context: StudyContext;
  readonly #tuner: Tuner;
  readonly #inference: TrialInference;
  readonly #trials: TrialRunner;
  /** Asked before a restart, not told yet: they are run first. */
  readonly #unfinished: Ask[];
  /** Of the asks that were made together with these, some were told. */
  readonly #isCutBatch: boolean;
  readonly #waits: DeviceWaits;
  /** Aborted by an error of a search or of the event log, which ends the study whatever it does. */
  readonly #broken = new AbortController();
  /** Whether a trial has ever come to an end without failing. */
  #hasWorked: boolean;
  /** By trial, what the tuner was told last. */
  readonly #told = new Map<number, Pick<Told, 'rung' | 'status'>>();
  /** How the devices stood when they were looked at last. */
  #known = new Map<string, StudyDevice>();

  constructor(context: StudyContext, history: readonly StudyEventBody[]) {
    this.#context = context;
    const { spec } = context;
    const created = history.find((body) => body.type === 'study-created');
    // With what it was made with: it is extended where it was.
    const { budget, stop } = created?.spec ?? spec;
    const problem = {
      ...problemOf({ ...spec, budget, stop }),
      // As they were when the study was made: what becomes of the earlier study changes nothing.
      earlier: created?.earlier?.told ?? [],
    };
    this.#tuner = createTuner(problem, context.parts);
    const { unfinished, isCutBatch } = restore(this.#tuner, { ...spec, budget, stop }, history);
    this.#unfinished = unfinished;
    this.#isCutBatch = isCutBatch;
    this.#hasWorked = history.some(isWorking);
    for (const body of history) if (body.type === 'trial-told') this.#told.set(body.trialId, body);
    this.#waits = new DeviceWaits(context);
    this.#inference = new TrialInference(
      context,
      (finished) => this.#inferenceFinished(finished),
      (error) => this.#broken.abort(error),
    );
    this.#trials = new TrialRunner(context, this.#inference, (work) => this.#waits.for(work));
  }

  /** @throws {StudyFailedError} and what the ports throw; the reason of the study's signal when it is stopped */
  async run(): Promise<Recommendation> {
    const { deviceTroubles, spec, standing } = this.#context;
    deviceTroubles.beginAnew();
    this.#known = new Map(spec.devices.map((name) => [name, standing(name)]));
    const end = this.#context.subscribe((body) => {
      if (body.type === 'study-device') this.#stands(body);
    });
    try {
      this.#reconcile();
      return await unlessAborted(this.#toItsEnd(), this.#broken.signal);
    } finally {
      end();
      // Devices that nothing waited for have its jobs still.
      for (const trialId of this.#inference.started()) this.#inference.cancel(trialId, 'the study has ended');
    }
  }

  async #toItsEnd(): Promise<Recommendation> {
    const { recommendation, isExtended } = this.#context.state;
    if (!recommendation || isExtended) return this.#tune();
    return this.#waits.for(() => measureTheRest(this.#context, recommendation));
  }

  async #tune(): Promise<Recommendation> {
    const timing = inferenceTimingOf(this.#context.spec.tuner.mode);
    if (timing === 'while-training') await this.#askAgain();
    this.#dropWhatIsNotNeeded();
    if (this.#context.state.hasMoreToTry && this.#unfinished.length === 0 && this.#tuner.isFinished())
      this.#sayNothingIsLeft();
    if (timing !== 'at-the-end') await this.#waits.untilOneIsThere();
    await (this.#context.spec.deterministic ? this.#searchInBatches() : this.#search());
    await this.#waits.for(async () => {
      await this.#inference.settled();
      if (timing === 'while-training' && this.#isNothingMeasured()) await this.#askAboutAll();
    });
    // What nobody waits for any more decides nothing: else the few trials that it has answered about would be all there is.
    const { spec, deviceTroubles } = this.#context;
    const front = this.#tuner.front(spec.devices.filter((name) => deviceTroubles.isExpected(name)));
    this.#withdraw();
    const chosen = front.length > 0 ? front : nearest([...this.#context.state.trials.values()]);
    if (chosen.length === 0) throw new StudyFailedError(this.#whyNothing());
    return this.#waits.for(() => recommend(this.#context, chosen));
  }

  /** More of one thing changes nothing where another has ended the search. */
  #sayNothingIsLeft(): void {
    const { stop, budget } = this.#context.spec;
    const { trials, epochs } = this.#context.state.extensions.at(-1) as StudyExtension;
    const by = trials ? ` to ${stop.trials} trials` : '';
    const all = epochs ? `; what is recommended is trained to ${budget.maxEpochs} epochs all the same` : '';
    const message = `the study was extended${by}, and no trial can be started or go on: all ${stop.trials} are started or its space is tried out, or another of its criteria to stop (timeS, energyJ, target, noImprovement) is met${all}`;
    this.#context.emit({ type: 'warning', message });
  }

  /** A device stands otherwise, or another one has taken its place. */
  #stands({ type: _, ...now }: Extract<StudyEventBody, { type: 'study-device' }>): void {
    const { device, standing } = now;
    const before = this.#known.get(device);
    this.#known.set(device, now);
    try {
      const isAnother = before !== undefined && !isSameBoard(now, before);
      if (isAnother || standing === 'left-out') {
        this.#tuner.count(this.#context.counting());
        this.#inference.leave(device, isAnother ? `another device has taken its place` : 'it is left out');
        this.#context.deviceTroubles.decided(device);
        this.#reconcile();
        this.#dropWhatIsNotNeeded();
      }
      if (isAnother || (before?.standing === 'marked' && standing === 'expected'))
        for (const trialId of this.#inference.started()) this.#inference.start(trialId);
    } catch (error) {
      this.#broken.abort(error);
    }
  }

  /**
   * Takes back what counts no longer, of every trial that was told, whatever it does now: what a device has said that is left
   * out, or has given its place to another one that has not said the same. A single value that stays would have every trial
   * that lacks it leave the front.
   */
  #reconcile(): void {
    const { state, standing } = this.#context;
    // What was predicted before the other one has answered anything was learned from the one before.
    const hasAnswered = (device: string) => [...state.inference.values()].some((answers) => answers.has(device));
    for (const { trialId, metrics, predicted } of state.trials.values()) {
      const ofDevices = Object.entries(metrics).filter(([name]) => name.includes('@'));
      const inDoubt = ofDevices.filter(([name]) => {
        const device = name.split('@')[1] as string;
        if (standing(device).standing === 'left-out') return true;
        return state.replaced.has(device) && !(predicted.includes(name) && hasAnswered(device));
      });
      if (inDoubt.length === 0) continue;
      const { metrics: answers } = this.#inference.answers(trialId);
      const withdrawn = inDoubt.filter(([name, value]) => answers[name] !== value).map(([name]) => name);
      this.#takeBack(trialId, withdrawn);
    }
  }

  /** What nothing has confirmed by the end is shown no longer. */
  #withdraw(): void {
    for (const { trialId, predicted } of this.#context.state.trials.values()) this.#takeBack(trialId, predicted);
  }

  #takeBack(trialId: number, withdrawn: readonly string[]): void {
    const trial = this.#context.state.trials.get(trialId) as TrialView;
    if (withdrawn.length > 0 && this.#told.has(trialId)) this.#amend(trial, {}, withdrawn);
  }

  /** What devices had not answered when the coordinator ended, and what those are asked that the study has only since. */
  async #askAgain(): Promise<void> {
    const { askedAbout, trials } = this.#context.state;
    for (const [trialId, { status }] of trials) {
      if (status !== 'finished' || !askedAbout.has(trialId)) continue;
      this.#inference.start(trialId);
      // One after the other: what a device has measured of one informs its search of the next.
      if (this.#context.spec.deterministic) await this.#waits.for(() => this.#inference.settled(trialId));
    }
  }

  /** Whether devices are to decide, and have said nothing of what is on the front. */
  #isNothingMeasured(): boolean {
    const decide = this.#context.spec.objectives.some(({ metric }) => METRICS[metric]?.of === 'device');
    const isMeasured = (name: string) => name.includes('@');
    return decide && !this.#tuner.front().some(({ metrics }) => Object.keys(metrics).some(isMeasured));
  }

  /** Nothing that was worth measuring came of the search: what there is must do. */
  async #askAboutAll(): Promise<void> {
    for (const [trialId, { status, violation }] of this.#context.state.trials)
      if (status === 'finished' && violation === 0) this.#inference.start(trialId);
    await this.#inference.settled();
  }

  async #search(): Promise<void> {
    const running = new Map<number, Promise<void>>();
    const limit = this.#context.spec.parallelTrials ?? this.#context.cores.total;
    for (;;) {
      for (let ask = this.#next(running.size < limit); ask; ask = this.#next(running.size < limit)) {
        const { trialId } = ask;
        const run = this.#trials.run(ask).then((told) => {
          running.delete(trialId);
          this.#tell(told);
        });
        // Where the next cannot be asked nobody waits for it any more, and how it ends is no matter of the process.
        run.catch(() => {});
        running.set(trialId, run);
      }
      if (running.size === 0) return;
      await Promise.race(running.values());
      this.#context.signal.throwIfAborted();
      this.#broken.signal.throwIfAborted();
    }
  }

  async #searchInBatches(): Promise<void> {
    // Of a batch that was interrupted while it was told, the rest is told before anything is asked.
    let size = this.#isCutBatch ? this.#unfinished.length : DETERMINISTIC_BATCH;
    for (;;) {
      const batch: Ask[] = [];
      for (let ask = this.#next(true); ask; ask = this.#next(batch.length < size)) batch.push(ask);
      size = DETERMINISTIC_BATCH;
      if (batch.length === 0) return;
      const told = await Promise.all(batch.map((ask) => this.#trials.run(ask)));
      for (const tell of told.sort((a, b) => a.trialId - b.trialId)) this.#tell(tell);
    }
  }

  #next(room: boolean): Ask | null {
    if (!room) return null;
    const unfinished = this.#unfinished.shift();
    if (unfinished) return unfinished;
    const ask = this.#tuner.ask(this.#feasibility());
    if (ask) this.#context.emit({ type: 'trial-asked', ...ask });
    return ask;
  }

  #tell(told: Told): void {
    this.#context.emit(told);
    this.#tuner.tell(tellOf(told));
    this.#told.set(told.trialId, told);
    // A device may have answered since the rung's metrics were put together, also one that has taken the place of another.
    const { trialId } = told;
    const trial = this.#context.state.trials.get(trialId) as TrialView;
    const { metrics } = this.#inference.answers(trialId);
    const isNew = Object.entries(metrics).some(([name, value]) => told.metrics[name] !== value);
    if (trial.status === 'finished' && (isNew || told.predicted.some((name) => Object.hasOwn(metrics, name))))
      this.#amend(trial, metrics, []);
    // It may have been put together before a person decided about a device.
    this.#reconcile();
    this.#dropWhatIsNotNeeded();
    this.#hasWorked ||= isWorking(told);
    this.#failWhenHopeless();
  }

  /** When the target is reached nothing more need be trained, nor measured before the end. */
  #dropWhatIsNotNeeded(): void {
    if (!this.#tuner.isTargetReached()) return;
    const reason = 'the target of the study was reached';
    this.#trials.stopAll(reason);
    for (const trialId of this.#context.state.trials.keys()) this.#inference.cancel(trialId, reason);
  }

  #inferenceFinished({
    trialId,
    feasible,
    device,
    reason,
  }: Extract<StudyEventBody, { type: 'inference-finished' }>): void {
    try {
      if (!feasible)
        this.#trials.giveUp(trialId, `${device}: ${reason ?? 'no inference config meets the constraints'}`);
      const trial = this.#context.state.trials.get(trialId) as TrialView;
      if (trial.status === 'finished') this.#amend(trial, this.#inference.answers(trialId).metrics, []);
      this.#dropWhatIsNotNeeded();
    } catch (error) {
      this.#broken.abort(error);
    }
  }

  #amend(trial: TrialView, metrics: Metrics, withdrawn: readonly string[]): void {
    const { trialId } = trial;
    const told = this.#told.get(trialId);
    const rung = told?.rung ?? trial.rung;
    const { violation } = this.#inference.answers(trialId);
    const now = violation + trialViolation(this.#context.spec.constraints, { ...trial.metrics, ...metrics });
    const change = {
      ...{ trialId, rung, metrics },
      // What was refused stays so.
      violation: Math.min(MOST_VIOLATION, told?.status === 'infeasible' ? (trial.violation ?? now) : now),
      ...(withdrawn.length > 0 ? { withdrawn: [...withdrawn] } : {}),
    };
    this.#context.emit({ type: 'trial-amended', ...change });
    this.#tuner.amend(change);
  }

  /** Candidates with the model parameters of an architecture that devices have refused are refused like it. */
  #feasibility(): Feasibility {
    const names = Object.keys(this.#context.spec.space.model);
    const keyOf = (candidate: Ask['candidate']) => JSON.stringify(names.map((name) => candidate[name]));
    const known = new Map<string, number>();
    for (const [trialId, trial] of this.#context.state.trials) {
      const { reason, violation } = this.#inference.answers(trialId);
      if (reason !== null) known.set(keyOf(trial.candidate), violation);
    }
    return { predictViolation: (candidate) => known.get(keyOf(candidate)) ?? null };
  }

  #failWhenHopeless(): void {
    const reasons = [...this.#context.state.trials.values()].flatMap(({ status, reason }) =>
      status === 'failed' ? [reason] : [],
    );
    if (!this.#hasWorked && reasons.length >= HOPELESS_FAILURES)
      throw new StudyFailedError(`the first ${reasons.length} trials all failed; the last one: ${reasons.at(-1)}`);
  }

  #whyNothing(): string {
    const trials = [...this.#context.state.trials.values()];
    const failed = trials.filter(({ status }) => status === 'failed');
    if (failed.length > 0 && failed.length === trials.length)
      return `all ${failed.length} trials failed; the last one: ${failed.at(-1)?.reason}`;
    const closest = trials
      .filter(({ status, violation }) => violation !== null && (status === 'finished' || status === 'infeasible'))
      .sort((a, b) => (a.violation as number) - (b.violation as number))[0];
    const why = closest?.reason ? `; trial ${closest.trialId}: ${closest.reason}` : '';
    return `no trial could be run on every device${why}. Widen the search space, then start a new study`;
  }
}

const isWorking = (body: StudyEventBody) =>
  body.type === 'trial-told' && (body.status === 'ok' || body.status === 'infeasible');

/**
 * Replays a study's events into its tuner; returns the asks that were not told, and whether others asked with them were.
 * Of what was told before a device belonged to the study, that device is pending.
 * @param spec with all devices that it has now, and otherwise as it was made
 */
function restore(
  tuner: Tuner,
  spec: CheckedStudySpec,
  history: readonly StudyEventBody[],
): { unfinished: Ask[]; isCutBatch: boolean } {
  let extended = spec;
  const standings = new Map<string, StudyDevice['standing']>();
  let toldOfBatch = 0;
  const open = new Map<number, Ask>();
  const steps: Parameters<Tuner['restore']>[0][number][] = [];
  const joinLater = new Set(
    history.flatMap((body) => (body.type === 'study-extended' ? Object.keys(body.deviceIds ?? {}) : [])),
  );
  for (const body of history) {
    if (body.type === 'trial-asked') {
      const { type: _, ...ask } = body;
      if (open.size === 0) toldOfBatch = 0;
      open.set(ask.trialId, ask);
      steps.push({ ask });
    } else if (body.type === 'trial-told') {
      open.delete(body.trialId);
      toldOfBatch++;
      const tell = tellOf(body);
      steps.push({ tell: { ...tell, pending: [...(tell.pending ?? []), ...joinLater] } });
    } else if (body.type === 'trial-amended') {
      const { type: _, ...amend } = body;
      steps.push({ amend });
    } else if (body.type === 'study-device') {
      standings.set(body.device, body.standing);
      const counting = spec.devices.filter((name) => standings.get(name) !== 'left-out');
      steps.push({ count: counting });
    } else if (body.type === 'study-extended') {
      for (const device of Object.keys(body.deviceIds ?? {})) joinLater.delete(device);
      const extend = tunerExtension(extended, body);
      if (extend) steps.push({ extend });
      extended = extendedSpec(extended, body);
    }
  }
  tuner.restore(steps);
  return { unfinished: [...open.values()], isCutBatch: open.size > 0 && toldOfBatch > 0 };
}

function tellOf({ type: _, reason: __, intervals: ___, ...tell }: Told): Tell {
  return tell;
}
