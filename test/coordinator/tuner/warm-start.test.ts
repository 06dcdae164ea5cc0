/** Trials of earlier studies: where on the ladder they count, and that they count as if they had been told here. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EarlierTrial } from '@edgetune/shared/domain/earlier.ts';
import { createTuner } from '../../../coordinator/tuner/create-tuner.ts';
import type { TunerProblem } from '../../../coordinator/tuner/tuner.ts';
import { problem } from '../../support/tuning.ts';

const parameters: TunerProblem['parameters'] = [
  { name: 'x', level: 'training', type: 'float', min: 0, max: 1, scale: 'linear' },
];

/** Ten trials, as TPE needs them, the best about 0.62. */
const earlier = (change: Partial<EarlierTrial> = {}, count = 10): EarlierTrial[] =>
  Array.from({ length: count }, (_, i) => ({
    candidate: { x: (i + 0.5) / 10 },
    budget: { epochs: 9, dataFraction: 1 },
    metrics: { accuracy: 1 - Math.abs((i + 0.5) / 10 - 0.62) },
    violation: 0,
    ...change,
  }));

/** Who proposes the first candidate. */
const first = (trials: EarlierTrial[], change: Partial<TunerProblem> = {}) =>
  createTuner(problem({ parameters, earlier: trials, settings: { sampler: 'tpe' }, ...change } as never)).ask()
    ?.proposedBy;

test('ten earlier trials are enough for a model, nine are not', () => {
  assert.equal(first(earlier()), 'tpe');
  assert.equal(first(earlier({}, 9)), 'quasi-random');
});

test('a trial counts at the highest budget that it reached, and not below the lowest', () => {
  // The ladder's budgets are 1, 2, 4 and 9 epochs: five trials at 4 and five at 8 epochs are ten at the third place.
  const at = (...epochs: number[]) =>
    first(epochs.flatMap((e) => earlier({ budget: { epochs: e, dataFraction: 1 } }, 10 / epochs.length)));
  assert.equal(at(4, 8), 'tpe');
  assert.equal(at(3, 4), 'quasi-random');
  assert.equal(at(9, 8), 'quasi-random');
  assert.equal(at(9, 100), 'tpe');
  const longer = { ladder: { ...problem().ladder, minEpochs: 3, maxEpochs: 27 } };
  assert.equal(first(earlier({ budget: { epochs: 3, dataFraction: 1 } }), longer), 'tpe');
  assert.equal(first(earlier({ budget: { epochs: 2, dataFraction: 1 } }), longer), 'quasi-random');
});

test('a trial without the study’s objective, or whose violation makes no sense, is left out; an infeasible one counts', () => {
  assert.equal(first(earlier({ metrics: { loss: 1 } })), 'quasi-random');
  assert.equal(first(earlier({ metrics: { accuracy: Number.NaN } })), 'quasi-random');
  assert.equal(first(earlier({ violation: Number.NaN })), 'quasi-random');
  assert.equal(first(earlier({ violation: -1 })), 'quasi-random');
  assert.equal(first(earlier({ violation: 2 })), 'tpe');
  assert.equal(first(earlier({ violation: 2, metrics: {} })), 'tpe', 'of what cannot work nothing was measured');
});

test('earlier trials are no trials of this study: it may try their candidates, promotes none, and shows none', () => {
  const choices: TunerProblem['parameters'] = [{ name: 'k', level: 'model', type: 'categorical', choices: [1, 2, 3] }];
  const known = [1, 2, 3].map((k) => ({ ...(earlier({}, 1)[0] as EarlierTrial), candidate: { k } }));
  const tuner = createTuner(
    problem({ parameters: choices, earlier: known, maxTrials: 5, settings: { scheduler: 'none' } }),
  );
  const asks = [tuner.ask(), tuner.ask(), tuner.ask(), tuner.ask()];
  assert.deepEqual(asks.map((ask) => ask?.candidate.k).sort(), [1, 2, 3, undefined]);
  assert.deepEqual(
    asks.map((ask) => ask?.trialId),
    [0, 1, 2, undefined],
  );
  assert.deepEqual(tuner.front(), []);
});

test('what was good before is where the search begins', () => {
  const seeds = Array.from({ length: 20 }, (_, seed) => seed);
  const proposals = seeds.map((seed) => {
    const settings = { sampler: 'bayesian' as const, seed };
    return createTuner(problem({ parameters, earlier: earlier(), settings, ladder: { minEpochs: 9 } })).ask()?.candidate
      .x as number;
  });
  // The model's best is at 0.62, between the earlier trials at 0.55 and 0.65.
  const near = proposals.filter((x) => x > 0.5 && x < 0.72);
  assert.ok(near.length >= 18, `${proposals}`);
});

test('of a device that an earlier trial knows nothing of the trial says nothing, and the others count', () => {
  const objectives = [
    { metric: 'accuracy', direction: 'maximize', aggregate: 'worst' },
    { metric: 'latency.p50', direction: 'minimize', aggregate: 'worst' },
  ] as TunerProblem['objectives'];
  const devices = ['pi', 'orin'];
  const known = earlier().map((trial, i) => ({ ...trial, metrics: { ...trial.metrics, 'latency.p50@pi': i + 1 } }));
  const pending = known.map((trial) => ({ ...trial, pending: ['orin'] }));
  assert.equal(first(known, { objectives, devices }), 'quasi-random', 'without orin they cannot be compared');
  assert.equal(first(pending, { objectives, devices }), 'tpe');
});

test('what a device says first gives better stand-ins for it in earlier trials', () => {
  const objectives = [
    { metric: 'latency.p50', direction: 'minimize', aggregate: 'worst' },
  ] as TunerProblem['objectives'];
  const devices = ['pi', 'orin'];
  // On pi what is small is fast; orin is so slow that all are alike as soon as it has said so.
  const trials = earlier().map((trial, i) => ({ ...trial, metrics: { 'latency.p50@pi': i + 1 }, pending: ['orin'] }));
  const measured = trials.map(({ metrics, pending: _, ...trial }) => ({
    ...trial,
    metrics: { ...metrics, 'latency.p50@orin': 1e6 },
  }));
  const settings = { sampler: 'bayesian' as const, scheduler: 'none' as const, initialCandidates: [{ x: 0.5 }] };
  const proposals = [trials, measured].map((known) => {
    const tuner = createTuner(
      problem({ parameters, earlier: known, objectives, devices, settings, ladder: { minEpochs: 9 } }),
    );
    assert.equal(tuner.ask()?.candidate.x, 0.5);
    const metrics = { 'latency.p50@pi': 20, 'latency.p50@orin': 1e6 };
    tuner.tell({ trialId: 0, rung: 0, status: 'ok', metrics, violation: 0, cost: { seconds: 1, joules: 1 } });
    return Array.from({ length: 4 }, () => tuner.ask()?.candidate.x);
  });
  assert.deepEqual(proposals[0], proposals[1]);
});
