/** Drives a tuner by JSON messages, for programs that train by themselves: one line in, one line out. */
import { unknownLimited, violationOfMetrics } from '@edgetune/shared/domain/objective-terms.ts';
import { mistakesInLine } from '@edgetune/shared/domain/schema-mistakes.ts';
import {
  type Added,
  type OpenJob,
  type Progressed,
  REQUEST_KINDS,
  type Told,
  type TunerEntry,
  type TunerProgress,
  type TunerRequest,
  type TunerSpec,
  tunerRequestSchema,
  type Undecided,
} from '@edgetune/shared/protocol/tuner-lines.ts';
import { createTuner } from '../tuner/create-tuner.ts';
import { problemOf } from '../tuner/problem-of.ts';
import type { FrontEntry, Tuner } from '../tuner/tuner.ts';
import { TUNER_PARTS, type TunerParts } from '../tuner/tuner-parts.ts';
import { OpenJobs, until } from './open-jobs.ts';
import { checkComplete, checkMetrics } from './told-metrics.ts';

export interface TunerSession {
  /** Answers one line; a mistake becomes `{"error": …}` and changes nothing. */
  answer(line: string): string;
  /** Goes to where another session of this specification was, by what that one recorded. */
  replay(entries: readonly TunerEntry[]): void;
  /** Jobs that were asked and are not told, by trial. */
  open(): OpenJob[];
  /** Trials of which it is not known whether they meet the constraints, as they were told last, by trial. */
  undecided(): Undecided[];
  progress(): TunerProgress;
}

export interface TunerSessionOptions {
  /** The samplers and schedulers that a specification may name. */
  parts?: TunerParts;
  /** Is given everything that changes the tuner, in order, as it happens. */
  record?(entry: TunerEntry): void;
  /** Seconds that a job is left to who asked for it, where nobody says; null: for ever. */
  leaseS?: number | null;
  /** Milliseconds since 1970. */
  now?(): number;
}

/** @throws {TunerProblemError} listing every mistake of the specification. */
export function createTunerSession(spec: TunerSpec, options: TunerSessionOptions = {}): TunerSession {
  const session = new Session(spec, options);
  return {
    answer: (line) => session.answer(line),
    replay: (entries) => session.replay(entries),
    open: () => session.open(),
    undecided: () => session.undecided(),
    progress: () => session.progress(),
  };
}

const USAGE = `write one of {"ask":{}}, {"tell":{…}}, {"amend":{…}}, {"progress":{…}}, {"best":{}} or {"front":{}}`;

/** What was told of a trial at its highest rung. */
interface Known {
  rung: number;
  metrics: Record<string, number>;
  failed: boolean;
  /** Metrics of constraints that are missing. */
  missing: readonly string[];
}

class Session {
  readonly #spec: TunerSpec;
  readonly #tuner: Tuner;
  readonly #record: (entry: TunerEntry) => void;
  readonly #leaseS: number | null;
  readonly #now: () => number;
  readonly #jobs = new OpenJobs();
  readonly #known = new Map<number, Known>();
  #trials = 0;

  constructor(
    spec: TunerSpec,
    { parts = TUNER_PARTS, record = () => {}, leaseS = null, now = Date.now }: TunerSessionOptions,
  ) {
    this.#tuner = createTuner(problemOf(spec), parts);
    this.#spec = spec;
    this.#record = record;
    this.#leaseS = leaseS;
    this.#now = now;
  }

  answer(line: string): string {
    return JSON.stringify(this.#answered(line));
  }

  replay(entries: readonly TunerEntry[]) {
    for (const entry of entries) {
      if ('ask' in entry) {
        const { trial, ...ask } = entry.ask;
        this.#tuner.restore([{ ask: { ...ask, trialId: trial } }]);
      } else if ('tell' in entry) this.#tell(entry.tell);
      else if ('amend' in entry) this.#amend(entry.amend);
      this.#note(entry);
    }
  }

  open(): OpenJob[] {
    return this.#jobs.list();
  }

  undecided(): Undecided[] {
    return [...this.#known]
      .filter(([, { missing }]) => missing.length > 0)
      .map(([trial, { rung, missing }]) => ({ trial, rung, missing: [...missing] }))
      .sort((a, b) => a.trial - b.trial);
  }

  progress(): TunerProgress {
    return { state: this.#tuner.isFinished() ? 'finished' : 'running', trials: this.#trials };
  }

  #note(entry: TunerEntry) {
    this.#jobs.note(entry);
    if ('ask' in entry) this.#trials = Math.max(this.#trials, entry.ask.trial + 1);
  }

  #changed(entry: TunerEntry) {
    this.#note(entry);
    this.#record(entry);
  }

  #answered(line: string): object {
    let json: unknown;
    try {
      json = parseLine(line);
    } catch {
      return { error: `not a line of JSON: ${USAGE}` };
    }
    const parsed = tunerRequestSchema.safeParse(json);
    const id = typeof json === 'object' && json !== null && 'id' in json ? { id: json.id } : {};
    if (!parsed.success) return { ...id, error: explained(json) };
    try {
      return { ...id, ...this.#handled(parsed.data) };
    } catch (error) {
      return { ...id, error: (error as Error).message };
    }
  }

  #handled(request: TunerRequest): object {
    if ('ask' in request) return this.#asked(request.ask?.leaseS);
    if ('tell' in request) return this.#told(request.tell);
    if ('amend' in request) return this.#added(request.amend);
    if ('progress' in request) return this.#renewed(request.progress);
    if ('best' in request) return { best: shown(this.#tuner.front()[0]) };
    return { front: this.#tuner.front().map(shown) };
  }

  #asked(asked: number | undefined): object {
    const lease = asked ?? this.#spec.leaseS;
    const said = lease === undefined ? {} : { leaseS: lease };
    const leaseS = lease ?? this.#leaseS;
    const again = this.#jobs.expired(this.#now(), leaseS);
    if (again) {
      this.#changed({ lease: again });
      return { ...this.#jobs.jobOf(again.trial), ...said, again: again.again };
    }
    const ask = this.#tuner.ask();
    if (!ask) return { nothing: this.#tuner.isFinished() ? 'finished' : 'now' };
    const { trialId: trial, ...rest } = ask;
    this.#changed({ ask: { trial, ...rest }, ...until(this.#now(), leaseS) });
    return { ...this.#jobs.jobOf(trial), ...said };
  }

  #told(told: Told): object {
    checkMetrics(told.metrics, this.#spec);
    if (this.#wasTold(told)) return this.#toldAlready(told);
    this.#checkAsked(told);
    checkComplete(told, this.#spec);
    const missing = this.#tell(told);
    this.#changed({ tell: told });
    return { ok: true, ...(missing.length > 0 ? { unknown: missing } : {}) };
  }

  /** @throws {RangeError} where nobody was given this job */
  #checkAsked({ trial, rung }: { trial: number; rung: number }) {
    if (!this.#jobs.has(trial, rung)) throw new RangeError(`trial ${trial}, rung ${rung} was not asked`);
  }

  #wasTold({ trial, rung }: { trial: number; rung: number }): boolean {
    return rung <= (this.#known.get(trial)?.rung ?? -1);
  }

  /** Another one was faster, or the answer to the first tell was lost. */
  #toldAlready({ trial, rung, metrics, failed }: Told): object {
    const known = this.#known.get(trial) as Known;
    const added = known.missing.filter((name) => Object.hasOwn(metrics, name));
    if (failed === undefined && known.rung === rung && added.length > 0)
      throw new RangeError(
        `trial ${trial}, rung ${rung} was told already: write {"amend":{"trial":${trial},"rung":${rung},"metrics":{…}}} with what was missing (${added.join(', ')})`,
      );
    return { told: 'already' };
  }

  /** @returns metrics of constraints that are missing */
  #tell({ trial, rung, metrics, pending, failed, violation, cost }: Told): readonly string[] {
    const told = numbersOf(metrics);
    const missing = failed === undefined && violation === undefined ? this.#missingOf(told) : [];
    this.#tuner.tell({
      trialId: trial,
      rung,
      status: failed === undefined ? 'ok' : 'failed',
      metrics: told,
      pending,
      undecided: missing,
      violation: violation ?? this.#violationOf(told),
      cost,
    });
    this.#known.set(trial, { rung, metrics: told, failed: failed !== undefined, missing });
    return missing;
  }

  #added(added: Added): object {
    const { trial, rung, metrics } = added;
    checkMetrics(metrics, this.#spec);
    const known = this.#known.get(trial);
    if (!this.#wasTold(added) || !known)
      throw new RangeError(`trial ${trial}, rung ${rung} was not told yet: tell it first`);
    if (known.rung !== rung)
      throw new RangeError(`trial ${trial} was told of rung ${known.rung} since: amend that one`);
    if (known.failed) throw new RangeError(`trial ${trial}, rung ${rung} was told as failed: nothing can be added`);
    for (const [name, value] of Object.entries(numbersOf(metrics)))
      if (Object.hasOwn(known.metrics, name) && !Object.is(known.metrics[name], value))
        throw new RangeError(`${name} was told already (${known.metrics[name]}): only what is missing can be added`);
    const missing = this.#amend(added);
    this.#changed({ amend: added });
    return { ok: true, ...(missing.length > 0 ? { unknown: missing } : {}) };
  }

  #amend({ trial, rung, metrics, violation }: Added): readonly string[] {
    const known = this.#known.get(trial) as Known;
    const all = { ...known.metrics, ...numbersOf(metrics) };
    const missing = violation === undefined ? this.#missingOf(all) : [];
    this.#tuner.amend({
      trialId: trial,
      rung,
      metrics: numbersOf(metrics),
      violation: violation ?? this.#violationOf(all),
      undecided: missing,
    });
    this.#known.set(trial, { ...known, metrics: all, missing });
    return missing;
  }

  #renewed({ trial, rung, leaseS: asked }: Progressed): object {
    if (!this.#jobs.has(trial, rung)) {
      if (this.#wasTold({ trial, rung })) return { told: 'already' };
      this.#checkAsked({ trial, rung });
    }
    const leaseS = asked ?? this.#spec.leaseS ?? this.#leaseS;
    const renewed = this.#jobs.renewed(trial, this.#now(), leaseS);
    if (renewed) this.#changed({ lease: renewed });
    return { ok: true, ...(leaseS === null ? {} : { leaseS }) };
  }

  #missingOf(metrics: Record<string, number>): string[] {
    return unknownLimited(this.#spec.constraints, this.#spec.devices, metrics);
  }

  #violationOf(metrics: Record<string, number>): number {
    return violationOfMetrics(this.#spec.constraints, this.#spec.devices, metrics);
  }
}

/** JSON, and the `NaN` and `Infinity` of programs whose JSON knows them (Python's), which become null. */
function parseLine(line: string): unknown {
  const finite = (_key: string, value: unknown) => (value === Infinity || value === -Infinity ? null : value);
  try {
    return JSON.parse(line, finite);
  } catch {
    return JSON.parse(line.replaceAll(/([:,[]\s*)(?:NaN|-?Infinity)(?=\s*[,\]}])/g, '$1null'), finite);
  }
}

/** The mistakes within the kind of message that was meant. */
function explained(json: unknown): string {
  if (typeof json === 'object' && json !== null)
    for (const [index, kind] of REQUEST_KINDS.entries()) {
      const meant = kind in json ? tunerRequestSchema.options[index]?.safeParse(json) : undefined;
      if (meant?.error) return mistakesInLine(meant.error);
    }
  return USAGE;
}

/** JSON knows no NaN: null stands for it. */
function numbersOf(metrics: Told['metrics']): Record<string, number> {
  return Object.fromEntries(Object.entries(metrics).map(([name, value]) => [name, value ?? Number.NaN]));
}

function shown(entry: FrontEntry | undefined): object | null {
  if (!entry) return null;
  const { trialId, rung, candidate, metrics, values } = entry;
  return { trial: trialId, rung, candidate, metrics, values };
}
