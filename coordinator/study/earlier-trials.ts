/** From the events of an earlier study to what a new one can learn of it. Pure. */
import { shortHash } from '@edgetune/shared/domain/dataset-report.ts';
import type { Earlier, EarlierTrial } from '@edgetune/shared/domain/earlier.ts';
import { METRICS } from '@edgetune/shared/domain/objective.ts';
import { lossesOf, objectiveTerms, termsKnownTo, violationOfMetrics } from '@edgetune/shared/domain/objective-terms.ts';
import { type Candidate, type Parameter, parametersOf } from '@edgetune/shared/domain/search-space.ts';
import type { Metrics, StudyEventBody } from '@edgetune/shared/domain/study-event.ts';
import { valueProblem } from '../tuner/validate-space.ts';
import type { CheckedStudySpec } from './context/study-context.ts';

/** A study that another one starts from. */
export interface EarlierStudy {
  id: string;
  name: string;
  spec: CheckedStudySpec;
  /** By their names there: which device of the fleet each is. */
  deviceIds: ReadonlyMap<string, string>;
  events: readonly StudyEventBody[];
  /** The content of its data; null: it was not noted. */
  dataSha256: string | null;
}

/** The new study. */
export interface Beginner {
  spec: CheckedStudySpec;
  deviceIds: Readonly<Record<string, string>>;
  /** The content of its data; undefined: they cannot be read. */
  dataSha256: string | undefined;
}

type Told = Extract<StudyEventBody, { type: 'trial-told' }>;
interface ToldRung extends EarlierTrial {
  trialId: number;
  status: Told['status'];
  /** Names of metrics that are predictions. */
  predicted: Set<string>;
}

/**
 * What a new study takes over.
 * @returns a text where it is nothing: why, and what to do
 */
export function earlierOf(study: EarlierStudy, { spec, deviceIds, dataSha256 }: Beginner): Earlier | string {
  const { id, name, events } = study;
  const whose = `study "${name}" (${id})`;
  if (study.spec.workload !== spec.workload)
    return `${whose} has trained ${study.spec.workload}: what it knows says nothing of ${spec.workload}`;
  if (!isSame(study.spec.dataset, spec.dataset))
    return `${whose} has trained on other data (${JSON.stringify(study.spec.dataset)}): its accuracies cannot be compared with those of this study`;
  if (study.dataSha256 !== null && dataSha256 !== undefined && study.dataSha256 !== dataSha256)
    return `${whose} has trained on these data as they were before they changed (sha256 ${shortHash(study.dataSha256)}, now ${shortHash(dataSha256)}): its accuracies cannot be compared with those of this study`;
  const rename = renaming(study, { spec, deviceIds });
  const wanted = wantedMetrics(spec);
  const judge = judgeOf(study, { spec, deviceIds });
  const rungs = toldRungs(events);
  const taken: (EarlierTrial & { trialId: number })[] = [];
  const reasons = new Map<string, number>();
  for (const rung of rungs) {
    const fitted = judge(rung, rename(known(rung)));
    if (typeof fitted === 'string') reasons.set(fitted, (reasons.get(fitted) ?? 0) + 1);
    else taken.push({ ...fitted, trialId: rung.trialId });
  }
  const notTaken = [...reasons].map(([reason, count]) => ({ rungs: count, reason }));
  if (taken.length === 0) {
    const why = notTaken.map(({ rungs: count, reason }) => `${count}: ${reason}`).join('; ');
    return `nothing of ${whose} can be taken over: ${why || 'none of its trials has come to an end'}; leave out "from" or bring the two together`;
  }
  const mine = tunedBy(spec).map((parameter) => parameter.name);
  const theirs = tunedBy(study.spec).map((parameter) => parameter.name);
  const isKnown = (metric: string) => taken.some(({ metrics }) => Object.hasOwn(metrics, metric));
  return {
    study: { id, name },
    rungs: taken.length,
    trials: new Set(taken.map(({ trialId }) => trialId)).size,
    notTaken,
    parameters: {
      used: mine.filter((parameter) => theirs.includes(parameter)),
      leftOut: theirs.filter((parameter) => !mine.includes(parameter)),
    },
    metrics: { used: wanted.filter(isKnown), leftOut: wanted.filter((metric) => !isKnown(metric)) },
    told: taken.map(({ trialId: _, ...told }) => told),
  };
}

const isSame = (a: unknown, b: unknown) => JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));

/** Keys in one order, whatever the order in which they were written. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}

const tunedBy = (spec: CheckedStudySpec) => parametersOf(spec.space, ['model', 'training', 'system']);

/** Every rung that was told, as it is known in the end; what failed or was stopped says nothing of its candidate. */
function toldRungs(events: readonly StudyEventBody[]): ToldRung[] {
  const asked = new Map<string, Pick<ToldRung, 'candidate' | 'budget'>>();
  const told = new Map<string, ToldRung>();
  for (const body of events) {
    if (body.type === 'trial-asked') asked.set(`${body.trialId}/${body.rung}`, body);
    if (body.type === 'trial-told') {
      const ask = asked.get(`${body.trialId}/${body.rung}`);
      const { trialId, status, metrics, violation, predicted } = body;
      if (ask)
        told.set(`${trialId}/${body.rung}`, {
          ...{ trialId, status, candidate: ask.candidate, budget: ask.budget, metrics, violation },
          predicted: new Set(predicted),
        });
    }
    if (body.type === 'trial-amended') amend(told.get(`${body.trialId}/${body.rung}`), body);
  }
  return [...told.values()].filter(({ status }) => status === 'ok' || status === 'infeasible');
}

function amend(
  rung: ToldRung | undefined,
  { metrics, violation, withdrawn = [] }: Extract<StudyEventBody, { type: 'trial-amended' }>,
): void {
  if (!rung) return;
  const kept = Object.entries(rung.metrics).filter(([name]) => !withdrawn.includes(name));
  rung.metrics = { ...Object.fromEntries(kept), ...metrics };
  rung.violation = violation;
  for (const name of Object.keys(metrics)) rung.predicted.delete(name);
}

const known = ({ metrics, predicted }: ToldRung): Metrics =>
  Object.fromEntries(Object.entries(metrics).filter(([name]) => !predicted.has(name)));

/** Metrics of the same devices by the names of this study; of others, and in another scenario, they say nothing here. */
function renaming(
  study: EarlierStudy,
  { spec, deviceIds }: Pick<Beginner, 'spec' | 'deviceIds'>,
): (metrics: Metrics) => Metrics {
  const nameOf = new Map(Object.entries(deviceIds).map(([name, id]) => [id, name]));
  const isSameScenario = isSame(study.spec.scenario, spec.scenario);
  return (metrics) =>
    Object.fromEntries(
      Object.entries(metrics).flatMap(([name, value]) => {
        const [metric, device] = name.split('@');
        if (device === undefined) return [[name, value]];
        const here = isSameScenario ? nameOf.get(study.deviceIds.get(device) ?? '') : undefined;
        return here === undefined ? [] : [[`${metric}@${here}`, value]];
      }),
    );
}

/** What objectives, limits and target of a study are about, as it is told. */
function wantedMetrics({ objectives, constraints, stop, devices }: CheckedStudySpec): string[] {
  const named = [...objectives, ...constraints, ...stop.target].flatMap(({ metric, device }) => {
    const { ratio, of } = METRICS[metric] ?? {};
    const on = (name: string) => (device === undefined ? devices : [device]).map((each) => `${name}@${each}`);
    if (ratio) return [ratio.ofTrial, ...on(ratio.ofDevice), ratio.over];
    return of === 'device' ? on(metric) : [metric];
  });
  return [...new Set(named)];
}

/** Whether a rung of the earlier study says something here: as the new study sees it, or why not. */
function judgeOf(study: EarlierStudy, { spec, deviceIds }: Pick<Beginner, 'spec' | 'deviceIds'>) {
  const parameters = tunedBy(spec);
  const hasSameLimits = areLimitsSame(study, spec, deviceIds);
  const limits = wantedMetrics({ ...spec, objectives: [], stop: { ...spec.stop, target: [] } });
  const names = wantedMetrics(spec);
  return (rung: ToldRung, metrics: Metrics): EarlierTrial | string => {
    const candidate = fitted(parameters, rung.candidate);
    if (typeof candidate === 'string') return candidate;
    if (rung.budget.epochs < spec.budget.minEpochs)
      return `trained for fewer epochs than the lowest rung of this study (${spec.budget.minEpochs})`;
    // A device that the earlier study had not, or that has not answered there, decides nothing of it.
    const pending = spec.devices.filter(
      (device) => names.some((name) => isOn(device)(name)) && !Object.keys(metrics).some(isOn(device)),
    );
    const isPending = (name: string) => pending.some((device) => isOn(device)(name));
    const missing = hasSameLimits ? undefined : limits.find((name) => metrics[name] === undefined && !isPending(name));
    if (missing !== undefined) return `${missing}, which this study limits, is not known`;
    const violation = hasSameLimits ? rung.violation : violationOfMetrics(spec.constraints, spec.devices, metrics);
    // What cannot work need not be known any better.
    const known = termsKnownTo(spec.objectives, spec.devices, [metrics]);
    if (violation === 0 && (known.length === 0 || lossesOf(known, metrics) === null)) {
      const terms = objectiveTerms(spec.objectives, spec.devices);
      const unknown = terms.find((term) => term.valueOf(metrics) === undefined);
      return `${unknown?.name ?? 'an objective'} is not known`;
    }
    return { candidate, budget: rung.budget, metrics, ...(pending.length > 0 ? { pending } : {}), violation };
  };
}

const isOn = (device: string) => (name: string) => name.endsWith(`@${device}`);

/** Whether what violated the limits there violates those of this study: the same ones, of the same devices, in the same scenario. */
function areLimitsSame(study: EarlierStudy, spec: CheckedStudySpec, deviceIds: Beginner['deviceIds']): boolean {
  const here = new Set(Object.values(deviceIds));
  return (
    isSame(study.spec.constraints, spec.constraints) &&
    isSame(study.spec.scenario, spec.scenario) &&
    [...study.deviceIds.values()].every((id) => here.has(id))
  );
}

/** The candidate in the space of this study, without parameters that it has not. */
function fitted(parameters: readonly Parameter[], candidate: Candidate): Candidate | string {
  const own: Candidate = {};
  // Conditions are on parameters that may stand behind.
  const isActive = ({ when = {} }: Parameter): boolean =>
    Object.entries(when).every(([parent, allowed]) => {
      const of = parameters.find(({ name }) => name === parent);
      const value = candidate[parent];
      return of !== undefined && value !== undefined && isActive(of) && [allowed].flat().includes(value);
    });
  for (const parameter of parameters) {
    if (!isActive(parameter)) continue;
    const value = candidate[parameter.name];
    if (value === undefined) return `${parameter.name} is not known`;
    const problem = valueProblem(parameter, value);
    if (problem !== null) return `${parameter.name} ${problem.replace(/, not [^,]*$/, '')} here`;
    own[parameter.name] = value;
  }
  return own;
}
