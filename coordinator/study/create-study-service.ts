/** The studies of this coordinator: made, run, stopped, resumed, listed; each a function of its events. */

import { randomUUID } from 'node:crypto';
import type { StudyState } from '@edgetune/shared/domain/study.ts';
import type { StudyEvent, StudyEventBody } from '@edgetune/shared/domain/study-event.ts';
import type { Logger } from '@edgetune/shared/log/logger.ts';
import type { SetAsideStudy, StudySummary } from '@edgetune/shared/protocol/http.ts';
import { ShutdownError } from '../lifecycle/shutdown-error.ts';
import type { CheckedStudySpec, StudyContext, StudyPorts } from './context/study-context.ts';
import { exportFiles } from './outcome/export-files.ts';
import { parseStudy } from './parse-study.ts';
import type { SpanBus } from './span-bus.ts';
import { StudyProjection } from './state/projection.ts';
import { StudyInputError, StudyStateError } from './state/study-errors.ts';
import type { StudyRecord, StudyRepository, UnreadableStudy } from './state/study-repository.ts';
import { StudyRunner } from './study-runner.ts';
import type { StudyService } from './study-service.ts';

export interface StudyServiceOptions extends StudyPorts {
  studies: StudyRepository;
  spans: SpanBus;
  /** Blobs that others than studies still need. */
  otherBlobsInUse?: () => Iterable<string>;
  log: Logger;
}

/** A study in memory: its record, its events' projection, and, while it runs, the run. */
interface Entry {
  record: StudyRecord;
  spec: CheckedStudySpec;
  deviceIds: Record<string, string>;
  state: StudyProjection;
  listeners: Set<(event: StudyEvent) => void>;
  run: { controller: AbortController; done: Promise<void>; kept: ReadonlySet<string> } | null;
}

/** Why a run ends early, and stays so: a person has stopped it. */
class StoppedError extends Error {
  override name = 'StoppedError';
}

export function createStudyService(
  options: StudyServiceOptions,
): StudyService & { start(): void; close(): Promise<void> } {
  const { studies, blobs, fleet, log } = options;
  const entries = new Map<string, Entry>();
  const setAside = new Map<string, SetAsideStudy>();
  const overviewListeners = new Set<Parameters<StudyService['subscribeAll']>[0]>();

  const summaryOf = (entry: Entry): StudySummary => entry.state.summary(entry.record, entry.spec);
  const announce = (entry: Entry) => {
    const study = summaryOf(entry);
    for (const listener of overviewListeners) listener({ type: 'study', study });
  };

  function emit(entry: Entry, ...bodies: StudyEventBody[]): void {
    const change: Partial<StudyRecord> = Object.assign({}, ...bodies.map(changeOf));
    const events = studies.append(entry.record.id, bodies, change);
    Object.assign(entry.record, change);
    for (const event of events) {
      entry.state.apply(event);
      if (event.body.type === 'study-state') logState(entry.record);
      for (const listener of entry.listeners) listener(event);
      if (OVERVIEW_EVENTS.has(event.body.type)) announce(entry);
      if (event.body.type === 'training-finished') void collectBlobs();
    }
  }

  function logState({ id: studyId, name, state, reason }: StudyRecord): void {
    log.info(`study "${name}" ${state}${reason === null ? '' : `: ${reason}`}`, { studyId });
  }

  /** @throws {Error} where it cannot be read, saying why */
  function load(record: StudyRecord | UnreadableStudy): Entry {
    if ('problem' in record) throw new Error(record.problem);
    const events = studies.events(record.id);
    const created = events[0]?.body;
    if (!created) throw new Error('it has no events: a coordinator ended while it was being made');
    if (created.type !== 'study-created') throw new Error(`its first event is "${created.type}", not its making`);
    return {
      record,
      spec: created.spec as CheckedStudySpec,
      deviceIds: created.deviceIds,
      state: new StudyProjection(events),
      listeners: new Set(),
      run: null,
    };
  }

  /** What cannot be read stands still, and stops nothing else. */
  function putAside({ id, name, createdAt }: StudyRecord | UnreadableStudy, problem: string): void {
    const remedy = `Remove it (edgetune study remove ${id}), or stop the coordinator and put back a copy of its data directory in which it is whole`;
    setAside.set(id, { id, name, createdAt, reason: `${problem}. ${remedy}` });
    log.error(`study "${name}" cannot be read and is set aside: ${problem}. ${remedy}`, { studyId: id });
  }

  function start(record: StudyRecord | UnreadableStudy): void {
    const entry = load(record);
    entries.set(record.id, entry);
    if (entry.record.state === 'stopping')
      emit(entry, { type: 'study-state', state: 'stopped', reason: 'stopped by the user' });
    else if (RESUMED_AT_START.has(entry.record.state)) launch(entry);
  }

  function launch(entry: Entry): void {
    const controller = new AbortController();
    const kept = new Set<string>();
    const { record, spec, state } = entry;
    const history = studies.events(record.id).map(({ body }) => body);
    const startMs = Date.parse(record.createdAt);
    const context: StudyContext = {
      ...options,
      studyId: record.id,
      spec,
      state,
      signal: controller.signal,
      lanes: new Set(),
      keep: (...sha256s) => {
        for (const sha256 of sha256s) kept.add(sha256);
      },
      device: (name) => fleet.devices().find(({ id }) => id === entry.deviceIds[name]) ?? null,
      emit: (...bodies) => {
        // What a stopped run still reports is dropped: a resumed run does it again.
        if (!controller.signal.aborted) emit(entry, ...bodies);
      },
      span: (span) =>
        context.emit({ type: 'span', ...span, startMs: span.startMs - startMs, endMs: span.endMs - startMs }),
    };
    const endSpans = options.spans.subscribe(({ studyId, ...span }) => {
      if (studyId === record.id || studyId === null) context.span(span);
    });
    const run = async () => {
      try {
        // The time since it was stopped or its coordinator ended belongs to nobody's overhead.
        const lastMs = Date.parse(studies.events(record.id, state.lastSeq - 1)[0]?.at ?? record.createdAt);
        if (state.trials.size > 0)
          context.span({ lane: 'study', kind: 'waiting', trialId: null, startMs: lastMs, endMs: Date.now() });
        emit(entry, { type: 'study-state', state: 'running', reason: null });
        await new StudyRunner(context, history).run();
        emit(entry, { type: 'study-state', state: 'succeeded', reason: null });
      } catch (error) {
        const cause = controller.signal.aborted ? controller.signal.reason : error;
        controller.abort(cause);
        if (cause instanceof ShutdownError) return;
        if (cause instanceof StoppedError)
          emit(entry, { type: 'study-state', state: 'stopped', reason: 'stopped by the user' });
        else emit(entry, { type: 'study-state', state: 'failed', reason: (cause as Error).message });
      } finally {
        endSpans();
        entry.run = null;
        await collectBlobs();
      }
    };
    // In a turn of its own, so that `entry.run` is set before the first event.
    const done = Promise.resolve().then(run);
    done.catch((error) =>
      log.error(`study "${record.name}" ended by a fault of EdgeTune`, { error, studyId: record.id }),
    );
    entry.run = { controller, done, kept };
  }

  /** Of a study with this id, else of the newest with this name. */
  function idOf(idOrName: string): string | null {
    const all = [...[...entries.values()].map(({ record }) => record), ...setAside.values()];
    const found =
      all.find(({ id }) => id === idOrName) ?? all.filter(({ name }) => name === idOrName).sort(newestFirst)[0];
    return found?.id ?? null;
  }

  function entryOf(id: string): Entry {
    const entry = entries.get(id);
    if (!entry) throw new StudyStateError(`there is no study ${id}`);
    return entry;
  }

  /** Checkpoints that a later one supersedes and models of finished studies that were not recommended may go. */
  async function collectBlobs(): Promise<void> {
    const inUse = new Set(options.otherBlobsInUse?.() ?? []);
    for (const entry of entries.values()) for (const sha256 of blobsInUse(entry)) inUse.add(sha256);
    // A copy of the data directory, or a newer EdgeTune, may bring them back.
    for (const id of setAside.keys()) for (const sha256 of studies.blobsNamed(id)) inUse.add(sha256);
    await blobs.collect(inUse).catch((error) => log.warn('cleaning up blobs failed', { error }));
  }

  return {
    start() {
      for (const record of studies.list()) {
        try {
          start(record);
        } catch (error) {
          entries.delete(record.id);
          putAside(record, (error as Error).message);
        }
      }
    },

    async create(yaml) {
      const devices = fleet.devices();
      const spec = parseStudy(yaml, { parts: options.parts, deviceNames: devices.map(({ name }) => name) });
      await options.training.checkDataset(spec.workload, spec.dataset).catch((error) => {
        throw new StudyInputError({ error: (error as Error).message, issues: [] });
      });
      const record: StudyRecord = {
        id: `s-${randomUUID().slice(0, 8)}`,
        name: spec.name,
        yaml,
        state: 'queued',
        reason: null,
        createdAt: new Date().toISOString(),
        finishedAt: null,
      };
      const deviceIds = Object.fromEntries(
        devices.filter(({ name }) => spec.devices.includes(name)).map(({ name, id }) => [name, id]),
      );
      const created = studies.insert(record, { type: 'study-created', spec, deviceIds });
      const state = new StudyProjection([created]);
      const entry: Entry = { record, spec, deviceIds, state, listeners: new Set(), run: null };
      entries.set(record.id, entry);
      announce(entry);
      launch(entry);
      return summaryOf(entry);
    },

    list: () => [...entries.values()].map(summaryOf).sort(newestFirst),

    setAside: () => [...setAside.values()].sort(newestFirst),

    find(idOrName) {
      const id = idOf(idOrName);
      const unreadable = id !== null && setAside.get(id);
      if (unreadable) throw new StudyStateError(`study "${unreadable.name}" cannot be read: ${unreadable.reason}`);
      const entry = id !== null && entries.get(id);
      return entry ? entry.state.detail(entry.record, entry.spec) : null;
    },

    async stop(id) {
      const entry = entryOf(id);
      if (!entry.run)
        throw new StudyStateError(
          `study "${entry.record.name}" is ${entry.record.state}: only a running study can be stopped`,
        );
      const { controller, done } = entry.run;
      emit(entry, { type: 'study-state', state: 'stopping', reason: null });
      controller.abort(new StoppedError('the study was stopped'));
      await done;
      return summaryOf(entry);
    },

    async resume(id) {
      const entry = entryOf(id);
      if (entry.run || entry.record.state === 'succeeded') {
        throw new StudyStateError(
          `study "${entry.record.name}" is ${entry.record.state}: only a stopped or failed study can be resumed`,
        );
      }
      launch(entry);
      return summaryOf(entry);
    },

    async remove(idOrName) {
      const id = idOf(idOrName);
      if (id === null) return false;
      if (entries.get(id)?.run)
        throw new StudyStateError(`study "${entryOf(id).record.name}" is running: stop it first`);
      studies.remove(id);
      entries.delete(id);
      setAside.delete(id);
      await collectBlobs();
      return true;
    },

    events: (id, afterSeq, limit) => studies.events(entryOf(id).record.id, afterSeq, limit),

    subscribe(id, listener) {
      const { listeners } = entryOf(id);
      listeners.add(listener);
      return () => listeners.delete(listener);
    },

    subscribeAll(listener) {
      overviewListeners.add(listener);
      return () => overviewListeners.delete(listener);
    },

    exportFiles(id) {
      const entry = entryOf(id);
      return exportFiles(entry.state.detail(entry.record, entry.spec), blobs);
    },

    async close() {
      const runs = [...entries.values()].flatMap(({ run }) => run ?? []);
      for (const { controller } of runs) controller.abort(new ShutdownError());
      await Promise.allSettled(runs.map(({ done }) => done));
    },
  };
}

const RESUMED_AT_START: ReadonlySet<StudyState> = new Set(['queued', 'running', 'waiting', 'stopping']);
const ENDED: ReadonlySet<StudyState> = new Set(['stopped', 'succeeded', 'failed']);
const OVERVIEW_EVENTS: ReadonlySet<StudyEventBody['type']> = new Set([
  'study-created',
  'study-state',
  'trial-asked',
  'trial-told',
  'recommendation',
]);

/** What an event changes in the record of its study. */
function changeOf(body: StudyEventBody): Partial<StudyRecord> {
  if (body.type !== 'study-state') return {};
  const { state, reason } = body;
  return { state, reason, finishedAt: ENDED.has(state) ? new Date().toISOString() : null };
}

function newestFirst(a: { createdAt: string }, b: { createdAt: string }): number {
  return b.createdAt.localeCompare(a.createdAt);
}

/** Blobs that a study still needs: what it recommended, and while it is not done its models and last checkpoints. */
function blobsInUse({ record, state, run }: Entry): string[] {
  const recommended = (state.recommendation?.models ?? []).flatMap(({ onnxSha256, modelCardSha256, quantised }) => [
    onnxSha256,
    modelCardSha256,
    ...(quantised && 'onnxSha256' in quantised ? [quantised.onnxSha256] : []),
  ]);
  if (record.state === 'succeeded') return recommended;
  const checkpoints = new Map(state.trainings.map(({ trialId, checkpointSha256 }) => [trialId, checkpointSha256]));
  const models = [...state.architectures.values()].flatMap(({ modelSha256, int8 }) =>
    int8 && 'modelSha256' in int8 ? [modelSha256, int8.modelSha256] : [modelSha256],
  );
  return [
    ...recommended,
    ...(run?.kept ?? []),
    ...models,
    ...[...checkpoints.values()].flatMap((sha256) => sha256 ?? []),
  ];
}
