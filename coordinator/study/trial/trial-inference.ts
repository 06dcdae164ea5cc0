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
  /** By trial and device name, what is under way, and ends it. */
  readonly #searches = new Map<number, Map<string, AbortController>>();
  /** By trial, architectures that are looked for. */
  readonly #building = new Map<number, Promise<ArchitectureFacts>>();
  readonly #onFinished: (finished: Finished) => void;
  readonly #onBroken: (error: Error) => void;
  #fault: Error | null = null;

  /**
   * @param onFinished called after each outcome has been emitted, in the order of the outcomes
   * @param onBroken called where a search failed by a fault of ours, which is neither that of a device nor finding nothing
   */
  constructor(context: StudyContext, onFinished: (finished: Finished) => void, onBroken: (error: Error) => void) {
    this.#context = context;
    this.#onFinished = onFinished;
    this.#onBroken = onBroken;
  }

  /** Why a search failed by a fault of ours, which ends the study; null: none has. */
  get fault(): Error | null {
    return this.#fault;
  }

  /** Starts the searches of a trial on every device that has said nothing of it, is not being asked, and is not left out. */
  start(trialId: number): void {
    const searches = this.#searches.get(trialId) ?? new Map<string, AbortController>();
    this.#searches.set(trialId, searches);
    const known = this.#finished(trialId);
    for (const device of this.#context.counting()) {
      const before = known.get(device);
      if ((before && isVerdict(before)) || searches.has(device)) continue;
      this.#begin(trialId, device, searches);
    }
  }

  #begin(trialId: number, device: string, searches: Map<string, AbortController>): void {
    const controller = new AbortController();
    const { signal: ofStudy } = this.#context;
    const isWanted = () => !controller.signal.aborted && !ofStudy.aborted;
    searches.set(device, controller);
    this.#search(trialId, device, AbortSignal.any([controller.signal, ofStudy]))
      .then((finished) => {
        if (!isWanted()) return;
        searches.delete(device);
        this.#context.emit(finished);
        this.#onFinished(finished);
      })
      .catch((error) => {
        if (isWanted()) this.#break(error as Error);
      })
      .finally(() => {
        if (searches.get(device) === controller) searches.delete(device);
        this.#context.deviceTroubles.changes.tell();
      });
  }

  #break(error: Error): void {
    this.#fault ??= error;
    this.#onBroken(error);
  }

  /** Ends the searches of a trial that is given up: nobody is asked about it any more. */
  cancel(trialId: number, reason: string): void {
    for (const controller of this.#searches.get(trialId)?.values() ?? []) controller.abort(new Error(reason));
    this.#searches.delete(trialId);
    this.#context.deviceTroubles.changes.tell();
  }

  /** Ends the searches on a device that is left out, or gives its place to another. */
  leave(device: string, reason: string): void {
    for (const searches of this.#searches.values()) {
      searches.get(device)?.abort(new Error(reason));
      searches.delete(device);
    }
    this.#context.deviceTroubles.changes.tell();
  }

  /** Trials about which devices are, or were, asked by this run, and which were not given up. */
  started(): number[] {
    return [...this.#searches.keys()];
  }

  /**
   * Waits for all searches of a trial, or of all trials, on the devices whose answers are expected.
   * @throws the fault of a search, whichever it was
   */
  async settled(trialId?: number): Promise<void> {
    const { deviceTroubles, signal } = this.#context;
    for (;;) {
      if (this.#fault) throw this.#fault;
      if (!this.#isAnyUnderWay(trialId)) return;
      await deviceTroubles.changes.next(signal);
    }
  }

  /** Whether something is under way on a device whose answers are expected. */
  #isAnyUnderWay(trialId: number | undefined): boolean {
    const searches = trialId === undefined ? [...this.#searches.values()] : [this.#searches.get(trialId) ?? new Map()];
    const isExpected = (device: string) => this.#context.deviceTroubles.isExpected(device);
    return searches.some((byDevice) => [...byDevice.keys()].some(isExpected));
  }

  /** How many architectures have been measured on the device that has measured the fewest, of those that are waited for. */
  leastMeasured(): number {
    const { counting, deviceTroubles } = this.#context;
    const waitedFor = counting().filter((device) => deviceTroubles.isExpected(device));
    return Math.min(
      ...waitedFor.map((device) => new Set(this.#knownOn(device).map(({ coordinates: [macs] }) => macs)).size),
    );
  }

  /** What the devices have answered, without predictions, which take long to make; the largest file that they want. */
  answers(trialId: number): Answers {
    const finished = this.#finished(trialId);
    const facts = this.#context.state.architectures.get(trialId);
    const answers: Answers = { metrics: {}, violation: 0, open: [], reason: null };
    const fileBytes: number[] = [];
    for (const device of this.#context.counting()) {
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

  #isLeftOut(device: string): boolean {
    return this.#context.standing(device).standing === 'left-out';
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
    const cores = this.#context.device(device)?.board?.logicalCores ?? 1;
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
