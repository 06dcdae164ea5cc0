import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { impossibleParts } from '@edgetune/shared/domain/possible-values.ts';
import type { Candidate } from '@edgetune/shared/domain/search-space.ts';
import { WORKLOADS } from '../../../coordinator/training/workloads/all.ts';
import { CandidateError, checkCandidate } from '../../../coordinator/training/workloads/check-candidate.ts';
import { imageClassifier } from '../../../coordinator/training/workloads/image-classifier.ts';

describe('a candidate', () => {
  const refusal = (candidate: Candidate) => {
    try {
      checkCandidate(imageClassifier, candidate);
    } catch (error) {
      assert.ok(error instanceof CandidateError);
      return error.message.replace('image-classifier cannot train this: ', '');
    }
    return null;
  };

  it('that its workload can train is let through', () => {
    assert.equal(refusal({ width: 8, depth: 2, block: 'separable', learningRate: 0.01, weightDecay: 0 }), null);
    assert.equal(refusal({}), null);
  });

  it('that would be trained as something else is refused, with every reason', () => {
    assert.equal(
      refusal({ block: 'bottleneck', depth: 1.5, learningRate: -0.1, batchSizeTraining: 0 }),
      [
        'block must be one of residual, separable, not "bottleneck"',
        'depth must be a whole number from 1 to 64, not 1.5',
        'learningRate must be a number greater than 0, not -0.1',
        'batchSizeTraining must be a whole number from 1 to 65536, not 0',
      ].join('; '),
    );
    assert.equal(refusal({ widht: 8 }), 'it has no parameter "widht"; did you mean "width"?');
    assert.equal(refusal({ constructor: 8 }), 'it has no parameter "constructor"');
  });
});

for (const { name, possible, defaultSpace } of WORKLOADS)
  it(`${name} says of each parameter what it can do, and its own space holds to it`, () => {
    for (const level of ['model', 'training', 'system'] as const) {
      assert.deepEqual(Object.keys(possible[level]).sort(), Object.keys(defaultSpace[level]).sort());
      for (const [parameter, domain] of Object.entries(defaultSpace[level]))
        assert.deepEqual(impossibleParts(possible[level][parameter] ?? assert.fail(parameter), domain), []);
    }
  });
