/** The studies of this coordinator: made, run, stopped, resumed, listed; each a function of its events. */

import { randomUUID } from 'node:crypto';
import type { Earlier } from '@edgetune/shared/domain/earlier.ts';
import type { StudyState } from '@edgetune/shared/domain/study.ts';
import type { StudyDevice, StudyEvent, StudyEventBody } from '@edgetune/shared/domain/study-event.ts';
import type { Logger } from '@edgetune/shared/log/logger.ts';
import type { SetAsideStudy, StudyDetail, StudySummary } from '@edgetune/shared/protocol/http.ts';
import { ShutdownError } from '../lifecycle/shutdown-error.ts';
import { tellAll } from '../lifecycle/tell-all.ts';
import type { Troubles } from '../lifecycle/troubles.ts';
import type { CheckedStudySpec, StudyPorts } from './context/study-context.ts';
import { type Beginner, earlierOf } from './earlier-trials.ts';
import { type Extension, extendedSpec, extensionOf } from './extension.ts';
import { exportFiles } from './outcome/export-files.ts';
import { examineStudy, inputError } from './parse-study.ts';
import type { SpanBus } from './span-bus.ts';
import { StudyStateError } from './state/study-errors.ts';
import type { StudyRecord, StudyRepository, UnreadableStudy } from './state/study-repository.ts';
import { StudyLog } from './study-log.ts';
import { type NamedStudy, onlyStudyNamed, studiesNamed } from './study-names.ts';
import { beginRun, StoppedError, type StudyRun } from './study-run.ts';
import type { StudyService } from './study-service.ts';
import { unjudged } from './unjudged.ts';
import { unmeasurable } from './unmeasurable.ts';

export interface StudyServiceOptions extends StudyPorts {
  studies: StudyRepository;
  spans: SpanBus;
  /** Has the reason while what happens in studies cannot be written. */
  troubles: Pick<Troubles, 'current' | 'subscribe'>;
  /** Blobs that others than studies still need. */
  otherBlobsInUse?: () => Iterable<string>;
  log: Logger;
}

/** A study in memory: its record, its events, and, while it runs, the run. */
interface Entry {
  record: StudyRecord;
  spec: CheckedStudySpec;
  events: StudyLog;
  listeners: Set<(event: StudyEvent) => void>;
  run: StudyRun | null;
}

type Created = Extract<StudyEventBody, { type: 'study-created' }>;

export function createStudyService(
  options: StudyServiceOptions,
): StudyService & { start(): void; close(): Promise<void> } {
  return new Studies(options);
}

class Studies implements StudyService {
  readonly #options: StudyServiceOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #setAside = new Map<string, SetAsideStudy>();
  readonly #overviewListeners = new Set<Parameters<StudyService['subscribeAll']>[0]>();
  readonly #ending = new AbortController();

  constructor(options: StudyServiceOptions) {
    this.#options = options;
    options.troubles.subscribe(() => this.#storeTrouble());
  }

  /** Goes on with the studies that ran when the coordinator ended. */
  start(): void {
    for (const record of this.#options.studies.list()) {
      try {
        this.#startAgain(record);
      } catch (error) {
        this.#entries.delete(record.id);
        this.#putAside(record, (error as Error).message);
      }
    }
  }

  async create(yaml: string): Promise<StudySummary> {
    this.#ending.signal.throwIfAborted();
    const { fleet, training, parts, studies } = this.#options;
    const devices = fleet.devices();
    const { spec, mistakes, data, locate } = examineStudy(yaml, { parts, devices, studies: this.#named() });
    // The data are looked at even where there are mistakes elsewhere, so that all are told at once.
    const checked = data && (await training.checkDataset(data.workload, data.dataset).catch((error: Error) => error));
    if (checked instanceof Error) mistakes.push(locate({ path: ['dataset'], message: checked.message }));
    else if (checked) {
      mistakes.push(...unjudged(data.asked, checked.evidence).map(locate));
      // With the format that was found out.
      if (spec) spec.dataset = checked.dataset;
    }
    const deviceIds = Object.fromEntries(
      devices.filter(({ name }) => spec?.devices.includes(name)).map(({ name, id }) => [name, id]),
    );
    const dataSha256 = checked instanceof Error ? undefined : checked?.evidence.sha256;
    const earlier = spec?.from === undefined ? undefined : this.#earlierOf(spec.from, { spec, deviceIds, dataSha256 });
    if (typeof earlier === 'string') mistakes.push(locate({ path: ['from'], message: earlier }));
    if (spec === null || typeof earlier === 'string' || mistakes.length > 0) throw inputError(mistakes);
    const record: StudyRecord = {
      id: `s-${randomUUID().slice(0, 8)}`,
      name: spec.name,
      yaml,
      state: 'queued',
      reason: null,
      createdAt: new Date().toISOString(),
      finishedAt: null,
    };
    const created = { type: 'study-created' as const, spec, deviceIds, ...(earlier ? { earlier } : {}) };
    const entry = this.#entryFor(record, [await studies.insert(record, created)], created);
    this.#entries.set(record.id, entry);
    this.#announce(entry);
    this.#launch(entry);
    return this.#summaryOf(entry);
  }

  /** What a new study takes over from the one of this id or name; a text where it is nothing. */
  #earlierOf(idOrName: string, beginner: Beginner): Earlier | string {
    const id = onlyStudyNamed(idOrName, this.#named());
    const entry = id === null ? undefined : this.#entries.get(id);
    if (!entry) return `study "${idOrName}" cannot be read: "edgetune study list" says why`;
    const { record, spec, events } = entry;
    const deviceIds = new Map([...events.state.devices.values()].map(({ device, deviceId }) => [device, deviceId]));
    const bodies = this.#options.studies.events(record.id).map(({ body }) => body);
    const dataSha256 = events.state.data?.sha256 ?? null;
    return earlierOf({ id: record.id, name: record.name, spec, deviceIds, events: bodies, dataSha256 }, beginner);
  }

  list(): StudySummary[] {
    return [...this.#entries.values()].map((entry) => this.#summaryOf(entry)).sort(newestFirst);
  }

  setAside(): SetAsideStudy[] {
    return [...this.#setAside.values()].sort(newestFirst);
  }

  find(idOrName: string): StudyDetail | null {
    const id = this.#idOf(idOrName);
    const unreadable = id !== null && this.#setAside.get(id);
    if (unreadable) throw new StudyStateError(`study "${unreadable.name}" cannot be read: ${unreadable.reason}`);
    const entry = id !== null && this.#entries.get(id);
    return entry ? this.#detailOf(entry) : null;
  }

  async stop(id: string): Promise<StudySummary> {
    const entry = this.#entryOf(id);
    const { run, record } = entry;
    const isStopping = run?.controller.signal.reason instanceof StoppedError;
    if (!run || (ENDED.has(record.state) && !isStopping))
      throw new StudyStateError(`study "${record.name}" is ${record.state}: only a running study can be stopped`);
    if (!isStopping) {
      entry.events.emit({ type: 'study-state', state: 'stopping', reason: null });
      run.controller.abort(new StoppedError());
    }
    // On a full disk whoever stops it need not wait until that can be written: the summary says what it waits for.
    await Promise.race([run.done, this.#untilTrouble(run.done)]);
    return this.#summaryOf(entry);
  }

  async resume(id: string): Promise<StudySummary> {
    this.#ending.signal.throwIfAborted();
    const entry = this.#entryOf(id);
    const { state } = this.#shown(entry);
    if (entry.run || (state === 'succeeded' && this.#detailOf(entry).unmeasured.length === 0))
      throw new StudyStateError(
        `study "${entry.record.name}" is ${state}${state === 'succeeded' ? ', and every device has measured what it recommends' : ''}: only a stopped or failed study can be resumed`,
      );
    this.#launch(entry);
    return this.#summaryOf(entry);
  }

  async extend(id: string, extension: Extension): Promise<StudySummary> {
    this.#ending.signal.throwIfAborted();
    const entry = this.#entryOf(id);
    const { spec, record } = entry;
    const { devices, spent } = entry.events.state;
    const members = this.#options.fleet.devices();
    const extended = extensionOf({ id, spec, spent, devices: [...devices.values()], members }, extension);
    if (typeof extended === 'string')
      throw new StudyStateError(`study "${record.name}" cannot be extended so: ${extended}`);
    const { state } = this.#shown(entry);
    if (entry.run || (state !== 'succeeded' && state !== 'stopped'))
      throw new StudyStateError(
        `study "${record.name}" is ${state}: only one that has succeeded or was stopped can be extended`,
      );
    // In one write: a coordinator that ends here goes on with it at its next start.
    entry.events.emit(extended, { type: 'study-state', state: 'queued', reason: null });
    await entry.events.written(this.#ending.signal);
    entry.spec = extendedSpec(spec, extended);
    this.#launch(entry);
    return this.#summaryOf(entry);
  }

  async leaveOut(id: string, name: string): Promise<StudyDetail> {
    const entry = this.#entryOf(id);
    const device = this.#deviceOf(entry, name);
    if (device.standing === 'left-out') throw new StudyStateError(`${name} is left out of the study already`);
    const others = [...entry.events.state.devices.values()].filter(
      ({ device: other, standing }) => other !== name && standing !== 'left-out',
    );
    if (others.length === 0)
      throw new StudyStateError(
        `${name} is the only device that study "${entry.record.name}" has left: use another one in its place, or stop the study`,
      );
    const reason = `the study goes on without ${name}, as you have said`;
    return this.#decide(entry, { ...device, standing: 'left-out', reason });
  }

  async replace(id: string, name: string, by: string): Promise<StudyDetail> {
    const entry = this.#entryOf(id);
    const { spec, events } = entry;
    this.#deviceOf(entry, name);
    const members = this.#options.fleet.devices();
    const other = members.find((member) => member.name === by);
    if (!other?.board)
      throw new StudyStateError(
        other
          ? `${by} has not joined the fleet yet`
          : `the fleet has no device "${by}": it has ${members.map((member) => member.name).join(', ') || 'none'}`,
      );
    const known = [...events.state.devices.values()].find(({ deviceId }) => deviceId === other.id);
    if (known)
      throw new StudyStateError(
        `${by} is a device of the study already${known.device === by ? '' : `, as ${known.device}`}`,
      );
    const [mistake] = unmeasurable(spec, [{ name, board: other.board }]);
    if (mistake) throw new StudyStateError(`${by} cannot take the place of ${name}: ${mistake.message}`);
    const reason = `${by} has taken the place of ${name}`;
    return this.#decide(entry, { device: name, deviceId: other.id, standing: 'expected', reason });
  }

  /** What a person has decided is on the disk when they hear of it: a coordinator that ends then knows it still. */
  async #decide(entry: Entry, device: StudyDevice): Promise<StudyDetail> {
    entry.events.emit({ type: 'study-device', ...device });
    await entry.events.written(this.#ending.signal);
    return this.#detailOf(entry);
  }

  #deviceOf(entry: Entry, name: string): StudyDevice {
    const device = entry.events.state.devices.get(name);
    if (!device)
      throw new StudyStateError(
        `study "${entry.record.name}" has no device "${name}": it has ${entry.spec.devices.join(', ')}`,
      );
    return device;
  }

  only(idOrName: string, isOfRunning = false): StudyDetail | null {
    const id = onlyStudyNamed(idOrName, this.#named(), { isOfRunning });
    return id === null ? null : this.find(id);
  }

  async remove(idOrName: string, all = false): Promise<boolean> {
    const named = this.#named();
    const hint = ', or remove all of them (--all)';
    const one = all ? null : onlyStudyNamed(idOrName, named, { hint });
    const ids = all ? studiesNamed(idOrName, named).map(({ id }) => id) : one === null ? [] : [one];
    // All or none: who waits for one that runs has lost none of the others.
    for (const entry of ids.flatMap((id) => this.#entries.get(id) ?? []))
      if (entry.run) throw new StudyStateError(this.#whyNotRemoved(entry));
    for (const id of ids) await this.#remove(id);
    return ids.length > 0;
  }

  async #remove(id: string): Promise<void> {
    const [entry, unreadable] = [this.#entries.get(id), this.#setAside.get(id)];
    this.#entries.delete(id);
    this.#setAside.delete(id);
    try {
      await this.#options.studies.remove(id);
    } catch (error) {
      if (entry) this.#entries.set(id, entry);
      if (unreadable) this.#setAside.set(id, unreadable);
      throw error;
    }
    await this.#collectBlobs();
  }

  events(id: string, afterSeq: number, limit: number): StudyEvent[] {
    return this.#options.studies.events(this.#entryOf(id).record.id, afterSeq, limit);
  }

  subscribe(id: string, listener: (event: StudyEvent) => void): () => void {
    const { listeners } = this.#entryOf(id);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  subscribeAll(listener: Parameters<StudyService['subscribeAll']>[0]): () => void {
    this.#overviewListeners.add(listener);
    return () => this.#overviewListeners.delete(listener);
  }

  exportFiles(id: string): Promise<{ path: string; bytes: Uint8Array }[]> {
    return exportFiles(this.#detailOf(this.#entryOf(id)), this.#options.blobs);
  }

  /** Ends all runs, which go on at the next start. */
  async close(): Promise<void> {
    this.#ending.abort(new ShutdownError());
    const runs = [...this.#entries.values()].flatMap(({ run }) => run ?? []);
    for (const { controller } of runs) controller.abort(new ShutdownError());
    await Promise.allSettled(runs.map(({ done }) => done));
  }

  #announce(entry: Entry): void {
    const study = this.#summaryOf(entry);
    tellAll(this.#overviewListeners, { type: 'study' as const, study }, (error) => this.#listenerFault(entry, error));
  }

  #listenerFault({ record }: Entry, error: unknown): void {
    if (this.#ending.signal.aborted) return;
    this.#options.log.error(`what happens in study "${record.name}" could not be told`, { error, studyId: record.id });
  }

  /** Nothing can be written now, or it can again: every study that runs waits, or goes on. */
  #storeTrouble(): void {
    for (const entry of this.#entries.values()) if (entry.run) this.#announce(entry);
    // A blob that nothing needs may be all the space that is missing.
    const trouble = this.#options.troubles.current();
    if (trouble && trouble.because !== 'locked') void this.#collectBlobs(true);
  }

  /** Resolves when nothing can be written, at once where that is so now. */
  async #untilTrouble(orUntil: Promise<unknown>): Promise<void> {
    const { troubles } = this.#options;
    if (troubles.current() !== null) return;
    await new Promise<void>((resolve) => {
      const end = troubles.subscribe(() => {
        if (troubles.current() !== null) resolve();
      });
      orUntil.then(end, end);
    });
  }

  /** What a study is taken for while its own events wait to be written, or a blob of it to be stored. */
  #shown({ record, run }: Entry): Pick<StudyRecord, 'state' | 'reason' | 'finishedAt'> {
    const trouble = run && (run.troubles.current() ?? this.#options.troubles.current());
    if (!trouble) return record;
    const isStopping = record.state === 'stopping' || record.state === 'stopped';
    const reason = isStopping ? `it is stopped when that can be written: ${trouble.message}` : trouble.message;
    return { state: isStopping ? 'stopping' : 'waiting', reason, finishedAt: null };
  }

  #whyNotRemoved(entry: Entry): string {
    const { state, reason } = this.#shown(entry);
    const { name } = entry.record;
    if (state === 'stopping')
      return `study "${name}" is stopping: remove it when it stands${reason ? ` (${reason})` : ''}`;
    return `study "${name}" is running: stop it first`;
  }

  #summaryOf(entry: Entry): StudySummary {
    const { record, spec, events } = entry;
    return events.state.summary({ ...record, ...this.#shown(entry) }, spec);
  }

  /** `lastSeq` is that of the last event that is written: whoever follows from there misses none. */
  #detailOf(entry: Entry): StudyDetail {
    const { record, spec, events } = entry;
    return { ...events.state.detail({ ...record, ...this.#shown(entry) }, spec), lastSeq: events.writtenSeq };
  }

  /** @throws {Error} where the events contradict each other */
  #entryFor(record: StudyRecord, events: readonly StudyEvent[], { spec }: Created): Entry {
    const { studies } = this.#options;
    const entry: Entry = {
      record,
      spec: events.reduce(
        (before, { body }) => (body.type === 'study-extended' ? extendedSpec(before, body) : before),
        spec as CheckedStudySpec,
      ),
      events: new StudyLog({
        studies,
        record,
        events,
        onWritten: (event) => this.#tell(entry, event),
        onLost: (error) => entry.run?.controller.abort(error),
        onFault: (error) => this.#listenerFault(entry, error),
      }),
      listeners: new Set(),
      run: null,
    };
    return entry;
  }

  #tell(entry: Entry, event: StudyEvent): void {
    const { body } = event;
    const { id: studyId, name } = entry.record;
    if (body.type === 'study-state') {
      const why = body.reason === null ? '' : `: ${body.reason}`;
      this.#options.log.info(`study "${name}" ${body.state}${why}`, { studyId });
    }
    tellAll(entry.listeners, event, (error) => this.#listenerFault(entry, error));
    if (OVERVIEW_EVENTS.has(body.type)) this.#announce(entry);
    if (body.type === 'training-finished') void this.#collectBlobs();
  }

  /** @throws {Error} where it cannot be read, saying why */
  #startAgain(record: StudyRecord | UnreadableStudy): void {
    if ('problem' in record) throw new Error(record.problem);
    const events = this.#options.studies.events(record.id);
    const created = events[0]?.body;
    if (!created) throw new Error('it has no events: a coordinator ended while it was being made');
    if (created.type !== 'study-created') throw new Error(`its first event is "${created.type}", not its making`);
    const entry = this.#entryFor(record, events, created);
    this.#entries.set(record.id, entry);
    if (entry.record.state === 'stopping')
      entry.events.emit({ type: 'study-state', state: 'stopped', reason: 'stopped by the user' });
    else if (RESUMED_AT_START.has(entry.record.state)) this.#launch(entry);
  }

  /** What cannot be read stands still, and stops nothing else. */
  #putAside({ id, name, createdAt }: StudyRecord | UnreadableStudy, problem: string): void {
    const remedy = `Remove it (edgetune study remove ${id}), or stop the coordinator and put back a copy of its data directory in which it is whole`;
    this.#setAside.set(id, { id, name, createdAt, reason: `${problem}. ${remedy}` });
    this.#options.log.error(`study "${name}" cannot be read and is set aside: ${problem}. ${remedy}`, { studyId: id });
  }

  #launch(entry: Entry): void {
    // It goes on at the next start.
    if (this.#ending.signal.aborted) return;
    const { studies, spans, log } = this.#options;
    const { record, spec, events } = entry;
    entry.run = beginRun({
      ports: this.#options,
      spans,
      record,
      spec,
      log: events,
      history: studies.events(record.id),
      ending: this.#ending.signal,
      makeRoom: () => this.#collectBlobs(true),
      onEnded: async () => {
        entry.run = null;
        this.#announce(entry);
        await this.#collectBlobs();
      },
    });
    this.#tellTroubles(entry, entry.run);
    entry.run.done.catch((error) => {
      if (this.#ending.signal.aborted) return;
      log.error(`study "${record.name}" ended by a fault of EdgeTune`, { error, studyId: record.id });
    });
  }

  /** A blob that cannot be stored is the run's own trouble: others may have space, or need none. */
  #tellTroubles(entry: Entry, { troubles }: StudyRun): void {
    const { log } = this.#options;
    const { id: studyId, name } = entry.record;
    let told: string | null = null;
    troubles.subscribe(() => {
      const reason = troubles.current()?.message ?? null;
      if (reason === told) return;
      if (reason !== null) log.error(`study "${name}" waits: ${reason}. It goes on by itself`, { studyId });
      else log.info(`study "${name}" goes on`, { studyId });
      told = reason;
      this.#announce(entry);
    });
  }

  /** Of a study with this id, else of the newest with this name. */
  #idOf(idOrName: string): string | null {
    return studiesNamed(idOrName, this.#named())[0]?.id ?? null;
  }

  #named(): NamedStudy[] {
    const whole = [...this.#entries.values()].map((entry) => ({
      ...entry.record,
      state: this.#shown(entry).state,
      isRunning: entry.run !== null,
    }));
    const others = [...this.#setAside.values()].map((study) => ({
      ...study,
      state: 'cannot be read',
      isRunning: false,
    }));
    return [...whole, ...others];
  }

  #entryOf(id: string): Entry {
    const entry = this.#entries.get(id);
    if (!entry) throw new StudyStateError(`there is no study ${id}`);
    return entry;
  }

  /**
   * Checkpoints that a later one supersedes and models of finished studies that were not recommended may go. Where it is
   * not known what is needed, nothing goes.
   * @param all of them, and not only as many as the quota asks for: there is no space
   */
  async #collectBlobs(all = false): Promise<void> {
    try {
      await this.#options.blobs.collect(this.#blobsInUse(), { all });
    } catch (error) {
      this.#options.log.warn('cleaning up blobs failed', { error });
    }
  }

  #blobsInUse(): Set<string> {
    const { studies, otherBlobsInUse } = this.#options;
    const inUse = new Set(otherBlobsInUse?.() ?? []);
    for (const { events, run } of this.#entries.values())
      for (const sha256 of [...events.blobsNeeded(), ...(run?.kept.all() ?? [])]) inUse.add(sha256);
    // A copy of the data directory, or a newer EdgeTune, may bring them back.
    for (const id of this.#setAside.keys()) for (const sha256 of studies.blobsNamed(id)) inUse.add(sha256);
    return inUse;
  }
}

const RESUMED_AT_START: ReadonlySet<StudyState> = new Set(['queued', 'running', 'waiting']);
const ENDED: ReadonlySet<StudyState> = new Set(['stopped', 'succeeded', 'failed']);
const OVERVIEW_EVENTS: ReadonlySet<StudyEventBody['type']> = new Set([
  'study-state',
  'trial-asked',
  'trial-told',
  'recommendation',
]);

function newestFirst(a: { createdAt: string }, b: { createdAt: string }): number {
  return b.createdAt.localeCompare(a.createdAt);
}
