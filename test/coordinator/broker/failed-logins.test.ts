import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import { FailedLogins } from '../../../coordinator/broker/failed-logins.ts';
import { quietLog } from '../../../coordinator/broker/quiet-log.ts';

test('ten failures within a minute block a key, and no other key, until the minute is over', () => {
  let nowMs = 0;
  const failures = new FailedLogins(() => nowMs);
  for (let count = 1; count <= 10; count++) {
    assert.equal(failures.isBlocked('a'), false);
    assert.equal(failures.add('a'), count);
  }
  assert.equal(failures.isBlocked('a'), true);
  assert.equal(failures.isBlocked('b'), false);
  nowMs = 60_000;
  assert.equal(failures.isBlocked('a'), false);
  assert.equal(failures.add('a'), 1);
});

test('keys without end do not take memory without end', () => {
  const failures = new FailedLogins(() => 0);
  for (let count = 0; count < 10; count++) failures.add('first');
  for (let index = 0; index < 10_000; index++) failures.add(`key ${index}`);
  assert.equal(failures.isBlocked('first'), false);
});

test('the same line is logged once in ten seconds', () => {
  let nowMs = 0;
  const lines: string[] = [];
  const log = quietLog(
    plainLogger((line) => lines.push(line)),
    () => nowMs,
  );
  for (const line of ['a', 'a', 'b', 'a']) log.warn(line);
  nowMs = 10_000;
  log.warn('a');
  assert.deepEqual(lines, ['a', 'b', 'a']);
});
