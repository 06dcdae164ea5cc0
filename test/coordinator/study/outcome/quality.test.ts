import assert from 'node:assert/strict';
import { it } from 'node:test';
import { qualityOf, scoresOf, worstOf } from '../../../../coordinator/study/outcome/quality.ts';

const confusion = [
  [3, 1],
  [2, 4],
];
const metrics = { accuracy: 0.7, loss: 0.6, f1: 0.68, top5: 1, 'recall.cat': 0.75, 'precision."hot dog"': 0.8 };

it('of an evaluation the metrics of all classes together and the confusion are kept, from which the others follow', () => {
  const kept = scoresOf({ samples: 10, metrics, confusion });
  assert.deepEqual(kept, { samples: 10, metrics: { accuracy: 0.7, loss: 0.6, f1: 0.68, top5: 1 }, confusion });
  const scores = { validation: kept, test: kept };
  assert.deepEqual(qualityOf({ validationAccuracy: 0.7, scores }, ['cat', 'hot dog']), {
    ...{ accuracy: 0.7, loss: 0.6, f1: 0.68, top5: 1 },
    ...{ 'precision.cat': 3 / 5, 'recall.cat': 3 / 4, 'precision."hot dog"': 4 / 5, 'recall."hot dog"': 4 / 6 },
  });
});

it('of what an older coordinator has evaluated the accuracy is known', () => {
  assert.deepEqual(qualityOf({ validationAccuracy: 0.7, scores: undefined }), { accuracy: 0.7 });
});

it('of files for different devices the worst counts, metric by metric', () => {
  assert.deepEqual(
    worstOf([
      { accuracy: 0.9, loss: 0.5, f1: 0.8 },
      { accuracy: 0.95, loss: 0.6 },
    ]),
    {
      ...{ accuracy: 0.9, loss: 0.6, f1: 0.8 },
    },
  );
});
