/**
 * The events of one study as they happen. They count at once in memory, so that projection and tuner follow them in one
 * order; others hear of them, and blobs are let go, when they are on the disk.
 */
import type { StudyState } from '@edgetune/shared/domain/study.ts';
import type { StudyEvent, StudyEventBody } from '@edgetune/shared/domain/study-event.ts';
import { unlessAborted } from '../lifecycle/aborted.ts';
import { blobsNeeded } from './state/blobs-needed.ts';
import { StudyProjection } from './state/projection.ts';
import type { StudyRecord, StudyRepository } from './state/study-repository.ts';

export interface StudyLogOptions {
  studies: Pick<StudyRepository, 'append' | 'events'>;
  /** Changes with the events. */
  record: StudyRecord;
  /** Those that are on the disk. */
  events: readonly StudyEvent[];
  /** Called for each event in order, when it is on the disk. */
  onWritten(event: StudyEvent): void;
  /** Events could not be written: what had happened since is forgotten, and whoever goes on from it must end. */
  onLost(error: Error): void;
  /** A callback has thrown. */
  onFault(error: unknown): void;
}

const ENDED: ReadonlySet<StudyState> = new Set(['stopped', 'succeeded', 'failed']);
/** Events after which blobs may go that were needed before. */
const LETTING_GO: ReadonlySet<StudyEventBody['type']> = new Set(['training-finished', 'study-state', 'recommendation']);

export class StudyLog {
  readonly #options: StudyLogOptions;
  #state: StudyProjection;
  #writtenSeq: number;
  #written: Promise<void> = Promise.resolve();
  /** Needed by the study as the disk still has it. */
  readonly #held = new Set<readonly string[]>();
  readonly #followers = new Set<(body: StudyEventBody) => void>();
  /** Counts the losses: events that were emitted before one are lost with it, and tell nothing new. */
  #losses = 0;

  constructor(options: StudyLogOptions) {
    this.#options = options;
    this.#state = new StudyProjection(options.events);
    this.#writtenSeq = this.#state.lastSeq;
  }

  /** What the events so far amount to; another object after a loss. */
  get state(): StudyProjection {
    return this.#state;
  }

  /** Number of the last event that is on the disk: what comes after it may still be lost, and numbered anew. */
  get writtenSeq(): number {
    return this.#writtenSeq;
  }

  /** @throws {Error} where an event is none that could be read again: nothing has happened */
  emit(...bodies: StudyEventBody[]): void {
    const { studies, record, onFault } = this.#options;
    const change: Partial<StudyRecord> = Object.assign({}, ...bodies.map(changeOf));
    const { events, written } = studies.append(record.id, bodies, change);
    const held = bodies.some(({ type }) => LETTING_GO.has(type)) ? blobsNeeded(record, this.#state) : [];
    this.#held.add(held);
    Object.assign(record, change);
    for (const event of events) this.#state.apply(event);
    this.#written = written;
    for (const { body } of events) for (const follow of [...this.#followers]) follow(body);
    const losses = this.#losses;
    written
      .then(
        () => this.#tell(events, held),
        (error) => this.#lose(losses, error as Error),
      )
      .catch(onFault);
  }

  /** Calls back for each event at once, when `state` has it; returns the function that ends it. */
  follow(follower: (body: StudyEventBody) => void): () => void {
    this.#followers.add(follower);
    return () => this.#followers.delete(follower);
  }

  /**
   * Resolves when everything that was emitted before is on the disk: awaited before anything outside depends on it.
   * @throws why it could not be written; the signal's reason when that is aborted before
   */
  written(signal: AbortSignal): Promise<void> {
    return unlessAborted(this.#written, signal);
  }

  /** SHA-256 of what the study needs now, and of what it needs as the disk has it. */
  blobsNeeded(): string[] {
    return [...blobsNeeded(this.#options.record, this.#state), ...[...this.#held].flat()];
  }

  #tell(events: readonly StudyEvent[], held: readonly string[]): void {
    this.#held.delete(held);
    this.#writtenSeq = events.at(-1)?.seq ?? this.#writtenSeq;
    for (const event of events) this.#options.onWritten(event);
  }

  #lose(losses: number, error: Error): void {
    if (losses !== this.#losses) return;
    const { studies, record, onLost } = this.#options;
    this.#losses++;
    this.#held.clear();
    try {
      this.#state = new StudyProjection(studies.events(record.id));
      this.#writtenSeq = this.#state.lastSeq;
    } finally {
      // Also where the rest cannot be read now: nobody may go on from what was lost.
      onLost(error);
    }
  }
}

/** What an event changes in the record of its study. */
function changeOf(body: StudyEventBody): Partial<StudyRecord> {
  if (body.type !== 'study-state') return {};
  const { state, reason } = body;
  return { state, reason, finishedAt: ENDED.has(state) ? new Date().toISOString() : null };
}
