/** A tuner that had come to its end goes on, and a restore that replays it ends at the same. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createTuner } from '../../../coordinator/tuner/create-tuner.ts';
import { planOf } from '../../../coordinator/tuner/mode.ts';
import { SCHEDULERS } from '../../../coordinator/tuner/schedulers/all.ts';
import type { Ask } from '../../../coordinator/tuner/tuner.ts';
import { answer, asksOf, drive, problem } from '../../support/tuning.ts';

for (const { name } of SCHEDULERS)
  for (const synchronous of [false, true])
    describe(`extended under ${name}, ${synchronous ? 'in whole rungs' : 'at once'}`, () => {
      const make = () =>
        createTuner(problem({ settings: { sampler: 'tpe', scheduler: name }, maxTrials: 12, synchronous }));
      const tuner = make();
      const before = drive(tuner, 3, 1);
      tuner.extend({ maxTrials: 24 });
      const after = drive(tuner, 3, 2);
      const trialsOf = (log: typeof before) => new Set(asksOf(log).map(({ trialId }) => trialId)).size;

      it('it starts all trials that it may, and promotes among the old and the new', () => {
        assert.equal(trialsOf(before), 12);
        assert.equal(trialsOf([...before, ...after]), 24);
        assert.ok(tuner.isFinished());
      });

      it('a restore goes on as the first one did', () => {
        const restored = make();
        restored.restore([...before, { extend: { maxTrials: 24 } }]);
        assert.deepEqual(asksOf(drive(restored, 3, 2)), asksOf(after));
        assert.deepEqual(restored.front(), tuner.front());
      });
    });

const ladderTo = (maxEpochs: number, ...throughEpochs: number[]) => ({
  ...problem().ladder,
  ...{ maxEpochs, ...(throughEpochs.length > 0 ? { throughEpochs } : {}) },
});

for (const { name } of SCHEDULERS)
  for (const synchronous of [false, true])
    for (const [mode, lowest] of [
      ['onefold', ladderTo(9)],
      ['accuracy-only', ladderTo(9)],
      ['onefold', { ...ladderTo(1), minDataFraction: 1 }],
    ] as const)
      describe(`given more epochs than ${lowest.maxEpochs} under ${name}, ${mode}, ${synchronous ? 'in whole rungs' : 'at once'}`, () => {
        const make = () =>
          createTuner(
            problem({
              settings: { sampler: 'tpe', scheduler: name, mode },
              ladder: lowest,
              maxTrials: 12,
              synchronous,
            }),
          );
        const tuner = make();
        const before = drive(tuner, 3, 1);
        const ladder = { ...lowest, maxEpochs: 27, throughEpochs: [lowest.maxEpochs] };
        tuner.extend({ ladder });
        const after = drive(tuner, 3, 2);
        const extension = { extend: { ladder } };

        it('the best of its old top go on, some to the new top, each once and from where it stood', () => {
          const promoted = asksOf(after);
          if (name === 'none') return assert.deepEqual(promoted, [], 'it promotes nothing');
          assert.ok(promoted.length > 0 && promoted.some(({ budget }) => budget.epochs === 27));
          assert.ok(promoted.length < 12, 'not all of them');
          const rungs = new Map<number, number>();
          for (const { trialId, rung, bracket, budget } of [...asksOf(before), ...promoted]) {
            assert.equal(rung, rungs.has(trialId) ? Number(rungs.get(trialId)) + 1 : 0);
            rungs.set(trialId, rung);
            const rungsNow = planOf(problem({ settings: { mode }, ladder })).budgets;
            assert.deepEqual(budget, rungsNow[bracket + rung]);
          }
          const best = promoted.find(({ budget }) => budget.epochs === 27);
          assert.ok(asksOf(before).some(({ trialId }) => trialId === best?.trialId));
        });

        it('a restore goes on as the first one did, also with more trials afterwards', () => {
          const restored = make();
          restored.restore([...before, extension]);
          assert.deepEqual(asksOf(drive(restored, 3, 2)), asksOf(after));
          assert.deepEqual(restored.front(), tuner.front());
          const third = make();
          third.restore([...before, extension, ...after, { extend: { maxTrials: 20 } }]);
          restored.extend({ maxTrials: 20 });
          const more = asksOf(drive(restored, 3, 3));
          assert.deepEqual(asksOf(drive(third, 3, 3)), more);
          assert.equal(new Set(more.map(({ trialId }) => trialId).filter((trialId) => trialId >= 12)).size, 8);
        });
      });

it('it is given more epochs above the rungs that it has only', () => {
  const tuner = createTuner(problem({ maxTrials: 12 }));
  assert.throws(() => tuner.extend({ ladder: ladderTo(27) }), /the rungs of before are not the lowest/);
  const topK = createTuner(problem({ settings: { mode: 'top-k-after-one-epoch' }, maxTrials: 12 }));
  assert.throws(() => topK.extend({ ladder: ladderTo(27, 9) }), /the rungs of before|two rungs cannot be extended/);
});

it('where time or energy have ended it, it goes on with more, of which what it has taken counts', () => {
  for (const [limit, unit] of [
    ['timeS', 'seconds'],
    ['energyJ', 'joules'],
  ] as const) {
    const respond = (ask: Ask) => ({ ...answer(ask), cost: { seconds: 0, joules: 0, [unit]: 10 } });
    const make = () => createTuner(problem({ settings: { sampler: 'random' }, maxTrials: 50, stop: { [limit]: 45 } }));
    const tuner = make();
    const before = drive(tuner, 1, 1, respond);
    assert.equal(asksOf(before).length, 5, 'what began before is told');
    tuner.extend({ stop: { [limit]: 50 } });
    assert.ok(tuner.isFinished());
    tuner.extend({ stop: { [limit]: 75 } });
    const after = drive(tuner, 1, 2, respond);
    assert.equal(asksOf(after).length, 3);
    const restored = make();
    restored.restore([...before, { extend: { stop: { [limit]: 75 } } }]);
    assert.deepEqual(drive(restored, 1, 2, respond), after);
  }
});

it('it is extended by more only, and not in two phases', () => {
  const tuner = createTuner(problem({ maxTrials: 12 }));
  for (const trials of [11, 12, Number.NaN])
    assert.throws(() => tuner.extend({ maxTrials: trials }), /it may start 12 trials already: name more/);
  const phases = createTuner(problem({ settings: { mode: 'hierarchical' }, maxTrials: 12 } as never));
  assert.throws(() => phases.extend({ maxTrials: 24 }), /two phases cannot be extended/);
});
