/** What holds for every scheduler. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createTuner } from '../../../../coordinator/tuner/create-tuner.ts';
import { SCHEDULERS } from '../../../../coordinator/tuner/schedulers/all.ts';
import type { Ask, Tell } from '../../../../coordinator/tuner/tuner.ts';
import { asksOf, drive, problem } from '../../../support/tuning.ts';

const TRIALS = 20;

for (const { name, description } of SCHEDULERS)
  describe(`scheduler ${name}`, () => {
    for (const [synchronous, workers] of [
      [false, 1],
      [false, 4],
      [true, 1],
      [true, 4],
    ] as const) {
      const log = drive(
        createTuner(problem({ settings: { sampler: 'random', scheduler: name }, maxTrials: TRIALS, synchronous })),
        workers,
        3,
      );
      const asks = asksOf(log);
      const how = `${synchronous ? 'whole rungs' : 'at once'}, ${workers} at a time`;

      it(`${how}: starts every trial that there may be, and trains one to the highest budget`, () => {
        assert.ok(description.length > 0);
        assert.equal(new Set(asks.map(({ trialId }) => trialId)).size, TRIALS);
        const { maxEpochs, maxDataFraction } = problem().ladder;
        assert.ok(
          asks.some(({ budget }) => budget.epochs === maxEpochs && budget.dataFraction === maxDataFraction),
          'a trial at the highest budget',
        );
      });

      it(`${how}: takes a trial up rung by rung, each more than the one below, and only where that went well`, () => {
        const last = new Map<number, { ask: Ask; tell: Tell | null }>();
        for (const entry of log) {
          if ('tell' in entry) {
            const known = last.get(entry.tell.trialId);
            if (known) known.tell = entry.tell;
          }
          if (!('ask' in entry)) continue;
          const { ask } = entry;
          const before = last.get(ask.trialId);
          if (before) {
            assert.equal(before.tell?.status, 'ok', `trial ${ask.trialId} before rung ${ask.rung}`);
            assert.equal(ask.rung, before.ask.rung + 1);
            assert.deepEqual(ask.candidate, before.ask.candidate);
            const spent = ({ budget }: Ask) => budget.epochs * budget.dataFraction;
            assert.ok(spent(ask) > spent(before.ask), `rung ${ask.rung} of trial ${ask.trialId}`);
          } else assert.equal(ask.rung, 0);
          last.set(ask.trialId, { ask, tell: null });
        }
      });
    }
  });
