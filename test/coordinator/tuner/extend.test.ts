/** A tuner that had come to its end goes on, and a restore that replays it ends at the same. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createTuner } from '../../../coordinator/tuner/create-tuner.ts';
import { SCHEDULERS } from '../../../coordinator/tuner/schedulers/all.ts';
import { asksOf, drive, problem } from '../../support/tuning.ts';

for (const { name } of SCHEDULERS)
  for (const synchronous of [false, true])
    describe(`extended under ${name}, ${synchronous ? 'in whole rungs' : 'at once'}`, () => {
      const make = () =>
        createTuner(problem({ settings: { sampler: 'tpe', scheduler: name }, maxTrials: 12, synchronous }));
      const tuner = make();
      const before = drive(tuner, 3, 1);
      tuner.extend(24);
      const after = drive(tuner, 3, 2);
      const trialsOf = (log: typeof before) => new Set(asksOf(log).map(({ trialId }) => trialId)).size;

      it('it starts all trials that it may, and promotes among the old and the new', () => {
        assert.equal(trialsOf(before), 12);
        assert.equal(trialsOf([...before, ...after]), 24);
        assert.ok(tuner.isFinished());
      });

      it('a restore goes on as the first one did', () => {
        const restored = make();
        restored.restore([...before, { extend: 24 }]);
        assert.deepEqual(asksOf(drive(restored, 3, 2)), asksOf(after));
        assert.deepEqual(restored.front(), tuner.front());
      });
    });

it('it is extended by more only, and not in two phases', () => {
  const tuner = createTuner(problem({ maxTrials: 12 }));
  for (const trials of [11, 12, Number.NaN])
    assert.throws(() => tuner.extend(trials), /it may start 12 trials already: name more/);
  const phases = createTuner(problem({ settings: { mode: 'hierarchical' }, maxTrials: 12 } as never));
  assert.throws(() => phases.extend(24), /two phases cannot be extended/);
});
