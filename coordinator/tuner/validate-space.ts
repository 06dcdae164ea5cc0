/** Checks of a search space that its schema cannot make. Every mistake is listed. */
import {
  type Candidate,
  type ParameterDomain,
  type ParameterValue,
  parameterLevelSchema,
  type SearchSpace,
} from '@edgetune/shared/domain/search-space.ts';

export interface SpaceIssue {
  /** Where the mistake stands, such as `['training', 'learningRate', 'min']`. */
  path: string[];
  message: string;
}

/** Lists what is wrong with a space; an empty list means that it can be searched. */
export function validateSpace(space: SearchSpace): SpaceIssue[] {
  const issues: SpaceIssue[] = [];
  const domains = new Map<string, { level: string; domain: ParameterDomain }>();
  for (const level of parameterLevelSchema.options)
    for (const [name, domain] of Object.entries(space[level])) {
      const first = domains.get(name);
      if (first)
        issues.push({ path: [level, name], message: `"${name}" is already a parameter of level ${first.level}` });
      else domains.set(name, { level, domain });
      for (const { path, message } of domainIssues(domain)) issues.push({ path: [level, name, ...path], message });
    }
  for (const [name, { level, domain }] of domains)
    for (const [parent, allowed] of Object.entries(domain.when ?? {}))
      for (const message of conditionIssues(parent, [allowed].flat(), level, domains))
        issues.push({ path: [level, name, 'when', parent], message });
  for (const name of namesOnCycles(domains)) {
    const { level } = domains.get(name) as { level: string };
    issues.push({ path: [level, name, 'when'], message: `"${name}" depends on itself through its conditions` });
  }
  return issues;
}

/** Lists what is wrong with one domain by itself. */
function domainIssues(domain: ParameterDomain): SpaceIssue[] {
  const issues: SpaceIssue[] = [];
  const add = (path: string, message: string) => issues.push({ path: [path], message });
  if (domain.type === 'float' || domain.type === 'int') {
    const { min, max, scale, step } = domain;
    for (const [key, value] of Object.entries({ min, max }))
      if (!Number.isFinite(value)) add(key, `must be a finite number, not ${value}`);
      // Beyond them doubles leave whole numbers out.
      else if (domain.type === 'int' && !Number.isSafeInteger(value))
        add(key, `must be a whole number from ${Number.MIN_SAFE_INTEGER} to ${Number.MAX_SAFE_INTEGER}, not ${value}`);
    if (min > max) add('min', `must be at most max (${max}), not ${min}`);
    if (scale === 'log' && min <= 0) add('min', `must be greater than 0 on a log scale, not ${min}`);
    if (scale === 'log' && step !== undefined) add('step', 'cannot be used on a log scale: leave out one of the two');
    if (step !== undefined && !(step > 0)) add('step', `must be greater than 0, not ${step}`);
    if (step !== undefined && step > max - min && max > min)
      add('step', `must be at most max − min (${max - min}), not ${step}`);
  }
  if (domain.type === 'categorical' || domain.type === 'ordinal') {
    const key = domain.type === 'categorical' ? 'choices' : 'values';
    const values = valuesOf(domain) as ParameterValue[];
    if (values.length === 0) add(key, 'must list at least one value');
    for (const value of doubled(values)) add(key, `lists ${JSON.stringify(value)} twice`);
  }
  if (domain.type !== 'constant' && domain.initial !== undefined && issues.length === 0) {
    const problem = valueProblem(domain, domain.initial);
    if (problem) add('initial', problem);
  }
  return issues;
}

/** What stands in a list more than once. */
export function doubled<T>(values: readonly T[]): Set<T> {
  const [seen, twice] = [new Set<T>(), new Set<T>()];
  for (const value of values) (seen.has(value) ? twice : seen).add(value);
  return twice;
}

/** The values of a domain that has a short list of them, else null. */
function valuesOf(domain: ParameterDomain): readonly ParameterValue[] | null {
  if (domain.type === 'categorical') return domain.choices;
  if (domain.type === 'ordinal') return domain.values;
  if (domain.type === 'boolean') return [false, true];
  if (domain.type === 'constant') return [domain.value];
  return null;
}

/** Why `value` is not in the domain; null where it is. */
export function valueProblem(domain: ParameterDomain, value: ParameterValue): string | null {
  if (domain.type !== 'float' && domain.type !== 'int') {
    const values = valuesOf(domain) as readonly ParameterValue[];
    return values.includes(value)
      ? null
      : `must be one of ${values.map((allowed) => JSON.stringify(allowed)).join(', ')}, not ${JSON.stringify(value)}`;
  }
  const { min, max, step } = domain;
  if (typeof value !== 'number' || !(value >= min && value <= max))
    return `must be a number from ${min} to ${max}, not ${JSON.stringify(value)}`;
  if (domain.type === 'int' && !Number.isInteger(value)) return `must be a whole number, not ${value}`;
  if (step !== undefined && domain.type === 'int')
    // Remainders first: the difference of two large numbers is rounded.
    return ((value % step) - (min % step)) % step === 0
      ? null
      : `must be ${min} plus a multiple of ${step}, not ${value}`;
  if (step !== undefined) {
    const steps = (value - min) / step;
    if (Math.abs(steps - Math.round(steps)) > 1e-6) return `must be ${min} plus a multiple of ${step}, not ${value}`;
  }
  return null;
}

function conditionIssues(
  parent: string,
  allowed: readonly ParameterValue[],
  level: string,
  domains: ReadonlyMap<string, { level: string; domain: ParameterDomain }>,
): string[] {
  const found = domains.get(parent);
  if (!found) return [`names no parameter: use one of ${[...domains.keys()].join(', ')}`];
  if (found.level === 'inference' && level !== 'inference')
    return ['is an inference parameter, which is not chosen yet when the candidate is'];
  if (found.domain.type === 'float' && found.domain.step === undefined)
    return ['is a float: a condition needs a parameter with separate values (int, categorical, ordinal or boolean)'];
  return allowed.flatMap((value) => {
    const problem = valueProblem(found.domain, value);
    return problem === null ? [] : [problem];
  });
}

function namesOnCycles(domains: ReadonlyMap<string, { domain: ParameterDomain }>): string[] {
  const parentsOf = (name: string) => Object.keys(domains.get(name)?.domain.when ?? {});
  return [...domains.keys()].filter((name) => {
    const [seen, open] = [new Set<string>(), parentsOf(name)];
    for (let parent = open.pop(); parent !== undefined; parent = open.pop()) {
      if (parent === name) return true;
      if (seen.has(parent)) continue;
      seen.add(parent);
      open.push(...parentsOf(parent));
    }
    return false;
  });
}

/** Lists what is wrong with a candidate that may be partial: unknown names and values outside their domains. */
export function candidateIssues(
  parameters: readonly (ParameterDomain & { name: string })[],
  candidate: Candidate,
): string[] {
  return Object.entries(candidate).flatMap(([name, value]) => {
    const parameter = parameters.find((known) => known.name === name);
    if (!parameter) return [`"${name}" is no parameter: use some of ${parameters.map((p) => p.name).join(', ')}`];
    const problem = valueProblem(parameter, value);
    return problem === null ? [] : [`"${name}" ${problem}`];
  });
}
