import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Progress } from '../../../coordinator/tuner/progress.ts';
import { observed } from '../../support/observations.ts';

/** How long nothing better has been found, after each of these reports of losses (or of a violation). */
const after = (...reports: (readonly number[] | { violation: number })[]) => {
  const progress = new Progress();
  return reports.map((report) => {
    progress.report(observed('violation' in report ? { losses: [-9, -9], ...report } : { losses: report }));
    return progress.sinceImprovement;
  });
};

test('one objective: better than all before is progress, as good is not', () => {
  assert.deepEqual(after([3], [3], [4], [2], [2], [1]), [0, 1, 2, 0, 1, 0]);
});

test('several: what nothing dominates and nothing equals is progress', () => {
  assert.deepEqual(after([2, 2], [1, 3], [3, 3], [2, 2], [2, 1], [2, 2], [1, 1], [2, 1]), [0, 0, 1, 2, 0, 1, 0, 1]);
});

test('what is infeasible is a report, and no progress', () => {
  assert.deepEqual(after([2, 2], { violation: 0.1 }, [1, 1], { violation: Infinity }), [0, 1, 0, 1]);
  assert.deepEqual(after({ violation: 1 }, [5, 5]), [1, 0]);
});

test('what is learned without a report is progress, and counts as none', () => {
  const progress = new Progress();
  for (const loss of [3, 4, 5]) progress.report(observed({ losses: [loss] }));
  assert.deepEqual([progress.told, progress.sinceImprovement], [3, 2]);
  progress.learned(observed({ losses: [3.5] }));
  assert.deepEqual([progress.told, progress.sinceImprovement], [3, 2]);
  progress.learned(observed({ losses: [2] }));
  assert.deepEqual([progress.told, progress.sinceImprovement], [3, 0]);
});
