import assert from 'node:assert/strict';
import { it } from 'node:test';
import { sideBySide } from '../../../scripts/test-processes/side-by-side.ts';
import { turn } from '../../support/waiting.ts';

const never = new AbortController().signal;

it('each place has one item at a time, and the results are in the order of the items', async () => {
  const busy = new Set<string>();
  let most = 0;
  const results = await sideBySide([5, 1, 4, 2, 3], ['left', 'right'], never, async (item, place) => {
    assert.ok(!busy.has(place));
    busy.add(place);
    most = Math.max(most, busy.size);
    for (let turns = 0; turns < item; turns += 1) await turn();
    busy.delete(place);
    return item * 10;
  });
  assert.deepEqual(results, [50, 10, 40, 20, 30]);
  assert.equal(most, 2);
});

it('nothing is begun after a failure, which is thrown, nor after the signal', async () => {
  const begun: number[] = [];
  const failing = sideBySide([1, 2, 3], ['only'], never, async (item) => {
    begun.push(item);
    if (item === 2) throw new Error('two is broken');
  });
  await assert.rejects(failing, /two is broken/);
  assert.deepEqual(begun, [1, 2]);
  const controller = new AbortController();
  const results = await sideBySide([1, 2, 3], ['only'], controller.signal, async (item) => {
    if (item === 2) controller.abort();
    return item;
  });
  assert.deepEqual(results, [1, 2]);
});
