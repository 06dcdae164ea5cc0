import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { didYouMean, nearestName } from '@edgetune/shared/domain/did-you-mean.ts';
import fc from 'fast-check';

describe('the nearest name', () => {
  it('is that of which a letter was missed, doubled, mistaken or swapped', () => {
    const names = ['objectives', 'constraints', 'budget', 'batchSize', 'clockKHz'];
    for (const [given, meant] of [
      ['objectivs', 'objectives'],
      ['objecttives', 'objectives'],
      ['objektives', 'objectives'],
      ['obejctives', 'objectives'],
      ['Budget', 'budget'],
      ['batch', 'batchSize'],
      ['batchsize', 'batchSize'],
      ['colour', null],
      ['', null],
    ] as const)
      assert.equal(nearestName(given, names), meant, given);
  });

  it('of a short name needs nearly all of it', () => {
    assert.equal(nearestName('ow', ['ms']), null);
    assert.equal(nearestName('mb', ['kB', 'MB']), 'MB');
    assert.equal(nearestName('cpu', ['gpu']), 'gpu');
    assert.equal(nearestName('xyu', ['gpu']), null);
  });

  it('is found again whatever one letter becomes, and takes no time for what is endless', () => {
    const names = ['learningRate', 'weightDecay', 'trainingCores'];
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.nat(), fc.string({ maxLength: 1 }), (name, at, letter) => {
        const place = at % name.length;
        assert.equal(nearestName(name.slice(0, place) + letter + name.slice(place + 1), names), name);
      }),
    );
    assert.equal(nearestName('x'.repeat(1_000_000), names), null);
  });

  it('is not suggested for what is right, or is no text', () => {
    assert.equal(didYouMean('cpu', ['cpu', 'gpu']), '');
    assert.equal(didYouMean(7, ['7']), '');
    assert.equal(didYouMean('kitchen-p', ['kitchen-pi']), '; did you mean "kitchen-pi"?');
  });
});
