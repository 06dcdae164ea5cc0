/** Drives a tuner by JSON messages, for programs that train by themselves: one line in, one line out. */
import { computedOnly, METRICS, metricInfo } from '@edgetune/shared/domain/objective.ts';
import { violationOfMetrics } from '@edgetune/shared/domain/objective-terms.ts';
import { mistakesInLine } from '@edgetune/shared/domain/schema-mistakes.ts';
import {
  type Told,
  type TunerEntry,
  type TunerJob,
  type TunerRequest,
  type TunerSpec,
  tunerRequestSchema,
} from '@edgetune/shared/protocol/tuner-lines.ts';
import { createTuner } from '../tuner/create-tuner.ts';
import type { FrontEntry, Tuner } from '../tuner/tuner.ts';
import { TUNER_PARTS, type TunerParts } from '../tuner/tuner-parts.ts';
import { problemOf } from './tuner-problem.ts';

export interface TunerSession {
  /** Answers one line; a mistake becomes `{"error": …}` and changes nothing. */
  answer(line: string): string;
  /** Goes to where another session of this specification was, by what that one recorded. */
  replay(entries: readonly TunerEntry[]): void;
  /** Jobs that were asked and are not told, by trial. */
  open(): TunerJob[];
}

export interface TunerSessionOptions {
  /** The samplers and schedulers that a specification may name. */
  parts?: TunerParts;
  /** Is given everything that changes the tuner, in order, as it happens. */
  record?(entry: TunerEntry): void;
}

/** @throws {TunerProblemError} listing every mistake of the specification. */
export function createTunerSession(
  spec: TunerSpec,
  { parts = TUNER_PARTS, record = () => {} }: TunerSessionOptions = {},
): TunerSession {
  const tuner = createTuner(problemOf(spec), parts);
  const open = new Map<number, TunerJob>();
  const note = (entry: TunerEntry) => {
    if ('tell' in entry) open.delete(entry.tell.trial);
    else open.set(entry.ask.trial, jobOf(entry.ask));
  };
  const session: Session = {
    tuner,
    spec,
    changed(entry) {
      note(entry);
      record(entry);
    },
  };
  return {
    answer: (line) => JSON.stringify(answered(session, line)),
    replay(entries) {
      for (const entry of entries) {
        if ('tell' in entry) apply(session, entry.tell);
        else {
          const { trial, ...ask } = entry.ask;
          tuner.restore([{ ask: { ...ask, trialId: trial } }]);
        }
        note(entry);
      }
    },
    open: () => [...open.values()].sort((a, b) => a.trial - b.trial),
  };
}

interface Session {
  tuner: Tuner;
  spec: TunerSpec;
  changed(entry: TunerEntry): void;
}

function answered(session: Session, line: string): object {
  let json: unknown;
  try {
    json = parseLine(line);
  } catch {
    return { error: 'not a line of JSON: write {"ask":{}}, {"tell":{…}}, {"best":{}} or {"front":{}}' };
  }
  const parsed = tunerRequestSchema.safeParse(json);
  const id = typeof json === 'object' && json !== null && 'id' in json ? { id: json.id } : {};
  if (!parsed.success) return { ...id, error: explained(json) };
  try {
    return { ...id, ...handled(session, parsed.data) };
  } catch (error) {
    return { ...id, error: (error as Error).message };
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
    for (const [index, kind] of ['ask', 'tell', 'best', 'front'].entries()) {
      const meant = kind in json ? tunerRequestSchema.options[index]?.safeParse(json) : undefined;
      if (meant?.error) return mistakesInLine(meant.error);
    }
  return 'write one of {"ask":{}}, {"tell":{…}}, {"best":{}} or {"front":{}}';
}

function handled(session: Session, request: TunerRequest): object {
  const { tuner } = session;
  if ('tell' in request) return tell(session, request.tell);
  if ('best' in request) return { best: shown(tuner.front()[0]) };
  if ('front' in request) return { front: tuner.front().map(shown) };
  const ask = tuner.ask();
  if (!ask) return { nothing: tuner.isFinished() ? 'finished' : 'now' };
  const { trialId: trial, ...rest } = ask;
  session.changed({ ask: { trial, ...rest } });
  return jobOf({ trial, ...rest });
}

function jobOf({ trial, rung, candidate, budget, proposedBy }: TunerJob): TunerJob {
  return { trial, rung, candidate, budget, proposedBy };
}

function tell(session: Session, told: Told): object {
  for (const name of Object.keys(told.metrics)) checkMetric(name, session.spec);
  apply(session, told);
  session.changed({ tell: told });
  return { ok: true };
}

function apply({ tuner, spec }: Session, { trial, rung, metrics, failed, violation, cost }: Told) {
  const told = Object.fromEntries(Object.entries(metrics).map(([name, value]) => [name, value ?? Number.NaN]));
  tuner.tell({
    trialId: trial,
    rung,
    status: failed === undefined ? 'ok' : 'failed',
    metrics: told,
    violation: violation ?? violationOfMetrics(spec.constraints, spec.devices, told),
    cost,
  });
}

/** A misspelt metric must not pass for a missing one. */
function checkMetric(name: string, { devices, objectives, constraints, stop }: TunerSpec) {
  const [metric, device] = name.split('@') as [string, string | undefined];
  const named = [...objectives, ...constraints, ...stop.target].map((part) => part.metric);
  const known = [...new Set([...named, ...Object.keys(METRICS)])];
  if (!known.includes(metric)) throw new RangeError(`unknown metric "${metric}": use one of ${known.join(', ')}`);
  const info = metricInfo(metric);
  if (info.ratio) throw new RangeError(computedOnly(metric));
  if (info.of === 'trial' && device !== undefined)
    throw new RangeError(`${metric} belongs to the trial: leave out "@${device}"`);
  if (info.of === 'device' && (device === undefined || !devices.includes(device)))
    throw new RangeError(
      `${metric} is a device's: write ${metric}@NAME with a device of the specification (${devices.join(', ') || 'there is none'})`,
    );
}

function shown(entry: FrontEntry | undefined): object | null {
  if (!entry) return null;
  const { trialId, rung, candidate, metrics, values } = entry;
  return { trial: trialId, rung, candidate, metrics, values };
}
