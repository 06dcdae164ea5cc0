/** What the API and the command line need of studies. */
import type { StudyEvent } from '@edgetune/shared/domain/study-event.ts';
import type {
  OverviewStreamMessage,
  SetAsideStudy,
  StudyDetail,
  StudySummary,
} from '@edgetune/shared/protocol/http.ts';
import type { Extension } from './extension.ts';

export interface StudyService {
  /**
   * Parses, checks (devices, data set, space) and starts a study written as YAML.
   * @throws {StudyInputError} listing every mistake with its place
   */
  create(yaml: string): Promise<StudySummary>;
  list(): StudySummary[];
  /** Studies that cannot be read, newest first. */
  setAside(): SetAsideStudy[];
  /**
   * By id, or by name (the newest of that name); null where there is none.
   * @throws {StudyStateError} saying why it was set aside, where it cannot be read
   */
  find(idOrName: string): StudyDetail | null;
  /**
   * The one that is meant by whoever changes it, by id or name; null where there is none.
   * @param isOfRunning where only a running study can be meant: the only one of that name that runs
   * @throws {StudyStateError} where several have the name, listing them; as `find` does
   */
  only(idOrName: string, isOfRunning?: boolean): StudyDetail | null;
  /** Stops a running study; what was trained and measured stays, and it can be resumed. Resolves when it stands. */
  stop(id: string): Promise<StudySummary>;
  /** Goes on with a stopped or failed study; of one that has succeeded, measures what devices have not measured yet. */
  resume(id: string): Promise<StudySummary>;
  /**
   * Lets a study that has succeeded or was stopped start more trials, or be about other devices, too: it goes on from
   * where it was, asks these about what it has tried, and recommends anew.
   * @throws {StudyStateError} where it runs or has failed, or what is asked for cannot be, saying what can
   */
  extend(id: string, extension: Extension): Promise<StudySummary>;
  /**
   * Removes a study that is not running, or was set aside, with its events; blobs that nothing else needs go with the
   * next clean-up. By id or name; false where there is none.
   * @param all of that name
   * @throws {StudyStateError} where several have the name, listing them, or one that is meant is running
   */
  remove(idOrName: string, all?: boolean): Promise<boolean>;
  /**
   * The study goes on without this device, whose limits and objectives count no longer.
   * @throws {StudyStateError} where it is none of the study's, or the last one
   */
  leaveOut(id: string, device: string): Promise<StudyDetail>;
  /**
   * Another device of the fleet takes its place, under its name in the study: what the first one has said counts no longer.
   * @throws {StudyStateError} where there is no such device, or it cannot do what the study asks
   */
  replace(id: string, device: string, by: string): Promise<StudyDetail>;
  /** Events after `afterSeq`, oldest first, at most `limit`. */
  events(id: string, afterSeq: number, limit: number): StudyEvent[];
  /** Calls back for every event of one study from now on; returns the function that ends it. */
  subscribe(id: string, listener: (event: StudyEvent) => void): () => void;
  /** Calls back when the summary of any study has changed. */
  subscribeAll(listener: (change: Extract<OverviewStreamMessage, { type: 'study' }>) => void): () => void;
  /** The files of a finished study: recommended models, model cards, recommendation.json, report.md. */
  exportFiles(id: string): Promise<{ path: string; bytes: Uint8Array }[]>;
}
