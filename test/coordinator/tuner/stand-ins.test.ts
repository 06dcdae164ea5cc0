/** Trials of which a device has said nothing are neither better nor worse for it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseConstraint, parseObjective } from '@edgetune/shared/domain/objective.ts';
import fc from 'fast-check';
import { createTuner } from '../../../coordinator/tuner/create-tuner.ts';
import { StandIns } from '../../../coordinator/tuner/stand-ins.ts';
import type { Ask, Tell } from '../../../coordinator/tuner/tuner.ts';
import { answer, asksOf, drive, problem } from '../../support/tuning.ts';

describe('stand-ins', () => {
  it('are the median of what the device has said, else the mean of what others say of the trial, else alike for all', () => {
    const standIns = new StandIns(['accuracy', 'latency.p50', 'edgetune.energy'], ['a', 'b', 'c']);
    const told = { accuracy: 0.9, 'latency.p50@a': 10, 'latency.p50@b': 20 };
    assert.deepEqual(standIns.filled({ accuracy: 0.5 }, ['c']), {
      ...{ accuracy: 0.5, 'latency.p50@c': 1 },
      'energy@c': 1,
    });
    assert.deepEqual(standIns.filled(told, ['c']), { ...told, 'latency.p50@c': 15, 'energy@c': 1 });
    assert.equal(standIns.learn(0, { 'latency.p50@c': 7 }), true);
    assert.equal(standIns.learn(1, { 'latency.p50@c': 300 }), false, 'it was known before');
    assert.equal(standIns.learn(2, { 'latency.p50@c': 9 }), false);
    assert.equal(
      standIns.learn(3, { accuracy: 1, 'memory@c': 1, 'energy@c': Number.NaN }),
      false,
      'nothing that counts',
    );
    assert.equal(standIns.filled(told, ['c'])['latency.p50@c'], 9);
    assert.deepEqual(standIns.filled(told, []), told);
    const answered = { 'latency.p50@c': 4, 'energy@c': 2 };
    assert.deepEqual(standIns.filled(answered, ['c']), answered, 'what was measured stays');
  });

  it('are of what counts still: once a trial, and nothing of a board that has given its place to another', () => {
    const standIns = new StandIns(['latency.p50'], ['a', 'b']);
    const of = () => standIns.filled({ 'latency.p50@a': 5 }, ['b'])['latency.p50@b'];
    for (const [trialId, value] of [900, 800, 1000].entries()) standIns.learn(trialId, { 'latency.p50@b': value });
    for (let rung = 0; rung < 5; rung++) standIns.learn(0, { 'latency.p50@b': 700 });
    assert.equal(of(), 800, 'of 700, 800 and 1000');
    assert.equal(standIns.forget(0, ['latency.p50@a', 'latency.p50@b']), false);
    assert.equal(standIns.forget(0, ['latency.p50@b']), false, 'it was forgotten before');
    assert.equal(standIns.forget(1, ['latency.p50@b']), false);
    assert.equal(of(), 1000);
    assert.equal(standIns.forget(2, ['latency.p50@b']), true);
    assert.equal(of(), 5, 'nothing is known of it');
    assert.equal(standIns.learn(1, { 'latency.p50@b': 8 }), true, 'and the other board begins anew');
    assert.equal(of(), 8);
  });
});

const two = (change: object = {}) =>
  problem({
    objectives: ['maximize accuracy', 'minimize latency'].map(parseObjective),
    devices: ['pi', 'orin'],
    maxTrials: 15,
    ...change,
  });

describe('a device that does not answer', () => {
  it('changes nothing in the search: it goes as if the study had not named it', () => {
    const parts = fc.record({
      seed: fc.nat(1e6),
      sampler: fc.constantFrom('auto', 'bayesian', 'tpe', 'nsga2', 'random'),
      workers: fc.integer({ min: 1, max: 3 }),
      aggregate: fc.constantFrom('worst', 'mean'),
      shuffle: fc.nat(),
    });
    fc.assert(
      fc.property(parts, ({ seed, sampler, workers, aggregate, shuffle }) => {
        const objectives = ['maximize accuracy', `minimize latency ${aggregate}`].map(parseObjective);
        const of = { objectives, settings: { seed, sampler } };
        const alone = createTuner(two({ ...of, devices: ['pi'] }));
        const waiting = createTuner(two(of));
        const silent = (ask: Ask): Tell => ({ ...answer(ask), pending: ['orin'] });
        assert.deepEqual(asksOf(drive(waiting, workers, shuffle, silent)), asksOf(drive(alone, workers, shuffle)));
        assert.deepEqual(waiting.front(), alone.front());
      }),
      { numRuns: 12 },
    );
  });

  it('is needed for the front as soon as it has answered about one of the trials', () => {
    const tuner = createTuner(two({ settings: { sampler: 'random', scheduler: 'none' }, maxTrials: 3 }));
    const tell = (metrics: Tell['metrics'], pending: string[]) => {
      const { trialId, rung } = tuner.ask() as Ask;
      tuner.tell({ trialId, rung, status: 'ok', metrics, pending, violation: 0, cost: { seconds: 1, joules: 1 } });
    };
    const ids = () => tuner.front().map(({ trialId }) => trialId);
    tell({ accuracy: 0.9, 'latency.p50@pi': 9 }, ['orin']);
    tell({ accuracy: 0.5, 'latency.p50@pi': 5 }, ['orin']);
    assert.deepEqual(
      [ids(), tuner.front()[0]?.values],
      [
        [0, 1],
        [0.9, 9],
      ],
    );
    tell({ accuracy: 0.7, 'latency.p50@pi': 7, 'latency.p50@orin': 1 }, []);
    assert.deepEqual(ids(), [2]);
    const decided = tuner.front(['pi']).map(({ trialId, values }) => [trialId, values]);
    assert.deepEqual(
      decided,
      [
        [0, [0.9, 9]],
        [2, [0.7, 7]],
        [1, [0.5, 5]],
      ],
      'unless it is said that it decides nothing',
    );
    tuner.amend({ trialId: 0, rung: 0, metrics: { 'latency.p50@orin': 2 }, violation: 0 });
    assert.deepEqual(
      [ids(), tuner.front()[0]?.values],
      [
        [0, 2],
        [0.9, 9],
      ],
    );
    // What was withdrawn is as if it had never been told.
    tuner.amend({ trialId: 0, rung: 0, metrics: {}, violation: 0, withdrawn: ['latency.p50@orin'] });
    assert.deepEqual(ids(), [2]);
  });

  it('whose predictions are withdrawn is pending again', () => {
    const tuner = createTuner(two({ settings: { sampler: 'random', scheduler: 'none' }, maxTrials: 2 }));
    for (const orin of [3, 4]) {
      const { trialId, rung } = tuner.ask() as Ask;
      const metrics = { accuracy: 0.9, 'latency.p50@pi': 9, 'latency.p50@orin': orin };
      const predicted = ['latency.p50@orin'];
      tuner.tell({ trialId, rung, status: 'ok', metrics, predicted, violation: 0, cost: { seconds: 1, joules: 1 } });
    }
    assert.deepEqual(tuner.front()[0]?.predicted, ['latency.p50@orin']);
    for (const trialId of [0, 1])
      tuner.amend({ trialId, rung: 0, metrics: {}, violation: 0, withdrawn: ['latency.p50@orin'] });
    assert.deepEqual(
      tuner.front().map(({ metrics, predicted }) => [metrics, predicted]),
      [0, 1].map(() => [{ accuracy: 0.9, 'latency.p50@pi': 9 }, []]),
    );
  });

  it('never reaches the target of a study', () => {
    const target = [parseConstraint('latency <= 30 ms')];
    const tuner = createTuner(two({ stop: { target } }));
    const { trialId, rung } = tuner.ask() as Ask;
    const metrics = { accuracy: 0.9, 'latency.p50@pi': 1 };
    const cost = { seconds: 1, joules: 1 };
    tuner.tell({ trialId, rung, status: 'ok', metrics, pending: ['orin'], violation: 0, cost });
    assert.equal(tuner.isTargetReached(), false);
    tuner.amend({ trialId, rung, metrics: { 'latency.p50@orin': 2 }, violation: 0 });
    assert.equal(tuner.isTargetReached(), true);
  });

  it('is not needed for the target any more where a person has left it out, whenever that was', () => {
    const target = [parseConstraint('latency <= 30 ms'), parseConstraint('latency <= 1 ms on orin')];
    const ask = (tuner: ReturnType<typeof createTuner>) => {
      const { trialId, rung } = tuner.ask() as Ask;
      const metrics = { accuracy: 0.9, 'latency.p50@pi': 1 };
      const cost = { seconds: 1, joules: 1 };
      tuner.tell({ trialId, rung, status: 'ok', metrics, pending: ['orin'], violation: 0, cost });
    };
    const [before, after] = [createTuner(two({ stop: { target } })), createTuner(two({ stop: { target } }))];
    ask(before);
    assert.equal(before.isTargetReached(), false);
    before.count(['pi']);
    assert.equal(before.isTargetReached(), true);
    after.restore([{ count: ['pi'] }]);
    ask(after);
    assert.equal(after.isTargetReached(), true);
    assert.equal(after.ask(), null);
  });

  it('that has given its place to another leaves nothing in the search', () => {
    const settings = { seed: 3, sampler: 'tpe', scheduler: 'none' };
    const [replaced, never] = [createTuner(two({ settings })), createTuner(two({ settings }))];
    const silent = (ask: Ask): Tell => ({ ...answer(ask), pending: ['orin'] });
    for (let round = 0; round < 15; round++) {
      const [ask, same] = [replaced.ask() as Ask, never.ask() as Ask];
      assert.deepEqual(ask, same);
      // A board that is ten times slower answers about every other trial, and is replaced after each.
      const metrics = { ...answer(ask).metrics, 'latency.p50@orin': 1000 + round };
      replaced.tell(round % 2 ? { ...answer(ask), metrics } : silent(ask));
      never.tell(silent(ask));
      const { trialId, rung } = ask;
      if (round % 2) replaced.amend({ trialId, rung, metrics: {}, violation: 0, withdrawn: ['latency.p50@orin'] });
    }
    assert.deepEqual(replaced.front(), never.front());
  });

  it('a restored tuner goes on as the one that was killed, whatever was pending, amended or withdrawn', () => {
    fc.assert(
      fc.property(fc.nat(1e6), fc.nat(40), (seed, cut) => {
        const of = two({ settings: { seed } });
        const silent = (ask: Ask): Tell => {
          const told = answer(ask);
          const orin = (told.metrics['latency.p50@pi'] ?? 1) * 2;
          if (ask.trialId % 3 === 0) return { ...told, pending: ['orin'] };
          const predicted = ask.trialId % 3 === 1 ? ['latency.p50@orin'] : [];
          return { ...told, metrics: { ...told.metrics, 'latency.p50@orin': orin }, predicted };
        };
        const log = drive(createTuner(of), 2, seed, silent);
        const changed = log.flatMap((entry) => {
          if (!('tell' in entry) || entry.tell.status !== 'ok') return [entry];
          const { trialId, rung, violation } = entry.tell;
          const change =
            trialId % 2 ? { metrics: {}, withdrawn: ['latency.p50@orin'] } : { metrics: { 'latency.p50@orin': 5 } };
          return [entry, { amend: { trialId, rung, violation, ...change } }];
        });
        // The asks of the log need not be those that the tuner would ask for after the amendments.
        const at = Math.min(cut, changed.length);
        const [whole, again] = [createTuner(of), createTuner(of)];
        whole.restore(changed.slice(0, at));
        whole.restore(changed.slice(at));
        again.restore(changed);
        assert.deepEqual(again.front(), whole.front());
        assert.deepEqual(again.ask(), whole.ask());
      }),
      { numRuns: 10 },
    );
  });
});

it('what devices refuse at a higher rung is not on the front for the lower one', () => {
  const tuner = createTuner(problem({ maxTrials: 3, settings: { sampler: 'random', scheduler: 'asha' } }));
  const promoted: number[] = [];
  for (let ask = tuner.ask(); ask; ask = tuner.ask()) {
    const { trialId, rung } = ask;
    if (rung > 0) promoted.push(trialId);
    const status = rung > 0 ? 'infeasible' : 'ok';
    const metrics = { accuracy: 0.5 + trialId / 10 };
    tuner.tell({ trialId, rung, status, metrics, violation: rung > 0 ? 1 : 0, cost: { seconds: 1, joules: 1 } });
  }
  assert.ok(promoted.length > 0);
  const [best] = tuner.front();
  assert.ok(best && !promoted.includes(best.trialId));
});
