import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Dimension, formatQuantity, parseQuantity, unitsOf } from '@edgetune/shared/domain/units.ts';
import fc from 'fast-check';

const dimension = fc.constantFrom<Dimension>('time', 'memory', 'energy', 'power', 'rate', 'clock', 'ratio', 'count');

describe('quantities', () => {
  it('are read in every unit of their dimension', () => {
    const cases: [string, Dimension, number][] = [
      ['30 ms', 'time', 30],
      ['1.5s', 'time', 1500],
      ['250 µs', 'time', 0.25],
      ['64 MB', 'memory', 64e6],
      ['1 GiB', 'memory', 2 ** 30],
      ['2 mJ', 'energy', 0.002],
      ['5 W', 'power', 5],
      ['80 %', 'ratio', 0.8],
      ['0.8', 'ratio', 0.8],
      ['1.2 GHz', 'clock', 1.2e6],
      ['3 M', 'count', 3e6],
    ];
    for (const [text, of, value] of cases) assert.ok(Math.abs(parseQuantity(text, of) - value) <= 1e-9 * value, text);
  });

  it('of another dimension, or none at all, are refused with the units that are allowed', () => {
    assert.throws(
      () => parseQuantity('30 MB', 'time'),
      /"30 MB" is not a time: write a number and one of ns, us, µs, ms, s, min, h/,
    );
    for (const text of ['', 'ms', '1e999 ms', 'NaN ms', '--3 ms', '3 ms ms'])
      assert.throws(() => parseQuantity(text, 'time'), RangeError, text);
  });

  it('written for people and read again are the same to three digits', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-5, max: 1e13, noNaN: true }), dimension, (value, of) => {
        const again = parseQuantity(formatQuantity(value, of), of);
        // Below the smallest unit a count is written with fewer digits.
        assert.ok(Math.abs(again - value) <= 0.0051 * value, `${value} → ${formatQuantity(value, of)} → ${again}`);
      }),
    );
  });

  it('nothing is nothing in the base unit, and what is no number is a dash', () => {
    assert.deepEqual(
      [formatQuantity(0, 'time'), formatQuantity(0, 'memory'), formatQuantity(0, 'energy')],
      ['0 ms', '0 B', '0 J'],
    );
    assert.equal(formatQuantity(Number.NaN, 'time'), '–');
    assert.ok(unitsOf('time').includes('ms'));
  });
});
