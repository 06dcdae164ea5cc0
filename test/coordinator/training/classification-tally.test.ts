import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ClassificationTally } from '../../../coordinator/training/classification-tally.ts';

const CLASSES = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];

const tallied = (samples: readonly (readonly [number[], number])[], classes = CLASSES) => {
  const tally = new ClassificationTally(classes);
  for (const [logits, label] of samples) tally.add(logits, label);
  return tally.evaluation();
};

describe('answers of a classifier', () => {
  it('have the loss, accuracy and top-5 accuracy that scikit-learn gives them', () => {
    // scikit-learn 1.9.1: log_loss, accuracy_score and top_k_accuracy_score(k=5) of numpy.random.default_rng(0).
    const logits = [
      [0.41, 1.04, -0.13, 1.37, -0.67, 0.35, 0.9],
      [0.09, -0.74, -0.92, -0.46, 0.22, -1.01, -0.21],
      [-0.16, 0.54, 0.21, 0.36, -0.65, -0.13, 0.78],
      [1.49, -1.26, 1.51, 1.35, 0.78, 0.26, -0.31],
      [1.46, 1.96, 1.8, 1.32, 0.36, -1.21, -0],
      [0.66, -1.29, 0.4, 0.43, 0.7, -1.18, -0.66],
      [-0.44, -1.17, 1.74, -0.5, 0.33, -0.26, 1.58],
      [1.32, 0.63, -2.2, 0.05, 0.68, 1, -0.62],
    ];
    const labels = [1, 3, 0, 2, 6, 4, 2, 6];
    const { samples, metrics } = tallied(logits.map((each, i) => [each, labels[i] as number]));
    assert.deepEqual([samples, metrics.accuracy, metrics.top5], [8, 0.375, 0.625]);
    assert.ok(Math.abs(metrics.loss - 1.9883096314501485) < 1e-12, `${metrics.loss}`);
  });

  it('are counted by class and answer', () => {
    const { confusion, metrics } = tallied(
      [
        [[2, 1], 0],
        [[2, 1], 1],
        [[1, 2], 1],
      ],
      ['no', 'yes'],
    );
    assert.deepEqual(confusion, [
      [1, 0],
      [1, 1],
    ]);
    assert.deepEqual([metrics['recall.no'], metrics['recall.yes'], metrics['precision.yes']], [1, 0.5, 1]);
    assert.equal('top5' in metrics, false);
  });

  it('of equal logits is the first, also among the first five', () => {
    const flat = [0, 0, 0, 0, 0, 0, 0];
    const { metrics, confusion } = tallied(CLASSES.map((_, label) => [flat, label]));
    assert.deepEqual([metrics.accuracy, metrics.top5], [1 / 7, 5 / 7]);
    assert.deepEqual(
      CLASSES.map((_, label) => tallied([[flat, label]]).metrics.top5),
      [1, 1, 1, 1, 1, 0, 0],
    );
    assert.deepEqual(
      confusion.map(([first]) => first),
      CLASSES.map(() => 1),
    );
  });

  it('have a loss that no size of the logits overflows, and that is no number where one is none', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ noNaN: true, min: -1e300, max: 1e300 }), { minLength: 7, maxLength: 7 }),
        (logits) => {
          const { loss } = tallied([[logits, 2]]).metrics;
          assert.ok(loss >= 0 && Number.isFinite(loss));
        },
      ),
    );
    assert.equal(Number.isFinite(tallied([[[0, Number.NaN, 0, 0, 0, 0, 0], 2]]).metrics.loss), false);
    assert.equal(Number.isFinite(tallied([[[0, Infinity, 0, 0, 0, 0, 0], 2]]).metrics.loss), false);
  });
});
