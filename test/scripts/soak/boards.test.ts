/** Three of the runs of `npm run soak -- boards`: two boards in trouble at once. */
import { test } from 'node:test';
import { boards } from '../../../scripts/soak/boards.ts';

for (const seed of [3, 9, 12])
  test(`a study outlives boards in trouble, with the right words for what is missing (seed ${seed})`, async (t) => {
    t.diagnostic(await boards.run(seed));
  });
