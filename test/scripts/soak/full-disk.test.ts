/** Three of the runs of `npm run soak -- full-disk`. */
import { test } from 'node:test';
import { fullDisk } from '../../../scripts/soak/full-disk.ts';

const why = fullDisk.whyNot();

// The third ends its coordinator while the disk is full.
for (const seed of [1, 2, 3])
  test(`a coordinator on a disk that fills at random moments goes on, and nothing is lost (seed ${seed})`, {
    skip: why ?? false,
  }, async (t) => {
    t.diagnostic(await fullDisk.run(seed));
  });
