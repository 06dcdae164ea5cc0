import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createTuner } from '../../../../../coordinator/tuner/create-tuner.ts';
import type { Observation } from '../../../../../coordinator/tuner/observation.ts';
import { logPrices } from '../../../../../coordinator/tuner/samplers/bayesian/log-prices.ts';
import type { TunerProblem } from '../../../../../coordinator/tuner/tuner.ts';
import { asksOf, drive, problem } from '../../../../support/tuning.ts';

const observed = (level: number, seconds: number): Observation => ({
  trialId: 0,
  level,
  point: [],
  losses: [0],
  violation: 0,
  metrics: {},
  pending: [],
  predicted: [],
  status: 'ok',
  cost: 1,
  seconds,
});

test('prices are relative to those of the same level, and nothing where they are not known', () => {
  const prices = logPrices([observed(0, 1), observed(0, 4), observed(1, 30), observed(1, Number.NaN), observed(0, 0)]);
  assert.deepEqual(
    prices.map((price) => Number(price.toFixed(12))),
    [-Math.log(2), Math.log(2), 0, 0, 0].map((price) => Number(price.toFixed(12))),
  );
  const seconds = fc.double({ min: 1e-6, max: 1e6, noNaN: true });
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(3), seconds), { minLength: 1 }), seconds, (pairs, faster) => {
      const all = logPrices(pairs.map(([level, each]) => observed(level, each)));
      // A machine that is so many times as fast changes no price.
      const scaled = logPrices(pairs.map(([level, each]) => observed(level, each * faster)));
      for (const [i, price] of all.entries()) assert.ok(Math.abs(price - (scaled[i] as number)) < 1e-6);
      for (let level = 0; level < 4; level++) {
        const sum = all.reduce((total, price, i) => total + (pairs[i]?.[0] === level ? price : 0), 0);
        assert.ok(Math.abs(sum) < 1e-6);
      }
    }),
  );
});

/** Of two optimizers that do equally well one takes ten times as long: how often it is proposed by the model. */
function shareOfSlow(change: Partial<TunerProblem>): number {
  const asks = asksOf(
    drive(
      createTuner(
        problem({
          parameters: [
            { name: 'rate', level: 'training', type: 'float', min: 0, max: 1, scale: 'linear' },
            { name: 'momentum', level: 'training', type: 'float', min: 0, max: 1, scale: 'linear' },
            { name: 'optimizer', level: 'training', type: 'categorical', choices: ['slow', 'fast'] },
          ],
          ladder: { minEpochs: 1, maxEpochs: 1, minDataFraction: 1, maxDataFraction: 1 },
          maxTrials: 40,
          ...change,
        }),
      ),
      1,
      0,
      ({ trialId, rung, candidate }) => ({
        trialId,
        rung,
        status: 'ok',
        metrics: {
          accuracy: 1 - ((candidate.rate as number) - 0.7) ** 2 - ((candidate.momentum as number) - 0.2) ** 2,
        },
        violation: 0,
        cost: { seconds: candidate.optimizer === 'slow' ? 10 : 1, joules: 1 },
      }),
    ),
  );
  const proposed = asks.filter(({ proposedBy }) => proposedBy === 'bayesian');
  assert.ok(proposed.length > 20);
  return proposed.filter(({ candidate }) => candidate.optimizer === 'slow').length / proposed.length;
}

test('where time is what ends a study, or a target, what is as good and faster is tried first', () => {
  const target = [{ metric: 'accuracy', operator: '>=' as const, limit: 2 }];
  assert.ok(shareOfSlow({ stop: { timeS: 1e9 } }) < 0.2);
  assert.ok(shareOfSlow({ stop: { target } }) < 0.2);
});

test('where a study ends after so many trials, or must be reproducible, seconds decide nothing', () => {
  const unweighed = shareOfSlow({});
  assert.ok(unweighed > 0.25, `${unweighed}`);
  const target = [{ metric: 'accuracy', operator: '>=' as const, limit: 2 }];
  assert.ok(shareOfSlow({ stop: { target }, synchronous: true }) > 0.25);
});

test('a restored tuner that weighs time goes on exactly, to the last bit', () => {
  fc.assert(
    fc.property(fc.integer({ min: 10, max: 55 }), fc.nat(), (cut, seed) => {
      const of = problem({ settings: { seed }, maxTrials: 40, stop: { timeS: 1e9 } });
      const whole = drive(createTuner(of), 2);
      const restored = createTuner(of);
      restored.restore(JSON.parse(JSON.stringify(whole.slice(0, cut))));
      for (const entry of whole.slice(cut)) {
        if ('ask' in entry) assert.equal(JSON.stringify(restored.ask()), JSON.stringify(entry.ask));
        else if ('tell' in entry) restored.tell(entry.tell);
      }
    }),
    { numRuns: 5 },
  );
});
