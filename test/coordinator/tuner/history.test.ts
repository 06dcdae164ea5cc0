import assert from 'node:assert/strict';
import { test } from 'node:test';
import { History } from '../../../coordinator/tuner/history.ts';
import { observed } from '../../support/observations.ts';

test('observations are at their level in order of merit, and in the order in which they were told', () => {
  const history = new History(2, 1);
  const [a, b, c] = [
    observed({ trialId: 0, level: 0, losses: [3] }),
    observed({ trialId: 1, level: 1, losses: [2] }),
    observed({ trialId: 2, level: 0, losses: [1] }),
  ];
  for (const each of [a, b, c]) history.add(each);
  assert.deepEqual([history.inOrder, history.size], [[a, b, c], 3]);
  assert.deepEqual(
    history.levels.map((level) => level.top(9)),
    [[c, a], [b]],
  );
  const better = { ...a, losses: [0] };
  history.replace(a, better);
  assert.deepEqual([history.inOrder, history.size], [[better, b, c], 3]);
  assert.deepEqual(history.levels[0]?.top(9), [better, c]);
});

test('what is being trained is pending until it is told', () => {
  const history = new History(1, 1);
  history.asked(4, [0.5]);
  history.asked(5, [0.6]);
  history.told(4);
  assert.deepEqual([...history.pending], [[5, [0.6]]]);
});

test('every change is a new revision', () => {
  const history = new History(1, 1);
  const seen = new Set([history.revision]);
  const each = observed({});
  for (const change of [
    () => history.asked(0, [0]),
    () => history.told(0),
    () => history.add(each),
    () => history.replace(each, { ...each, losses: [4] }),
  ]) {
    change();
    seen.add(history.revision);
  }
  assert.equal(seen.size, 5);
});
