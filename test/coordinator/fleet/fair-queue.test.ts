import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FairQueue } from '../../../coordinator/fleet/fair-queue.ts';

test('owners take turns, whoever came first with however much', () => {
  const queue = new FairQueue<string>();
  for (const item of ['a1', 'a2', 'a3']) queue.push('a', item);
  for (const item of ['b1', 'b2']) queue.push('b', item);
  assert.equal(queue.shift(), 'a1');
  queue.push('c', 'c1');
  assert.deepEqual([queue.shift(), queue.shift(), queue.shift(), queue.shift()], ['b1', 'a2', 'c1', 'b2']);
  assert.deepEqual([queue.shift(), queue.shift(), queue.size], ['a3', undefined, 0]);
});

test('what is put back comes next', () => {
  const queue = new FairQueue<string>();
  for (const item of ['a1', 'a2']) queue.push('a', item);
  queue.push('b', 'b1');
  queue.putBack('a', queue.shift() as string);
  assert.deepEqual(queue.items(), ['a1', 'a2', 'b1']);
  assert.equal(queue.shift(), 'a1');
});

test('nothing is lost or doubled, each owner keeps its order, and no owner waits for more than one round', () => {
  const pushes = fc.array(fc.record({ owner: fc.constantFrom('a', 'b', 'c'), remove: fc.boolean() }), {
    maxLength: 40,
  });
  fc.assert(
    fc.property(pushes, (steps) => {
      const queue = new FairQueue<{ owner: string; index: number }>();
      const items = steps.map(({ owner }, index) => ({ owner: owner as string, index }));
      for (const item of items) queue.push(item.owner, item);
      const kept = items.filter((_, index) => !steps[index]?.remove);
      for (const item of items.filter((_, index) => steps[index]?.remove)) queue.remove(item.owner, item);
      assert.equal(queue.size, kept.length);
      const taken: typeof items = [];
      for (let item = queue.shift(); item; item = queue.shift()) taken.push(item);
      for (const owner of ['a', 'b', 'c'])
        assert.deepEqual(
          taken.filter((item) => item.owner === owner),
          kept.filter((item) => item.owner === owner),
        );
      taken.forEach((item, at) => {
        const others = taken.slice(at + 1).filter(({ owner }) => owner !== item.owner);
        const next = taken.findIndex((later, index) => index > at && later.owner === item.owner);
        if (next > 0)
          for (const { owner } of others) assert.ok(taken.slice(at + 1, next).some((x) => x.owner === owner));
      });
    }),
  );
});
