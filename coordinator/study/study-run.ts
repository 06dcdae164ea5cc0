/** One run of a study, from its start or resumption to its end: what it says, and how it ends. */
import type { StudyEvent } from '@edgetune/shared/domain/study-event.ts';
import { ShutdownError } from '../lifecycle/shutdown-error.ts';
import type { CheckedStudySpec, StudyContext, StudyPorts } from './context/study-context.ts';
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
  /** SHA-256 of blobs that it needs and no event names yet. */
  kept: ReadonlySet<string>;
}

export interface StudyRunOptions {
  ports: StudyPorts;
  spans: SpanBus;
  record: StudyRecord;
  spec: CheckedStudySpec;
  /** Ids of its devices by the names that they had when it was made. */
  deviceIds: Readonly<Record<string, string>>;
  log: StudyLog;
  /** What had happened before, as the disk has it: its making at least. */
  history: readonly StudyEvent[];
  /** Aborted when the coordinator ends: what is not written by then is when the store closes. */
  ending: AbortSignal;
  /** It has ended, also where that could not be written. */
  onEnded(): Promise<void>;
}

/** Begins in a turn of its own: whoever calls has noted the run before its first event. */
export function beginRun(options: StudyRunOptions): StudyRun {
  const controller = new AbortController();
  const kept = new Set<string>();
  const context = contextOf(options, controller.signal, kept);
  const done = Promise.resolve().then(() => runToItsEnd(options, context, controller));
  return { controller, done, kept };
}

function contextOf(
  { ports, record, spec, deviceIds, log }: StudyRunOptions,
  signal: AbortSignal,
  kept: Set<string>,
): StudyContext {
  const startMs = Date.parse(record.createdAt);
  const context: StudyContext = {
    ...ports,
    studyId: record.id,
    spec,
    state: log.state,
    signal,
    lanes: new Set(),
    keep: (...sha256s) => {
      for (const sha256 of sha256s) kept.add(sha256);
    },
    device: (name) => ports.fleet.devices().find(({ id }) => id === deviceIds[name]) ?? null,
    emit: (...bodies) => {
      // What a stopped run still reports is dropped: a resumed run does it again.
      if (!signal.aborted) log.emit(...bodies);
    },
    written: () => log.written(signal),
    span: (span) =>
      context.emit({ type: 'span', ...span, startMs: span.startMs - startMs, endMs: span.endMs - startMs }),
  };
  return context;
}

async function runToItsEnd(
  { spans, record, log, history, ending, onEnded }: StudyRunOptions,
  context: StudyContext,
  controller: AbortController,
): Promise<void> {
  const endSpans = spans.subscribe(({ studyId, ...span }) => {
    if (studyId === record.id || studyId === null) context.span(span);
  });
  try {
    // The time since it was stopped or its coordinator ended belongs to nobody's overhead.
    const lastMs = Date.parse((history.at(-1) as StudyEvent).at);
    if (context.state.trials.size > 0)
      context.span({ lane: 'study', kind: 'waiting', trialId: null, startMs: lastMs, endMs: Date.now() });
    context.emit({ type: 'study-state', state: 'running', reason: null });
    const before = history.map(({ body }) => body);
    await new StudyRunner(context, before).run();
    context.emit({ type: 'study-state', state: 'succeeded', reason: null });
    await context.written();
  } catch (error) {
    const cause = controller.signal.aborted ? controller.signal.reason : error;
    controller.abort(cause);
    if (cause instanceof ShutdownError) return;
    const isStopped = cause instanceof StoppedError;
    const reason = isStopped ? 'stopped by the user' : (cause as Error).message;
    log.emit({ type: 'study-state', state: isStopped ? 'stopped' : 'failed', reason });
    await log.written(ending);
  } finally {
    endSpans();
    await onEnded();
  }
}
