import assert from 'node:assert/strict';
import { it } from 'node:test';
import {
  drawSyntheticImages,
  syntheticImages,
} from '../../../../coordinator/training/datasets/formats/synthetic-images.ts';
import { checkBounds } from '../../../shared/domain/support/schema-bounds.ts';

it('settings that are left out have their defaults', () => {
  assert.deepEqual(syntheticImages.settings.parse({}), {
    classes: 8,
    samples: 2000,
    imageSize: 16,
    channels: 3,
    seed: 1,
  });
});

it('settings stay within what can be drawn', () => {
  checkBounds(syntheticImages.settings, {}, [
    ['classes', [2, 20], [1, 21, 2.5]],
    ['samples', [64, 100_000], [63, 100_001]],
    ['imageSize', [8, 64], [7, 65]],
    ['channels', [1, 3], [0, 2, 4]],
    ['seed', [-1, 0, 7], [1.5]],
  ]);
});

it('as many images are drawn as are asked for, each class as often, at least one of each to validate and to test', () => {
  const { train, validation, test, classNames } = drawSyntheticImages(
    syntheticImages.settings.parse({ classes: 20, samples: 64, imageSize: 8 }) as Parameters<
      typeof drawSyntheticImages
    >[0],
  );
  assert.deepEqual(
    [train, validation, test].map((split) => split?.labels.length),
    [24, 20, 20],
  );
  assert.equal(new Set(classNames?.names).size, 20);
  assert.equal(new Set(test?.labels).size, 20);
});
