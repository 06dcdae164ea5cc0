/** Three of the runs of `npm run soak -- boards`: a copied card, boards that are replaced and left out, kills of the coordinator. */
import { test } from 'node:test';
import { boards } from '../../../scripts/soak/boards.ts';

for (const seed of [6, 15, 17])
  test(`a study outlives boards in trouble, with the right words for what is missing (seed ${seed})`, async (t) => {
    t.diagnostic(await boards.run(seed));
  });
