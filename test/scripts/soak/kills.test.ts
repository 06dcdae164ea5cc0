/** Three of the runs of `npm run soak -- kills`. */
import { test } from 'node:test';
import { kills } from '../../../scripts/soak/kills.ts';

// In the third a search was interrupted whose measurements later searches learn from.
for (const seed of [1, 2, 23])
  test(`a deterministic study that is killed comes out as the undisturbed one (seed ${seed})`, async (t) => {
    t.diagnostic(await kills.run(seed));
  });
