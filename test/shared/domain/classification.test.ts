/** Against scikit-learn 1.9.1: f1_score, precision_score and recall_score with zero_division=0. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  CLASS_METRICS,
  type ClassMetricKind,
  classMetric,
  classMetricsOf,
  classScores,
  macroF1,
  parseClassMetric,
} from '@edgetune/shared/domain/classification.ts';
import fc from 'fast-check';

const near = (actual: number | null | undefined, expected: number) =>
  assert.ok(Math.abs((actual ?? Number.NaN) - expected) < 1e-12, `${actual} is not ${expected}`);

/** The third class is never answered, the fourth has neither samples nor answers. */
const SPARSE = [
  [5, 1, 0, 0],
  [2, 3, 0, 0],
  [1, 0, 0, 0],
  [0, 0, 0, 0],
];
const SIX = [
  [25, 19, 15, 8, 9, 1],
  [2, 0, 5, 24, 19, 27],
  [15, 18, 29, 21, 18, 16],
  [16, 28, 8, 24, 20, 0],
  [11, 25, 16, 1, 22, 21],
  [25, 5, 2, 25, 0, 16],
];

describe('F1, the mean over the classes', () => {
  it('is as scikit-learn counts it', () => {
    near(macroF1(SIX), 0.21376827781293617);
    near(macroF1(SPARSE), 0.4603174603174603);
    near(
      macroF1([
        [4, 2],
        [0, 0],
      ]),
      0.4,
    );
    assert.equal(macroF1([[0]]), Number.NaN);
  });

  it('does not depend on the order of the classes, and is 1 where every answer is right', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(4), fc.nat(4)), { minLength: 1 }),
        fc.shuffledSubarray([0, 1, 2, 3, 4], { minLength: 5 }),
        (answers, order) => {
          const counted = (of: readonly (readonly [number, number])[]) => {
            const confusion = order.map(() => order.map(() => 0));
            for (const [label, answer] of of)
              (confusion[label] as number[])[answer] = ((confusion[label] as number[])[answer] ?? 0) + 1;
            return confusion;
          };
          const renamed = answers.map(([label, answer]) => [order[label], order[answer]] as [number, number]);
          near(macroF1(counted(renamed)), macroF1(counted(answers)));
          near(macroF1(counted(answers.map(([label]) => [label, label]))), 1);
        },
      ),
    );
  });
});

describe('of each class', () => {
  it('precision and recall are as scikit-learn counts them', () => {
    const precision = [0.26595744680851063, 0, 0.38666666666666666, 0.23300970873786409, 0.25, 0.19753086419753085];
    const recall = [0.3246753246753247, 0, 0.24786324786324787, 0.25, 0.22916666666666666, 0.2191780821917808];
    for (const [label, scores] of classScores(SIX).entries()) {
      near(scores.precision, precision[label] as number);
      near(scores.recall, recall[label] as number);
    }
  });

  it('what was never answered has no precision, what has no samples no recall', () => {
    assert.deepEqual(classScores(SPARSE).slice(2), [
      { samples: 1, precision: null, recall: 0, f1: 0 },
      { samples: 0, precision: null, recall: null, f1: null },
    ]);
    assert.deepEqual(
      classScores([
        [1, 1],
        [0, 0],
      ])[1],
      { samples: 0, precision: 0, recall: null, f1: 0 },
    );
  });

  it('is told as a metric, of classes with samples or answers', () => {
    assert.deepEqual(classMetricsOf(SPARSE, ['dog', 'hot dog', 'a"b', 'none']), {
      'precision.dog': 5 / 8,
      'recall.dog': 5 / 6,
      'precision."hot dog"': 3 / 4,
      'recall."hot dog"': 3 / 5,
    });
    assert.deepEqual(
      classMetricsOf(
        [
          [0, 0],
          [1, 0],
        ],
        ['a', 'b'],
      ),
      { 'precision.a': 0, 'precision.b': 0, 'recall.b': 0 },
    );
  });
});

describe('the metric of a class', () => {
  it('is read as it is written, whatever the class is called', () => {
    const kinds = Object.keys(CLASS_METRICS) as ClassMetricKind[];
    fc.assert(
      fc.property(fc.constantFrom(...kinds), fc.string({ unit: 'grapheme' }), (kind, className) => {
        const name = classMetric(kind, className);
        if (name === null) assert.match(className, /^$|["@]/);
        else assert.deepEqual(parseClassMetric(name), { kind, className });
      }),
    );
    assert.equal(classMetric('recall', 'dog'), 'recall.dog');
    assert.equal(classMetric('precision', 'café'), 'precision."café"');
  });

  it('may be quoted without need; others are none', () => {
    assert.deepEqual(parseClassMetric('recall."dog"'), { kind: 'recall', className: 'dog' });
    for (const name of ['recall', 'recall.', 'recall."', 'recall.a.b', 'f1.dog', 'recall."a"b', 'xrecall.dog'])
      assert.equal(parseClassMetric(name), null);
  });
});
