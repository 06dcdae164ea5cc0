/** Which blobs a study keeps from being cleaned up. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Recommendation } from '@edgetune/shared/domain/recommendation.ts';
import type { StudyEventBody } from '@edgetune/shared/domain/study-event.ts';
import { blobsNeeded } from '../../../../coordinator/study/state/blobs-needed.ts';
import { asked, built, projected, sha, trained } from '../support/events.ts';

const int8 = { signature: 'i0', modelSha256: sha('2'), modelBytes: 100 };
const recommendation = {
  type: 'recommendation',
  recommendation: {
    models: [
      { onnxSha256: sha('3'), modelCardSha256: sha('4'), quantised: { onnxSha256: sha('5') } },
      { onnxSha256: sha('6'), modelCardSha256: sha('7'), quantised: { reason: 'no convolution' } },
      { onnxSha256: sha('8'), modelCardSha256: sha('9'), quantised: null },
    ],
  } as unknown as Recommendation,
} satisfies StudyEventBody;
const history = [
  asked(0),
  asked(1),
  asked(2),
  built(0, { modelSha256: sha('1'), int8 }),
  built(1, { modelSha256: sha('a'), int8: { reason: 'no convolution' } }),
  built(2, { modelSha256: sha('b') }),
  trained(0, {}, { checkpointSha256: sha('d') }),
  trained(0, {}, { checkpointSha256: sha('e'), rung: 1 }),
  trained(1, {}, { checkpointSha256: null }),
  trained(2, {}, { checkpointSha256: sha('f') }),
];
const models = ['1', '2', 'a', 'b'].map(sha);
const recommended = ['3', '4', '5', '6', '7', '8', '9'].map(sha);

test('until a study is done: its models in every precision, and the last checkpoint of each trial', () => {
  assert.deepEqual(blobsNeeded({ state: 'stopped' }, projected(...history)), [...models, sha('e'), sha('f')]);
});

test('and besides, as soon as they are named, the files that are recommended; in the end these alone', () => {
  const projection = projected(...history, recommendation);
  assert.deepEqual(blobsNeeded({ state: 'running' }, projection), [...recommended, ...models, sha('e'), sha('f')]);
  assert.deepEqual(blobsNeeded({ state: 'succeeded' }, projection), recommended);
  assert.deepEqual(blobsNeeded({ state: 'succeeded' }, projected(...history)), []);
});
