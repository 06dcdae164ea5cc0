import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { createCorePool } from '../../../coordinator/training/core-pool.ts';
import { turn } from '../../support/waiting.ts';

const never = new AbortController().signal;

it('serves the study that has the fewest cores first', async () => {
  const pool = createCorePool(2);
  const order: string[] = [];
  const ask = (studyId: string) =>
    pool.acquire({ cores: 1, studyId, signal: never }).then((release) => {
      order.push(studyId);
      return release;
    });
  const first = await ask('a');
  await ask('a');
  void ask('a');
  void ask('b');
  await turn();
  assert.deepEqual(order, ['a', 'a']);
  first();
  await turn();
  assert.deepEqual(order, ['a', 'a', 'b']);
});

it('a request for many cores is not overtaken by small ones', async () => {
  const pool = createCorePool(2);
  const release = await pool.acquire({ cores: 1, studyId: 'a', signal: never });
  const order: string[] = [];
  const large = pool.acquire({ cores: 2, studyId: 'b', signal: never }).then((free) => {
    order.push('large');
    return free;
  });
  void pool.acquire({ cores: 1, studyId: 'c', signal: never }).then(() => order.push('small'));
  await turn();
  assert.deepEqual(order, []);
  release();
  (await large)();
  await turn();
  assert.deepEqual(order, ['large', 'small']);
});

it('refuses what it can never give; an aborted request leaves the queue', async () => {
  const pool = createCorePool(1);
  await assert.rejects(
    pool.acquire({ cores: 2, studyId: 'a', signal: never }),
    /2 cores were asked for: the pool has 1/,
  );
  await assert.rejects(pool.acquire({ cores: 0, studyId: 'a', signal: never }), RangeError);
  const release = await pool.acquire({ cores: 1, studyId: 'a', signal: never });
  const controller = new AbortController();
  const waiting = pool.acquire({ cores: 1, studyId: 'b', signal: controller.signal });
  controller.abort(new Error('stopped'));
  await assert.rejects(waiting, /stopped/);
  release();
  release();
  const again = await pool.acquire({ cores: 1, studyId: 'b', signal: never });
  again();
});

it('never hands out more than it has, and everything in the end', async () => {
  const requests = fc.array(
    fc.record({ cores: fc.integer({ min: 1, max: 4 }), study: fc.integer({ min: 0, max: 2 }) }),
    {
      maxLength: 20,
    },
  );
  await fc.assert(
    fc.asyncProperty(requests, async (list) => {
      const pool = createCorePool(4);
      let used = 0;
      await Promise.all(
        list.map(async ({ cores, study }) => {
          const release = await pool.acquire({ cores, studyId: String(study), signal: never });
          used += cores;
          assert.ok(used <= 4);
          await turn();
          used -= cores;
          release();
        }),
      );
      assert.equal(used, 0);
    }),
    { numRuns: 50 },
  );
});
