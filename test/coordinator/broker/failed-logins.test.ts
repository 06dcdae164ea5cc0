import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loggerTo, plainLogger } from '@edgetune/shared/log/logger.ts';
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

test('the minute begins with the first failure; more of them do not put it off', () => {
  let nowMs = 0;
  const failures = new FailedLogins(() => nowMs);
  failures.add('a');
  nowMs = 59_999;
  for (let count = 2; count <= 10; count++) assert.equal(failures.add('a'), count);
  assert.equal(failures.isBlocked('a'), true);
  nowMs = 60_000;
  assert.equal(failures.isBlocked('a'), false);
  assert.equal(failures.add('a'), 1);
  nowMs = 119_999;
  assert.equal(failures.add('a'), 2);
});

test('ten thousand keys are remembered; the one that failed longest ago gives way', () => {
  const failures = new FailedLogins(() => 0);
  for (let count = 0; count < 10; count++) for (const key of ['first', 'second']) failures.add(key);
  for (let index = 0; index < 9998; index++) failures.add(`key ${index}`);
  failures.add('first');
  assert.deepEqual([failures.isBlocked('first'), failures.isBlocked('second')], [true, true]);
  failures.add('one more');
  assert.deepEqual([failures.isBlocked('first'), failures.isBlocked('second')], [true, false]);
});

test('what is said again is quiet for ten seconds from when it was written; a thousand lines are remembered', () => {
  let nowMs = 0;
  const lines: string[] = [];
  const log = quietLog(
    plainLogger((line) => lines.push(line)),
    () => nowMs,
  );
  log.warn('a');
  nowMs = 9999;
  log.warn('a');
  assert.equal(lines.length, 1);
  nowMs = 10_000;
  log.warn('a');
  nowMs = 15_000;
  log.warn('a');
  assert.equal(lines.length, 2);
  for (let index = 0; index < 999; index++) log.warn(`line ${index}`);
  log.warn('a');
  assert.equal(lines.length, 1001, 'the oldest of a thousand is remembered');
  log.warn('one more');
  log.warn('a');
  assert.equal(lines.length, 1003);
});

test('a line keeps its level and its fields', () => {
  const records: unknown[] = [];
  const log = quietLog(loggerTo((record) => records.push(record)));
  log.error('broken', { part: 'broker' });
  log.info('fine');
  assert.deepEqual(records, [
    { level: 'error', message: 'broken', fields: { part: 'broker' } },
    { level: 'info', message: 'fine', fields: {} },
  ]);
});
