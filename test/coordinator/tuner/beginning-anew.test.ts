import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createTuner } from '../../../coordinator/tuner/create-tuner.ts';
import type { Ask, Tell, TunerProblem } from '../../../coordinator/tuner/tuner.ts';
import { answer, asksOf, drive, problem } from '../../support/tuning.ts';

/** The first candidate is never surpassed. */
const hopeless = (ask: Ask): Tell => ({
  ...answer(ask),
  status: 'ok',
  violation: 0,
  metrics: { accuracy: ask.trialId === 0 ? 0.9 : 0.5 + ask.rung / 100 },
});

/** Trials that were proposed before any model, as by a search that knows nothing. */
function startups(settings: Partial<TunerProblem['settings']>, rest: Partial<TunerProblem> = {}, respond = hopeless) {
  const tuner = createTuner(problem({ ...rest, settings, maxTrials: rest.maxTrials ?? 200 }));
  return asksOf(drive(tuner, 1, 0, respond)).filter(({ proposedBy }) => proposedBy === 'quasi-random');
}

test('a search that has found nothing better for long is begun anew, again and again', () => {
  const trials = startups({}).map(({ trialId }) => trialId);
  const beginnings = trials.filter((trial, i) => trial !== (trials[i - 1] ?? -2) + 1);
  assert.ok(beginnings.length >= 3, `begun at trials ${beginnings}`);
  // Fifty reports are trials and their promotions.
  assert.ok((beginnings[1] as number) > 25 && (beginnings[1] as number) < 60, `begun at trials ${beginnings}`);
});

test('a search that gets better is never begun anew', () => {
  const better = (ask: Ask): Tell => ({ ...hopeless(ask), metrics: { accuracy: ask.trialId / 1000 + ask.rung / 1e5 } });
  const trials = startups({}, {}, better).map(({ trialId }) => trialId);
  assert.ok(Math.max(...trials) < 20, `proposed before any model: ${trials}`);
});

test('only what is the tuner’s own begins anew, and only where there is room for it', () => {
  const last = (asks: Ask[]) => Math.max(-1, ...asks.map(({ trialId }) => trialId));
  assert.ok(last(startups({ sampler: 'tpe' })) < 20);
  assert.ok(last(startups({ scheduler: 'hyperband' })) < 20);
  assert.ok(last(startups({}, { synchronous: true })) < 20);
  // Nine epochs are three rungs: nine trials until one is trained to the end.
  assert.ok(last(startups({}, { maxTrials: 50 })) < 20);
});

test('a search that is begun anew promotes its own best, whatever the earlier one has seen', () => {
  const tuner = createTuner(problem({ settings: {}, maxTrials: 200 }));
  const asks = asksOf(drive(tuner, 1, 0, hopeless));
  const again = asks.filter(({ proposedBy, trialId }) => proposedBy === 'quasi-random' && trialId > 20);
  const first = Math.min(...again.map(({ trialId }) => trialId));
  const promoted = asks.filter(({ rung, trialId }) => rung > 0 && trialId >= first && trialId < first + 12);
  assert.ok(promoted.length >= 3, 'of each three one goes on');
});

test('a restored tuner goes on exactly, also where trials of an earlier search are told and amended late', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 0, max: 1e6 }), fc.nat(), (workers, seed, cut) => {
      const make = () => createTuner(problem({ settings: { seed }, maxTrials: 110 }));
      const log = drive(make(), workers, seed, hopeless, true);
      const half = log.slice(0, cut % log.length);
      const [whole, restored] = [make(), make()];
      restored.restore(half);
      for (const entry of half) {
        if ('ask' in entry) assert.deepEqual(whole.ask(), entry.ask);
        else if ('tell' in entry) whole.tell(entry.tell);
        else whole.amend(entry.amend);
      }
      assert.deepEqual(restored.ask(), whole.ask());
      assert.deepEqual(restored.front(), whole.front());
    }),
    { numRuns: 10 },
  );
});
