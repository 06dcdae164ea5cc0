import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Agreement, kendall, kendallDeviation } from '../../../../coordinator/tuner/schedulers/agreement.ts';
import { near } from '../../../support/near.ts';
import { observed } from '../../../support/observations.ts';
import { reference } from '../fixtures/reference.ts';

const { rows } = reference.agreement;

/** Tells an agreement of trials that were ranked in their order below, and in this order above. */
function agreementOf(above: readonly number[]): Agreement {
  const agreement = new Agreement();
  for (const [trialId, loss] of above.entries()) {
    agreement.toldBelow(observed({ trialId, losses: [trialId] }));
    agreement.toldAbove(observed({ trialId, losses: [loss] }));
  }
  return agreement;
}

test('Kendall’s τ, its deviation and the doubt that follows are scipy’s', () => {
  for (const { above, tau, z, doubt } of rows) {
    const pairs = above.map((value, index) => [index, value] as const);
    near(kendall(pairs), tau, 1e-12);
    near(kendall(pairs) / kendallDeviation(above.length), z, 1e-9);
    near(agreementOf(above).doubt, doubt, 1e-12);
  }
});

test('ties are neither concordant nor discordant', () => {
  // Of three pairs one is concordant, two are tied.
  near(
    kendall([
      [1, 1],
      [1, 2],
      [2, 2],
    ]),
    1 / 3,
  );
});

test('fewer than six trials tell nothing; only the latest twenty-four count', () => {
  assert.equal(agreementOf([5, 4, 3, 2, 1]).doubt, 0);
  assert.ok(agreementOf([6, 5, 4, 3, 2, 1]).doubt > 0.9);
  // Six in the opposite order, then twenty-four in order.
  const mended = agreementOf([6, 5, 4, 3, 2, 1, ...Array.from({ length: 24 }, (_, i) => 10 + i)]);
  near(mended.doubt, agreementOf(Array.from({ length: 24 }, (_, i) => i)).doubt, 1e-15);
  const twentyFive = agreementOf([30, ...Array.from({ length: 23 }, (_, i) => i)]);
  assert.ok(twentyFive.doubt > agreementOf(Array.from({ length: 24 }, (_, i) => i)).doubt);
});

test('what is amended replaces what was told, on either side', () => {
  const above = [1, 2, 3, 4, 5, 6];
  const agreement = agreementOf([6, 2, 3, 4, 5, 1]);
  agreement.toldAbove(observed({ trialId: 0, losses: [1] }));
  agreement.toldAbove(observed({ trialId: 5, losses: [6] }));
  near(agreement.doubt, agreementOf(above).doubt, 1e-15);
  agreement.toldBelow(observed({ trialId: 0, losses: [9] }));
  const changed = agreementOf(above);
  assert.ok(agreement.doubt > changed.doubt);
});

test('a trial without a loss below or above, or with several, tells nothing', () => {
  const agreement = agreementOf([6, 5, 4, 3, 2]);
  agreement.toldAbove(observed({ trialId: 7, losses: [1] }));
  agreement.toldBelow(observed({ trialId: 8, losses: [] }));
  agreement.toldAbove(observed({ trialId: 8, losses: [1] }));
  agreement.toldBelow(observed({ trialId: 9, losses: [1, 2] }));
  agreement.toldAbove(observed({ trialId: 9, losses: [1, 2] }));
  agreement.toldBelow(observed({ trialId: 10, losses: [1] }));
  agreement.toldAbove(observed({ trialId: 10, losses: [] }));
  assert.equal(agreement.doubt, 0);
});

test('Kendall’s τ of unrelated orders varies as much as is said', () => {
  // Of the six orders of three things: 1, 1/3, 1/3, −1/3, −1/3, −1, which have the variance 11/27.
  assert.ok(Math.abs(kendallDeviation(3) ** 2 - 11 / 27) < 1e-12);
});
