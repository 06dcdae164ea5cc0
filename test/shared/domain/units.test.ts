import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { baseUnitOf, type Dimension, formatQuantity, parseQuantity, unitsOf } from '@edgetune/shared/domain/units.ts';
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
    assert.throws(() => parseQuantity('5', 'energy'), /"5" is not an energy: write a number and one of /);
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
    assert.deepEqual([formatQuantity(0, 'ratio'), formatQuantity(0, 'count')], ['0 %', '0']);
    assert.equal(formatQuantity(Number.NaN, 'time'), '–');
    assert.ok(unitsOf('time').includes('ms'));
  });

  it('have these units, each so many of the base unit', () => {
    const factors: Record<Dimension, Record<string, number>> = {
      time: { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1e3, min: 6e4, h: 3.6e6 },
      memory: { B: 1, kB: 1e3, KB: 1e3, MB: 1e6, GB: 1e9, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 },
      energy: { uJ: 1e-6, µJ: 1e-6, mJ: 1e-3, J: 1, kJ: 1e3, Wh: 3600, kWh: 3.6e6 },
      power: { mW: 1e-3, W: 1, kW: 1e3 },
      rate: { '/s': 1, 'samples/s': 1, 'inferences/s': 1 },
      clock: { kHz: 1, MHz: 1e3, GHz: 1e6 },
      ratio: { '': 1, '%': 0.01 },
      count: { '': 1, k: 1e3, M: 1e6, G: 1e9 },
    };
    for (const [of, units] of Object.entries(factors) as [Dimension, Record<string, number>][]) {
      assert.deepEqual(unitsOf(of), Object.keys(units));
      for (const [unit, factor] of Object.entries(units))
        assert.equal(parseQuantity(`2 ${unit}`, of), 2 * factor, unit);
    }
  });

  it('are written in the handiest unit, from where it begins', () => {
    const cases: [number, Dimension, string][] = [
      [0.9994, 'time', '999 µs'],
      [1, 'time', '1 ms'],
      [999, 'time', '999 ms'],
      [1000, 'time', '1 s'],
      [119_000, 'time', '119 s'],
      [120_000, 'time', '2 min'],
      [7_140_000, 'time', '119 min'],
      [7_200_000, 'time', '2 h'],
      [999, 'memory', '999 B'],
      [1000, 'memory', '1 kB'],
      [1e6, 'memory', '1 MB'],
      [1e9, 'memory', '1 GB'],
      [999e-6, 'energy', '999 µJ'],
      [1e-3, 'energy', '1 mJ'],
      [1, 'energy', '1 J'],
      [1000, 'energy', '1 kJ'],
      [3.6e6, 'energy', '1 kWh'],
      [0.5, 'power', '500 mW'],
      [1, 'power', '1 W'],
      [1000, 'power', '1 kW'],
      [12_345, 'rate', '12345 /s'],
      [999, 'clock', '999 kHz'],
      [1000, 'clock', '1 MHz'],
      [1e6, 'clock', '1 GHz'],
      [0.5, 'ratio', '50 %'],
      [999, 'count', '999'],
      [1000, 'count', '1 k'],
      [1e6, 'count', '1 M'],
      [1e9, 'count', '1 G'],
      [-30, 'time', '-30 ms'],
      [99.96, 'time', '100 ms'],
      [123.6, 'time', '124 ms'],
      [12.345, 'time', '12.3 ms'],
    ];
    for (const [value, of, text] of cases) assert.equal(formatQuantity(value, of), text);
  });
});

it('the base unit is the one in which values are kept', () => {
  const dimensions: Dimension[] = ['time', 'memory', 'energy', 'power', 'rate', 'clock', 'ratio', 'count'];
  assert.deepEqual(dimensions.map(baseUnitOf), ['ms', 'B', 'J', 'W', '/s', 'kHz', '', '']);
  for (const each of dimensions) assert.equal(parseQuantity(`7 ${baseUnitOf(each)}`, each), 7);
});
