import assert from 'node:assert/strict';
import { test } from 'node:test';
import { printable } from '@edgetune/shared/log/printable.ts';
import fc from 'fast-check';

test('whatever ends a line, steers a terminal or hides text is seen instead of obeyed', () => {
  for (const [given, expected] of [
    ['a\nb\r\tc', 'a\\nb\\r\\tc'],
    ['\u001b[2J\u0007\u0000', '\\u001b[2J\\u0007\\u0000'],
    // C1: a single character that many terminals take for ESC [.
    ['\u009b31m\u007f\u0085', '\\u009b31m\\u007f\\u0085'],
    ['one\u2028two\u2029', 'one\\u2028two\\u2029'],
    // Right-to-left override, zero-width space, byte order mark.
    ['\u202egpj.exe\u200b\ufeff', '\\u202egpj.exe\\u200b\\ufeff'],
    ['\ud800 \u{e0041}', '\\ud800 \\udb40\\udc41'],
    ['kitchen-pi “Küche” 厨房 😀 \\ "', 'kitchen-pi “Küche” 厨房 😀 \\ "'],
  ] as const)
    assert.equal(printable(given), expected);
});

const anyText = fc.string({ unit: 'binary' });

test('nothing that is not seen as itself is left', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      assert.doesNotMatch(printable(text), /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
    }),
  );
});

test('JSON stays the same JSON', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      assert.deepEqual(JSON.parse(printable(JSON.stringify({ [text]: text }))), { [text]: text });
    }),
  );
});
