/** Drives a tuner by JSON messages, for programs that train by themselves: one line in, one line out. */
import { computedOnly, METRICS, metricInfo } from '@edgetune/shared/domain/objective.ts';
import { parametersOf } from '@edgetune/shared/domain/search-space.ts';
import { type TunerRequest, type TunerSpec, tunerRequestSchema } from '@edgetune/shared/protocol/tuner-lines.ts';
import { createTuner } from '../tuner/create-tuner.ts';
import { violationOfMetrics } from '../tuner/objectives.ts';
import type { FrontEntry, Tuner } from '../tuner/tuner.ts';

type Told = Extract<TunerRequest, { tell: unknown }>['tell'];

export interface TunerSession {
  /** Answers one line; a mistake becomes `{"error": …}` and changes nothing. */
  answer(line: string): string;
}

/** @throws {TunerProblemError} listing every mistake of the specification. */
export function createTunerSession(spec: TunerSpec): TunerSession {
  const { trials, ...stop } = spec.stop;
  const tuner = createTuner({
    parameters: parametersOf(spec.space, ['model', 'training', 'system']),
    objectives: spec.objectives,
    constraints: spec.constraints,
    devices: spec.devices,
    ladder: spec.budget,
    settings: spec.tuner,
    maxTrials: trials,
    synchronous: spec.deterministic,
    stop,
  });
  return { answer: (line) => JSON.stringify(answered(tuner, spec, line)) };
}

function answered(tuner: Tuner, spec: TunerSpec, line: string): object {
  let json: unknown;
  try {
    json = parseLine(line);
  } catch {
    return { error: 'not a line of JSON: write {"ask":{}}, {"tell":{…}}, {"best":{}} or {"front":{}}' };
  }
  const parsed = tunerRequestSchema.safeParse(json);
  const id = typeof json === 'object' && json !== null && 'id' in json ? { id: json.id } : {};
  if (!parsed.success) return { ...id, error: explained(json, parsed.error.issues) };
  try {
    return { ...id, ...handled(tuner, spec, parsed.data) };
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
    return JSON.parse(line.replaceAll(/(?<=[:,[]\s*)(?:NaN|-?Infinity)(?=\s*[,\]}])/g, 'null'), finite);
  }
}

/** The first mistake within the kind of message that was meant. */
function explained(json: unknown, issues: readonly { code: string; path: PropertyKey[]; message: string }[]): string {
  if (typeof json === 'object' && json !== null && 'tell' in json) {
    const told = tunerRequestSchema.options[1].safeParse(json);
    if (!told.success)
      return told.error.issues.map(({ path, message }) => `${path.map(String).join('.')}: ${message}`).join('; ');
  }
  return `write one of {"ask":{}}, {"tell":{…}}, {"best":{}} or {"front":{}} (${issues[0]?.message})`;
}

function handled(tuner: Tuner, spec: TunerSpec, request: TunerRequest): object {
  if ('tell' in request) return tell(tuner, spec, request.tell);
  if ('best' in request) return { best: shown(tuner.front()[0]) };
  if ('front' in request) return { front: tuner.front().map(shown) };
  const ask = tuner.ask();
  if (!ask) return { nothing: tuner.isFinished() ? 'finished' : 'now' };
  const { trialId, rung, candidate, budget, proposedBy } = ask;
  return { trial: trialId, rung, candidate, budget, proposedBy };
}

function tell(tuner: Tuner, spec: TunerSpec, { trial, rung, metrics, failed, violation, cost }: Told): object {
  for (const name of Object.keys(metrics)) checkMetric(name, spec);
  const told = Object.fromEntries(Object.entries(metrics).map(([name, value]) => [name, value ?? Number.NaN]));
  tuner.tell({
    trialId: trial,
    rung,
    status: failed === undefined ? 'ok' : 'failed',
    metrics: told,
    violation: violation ?? violationOfMetrics(spec.constraints, spec.devices, told),
    cost,
  });
  return { ok: true };
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
