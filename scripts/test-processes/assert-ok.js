// Loaded before tests. To say which condition was false, Node's `assert.ok` reads the file of the call at the place in what
// tsx compiled, all of which is one line: it shows another line, and looks for it for up to half a minute.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

assert.ok = function ok(value, message) {
  if (value) return;
  if (message instanceof Error) throw message;
  const error = new assert.AssertionError({
    message: message ?? 'a condition is false',
    actual: value,
    expected: true,
    operator: '==',
    stackStartFn: ok,
  });
  if (message === undefined) {
    error.message = `this is false: ${callIn(error.stack)}`;
    error.generatedMessage = true;
  }
  throw error;
};

/** The line of the call, from a stack whose places are those of the source. */
function callIn(stack) {
  const [, url, path, line] = /\n\s+at .*?(?:(file:[^)\s]+)|(\/[^)\s]+)):(\d+):\d+/.exec(stack) ?? [];
  if (line === undefined) return stack;
  const text = readFileSync(url === undefined ? path : fileURLToPath(url), 'utf8');
  return text.split('\n')[Number(line) - 1]?.trim() ?? stack;
}
