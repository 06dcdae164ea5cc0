import assert from 'node:assert/strict';
import { test } from 'node:test';

/** What a check throws. */
function thrownBy(check: () => void): assert.AssertionError {
  try {
    check();
  } catch (error) {
    return error as assert.AssertionError;
  }
  throw new Error('nothing was thrown');
}

test('a condition that is false is shown as it is written, at once', () => {
  const began = performance.now();
  const error = thrownBy(() => assert.ok(Math.min(1, 2) > Math.max(1, 2)));
  assert.ok(performance.now() - began < 1000, 'it took a second');
  assert.ok(error instanceof assert.AssertionError, 'it is an assertion');
  assert.match(error.message, /^this is false: .*assert\.ok\(Math\.min\(1, 2\) > Math\.max\(1, 2\)\)/);
});

test('its own message is kept, and an error is thrown as it is', () => {
  assert.equal(thrownBy(() => assert.ok(false, 'seven is not even')).message, 'seven is not even');
  const mine = new RangeError('mine');
  assert.equal(
    thrownBy(() => assert.ok(0, mine)),
    mine,
  );
  assert.ok(1, 'what is true passes');
});
