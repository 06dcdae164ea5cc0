/** What the pages show of a study: a fold over its events. */

import type { DatasetEvidence } from '@edgetune/shared/domain/dataset-report.ts';
import type { EarlierSummary } from '@edgetune/shared/domain/earlier.ts';
import { inferenceConfigKey } from '@edgetune/shared/domain/inference-config.ts';
import type { StoredMeasurement } from '@edgetune/shared/domain/measurement.ts';
import type { Recommendation } from '@edgetune/shared/domain/recommendation.ts';
import { isSynthetic, type StudySpec } from '@edgetune/shared/domain/study.ts';
import { idsOf, isGivenUp, isSameBoard } from '@edgetune/shared/domain/study-device.ts';
import type { Metrics, StudyDevice, StudyEvent } from '@edgetune/shared/domain/study-event.ts';
import { EXTENDABLE, type StudyExtension } from '@edgetune/shared/domain/study-extension.ts';
import type { SpanView, Spent, StudyDetail, StudySummary, TrialView } from '@edgetune/shared/protocol/http.ts';
import { inferenceTimingOf, searchedObjectives, searchReadsDevices } from '../../tuner/mode.ts';
import { booked } from '../../tuner/stop-rule.ts';
import { extendedYaml } from './extended-yaml.ts';
import { asRecommended } from './recommended-trial.ts';
import { searchInsight, type ToldRung } from './search-insight.ts';
import type { StudyRecord } from './study-repository.ts';
import { summariseTimeline } from './timeline.ts';
import { TrialFront } from './trial-front.ts';
import type { ArchitectureFacts } from './trial-metrics.ts';
import { unmeasured } from './unmeasured.ts';

type EventOf<T extends StudyEvent['body']['type']> = Extract<StudyEvent['body'], { type: T }>;

/** The study with the objectives of its search. */
const searchedPart = (spec: StudySpec): StudySpec => ({
  ...spec,
  objectives: searchedObjectives(spec.tuner.mode, spec.objectives),
});

/** The state of a study's trials, timeline and outcome after the events applied so far. */
export class StudyProjection {
  readonly trials = new Map<number, TrialView>();
  readonly architectures = new Map<number, ArchitectureFacts>();
  /** Outcomes of the inference searches, by trial and device name. */
  readonly inference = new Map<number, Map<string, EventOf<'inference-finished'>>>();
  /** Trials about which devices were asked, whether they have answered or not. */
  readonly askedAbout = new Set<number>();
  /** How the study's devices stand, by name; of a study whose making is not among the events, those that have changed. */
  readonly devices = new Map<string, StudyDevice>();
  /** Those of which another device of the fleet has taken the place. */
  readonly replaced = new Set<string>();
  readonly trainings: EventOf<'training-finished'>[] = [];
  /** By trial: trainings of all that had ended when it was asked for last. */
  readonly #trainingsBefore = new Map<number, number>();
  /** Trials of which at least one rung has come to an end, in order: what progress is counted by, since it never falls. */
  readonly #told = new Set<number>();
  /** By trial: how many others had come to an end when it was asked for last. */
  readonly #toldBefore = new Map<number, number>();
  readonly #rungs: ToldRung[] = [];
  readonly #front = new TrialFront();
  /** Null where a rung was told or amended since: pages read the study every second, and this takes long. */
  #search: StudyDetail['search'] | null = null;
  /** The study's text, after so many extensions. */
  #yaml: { text: string; extensions: number } | null = null;
  readonly measured: EventOf<'measured'>[] = [];
  readonly spans: SpanView[] = [];
  readonly warnings: string[] = [];
  /** What its data are. */
  data: DatasetEvidence | null = null;
  recommendation: Recommendation | null = null;
  /** By what it was extended, in order. */
  readonly extensions: StudyExtension[] = [];
  /** Whether it was extended since it was recommended: there is more to try, or to ask. */
  isExtended = false;
  /** Whether it was so by more than devices. */
  get hasMoreToTry(): boolean {
    const last = this.extensions.at(-1);
    return this.isExtended && last !== undefined && EXTENDABLE.some((name) => last[name] !== null);
  }

  /** Trials that were trained since it was recommended: their models are others by now. */
  readonly trainedSince = new Set<number>();
  /** What it may do in all. */
  #limits: Partial<Record<(typeof EXTENDABLE)[number], number | undefined>> = {};
  /** What its trials have taken, as its limits count it. */
  spent: Spent = { seconds: 0, joules: 0 };
  /** What it has taken over from the study that it starts from. */
  earlier: EarlierSummary | null = null;
  backend = 'unknown';
  lastSeq = 0;

  constructor(events: readonly StudyEvent[] = []) {
    for (const event of events) this.apply(event);
  }

  apply(event: StudyEvent): void {
    this.lastSeq = event.seq;
    const { body } = event;
    switch (body.type) {
      case 'study-created':
        this.#create(body);
        break;
      case 'dataset-read':
        this.#know(body.evidence);
        break;
      case 'study-extended':
        this.#extend(body, event.at);
        break;
      case 'study-device':
        this.#stand(body);
        break;
      case 'trial-asked':
        this.#ask(body);
        this.#front.asked(body);
        break;
      case 'architecture-built': {
        const { type: _, trialId, ...facts } = body;
        const { signature, modelSha256 } = facts;
        this.architectures.set(trialId, facts);
        Object.assign(this.#trial(trialId), { signature, modelSha256 });
        break;
      }
      case 'training-started':
        this.backend = body.backend;
        this.#trial(body.trialId).status = 'training';
        break;
      case 'epoch':
        this.#epoch(body);
        break;
      case 'training-finished': {
        this.trainings.push(body);
        this.trainedSince.add(body.trialId);
        const trial = this.#trial(body.trialId);
        // A rung above the last one that was asked is the final training of a recommended model.
        const isAfterSearch = body.rung > trial.rung;
        if (isAfterSearch) this.#front.trainedOn(body);
        trial.status = isAfterSearch ? 'finished' : 'paused';
        trial.metrics = { ...trial.metrics, ...body.metrics };
        trial.epochs = body.metrics.epochs ?? trial.epochs;
        trial.dataFraction = body.metrics.dataFraction ?? trial.dataFraction;
        break;
      }
      case 'training-interrupted':
        this.warnings.push(`trial ${body.trialId}: ${body.reason}`);
        break;
      case 'training-failed':
        Object.assign(this.#trial(body.trialId), { status: 'failed', reason: body.reason });
        break;
      case 'measured':
        this.measured.push(body);
        break;
      case 'inference-started':
        this.askedAbout.add(body.trialId);
        break;
      case 'inference-finished':
        this.inference.set(body.trialId, (this.inference.get(body.trialId) ?? new Map()).set(body.device, body));
        break;
      case 'trial-told':
        this.#tell(body);
        this.#front.told(body);
        this.#rungs.push({ ...body, at: event.at });
        this.#search = null;
        break;
      case 'trial-amended':
        this.#amend(body);
        this.#front.amended(body);
        break;
      case 'span': {
        const { lane, kind, trialId, startMs, endMs } = body;
        this.spans.push({ lane, kind, trialId, startMs, endMs });
        break;
      }
      case 'warning':
        if (!this.warnings.includes(body.message)) this.warnings.push(body.message);
        break;
      case 'recommendation':
        this.recommendation = body.recommendation;
        this.isExtended = false;
        this.trainedSince.clear();
    }
  }

  #epoch(body: EventOf<'epoch'>): void {
    const { accuracy = null, loss = null } = body.metrics;
    const trial = this.#trial(body.trialId);
    // A rung that was run again after a restart writes its epochs again.
    const before = trial.curve.filter(({ epoch }) => epoch < body.epoch);
    trial.curve = [...before, { epoch: body.epoch, accuracy, loss }];
  }

  #know(data: DatasetEvidence): void {
    this.data = data;
    for (const { level, message } of data.notices) if (level === 'warning') this.warnings.push(`the data: ${message}`);
  }

  #create({ spec, deviceIds, earlier }: EventOf<'study-created'>): void {
    const { trials, timeS, energyJ } = spec.stop;
    this.#limits = { trials, epochs: spec.budget.maxEpochs, timeS, energyJ };
    this.#add(deviceIds);
    if (!earlier) return;
    const { told: _, ...summary } = earlier;
    this.earlier = summary;
  }

  #extend({ type: _, deviceIds = {}, ...limits }: EventOf<'study-extended'>, at: string): void {
    const changeOf = (name: (typeof EXTENDABLE)[number]) => {
      const [from, to] = [this.#limits[name], limits[name]];
      return from === undefined || to === undefined ? null : { from, to };
    };
    this.extensions.push({
      at,
      trials: changeOf('trials'),
      epochs: changeOf('epochs'),
      timeS: changeOf('timeS'),
      energyJ: changeOf('energyJ'),
      devices: Object.keys(deviceIds),
      started: this.trials.size,
    });
    this.#limits = { ...this.#limits, ...limits };
    this.isExtended = true;
    this.#add(deviceIds);
  }

  #add(deviceIds: Readonly<Record<string, string>>): void {
    for (const [device, deviceId] of Object.entries(deviceIds))
      this.devices.set(device, { device, deviceId, standing: 'expected', reason: null });
  }

  #ask({ trialId, rung, candidate, budget: { epochs, dataFraction } }: EventOf<'trial-asked'>): void {
    this.#toldBefore.set(trialId, this.#told.size);
    this.#trainingsBefore.set(trialId, this.trainings.length);
    const known = this.trials.get(trialId);
    if (known) Object.assign(known, { status: 'asked', rung, epochs, dataFraction });
    else {
      this.trials.set(trialId, {
        trialId,
        candidate,
        status: 'asked',
        rung,
        epochs,
        dataFraction,
        signature: null,
        modelSha256: null,
        metrics: {},
        predicted: [],
        intervals: {},
        violation: null,
        reason: null,
        onFront: false,
        curve: [],
      });
    }
  }

  /** What another board, or one that is left out, has said counts no longer. */
  #stand({ type: _, ...device }: EventOf<'study-device'>): void {
    const before = this.devices.get(device.device);
    this.devices.set(device.device, device);
    if (!before || isSameBoard(device, before)) return;
    this.replaced.add(device.device);
    for (const answers of this.inference.values()) answers.delete(device.device);
  }

  #tell(told: EventOf<'trial-told'>): void {
    const { trialId, rung, status, metrics, predicted, intervals = {}, violation, reason, cost } = told;
    const { seconds, joules } = this.spent;
    this.spent = { seconds: seconds + booked(cost.seconds), joules: joules + booked(cost.joules) };
    this.#told.add(trialId);
    const trial = this.#trial(trialId);
    trial.status = status === 'ok' ? 'finished' : status;
    // What was predicted at a lower rung, and is not any more, was withdrawn.
    const before = Object.entries(trial.metrics).filter(([name]) => !trial.predicted.includes(name));
    trial.metrics = { ...Object.fromEntries(before), ...metrics };
    Object.assign(trial, { rung, predicted, intervals, violation, reason });
  }

  #amend({ trialId, rung, metrics, violation, withdrawn = [] }: EventOf<'trial-amended'>): void {
    const isKept = (name: string) => !withdrawn.includes(name);
    const amended = (before: Metrics): Metrics => ({
      ...Object.fromEntries(Object.entries(before).filter(([name]) => isKept(name))),
      ...metrics,
    });
    const trial = this.#trial(trialId);
    trial.predicted = trial.predicted.filter((name) => !Object.hasOwn(metrics, name) && isKept(name));
    trial.intervals = Object.fromEntries(
      Object.entries(trial.intervals).filter(([name]) => trial.predicted.includes(name)),
    );
    Object.assign(trial, { metrics: amended(trial.metrics), violation });
    const told = this.#rungs.findLast((each) => each.trialId === trialId && each.rung === rung);
    if (told) Object.assign(told, { metrics: amended(told.metrics), violation });
    this.#search = null;
  }

  #trial(trialId: number): TrialView {
    const trial = this.trials.get(trialId);
    if (!trial) throw new Error(`the study's events speak of trial ${trialId} before it was asked`);
    return trial;
  }

  /**
   * What was measured on a device for trials that had come to an end when this one was asked for (null: for all), in the order
   * of the trials and once each: it does not depend on what goes on beside it, nor on where the study was interrupted.
   */
  measuredBefore(trialId: number | null, device: Pick<StudyDevice, 'deviceId' | 'formerIds'>): StoredMeasurement[] {
    const ids = idsOf(device);
    const ended = [...this.#told].slice(0, trialId === null ? undefined : this.#toldBefore.get(trialId));
    const place = new Map(ended.map((id, index) => [id, index]));
    const found = this.measured.filter(
      ({ trialId: of, measurement }) => ids.includes(measurement.deviceId) && place.has(of),
    );
    const inOrder = found
      .sort((a, b) => (place.get(a.trialId) as number) - (place.get(b.trialId) as number))
      .map(({ measurement }) => measurement);
    // A search that was interrupted has made its first measurements twice.
    const first = new Map<string, StoredMeasurement>();
    for (const measurement of inOrder) {
      const key = `${measurement.signature}|${inferenceConfigKey(measurement.config)}`;
      if (!first.has(key)) first.set(key, measurement);
    }
    return [...first.values()];
  }

  /**
   * What came of the ask for this rung, if it was trained. A rung of that number may have been trained before it was asked for: what
   * is recommended is trained to its end, and goes on from the rung where the search left it when the study is extended.
   */
  trainingOf({ trialId, rung }: Pick<EventOf<'trial-asked'>, 'trialId' | 'rung'>) {
    return this.trainings
      .slice(this.#trainingsBefore.get(trialId))
      .find((training) => training.trialId === trialId && training.rung === rung);
  }

  /** Device class of what was measured last on a board; null: nothing. */
  classMeasuredOn(device: Pick<StudyDevice, 'deviceId' | 'formerIds'>): string | null {
    const ids = idsOf(device);
    return (
      this.measured.findLast(({ measurement }) => ids.includes(measurement.deviceId))?.measurement.deviceClass ?? null
    );
  }

  /** Devices that decide which trials are on the front: not those that nothing waits for, as long as there are others. */
  #deciding({ devices }: StudySpec): string[] {
    const isAnswering = (name: string) => {
      const device = this.devices.get(name);
      return !device || !isGivenUp(device);
    };
    const answering = devices.filter(isAnswering);
    return answering.length > 0 ? answering : [...devices];
  }

  /**
   * Trials as the pages list them, with the front marked. Where the search did not ask the devices about all of them, what
   * they said of the recommended models is added. A recommended trial is as feasible as its trained model was found.
   */
  trialViews(spec: StudySpec): TrialView[] {
    const views = [...this.trials.values()];
    const models = this.recommendation?.models ?? [];
    const front = new Set(this.#front.trialIds({ ...spec, devices: this.#deciding(spec) }, models));
    const isMeasured = inferenceTimingOf(spec.tuner.mode) === 'while-training' && searchReadsDevices(spec);
    return views.map((view) => {
      const model = models.find(({ trialId }) => trialId === view.trialId);
      const onFront = front.has(view.trialId);
      if (!model) return { ...view, onFront };
      const recommended = asRecommended(view, model, spec);
      const violation = model.feasible ? 0 : Math.max(recommended.violation ?? 0, Number.MIN_VALUE);
      return { ...(isMeasured ? view : recommended), violation, onFront };
    });
  }

  summary(record: StudyRecord, spec: StudySpec): StudySummary {
    const views = [...this.trials.values()];
    const count = (...statuses: TrialView['status'][]) =>
      views.filter(({ status }) => statuses.includes(status)).length;
    const accuracies = views
      .filter(({ violation }) => violation === 0)
      .flatMap(({ metrics }) => metrics.accuracy ?? []);
    const planned = spec.stop.trials;
    return {
      id: record.id,
      name: record.name,
      state: record.state,
      reason: record.reason,
      workload: spec.workload,
      devices: spec.devices,
      createdAt: record.createdAt,
      finishedAt: record.finishedAt,
      trials: {
        started: views.length,
        finished: count('finished'),
        infeasible: count('infeasible'),
        failed: count('failed'),
        planned,
      },
      // The last tenth is the recommendation: final training, export, measuring the trained models.
      progress: record.state === 'succeeded' ? 1 : 0.9 * Math.min(1, this.#told.size / planned),
      bestAccuracy: accuracies.length === 0 ? null : Math.max(...accuracies),
      syntheticData: isSynthetic(spec.dataset),
    };
  }

  /** Pages read it every second. */
  #text(yaml: string, spec: StudySpec): string {
    if (this.#yaml?.extensions !== this.extensions.length)
      this.#yaml = { text: extendedYaml(yaml, spec, this.extensions), extensions: this.extensions.length };
    return this.#yaml.text;
  }

  detail(record: StudyRecord, spec: StudySpec): StudyDetail {
    this.#search ??= searchInsight(searchedPart(spec), this.#rungs, [...this.trials.values()]);
    return {
      ...this.summary(record, spec),
      spec,
      yaml: this.#text(record.yaml, spec),
      trialViews: this.trialViews(spec),
      spans: this.spans,
      timeline: summariseTimeline(this.spans),
      search: this.#search,
      deviceViews: [...this.devices.values()],
      recommendation: this.recommendation,
      unmeasured: this.recommendation ? unmeasured(this.recommendation, [...this.devices.values()]) : [],
      earlier: this.earlier,
      spent: this.spent,
      extensions: this.extensions,
      warnings: this.warnings,
      data: this.data,
      lastSeq: this.lastSeq,
    };
  }
}
