import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Parameter } from '@edgetune/shared/domain/search-space.ts';
import { configAxes } from '../../../../coordinator/inference/search/config-grid.ts';
import { device } from '../support/board.ts';

const batches = (scale: 'linear' | 'log'): Parameter => ({
  name: 'batchSize',
  level: 'inference',
  type: 'int',
  min: 1,
  max: 4096,
  scale,
});
const threads: Parameter = { name: 'threads', level: 'inference', type: 'ordinal', values: [1, 2, 4] };

test('a grid that is too large to search is refused, naming the parameter with the most values', () => {
  assert.throws(
    () => configAxes([batches('linear'), threads], device()),
    /12288 inference configs on device-1 are more than 5000: name fewer values of batchSize \(4096 now\)/,
  );
  const axes = configAxes([batches('log'), threads], device());
  assert.deepEqual(axes.map(({ values }) => values.length).sort(), [13, 3]);
});
