import assert from 'node:assert/strict';
import { test } from 'node:test';
import { studentQuantile95 } from '@edgetune/shared/math/student-t.ts';

test('the two-sided 95 % quantile is that of the tables, and that of one degree of freedom for fewer', () => {
  for (const [freedom, quantile] of [
    [3, 3.182],
    [4, 2.776],
    [10, 2.228],
    [30, 2.042],
    [1e9, 1.95996],
  ] as const)
    assert.ok(Math.abs(studentQuantile95(freedom) / quantile - 1) < 0.04, `${freedom}: ${studentQuantile95(freedom)}`);
  assert.ok(Math.abs(studentQuantile95(1e9) - 1.95996) < 1e-4);
  assert.equal(studentQuantile95(0), studentQuantile95(1));
  assert.ok(studentQuantile95(1) > studentQuantile95(2));
});
