/** Whatever domain is accepted: what is asked lies in it, no candidate comes twice, and the search ends. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Parameter, ParameterDomain } from '@edgetune/shared/domain/search-space.ts';
import fc from 'fast-check';
import { createTuner } from '../../../coordinator/tuner/create-tuner.ts';
import { doublesBetween, nthDouble } from '../../../coordinator/tuner/doubles.ts';
import { spaceLimitIssues } from '../../../coordinator/tuner/limits.ts';
import { Space } from '../../../coordinator/tuner/space.ts';
import type { TunerProblem } from '../../../coordinator/tuner/tuner.ts';
import { candidateIssues, valueProblem } from '../../../coordinator/tuner/validate-space.ts';

function problemWith(parameters: Parameter[], maxTrials: number, sampler: string): TunerProblem {
  return {
    parameters,
    objectives: [{ metric: 'regret', direction: 'minimize', aggregate: 'worst' }],
    constraints: [],
    devices: [],
    ladder: { minEpochs: 1, maxEpochs: 1, minDataFraction: 1, maxDataFraction: 1, reductionFactor: 3 },
    settings: { mode: 'onefold', sampler, scheduler: 'none', seed: 1, initialCandidates: [] },
    maxTrials,
    synchronous: false,
  };
}

/** Asks and tells until nothing comes any more; returns the number of trials. */
function searched(parameters: Parameter[], maxTrials: number, sampler = 'random'): number {
  const tuner = createTuner(problemWith(parameters, maxTrials, sampler));
  const seen = new Set<string>();
  for (let ask = tuner.ask(); ask; ask = tuner.ask()) {
    assert.deepEqual(candidateIssues(parameters, ask.candidate), []);
    const text = JSON.stringify(ask.candidate);
    assert.ok(!seen.has(text), `${text} was asked twice`);
    seen.add(text);
    const { trialId, rung } = ask;
    const metrics = { regret: seen.size % 17 };
    tuner.tell({ trialId, rung, status: 'ok', metrics, violation: 0, cost: { seconds: 1, joules: 0 } });
  }
  assert.equal(tuner.isFinished(), true);
  return seen.size;
}

const named = (domain: ParameterDomain): Parameter => ({ name: 'a', level: 'training', ...domain });

const NEARLY_EMPTY: [domain: ParameterDomain, values: number][] = [
  [{ type: 'int', min: 2 ** 53 - 3, max: 2 ** 53 - 1, scale: 'linear' }, 3],
  [{ type: 'int', min: 2 ** 53 - 3, max: 2 ** 53 - 1, scale: 'log' }, 3],
  [{ type: 'int', min: 1, max: 2_000_000_000, step: 1_000_000_000, scale: 'linear' }, 2],
  [{ type: 'int', min: -(2 ** 53) + 1, max: 2 ** 53 - 1, step: 2 ** 52, scale: 'linear' }, 4],
  [{ type: 'float', min: 1, max: 1 + 2 ** -50, scale: 'linear' }, 5],
  [{ type: 'float', min: 1, max: 1, scale: 'linear' }, 1],
  [{ type: 'float', min: 1e300, max: 1.0000000000000002e300, scale: 'log' }, 2],
  [{ type: 'float', min: -5e-324, max: 5e-324, scale: 'linear' }, 3],
  [{ type: 'float', min: 1e6, max: 1e6 + 1, step: 0.25, scale: 'linear' }, 5],
];

for (const [domain, values] of NEARLY_EMPTY)
  test(`of ${JSON.stringify(domain)} all ${values} values are tried, and the search is over`, () => {
    for (const sampler of ['random', 'auto', 'grid']) assert.equal(searched([named(domain)], 100, sampler), values);
  });

test('a range wider than the largest number has more than its ends', () => {
  const widest = named({ type: 'float', min: -1.7e308, max: 1.7e308, scale: 'linear' });
  for (const sampler of ['random', 'auto']) assert.equal(searched([widest], 50, sampler), 50);
});

test('a number behind conditions that chance hardly ever meets is found all the same', () => {
  const chain = Array.from({ length: 60 }, (_, i): Parameter => {
    const when = i === 0 ? {} : { when: { [`p${i - 1}`]: true } };
    return { name: `p${i}`, level: 'model', type: 'boolean', ...when };
  });
  const leaf: Parameter = {
    name: 'leaf',
    level: 'model',
    type: 'float',
    min: 0,
    max: 1,
    scale: 'linear',
    when: { p59: true },
  };
  assert.equal(searched([...chain, leaf], 100), 100);
});

const integers = fc.maxSafeInteger();
const doubles = fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer().map(Number));
const scale = fc.constantFrom('linear' as const, 'log' as const);
/** Ranges of every size, each between a number and one that is a little or much larger. */
const range = (number: fc.Arbitrary<number>) =>
  fc
    .tuple(number, fc.oneof(number, fc.nat(40)), fc.boolean())
    .map(([from, to, isNear]) => (isNear ? [from, from + Math.abs(to)] : [from, to]))
    .map((ends) => [Math.min(...ends), Math.max(...ends)] as [number, number]);
const domains: fc.Arbitrary<ParameterDomain> = fc.oneof(
  fc
    .record({ ends: range(integers), scale, step: fc.option(fc.oneof(fc.nat(), integers), { nil: undefined }) })
    .map(({ ends: [min, max], scale, step }) => ({ type: 'int' as const, min, max, scale, ...stepOf(step) })),
  fc
    .record({ ends: range(doubles), scale, step: fc.option(doubles, { nil: undefined }) })
    .map(({ ends: [min, max], scale, step }) => ({ type: 'float' as const, min, max, scale, ...stepOf(step) })),
  fc.uniqueArray(fc.oneof(fc.double({ noNaN: true }), fc.string(), fc.boolean()), { minLength: 1 }).map((choices) => ({
    type: 'categorical' as const,
    choices,
  })),
);

const stepOf = (step: number | undefined) => (step === undefined ? {} : { step: Math.abs(step) });

test('a thousand asks of whatever domain is accepted stay in it, and end', () => {
  let accepted = 0;
  fc.assert(
    fc.property(domains, (domain) => {
      const parameters = [named(domain)];
      fc.pre(spaceLimitIssues(parameters).length === 0);
      try {
        createTuner(problemWith(parameters, 1, 'random'));
      } catch {
        return; // Refused with words: see validate-space.
      }
      accepted++;
      const { size } = new Space(parameters);
      assert.equal(searched(parameters, 1000), Math.min(size, 1000));
    }),
    { numRuns: 60 },
  );
  assert.ok(accepted > 10);
});

test('the numbers between two are counted and named one by one', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.nat(1000), (from, index) => {
      const value = nthDouble(from, index);
      fc.pre(Number.isFinite(value));
      assert.equal(doublesBetween(from, value), index + 1);
      assert.ok(index === 0 ? value === from : value > from);
    }),
  );
  assert.equal(doublesBetween(-5e-324, 5e-324), 3);
});

test('steps count from the least value, of whole numbers exactly', () => {
  const domain: ParameterDomain = { type: 'int', min: 1, max: 2 ** 53 - 1, step: 3, scale: 'linear' };
  assert.equal(valueProblem(domain, 2 ** 53 - 4), null);
  assert.match(valueProblem(domain, 2 ** 53 - 3) ?? '', /multiple of 3/);
});

test('steps through a range wider than whole doubles are exact', () => {
  // Found by the property above with seed -1493784984: max − min is more than 2^53.
  const domain = { type: 'int', min: -8999618589581393, max: 23882927162945, scale: 'linear' } as const;
  for (const step of [1289071645249191, 3, 3007167158414780])
    assert.equal(
      searched([named({ ...domain, step })], 50),
      Math.min(50, Number((BigInt(domain.max) - BigInt(domain.min)) / BigInt(step)) + 1),
    );
  const last = Number(BigInt(domain.min) + 6n * 1289071645249191n);
  assert.equal(valueProblem({ ...domain, step: 1289071645249191 }, last), null);
  assert.match(valueProblem({ ...domain, step: 1289071645249191 }, last + 1) ?? '', /multiple of/);
});

test('whole numbers that doubles cannot tell apart are refused', () => {
  const domain = { type: 'int', min: 0, max: 2 ** 53 - 1, scale: 'linear' } as const;
  const tried = (changed: object) => createTuner(problemWith([named({ ...domain, ...changed })], 1, 'random'));
  assert.throws(
    () => tried({ max: 2 ** 53 }),
    /max.* must be a whole number from -9007199254740991 to 9007199254740991/s,
  );
  assert.throws(() => tried({ min: 0.5 }), /min.* must be a whole number/s);
  tried({ min: -(2 ** 53 - 1) });
});
