/** A board profile of one's own: every mistake with its line. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseBoardProfile } from '@edgetune/shared/costmodel/board-profile.ts';
import { boardProfileNamed } from '@edgetune/shared/costmodel/board-profiles.ts';
import { stringify } from 'yaml';

const whole = stringify(boardProfileNamed('raspberry-pi-5'));

describe('a board profile', () => {
  it('is read as it was written', () => {
    assert.deepEqual(parseBoardProfile(whole), boardProfileNamed('raspberry-pi-5'));
  });

  it('tells all its mistakes, with their lines', () => {
    const line = whole.split('\n').findIndex((text) => text.startsWith('  throttleC:')) + 1;
    assert.ok(line > 0);
    const text = `${whole.replace(/throttleC: .*/, 'throttleC: hot').replace('clockExponent:', 'clockExponant:')}colour: red\n`;
    assert.throws(
      () => parseBoardProfile(text),
      (error: Error) => {
        assert.match(error.message, /^this is not a board profile:\n/);
        assert.match(
          error.message,
          new RegExp(`line ${line}, column \\d+: thermal\\.throttleC: must be a number, not a text`),
        );
        assert.match(error.message, /unknown key "clockExponant": .*did you mean "clockExponent"\?/);
        assert.match(error.message, /line \d+, column \d+: colour: unknown key "colour"/);
        return true;
      },
    );
  });

  it('that is no YAML, or would keep everybody waiting, is refused at once', () => {
    assert.throws(() => parseBoardProfile('name: "pi'), /line 1, column 7: a closing " is missing, in: name: "pi/);
    assert.throws(() => parseBoardProfile('['.repeat(20_000)), /nested more than 50 levels deep/);
    assert.throws(() => parseBoardProfile(''), /must be keys with values, not nothing/);
  });
});
