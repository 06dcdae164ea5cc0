/** One run of a study, from its start or resumption to its end: what it says, and how it ends. */
import { setMaxListeners } from 'node:events';
import type { StudyDevice, StudyEvent } from '@edgetune/shared/domain/study-event.ts';
import { ShutdownError } from '../lifecycle/shutdown-error.ts';
import { Troubles } from '../lifecycle/troubles.ts';
import { untilWritten } from '../lifecycle/until-written.ts';
import { isOfOtherData, readData } from './context/read-data.ts';
import type { CheckedStudySpec, StudyContext, StudyPorts } from './context/study-context.ts';
import { type StudyDevices, studyDevices } from './devices/study-devices.ts';
import { KeptBlobs } from './kept-blobs.ts';
import type { SpanBus } from './span-bus.ts';
import type { StudyRecord } from './state/study-repository.ts';
import type { StudyLog } from './study-log.ts';
import { StudyRunner } from './study-runner.ts';

/** Why a run ends early, and stays so: a person has stopped it. */
export class StoppedError extends Error {
  override name = 'StoppedError';
  constructor() {
    super('the study was stopped');
  }
}

export interface StudyRun {
  controller: AbortController;
  /** Resolves when it has ended, however; rejects where its end could not be written. */
  done: Promise<void>;
  kept: KeptBlobs;
  /** Has the reason while a blob of it cannot be stored. */
  troubles: Troubles;
}

export interface StudyRunOptions {
  ports: StudyPorts;
  spans: SpanBus;
  record: StudyRecord;
  spec: CheckedStudySpec;
  log: StudyLog;
  /** What had happened before, as the disk has it: its making at least. */
  history: readonly StudyEvent[];
  /** Aborted when the coordinator ends: what is not written by then is when the store closes. */
  ending: AbortSignal;
  /** Lets go all blobs that nothing needs: one of this run cannot be stored. */
  makeRoom(): Promise<void>;
  /** It has ended, also where that could not be written. */
  onEnded(): Promise<void>;
}

/** Begins in a turn of its own: whoever calls has noted the run before its first event. */
export function beginRun(options: StudyRunOptions): StudyRun {
  const controller = new AbortController();
  // Each of its searches, jobs and pauses listens to its end.
  setMaxListeners(0, controller.signal);
  const [kept, troubles] = [new KeptBlobs(), new Troubles()];
  const context = contextOf(options, controller.signal, kept, troubles);
  const done = Promise.resolve().then(() => runToItsEnd(options, context, controller));
  return { controller, done, kept, troubles };
}

function contextOf(
  { ports, record, spec, log, makeRoom }: StudyRunOptions,
  signal: AbortSignal,
  kept: KeptBlobs,
  troubles: Troubles,
): StudyContext {
  const startMs = Date.parse(record.createdAt);
  // What was trained for is kept until there is space.
  const patiently = <T>(work: () => Promise<T>) => untilWritten(work, { signal, troubles, makeRoom });
  // Data that have changed since the study began are not its data.
  const meant = <T extends object>(task: T) => ({ ...task, dataSha256: log.state.data?.sha256 });
  const context: StudyContext = {
    ...ports,
    training: {
      ...ports.training,
      checkDataset: (workload, dataset) =>
        patiently(() => ports.training.checkDataset(workload, dataset, log.state.data?.sha256)),
      buildArchitecture: (task) => ports.training.buildArchitecture(meant(task)),
      train: (request, ...others) => ports.training.train(meant(request), ...others),
      exportTrained: (task, ...others) => patiently(() => ports.training.exportTrained(meant(task), ...others)),
      evaluateOnnx: (task, ...others) => ports.training.evaluateOnnx(meant(task), ...others),
      quantise: (task, ...others) => patiently(() => ports.training.quantise(meant(task), ...others)),
    },
    blobs: {
      ...ports.blobs,
      put: async (bytes) => {
        const sha256 = await patiently(() => ports.blobs.put(bytes));
        kept.stored(sha256);
        return sha256;
      },
    },
    studyId: record.id,
    spec,
    state: log.state,
    signal,
    lanes: new Set(),
    keep: (...sha256s) => kept.keep(...sha256s),
    ...devicesOf(ports, spec, log, (device) => context.emit({ type: 'study-device', ...device })),
    subscribe: (listener) => log.follow(listener),
    emit: (...bodies) => {
      // What a stopped run still reports is dropped: a resumed run does it again.
      if (signal.aborted) return;
      log.emit(...bodies);
      kept.emitted(bodies);
    },
    written: () => log.written(signal),
    span: (span) =>
      context.emit({ type: 'span', ...span, startMs: span.startMs - startMs, endMs: span.endMs - startMs }),
  };
  return context;
}

function devicesOf(
  { fleet, clock }: Pick<StudyPorts, 'fleet' | 'clock'>,
  { devices, deterministic }: Pick<CheckedStudySpec, 'devices' | 'deterministic'>,
  log: StudyLog,
  onChange: (device: StudyDevice) => void,
): StudyDevices {
  return studyDevices({
    ...{ devices, fleet, clock, waitsForAll: deterministic, onChange },
    standingOf: (name) => log.state.devices.get(name) as StudyDevice,
    measuredClassOf: (device) => log.state.classMeasuredOn(device),
  });
}

async function runToItsEnd(
  options: StudyRunOptions,
  context: StudyContext,
  controller: AbortController,
): Promise<void> {
  const { spans, record, history, onEnded } = options;
  const endSpans = spans.subscribe(({ studyId, ...span }) => {
    if (studyId === record.id || studyId === null) context.span(span);
  });
  try {
    // The time since it was stopped or its coordinator ended belongs to nobody's overhead.
    const lastMs = Date.parse((history.at(-1) as StudyEvent).at);
    if (context.state.trials.size > 0)
      context.span({ lane: 'study', kind: 'waiting', trialId: null, startMs: lastMs, endMs: Date.now() });
    context.emit({ type: 'study-state', state: 'running', reason: null });
    await readData(context);
    const before = history.map(({ body }) => body);
    await new StudyRunner(context, before).run();
    context.emit({ type: 'study-state', state: 'succeeded', reason: null });
    await context.written();
  } catch (error) {
    const cause = controller.signal.aborted ? controller.signal.reason : error;
    controller.abort(cause);
    if (cause instanceof ShutdownError) return;
    const isStopped = cause instanceof StoppedError;
    await writeEnd(
      options,
      isStopped || isOfOtherData(cause) ? 'stopped' : 'failed',
      isStopped ? 'stopped by the user' : (cause as Error).message,
    );
  } finally {
    endSpans();
    context.deviceTroubles.close();
    // Whoever still waits for something, or has a device to ask, hears that it is over.
    controller.abort(new Error('the study has ended'));
    await onEnded();
  }
}

/** @throws {Error} where it cannot be written: then it has ended all the same, and is shown so */
async function writeEnd(
  { record, log, ending }: StudyRunOptions,
  state: 'stopped' | 'failed',
  reason: string,
): Promise<void> {
  try {
    log.emit({ type: 'study-state', state, reason });
  } catch (error) {
    Object.assign(record, { state, reason });
    throw error;
  }
  await log.written(ending);
}
