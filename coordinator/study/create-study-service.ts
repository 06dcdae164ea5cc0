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
import { StudyInputError, StudyStateError } from './state/study-errors.ts';
import type { StudyRecord, StudyRepository, UnreadableStudy } from './state/study-repository.ts';
import { StudyLog } from './study-log.ts';
import { StudyRunner } from './study-runner.ts';
import type { StudyService } from './study-service.ts';

export interface StudyServiceOptions extends StudyPorts {
  studies: StudyRepository;
  spans: SpanBus;
  /** Blobs that others than studies still need. */
  otherBlobsInUse?: () => Iterable<string>;
  log: Logger;
}

/** A study in memory: its record, its events, and, while it runs, the run. */
interface Entry {
  record: StudyRecord;
  spec: CheckedStudySpec;
  deviceIds: Record<string, string>;
  events: StudyLog;
  listeners: Set<(event: StudyEvent) => void>;
  run: { controller: AbortController; done: Promise<void>; kept: ReadonlySet<string> } | null;
}

type Created = Extract<StudyEventBody, { type: 'study-created' }>;

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

  /** Aborted when the coordinator ends: what is not written by then is when the store closes. */
  const ending = new AbortController();

  const summaryOf = (entry: Entry): StudySummary => entry.events.state.summary(entry.record, entry.spec);
  const announce = (entry: Entry) => {
    const study = summaryOf(entry);
    for (const listener of overviewListeners) listener({ type: 'study', study });
  };

  /** @throws {Error} where the events contradict each other */
  function entryFor(record: StudyRecord, events: readonly StudyEvent[], created: Created): Entry {
    const studyLog = new StudyLog({
      studies,
      record,
      events,
      onWritten: (event) => tell(entry, event),
      onLost: (error) => entry.run?.controller.abort(error),
      onFault: (error) => log.error(`what happens in study "${record.name}" could not be told`, { error }),
    });
    const { spec, deviceIds } = created;
    const entry: Entry = {
      record,
      spec: spec as CheckedStudySpec,
      deviceIds,
      events: studyLog,
      listeners: new Set(),
      run: null,
    };
    return entry;
  }

  function tell(entry: Entry, event: StudyEvent): void {
    const { body } = event;
    if (body.type === 'study-state') logState(entry.record, body);
    for (const listener of entry.listeners) listener(event);
    if (OVERVIEW_EVENTS.has(body.type)) announce(entry);
    if (body.type === 'training-finished') void collectBlobs();
  }

  function logState(
    { id: studyId, name }: StudyRecord,
    { state, reason }: Pick<StudyRecord, 'state' | 'reason'>,
  ): void {
    log.info(`study "${name}" ${state}${reason === null ? '' : `: ${reason}`}`, { studyId });
  }

  function noteFault({ id: studyId, name }: StudyRecord, error: unknown): void {
    log.error(`study "${name}" ended by a fault of EdgeTune`, { error, studyId });
  }

  /** @throws {Error} where it cannot be read, saying why */
  function load(record: StudyRecord | UnreadableStudy): Entry {
    if ('problem' in record) throw new Error(record.problem);
    const events = studies.events(record.id);
    const created = events[0]?.body;
    if (!created) throw new Error('it has no events: a coordinator ended while it was being made');
    if (created.type !== 'study-created') throw new Error(`its first event is "${created.type}", not its making`);
    return entryFor(record, events, created);
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
      entry.events.emit({ type: 'study-state', state: 'stopped', reason: 'stopped by the user' });
    else if (RESUMED_AT_START.has(entry.record.state)) launch(entry);
  }

  function launch(entry: Entry): void {
    const controller = new AbortController();
    const kept = new Set<string>();
    const { record, spec } = entry;
    const { state } = entry.events;
    const history = studies.events(record.id);
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
        if (!controller.signal.aborted) entry.events.emit(...bodies);
      },
      written: () => entry.events.written(controller.signal),
      span: (span) =>
        context.emit({ type: 'span', ...span, startMs: span.startMs - startMs, endMs: span.endMs - startMs }),
    };
    const endSpans = options.spans.subscribe(({ studyId, ...span }) => {
      if (studyId === record.id || studyId === null) context.span(span);
    });
    const run = async () => {
      try {
        // The time since it was stopped or its coordinator ended belongs to nobody's overhead.
        const lastMs = Date.parse(history.at(-1)?.at ?? record.createdAt);
        if (state.trials.size > 0)
          context.span({ lane: 'study', kind: 'waiting', trialId: null, startMs: lastMs, endMs: Date.now() });
        context.emit({ type: 'study-state', state: 'running', reason: null });
        await new StudyRunner(
          context,
          history.map(({ body }) => body),
        ).run();
        context.emit({ type: 'study-state', state: 'succeeded', reason: null });
        await context.written();
      } catch (error) {
        const cause = controller.signal.aborted ? controller.signal.reason : error;
        controller.abort(cause);
        if (cause instanceof ShutdownError) return;
        const isStopped = cause instanceof StoppedError;
        const reason = isStopped ? 'stopped by the user' : (cause as Error).message;
        entry.events.emit({ type: 'study-state', state: isStopped ? 'stopped' : 'failed', reason });
        await entry.events.written(ending.signal);
      } finally {
        endSpans();
        entry.run = null;
        // Also where its end could not be written.
        announce(entry);
        await collectBlobs();
      }
    };
    // In a turn of its own, so that `entry.run` is set before the first event.
    const done = Promise.resolve().then(run);
    done.catch((error) => {
      if (!ending.signal.aborted) noteFault(record, error);
    });
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
  /** Where it is not known what is needed, nothing goes. */
  async function collectBlobs(): Promise<void> {
    try {
      await blobs.collect(blobsInUse());
    } catch (error) {
      log.warn('cleaning up blobs failed', { error });
    }
  }

  function blobsInUse(): Set<string> {
    const inUse = new Set(options.otherBlobsInUse?.() ?? []);
    for (const { events, run } of entries.values())
      for (const sha256 of [...events.blobsNeeded(), ...(run?.kept ?? [])]) inUse.add(sha256);
    // A copy of the data directory, or a newer EdgeTune, may bring them back.
    for (const id of setAside.keys()) for (const sha256 of studies.blobsNamed(id)) inUse.add(sha256);
    return inUse;
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
      const spec = parseStudy(yaml, { parts: options.parts, devices });
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
      const created = { type: 'study-created', spec, deviceIds } as const;
      const entry = entryFor(record, [await studies.insert(record, created)], created);
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
      return entry ? entry.events.state.detail(entry.record, entry.spec) : null;
    },

    async stop(id) {
      const entry = entryOf(id);
      if (!entry.run || ENDED.has(entry.record.state))
        throw new StudyStateError(
          `study "${entry.record.name}" is ${entry.record.state}: only a running study can be stopped`,
        );
      const { controller, done } = entry.run;
      entry.events.emit({ type: 'study-state', state: 'stopping', reason: null });
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
      const known = [entries.get(id), setAside.get(id)] as const;
      entries.delete(id);
      setAside.delete(id);
      try {
        await studies.remove(id);
      } catch (error) {
        if (known[0]) entries.set(id, known[0]);
        if (known[1]) setAside.set(id, known[1]);
        throw error;
      }
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
      return exportFiles(entry.events.state.detail(entry.record, entry.spec), blobs);
    },

    async close() {
      ending.abort(new ShutdownError());
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

function newestFirst(a: { createdAt: string }, b: { createdAt: string }): number {
  return b.createdAt.localeCompare(a.createdAt);
}
