/**
 * The inference searches of a study's trials: one per trial and device, started before the first epoch and running
 * beside training. Their outcomes are events; what is asked of them here is read from there or awaited.
 */
import { metricsOf } from '@edgetune/shared/domain/measurement-metrics.ts';
import type { Candidate } from '@edgetune/shared/domain/search-space.ts';
import type { Intervals, Metrics, StudyEventBody } from '@edgetune/shared/domain/study-event.ts';
import type { InferenceResult } from '../../inference/inference-server.ts';
import { inferenceRequest } from '../context/inference-request.ts';
import type { StudyContext } from '../context/study-context.ts';
import { DeviceTroubleError } from '../devices/device-trouble-error.ts';
import { troubleOf } from '../devices/trouble-of.ts';
import { type ArchitectureFacts, bytesIn, deviceMetrics, MOST_VIOLATION } from '../state/trial-metrics.ts';
import { architectureOf } from './architecture.ts';
import { type DevicePrediction, predictDeviceMetrics } from './interim-prediction.ts';

type Finished = Extract<StudyEventBody, { type: 'inference-finished' }>;

interface Search {
  controller: AbortController;
  /** Resolves when its outcome has been emitted, or nobody wants it any more; rejects where it broke. */
  over: Promise<void>;
}

/** What is known of a trial's inference on all devices of the study. */
export interface InferenceView {
  /** Names as the tuner knows them (`latency.p50@kitchen-pi`). */
  metrics: Metrics;
  /** Names in `metrics` that are predictions, and between what each lies with 95 %. */
  predicted: string[];
  intervals: Intervals;
  /** Devices of which nothing is known: neither an answer, nor anything to predict it from. */
  pending: string[];
  /** Over the devices that have answered. */
  violation: number;
  /** Devices that have not answered, or gave no valid measurement. */
  open: string[];
  /** Why the trial cannot meet its constraints, where it cannot. */
  reason: string | null;
}

type Answers = Pick<InferenceView, 'metrics' | 'violation' | 'open' | 'reason'>;

export class TrialInference {
  readonly #context: StudyContext;
  /** By trial and device name, what is under way. */
  readonly #searches = new Map<number, Map<string, Search>>();
  /** By trial, architectures that are looked for. */
  readonly #building = new Map<number, Promise<ArchitectureFacts>>();
  readonly #onFinished: (finished: Finished) => void;
  readonly #onBroken: (error: Error) => void;

  /**
   * @param onFinished called after each outcome has been emitted, in the order of the outcomes
   * @param onBroken called where a search failed by a fault of ours, which is neither that of a device nor finding nothing
   */
  constructor(context: StudyContext, onFinished: (finished: Finished) => void, onBroken: (error: Error) => void) {
    this.#context = context;
    this.#onFinished = onFinished;
    this.#onBroken = onBroken;
  }

  /** Starts the searches of a trial on every device that has no outcome yet, and is not left out. */
  start(trialId: number): void {
    if (this.#searches.has(trialId)) return;
    this.#searches.set(trialId, new Map());
    this.startMissing(trialId);
  }

  /** The same for a trial that was started: on devices that have come to the study since. */
  startMissing(trialId: number): void {
    const searches = this.#searches.get(trialId);
    const known = this.#finished(trialId);
    for (const device of searches ? this.#context.spec.devices : []) {
      const before = known.get(device);
      if ((before && isVerdict(before)) || searches?.has(device) || this.#isLeftOut(device)) continue;
      this.#begin(trialId, device);
    }
  }

  #begin(trialId: number, device: string): void {
    const controller = new AbortController();
    const { signal: ofStudy } = this.#context;
    const searches = this.#searches.get(trialId) as Map<string, Search>;
    const forget = () => {
      if (searches.get(device)?.controller === controller) searches.delete(device);
    };
    const isUnwanted = () => controller.signal.aborted || ofStudy.aborted;
    const over = this.#search(trialId, device, AbortSignal.any([controller.signal, ofStudy])).then(
      (finished) => {
        forget();
        if (isUnwanted()) return;
        this.#context.emit(finished);
        this.#onFinished(finished);
      },
      (error) => {
        forget();
        if (!isUnwanted()) throw error;
      },
    );
    searches.set(device, { controller, over });
    over.catch((error) => this.#onBroken(error as Error));
  }

  /** Ends the searches of a trial that is given up. */
  cancel(trialId: number, reason: string): void {
    for (const { controller } of this.#searches.get(trialId)?.values() ?? []) controller.abort(new Error(reason));
  }

  /** Ends the searches on a device that is left out, or gives its place to another. */
  leave(device: string, reason: string): void {
    for (const searches of this.#searches.values()) {
      searches.get(device)?.controller.abort(new Error(reason));
      searches.delete(device);
    }
  }

  /** Trials about which devices are, or were, asked by this run. */
  started(): number[] {
    return [...this.#searches.keys()];
  }

  /**
   * Waits for all searches of a trial, or of all trials, on the devices whose answers are expected.
   * @throws where a search itself failed
   */
  async settled(trialId?: number): Promise<void> {
    const { deviceTroubles, signal } = this.#context;
    // A search that has broken is not among those that are under way when it is looked again.
    const broken: Promise<never>[] = [];
    for (;;) {
      const left = this.#expected(trialId);
      if (left.length === 0) return;
      const all = Promise.all(left);
      broken.push(all.then(() => new Promise<never>(() => {})));
      const looking = new AbortController();
      const change = deviceTroubles.change(AbortSignal.any([signal, looking.signal]));
      await Promise.race([...broken, all, change]).finally(() => looking.abort());
    }
  }

  /** The ends of what is under way on devices whose answers are expected. */
  #expected(trialId: number | undefined): Promise<void>[] {
    return [...this.#searches]
      .filter(([id]) => trialId === undefined || id === trialId)
      .flatMap(([, searches]) =>
        [...searches].flatMap(([device, { controller, over }]) =>
          controller.signal.aborted || !this.#context.deviceTroubles.isExpected(device) ? [] : [over],
        ),
      );
  }

  /** How many architectures have been measured on the device that has measured the fewest. */
  leastMeasured(): number {
    return Math.min(
      ...this.#devices().map((device) => new Set(this.#knownOn(device).map(({ coordinates: [macs] }) => macs)).size),
    );
  }

  /** What the devices have answered, without predictions, which take long to make; the largest file that they want. */
  answers(trialId: number): Answers {
    const finished = this.#finished(trialId);
    const facts = this.#context.state.architectures.get(trialId);
    const answers: Answers = { metrics: {}, violation: 0, open: [], reason: null };
    const fileBytes: number[] = [];
    for (const device of this.#devices()) {
      const outcome = finished.get(device);
      if (!outcome || !isVerdict(outcome)) {
        answers.open.push(device);
        continue;
      }
      Object.assign(answers.metrics, deviceMetrics(device, outcome.metrics));
      if (facts && outcome.best) fileBytes.push(bytesIn(facts, outcome.best.precision));
      answers.violation += outcome.violation;
      if (!outcome.feasible)
        answers.reason ??= `${device}: ${outcome.reason ?? 'no inference config meets the constraints'}`;
    }
    if (fileBytes.length > 0) answers.metrics.modelSize = Math.max(...fileBytes);
    return answers;
  }

  view(trialId: number): InferenceView {
    const answers = this.answers(trialId);
    const view: InferenceView = { ...answers, predicted: [], intervals: {}, pending: [] };
    for (const device of this.#context.spec.devices) {
      if (!answers.open.includes(device) && !this.#isLeftOut(device)) continue;
      const prediction = this.#isLeftOut(device) ? null : this.#predictOn(device, trialId);
      if (!prediction) {
        view.pending.push(device);
        continue;
      }
      const metrics = deviceMetrics(device, prediction.metrics);
      Object.assign(view.metrics, metrics);
      Object.assign(view.intervals, namedOn(device, prediction.intervals));
      view.predicted.push(...Object.keys(metrics));
    }
    return view;
  }

  /** Whether a device that counts has said something of the trial. */
  hasAnswered(trialId: number, device: string): boolean {
    const outcome = this.#finished(trialId).get(device);
    return outcome !== undefined && isVerdict(outcome) && !this.#isLeftOut(device);
  }

  #isLeftOut(device: string): boolean {
    return this.#context.standing(device).standing === 'left-out';
  }

  /** Those that the study has not left out. */
  #devices(): string[] {
    return this.#context.spec.devices.filter((device) => !this.#isLeftOut(device));
  }

  #finished(trialId: number): ReadonlyMap<string, Finished> {
    return this.#context.state.inference.get(trialId) ?? new Map();
  }

  #knownOn(device: string) {
    return [...this.#context.state.inference].flatMap(([trialId, outcomes]) => {
      const outcome = outcomes.get(device);
      const coordinates = this.#context.state.architectures.get(trialId)?.coordinates;
      return outcome?.best && coordinates ? [{ coordinates, config: outcome.best, metrics: outcome.metrics }] : [];
    });
  }

  #predictOn(device: string, trialId: number): DevicePrediction | null {
    const coordinates = this.#context.state.architectures.get(trialId)?.coordinates;
    const { deviceId } = this.#context.standing(device);
    const member = this.#context.fleet.devices().find(({ id }) => id === deviceId);
    const cores = member?.board?.logicalCores ?? 1;
    return coordinates ? predictDeviceMetrics(this.#knownOn(device), coordinates, cores) : null;
  }

  async #search(trialId: number, device: string, signal: AbortSignal): Promise<Finished> {
    const { state, emit, deviceTroubles } = this.#context;
    const facts = state.architectures.get(trialId);
    if (!facts) throw new Error(`trial ${trialId} has no architecture yet`);
    emit({ type: 'inference-started', trialId, signature: facts.signature, device });
    await this.#context.written();
    await this.#architecture(trialId);
    const finished = { type: 'inference-finished', trialId, signature: facts.signature, device } as const;
    try {
      const { result, measurements } = await deviceTroubles.attempt(
        device,
        () => this.#ask(trialId, device, signal),
        signal,
      );
      return {
        ...finished,
        best: result.best?.config ?? null,
        feasible: result.feasible,
        violation: Math.min(MOST_VIOLATION, result.violation),
        metrics: result.best ? metricsOf(result.best) : {},
        measurements,
        ...(result.possible === undefined ? {} : { possible: result.possible }),
        reason: result.reason,
      };
    } catch (error) {
      if (!(error instanceof DeviceTroubleError)) throw error;
      // It says nothing of the architecture.
      return {
        ...finished,
        best: null,
        feasible: true,
        violation: 0,
        metrics: {},
        measurements: 0,
        reason: error.message,
      };
    }
  }

  /** Built again where its file is gone, and once for all devices. */
  #architecture(trialId: number): Promise<ArchitectureFacts> {
    const { candidate } = this.#context.state.trials.get(trialId) as { candidate: Candidate };
    const building = this.#building.get(trialId) ?? architectureOf(this.#context, { trialId, candidate });
    this.#building.set(trialId, building);
    return building.finally(() => this.#building.delete(trialId));
  }

  /** @throws {DeviceTroubleError} where the device could not answer */
  async #ask(
    trialId: number,
    deviceName: string,
    signal: AbortSignal,
  ): Promise<{ result: InferenceResult; measurements: number }> {
    const { state, emit, inference } = this.#context;
    const facts = state.architectures.get(trialId) as ArchitectureFacts;
    let measurements = 0;
    const device = this.#context.deviceNow(deviceName);
    const result = await troubleOf(deviceName, () =>
      inference.tune(
        inferenceRequest(this.#context, facts, device, trialId),
        (measurement, source) => {
          if (source === 'measured') measurements++;
          emit({ type: 'measured', trialId, measurement, source });
        },
        signal,
      ),
    );
    if (result.unfit !== undefined && result.best === null)
      throw new DeviceTroubleError(`${deviceName} gives no valid measurement: ${result.unfit}`);
    return { result, measurements };
  }
}

/** Whether it says something of the architecture; a device that was in trouble all the time says nothing. */
function isVerdict({ best, feasible }: Finished): boolean {
  return best !== null || !feasible;
}

function namedOn(device: string, intervals: Intervals): Intervals {
  return Object.fromEntries(Object.entries(intervals).map(([name, interval]) => [`${name}@${device}`, interval]));
}
