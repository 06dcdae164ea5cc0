import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bootstrap, median, medianAt } from '../../../scripts/bench/paper/statistics.ts';
import { Timeline } from '../../../scripts/bench/paper/timeline.ts';
import { elapse, forEver } from '../../support/waiting.ts';

const never = new AbortController().signal;

test('the simulated clock wakes in order of time, and waits for real work', async () => {
  const timeline = new Timeline();
  const woken: string[] = [];
  const worker = async (name: string, seconds: number[]) => {
    for (const each of seconds) {
      await timeline.sleep(each, never);
      woken.push(`${name}@${timeline.now}`);
    }
  };
  const working = async () => {
    await timeline.sleep(1, never);
    await timeline.standing(elapse(20));
    woken.push(`work@${timeline.now}`);
  };
  await timeline.run(Promise.all([worker('a', [2, 2]), worker('b', [3]), working()]));
  assert.deepEqual(woken, ['work@1', 'a@2', 'b@3', 'a@4']);
});

test('who is given up is woken at once, and does not hold the clock', async () => {
  const timeline = new Timeline();
  const controller = new AbortController();
  const long = timeline.sleep(1000, controller.signal);
  const short = timeline.sleep(2, never).then(() => controller.abort(new Error('not needed')));
  await timeline.run(Promise.all([short, assert.rejects(long, /not needed/)]));
  assert.equal(timeline.now, 2);
});

test('a study that waits for nothing is found out', async () => {
  await assert.rejects(new Timeline().run(forEver()), /nothing will ever happen again at 0.0/);
});

test('medians and their bootstrap intervals', () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 3, 2]), 2.5);
  const values = Array.from({ length: 21 }, (_, index) => index);
  const [low, high] = bootstrap(values.length, (drawn) => medianAt(values, drawn));
  // The order statistics around the median that hold it with 95 %: the 6th and the 16th of 21 (binomial).
  assert.ok(low >= 4 && low <= 7 && high >= 13 && high <= 16, `${low}…${high}`);
});
