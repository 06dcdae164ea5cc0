/**
 * The inference searches of a study's trials: one per trial and device, started before the first epoch and running
 * beside training. Their outcomes are events; what is asked of them here is read from there or awaited.
 */

import { isPresent } from '@edgetune/shared/domain/device.ts';
import { metricsOf } from '@edgetune/shared/domain/measurement-metrics.ts';
import { parametersOf } from '@edgetune/shared/domain/search-space.ts';
import type { Metrics, StudyEventBody } from '@edgetune/shared/domain/study-event.ts';
import { variantsOf } from '../context/int8-variant.ts';
import type { StudyContext } from '../context/study-context.ts';
import { bytesIn, deviceMetrics, MOST_VIOLATION } from '../state/trial-metrics.ts';
import { predictDeviceMetrics } from './interim-prediction.ts';

type Finished = Extract<StudyEventBody, { type: 'inference-finished' }>;

interface TrialSearches {
  controller: AbortController;
  /** By device name; settled when the outcome has been emitted. */
  pending: Map<string, Promise<Finished>>;
}

/** What is known of a trial's inference on all devices of the study. */
export interface InferenceView {
  /** Names as the tuner knows them (`latency.p50@kitchen-pi`). */
  metrics: Metrics;
  /** Names in `metrics` that are predictions. */
  predicted: string[];
  /** Over the devices that have answered. */
  violation: number;
  /** Devices that have not answered, or gave no valid measurement. */
  open: string[];
  /** Why the trial cannot meet its constraints, where it cannot. */
  reason: string | null;
}

export class TrialInference {
  readonly #context: StudyContext;
  /** Devices of which it was said that they cannot be measured, and why. */
  readonly #unfit = new Map<string, string>();
  readonly #searches = new Map<number, TrialSearches>();
  readonly #onFinished: (finished: Finished) => void;
  readonly #onBroken: (error: Error) => void;

  /**
   * @param onFinished called after each outcome has been emitted, in the order of the outcomes
   * @param onBroken called where a search failed, which is not the same as finding nothing feasible
   */
  constructor(context: StudyContext, onFinished: (finished: Finished) => void, onBroken: (error: Error) => void) {
    this.#context = context;
    this.#onFinished = onFinished;
    this.#onBroken = onBroken;
  }

  /** Starts the searches of a trial on every device that has no outcome yet. */
  start(trialId: number): void {
    if (this.#searches.has(trialId)) return;
    const controller = new AbortController();
    const searches: TrialSearches = { controller, pending: new Map() };
    this.#searches.set(trialId, searches);
    const known = this.#finished(trialId);
    for (const device of this.#context.spec.devices) {
      const before = known.get(device);
      if (before && isVerdict(before)) continue;
      const search = this.#search(trialId, device, AbortSignal.any([controller.signal, this.#context.signal])).then(
        (finished) => {
          searches.pending.delete(device);
          this.#context.emit(finished);
          this.#onFinished(finished);
          return finished;
        },
      );
      search.catch((error) => {
        searches.pending.delete(device);
        if (!controller.signal.aborted && !this.#context.signal.aborted) this.#onBroken(error as Error);
      });
      searches.pending.set(device, search);
    }
  }

  /** Ends the searches of a trial that is given up. */
  cancel(trialId: number, reason: string): void {
    this.#searches.get(trialId)?.controller.abort(new Error(reason));
  }

  /** Waits for all searches of a trial, or of all trials. @throws where a search itself failed */
  async settled(trialId?: number): Promise<void> {
    await Promise.all(
      [...this.#searches].flatMap(([id, { controller, pending }]) =>
        controller.signal.aborted || (trialId !== undefined && id !== trialId) ? [] : [...pending.values()],
      ),
    );
  }

  /** How many architectures have been measured on the device that has measured the fewest. */
  leastMeasured(): number {
    return Math.min(
      ...this.#context.spec.devices.map(
        (device) => new Set(this.#knownOn(device).map(({ coordinates: [macs] }) => macs)).size,
      ),
    );
  }

  /** Waits until a prediction is possible on every device that is there: it has measured something, for any trial. */
  async predictable(trialId: number): Promise<void> {
    const pending = this.#searches.get(trialId)?.pending;
    const finished = this.#finished(trialId);
    const unknown = this.#context.spec.devices.filter(
      (device) => !finished.has(device) && this.#knownOn(device).length === 0,
    );
    await Promise.all(unknown.map((device) => Promise.race([pending?.get(device), this.#untilAway(device)])));
  }

  /** Resolves when a device is away while another one is there: then the study goes on without its numbers. */
  async #untilAway(device: string): Promise<void> {
    const { fleet, spec, signal } = this.#context;
    const isThere = (name: string) => isPresent(this.#context.device(name));
    const goOn = () => !isThere(device) && spec.devices.some(isThere);
    if (goOn()) return;
    await new Promise<void>((resolve) => {
      const finish = () => {
        end();
        signal.removeEventListener('abort', finish);
        resolve();
      };
      const end = fleet.subscribe(() => {
        if (goOn()) finish();
      });
      signal.addEventListener('abort', finish);
    });
  }

  /** Why a device has no measurement at all, where that is for its own state; else null. */
  whyUnmeasured(): string | null {
    const [device, reason] = [...this.#unfit].find(([name]) => this.#knownOn(name).length === 0) ?? [];
    return device === undefined ? null : `${device} gives no valid measurement: ${reason}`;
  }

  /** What the devices have answered, without predictions, which take long to make; the largest file that they want. */
  answers(trialId: number): Omit<InferenceView, 'predicted'> {
    const finished = this.#finished(trialId);
    const facts = this.#context.state.architectures.get(trialId);
    const answers: Omit<InferenceView, 'predicted'> = { metrics: {}, violation: 0, open: [], reason: null };
    const fileBytes: number[] = [];
    for (const device of this.#context.spec.devices) {
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
    const guesses: Metrics = {};
    for (const device of answers.open) {
      // Of a device that has measured nothing yet, another one's metrics at least order the architectures.
      const standIn = [...this.#finished(trialId).values()].find(({ metrics }) => Object.keys(metrics).length > 0);
      Object.assign(guesses, deviceMetrics(device, this.#predictOn(device, trialId) ?? standIn?.metrics ?? {}));
    }
    return { ...answers, metrics: { ...answers.metrics, ...guesses }, predicted: Object.keys(guesses) };
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

  #predictOn(device: string, trialId: number): Metrics | null {
    const coordinates = this.#context.state.architectures.get(trialId)?.coordinates;
    const cores = this.#context.device(device)?.board?.logicalCores ?? 1;
    return coordinates ? predictDeviceMetrics(this.#knownOn(device), coordinates, cores) : null;
  }

  async #search(trialId: number, deviceName: string, signal: AbortSignal): Promise<Finished> {
    const { spec, state, studyId, emit, inference } = this.#context;
    const facts = state.architectures.get(trialId);
    const device = this.#context.device(deviceName);
    if (!facts) throw new Error(`trial ${trialId} has no architecture yet`);
    if (!device)
      throw new Error(`device "${deviceName}" was removed from the fleet: add it again and resume the study`);
    emit({ type: 'inference-started', trialId, signature: facts.signature, device: deviceName });
    await this.#context.written();
    let measurements = 0;
    const result = await inference.tune(
      {
        studyId,
        signature: facts.signature,
        modelSha256: facts.modelSha256,
        modelBytes: facts.modelBytes,
        ...variantsOf(facts.int8),
        // Objectives and constraints speak of the name that the device had when the study was made.
        device: { ...device, name: deviceName },
        parameters: parametersOf(spec.space, ['inference']),
        scenario: spec.scenario,
        objectives: spec.objectives,
        prefer: spec.prefer,
        constraints: spec.constraints,
        purpose: 'search',
        seed: spec.tuner.seed,
      },
      (measurement, source) => {
        if (source === 'measured') measurements++;
        emit({ type: 'measured', trialId, measurement, source });
      },
      signal,
    );
    if (result.unfit !== undefined && !this.#unfit.has(deviceName)) {
      this.#unfit.set(deviceName, result.unfit);
      emit({ type: 'warning', message: `${deviceName} gives no valid measurement: ${result.unfit}` });
    }
    const isUnknown = result.unfit !== undefined && result.best === null;
    return {
      type: 'inference-finished',
      trialId,
      signature: facts.signature,
      device: deviceName,
      best: result.best?.config ?? null,
      feasible: isUnknown || result.feasible,
      violation: isUnknown ? 0 : Math.min(MOST_VIOLATION, result.violation),
      metrics: result.best ? metricsOf(result.best) : {},
      measurements,
      ...(result.possible === undefined ? {} : { possible: result.possible }),
      reason: result.reason,
    };
  }
}

/** Whether it says something of the architecture; a device that was throttled or disturbed all the time says nothing. */
function isVerdict({ best, feasible }: Finished): boolean {
  return best !== null || !feasible;
}
