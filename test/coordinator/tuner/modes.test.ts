import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTuner } from '../../../coordinator/tuner/create-tuner.ts';
import type { Ask, Tell } from '../../../coordinator/tuner/tuner.ts';
import { answer, asksOf, drive, MIXED, problem } from '../../support/tuning.ts';

const healthy = (ask: Ask): Tell => ({ ...answer(ask), status: 'ok', violation: 0 });
/** Two cores are fastest. */
const timed = (ask: Ask): Tell => ({
  ...healthy(ask),
  cost: { seconds: Math.abs(2 - Number(ask.candidate.cores)) + 1, joules: 0 },
});

const hierarchical = (settings = {}) =>
  problem({
    parameters: [...MIXED, { name: 'cores', level: 'system', type: 'ordinal', values: [1, 2, 4] }],
    settings: { mode: 'hierarchical', ...settings },
    maxTrials: 12,
  });

test('hierarchical: the second phase tries the system parameters of the best trial, and the front has the fastest', () => {
  const tuner = createTuner(hierarchical());
  const asks = asksOf(drive(tuner, 3, 1, timed));
  const second = asks.filter(({ trialId }) => trialId >= 12);
  assert.deepEqual(second.map(({ candidate }) => candidate.cores).sort(), [1, 2, 4]);
  assert.deepEqual(
    asks.map(({ ask }) => ask),
    asks.map((_, index) => index),
    'asks are numbered through',
  );
  const best = tuner.front()[0];
  assert.ok(best && best.trialId < 12);
  assert.equal(best.candidate.cores, 2);
  for (const { candidate } of second) {
    const { cores: _, ...others } = candidate;
    const { cores: __, ...ofBest } = best.candidate;
    assert.deepEqual(others, ofBest);
  }
});

test('hierarchical: of many assignments of the system parameters sixteen are tried', () => {
  const cores = { name: 'cores', level: 'system', type: 'int', min: 1, max: 20, scale: 'linear' } as const;
  const many = { ...hierarchical(), parameters: [...MIXED, cores] };
  const asks = asksOf(drive(createTuner(many), 3, 1, timed));
  assert.equal(new Set(asks.map(({ trialId }) => trialId)).size, 12 + 16);
});

test('hierarchical: a restored tuner goes on exactly, in both phases', () => {
  const whole = drive(createTuner(hierarchical({ seed: 3 })), 2, 5, timed);
  for (let cut = 0; cut <= whole.length; cut += 3) {
    const restored = createTuner(hierarchical({ seed: 3 }));
    restored.restore(JSON.parse(JSON.stringify(whole.slice(0, cut))));
    for (const entry of whole.slice(cut)) {
      if ('ask' in entry) assert.equal(JSON.stringify(restored.ask()), JSON.stringify(entry.ask));
      else if ('tell' in entry) restored.tell(entry.tell);
    }
    assert.ok(restored.isFinished());
    assert.equal(restored.front()[0]?.candidate.cores, 2);
  }
});

test('hierarchical: without system parameters, or without any good trial, there is no second phase', () => {
  const plain = asksOf(
    drive(createTuner(problem({ settings: { mode: 'hierarchical' }, maxTrials: 6 })), 1, 0, healthy),
  );
  assert.ok(plain.every(({ trialId }) => trialId < 6));
  const hopeless = drive(createTuner(hierarchical()), 1, 0, (ask) => ({
    ...answer(ask),
    status: 'failed',
    metrics: {},
  }));
  assert.equal(asksOf(hopeless).length, 12);
});

test('top-k after one epoch: the best third, however many workers, and each once', () => {
  for (const workers of [1, 4]) {
    const of = problem({ settings: { mode: 'top-k-after-one-epoch' }, maxTrials: 10 });
    const log = drive(createTuner(of), workers, workers, healthy);
    const asks = asksOf(log);
    assert.deepEqual(
      asks.map(({ rung }) => rung),
      [...Array(10).fill(0), 1, 1, 1],
    );
    const accuracy = new Map(
      log.flatMap((entry) =>
        'tell' in entry && entry.tell.rung === 0 ? [[entry.tell.trialId, entry.tell.metrics.accuracy as number]] : [],
      ),
    );
    const best = [...accuracy].sort((a, b) => b[1] - a[1]).slice(0, 3);
    assert.deepEqual(
      asks
        .slice(10)
        .map(({ trialId }) => trialId)
        .sort(),
      best.map(([trialId]) => trialId).sort(),
    );
  }
});

test('hierarchical: a target is reached in the first phase; the second is gone through all the same', () => {
  const target = [{ metric: 'accuracy', operator: '>=' as const, limit: 0.01 }];
  const tuner = createTuner({ ...hierarchical(), stop: { target } });
  assert.equal(tuner.isTargetReached(), false);
  const ask = tuner.ask() as Ask;
  tuner.tell(timed(ask));
  assert.equal(tuner.isTargetReached(), true);
  const second = tuner.ask() as Ask;
  assert.equal(second.trialId, 1);
  assert.equal(tuner.isTargetReached(), false);
  assert.equal(asksOf([{ ask: second }]).length, 1);
});
