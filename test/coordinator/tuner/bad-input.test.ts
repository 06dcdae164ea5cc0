/** Nonsense is either refused with a reason or treated as failed; it never poisons what comes after. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseObjective } from '@edgetune/shared/domain/objective.ts';
import type { Parameter } from '@edgetune/shared/domain/search-space.ts';
import { tunerSpecSchema } from '@edgetune/shared/protocol/tuner-lines.ts';
import fc from 'fast-check';
import { createTunerSession } from '../../../coordinator/ask-tell/tuner-session.ts';
import { createTuner } from '../../../coordinator/tuner/create-tuner.ts';
import { SAMPLERS } from '../../../coordinator/tuner/samplers/all.ts';
import type { Ask, Tell } from '../../../coordinator/tuner/tuner.ts';
import { TunerProblemError } from '../../../coordinator/tuner/validate-problem.ts';
import { candidateIssues } from '../../../coordinator/tuner/validate-space.ts';
import { answer, MIXED, problem } from '../../support/tuning.ts';

const nonsense = fc.constantFrom(Number.NaN, Infinity, -Infinity, 1e308, -1e308, Number.MIN_VALUE, 0, -1, undefined);
const names = ['accuracy', 'latency.p50@pi', 'energy@pi'];

/** What may be told instead of a sensible answer. */
const distortion = fc.record(
  {
    status: fc.constantFrom<Tell['status']>('ok', 'infeasible', 'failed', 'stopped'),
    metrics: fc.dictionary(fc.constantFrom(...names, 'colour', '__proto__'), nonsense),
    violation: fc.constantFrom(Number.NaN, Infinity, -1, 0, 1e308),
    cost: fc.record({ seconds: fc.double(), joules: fc.constantFrom(Number.NaN, -5, Infinity) }),
  },
  { requiredKeys: [] },
);

function distorted(ask: Ask, change: Record<string, unknown>): Tell {
  const told = answer(ask);
  const metrics = Object.entries({ ...told.metrics, ...(change.metrics as object) });
  const known = Object.fromEntries(metrics.filter(([, value]) => value !== undefined));
  return { ...told, ...change, metrics: known } as Tell;
}

test('whatever is told: candidates stay valid, the study goes on, and the front holds finite values only', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...SAMPLERS.map(({ name }) => name)),
      fc.integer({ min: 1, max: 3 }),
      fc.boolean(),
      fc.array(fc.option(distortion, { nil: {}, freq: 1 }), { minLength: 30, maxLength: 45 }),
      (sampler, count, synchronous, changes) => {
        const objectives = ['maximize accuracy', 'minimize latency', 'minimize energy'].slice(0, count);
        const tuner = createTuner(
          problem({ objectives: objectives.map(parseObjective), maxTrials: 100, synchronous, settings: { sampler } }),
        );
        for (const change of changes) {
          const ask = tuner.ask();
          if (!ask) break;
          assert.deepEqual(candidateIssues(MIXED, ask.candidate), []);
          for (const value of Object.values(ask.candidate))
            assert.ok(typeof value !== 'number' || Number.isFinite(value));
          tuner.tell(distorted(ask, change));
        }
        for (const { values } of tuner.front()) assert.ok(values.length > 0 && values.every(Number.isFinite));
      },
    ),
    { numRuns: 60 },
  );
});

test('a few absurd values do not keep the sampler from what is good', () => {
  const settings = { sampler: 'auto' as const, scheduler: 'none' as const, seed: 4 };
  const tuner = createTuner(problem({ maxTrials: 60, settings }));
  const accuracies: number[] = [];
  for (let ask = tuner.ask(); ask; ask = tuner.ask()) {
    const absurd = ask.trialId % 9 === 4 ? { accuracy: ask.trialId % 2 ? -1e300 : Number.NaN } : {};
    const told = { ...answer(ask), status: 'ok' as const, violation: 0 };
    const { accuracy = 0 } = answer({ ...ask, trialId: 0, rung: 0 }).metrics;
    accuracies.push(accuracy);
    tuner.tell({ ...told, metrics: { accuracy, ...absurd } });
  }
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  assert.ok(mean(accuracies.slice(-20)) > mean(accuracies.slice(0, 10)) + 0.05);
});

test('a range upside down, doubled and missing choices are refused at their place; a single choice is a constant', () => {
  const refused = (parameter: Parameter, path: string) =>
    assert.throws(
      () => createTuner(problem({ parameters: [parameter] })),
      (error) =>
        error instanceof TunerProblemError &&
        error.issues.some((issue) => issue.path.join('.') === `training.x.${path}`),
    );
  const named = { name: 'x', level: 'training' as const };
  const values = fc.oneof(fc.integer(), fc.string(), fc.boolean());
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 1, max: 1000 }), values, (min, gap, value) => {
      refused({ ...named, type: 'int', min, max: min - gap, scale: 'linear' }, 'min');
      refused({ ...named, type: 'float', min, max: min - gap / 7, scale: 'linear' }, 'min');
      refused({ ...named, type: 'categorical', choices: [] }, 'choices');
      refused({ ...named, type: 'categorical', choices: [value, value] }, 'choices');
      const tuner = createTuner(problem({ parameters: [{ ...named, type: 'categorical', choices: [value] }] }));
      assert.deepEqual(tuner.ask()?.candidate, { x: value });
      assert.equal(tuner.ask(), null);
    }),
    { numRuns: 30 },
  );
});

/** Names that every object seems to have, and the one that zod leaves out of records. */
const INHERITED = Object.getOwnPropertyNames(Object.prototype);

test('a metric by no known name is kept where it can be one of the program, else refused, and changes nothing', () => {
  const spec = tunerSpecSchema.parse({
    space: { training: { rate: { type: 'float', min: 0, max: 1 } } },
    devices: ['pi'],
    objectives: ['maximize accuracy', 'minimize latency on pi'],
  });
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), fc.constantFrom('', '@desk', '@pi', '@'), (name, device) => {
      fc.pre(!/^(accuracy|loss|trainingTime|trainingEnergy|parameters|macs|modelSize|latency\..*)$/.test(name));
      const [session, untouched] = [createTunerSession(spec), createTunerSession(spec)];
      const exchange = (message: object) => JSON.parse(session.answer(JSON.stringify(message)));
      for (const { answer: each } of [session, untouched]) each('{"ask":{}}');
      const told = { accuracy: 0.5, 'latency.p50@pi': 3, [`${name}${device}`]: 1 };
      const { ok, error } = exchange({ tell: { trial: 0, metrics: told } });
      if (ok) {
        assert.match(name + device, /^[A-Za-z][\w.-]*$/);
        assert.equal(exchange({ best: {} }).best.metrics[name], 1);
        return;
      }
      assert.match(error, /unknown metric|is a device's|belongs to the trial|metrics\.__proto__: .* cannot be used/);
      assert.equal(session.answer('{"ask":{}}'), untouched.answer('{"ask":{}}'));
    }),
    { examples: INHERITED.map((name): [string, string] => [name, '']) },
  );
});

test('a name that every object has is refused for parameters, metrics and starting points, in text and in parts', () => {
  const domain = { type: 'boolean' };
  const specification = { space: { training: { flag: domain } } };
  for (const name of INHERITED) {
    // As JSON, in which `__proto__` is a key like any other.
    const refused = (change: string) => {
      const { error } = tunerSpecSchema.safeParse({ ...specification, ...JSON.parse(change) });
      assert.match(error?.message ?? '', /cannot be used as|a parameter name is a letter/, `${name} in ${change}`);
    };
    refused(`{"space":{"training":{"${name}":{"type":"boolean"}}}}`);
    refused(`{"objectives":["minimize ${name}"]}`);
    refused(`{"objectives":[{"metric":"${name}","direction":"minimize"}]}`);
    refused(`{"constraints":["${name} <= 3"]}`);
  }
  const start = JSON.parse('{"tuner":{"initialCandidates":[{"flag":true,"__proto__":1}]}}');
  assert.match(tunerSpecSchema.safeParse({ ...specification, ...start }).error?.message ?? '', /cannot be used/);
});
