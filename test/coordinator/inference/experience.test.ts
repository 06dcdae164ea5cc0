import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createExperience } from '../../../coordinator/inference/experience.ts';
import { memoryHistory } from './support/board.ts';
import { convModel } from './support/conv-model.ts';

test('a model that was cleaned up and comes back is looked at again, one that is at hand only once', async () => {
  let [isThere, reads] = [false, 0];
  const blobs = {
    get: async () => {
      reads++;
      if (!isThere) throw new Error('no such blob');
      return convModel();
    },
  };
  const { architectureOf } = createExperience({ blobs, history: memoryHistory() });
  const model = { signature: 'abc', modelSha256: 'a'.repeat(64) };
  assert.equal(await architectureOf(model), null);
  isThere = true;
  const found = await architectureOf(model);
  assert.ok(found && found.length > 0);
  assert.equal(await architectureOf(model), found);
  assert.equal(reads, 2);
});
