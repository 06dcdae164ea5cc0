/** Joules from samples: known integrals, and what must hold of any samples. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { countedIn, integratePowerJ, longestGapMs, type Sample } from '../../../../agent/board/power/integrate.ts';

const at = (...pairs: [atMs: number, value: number][]): Sample[] => pairs.map(([atMs, value]) => ({ atMs, value }));
const close = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) <= 1e-9 * Math.max(1, Math.abs(expected)), `${actual} is not ${expected}`);

describe('integrating power', () => {
  it('gives the joules that are computed by hand', () => {
    const ramp = at([0, 0], [1000, 10], [3000, 10]);
    // A triangle of 1 s and 10 W, and 2 s at 10 W.
    close(integratePowerJ(ramp, { startMs: 0, endMs: 3000 }), 5 + 20);
    // From 5 W at 0.5 s to 10 W at 1 s: 3.75 J; then 0.5 s at 10 W.
    close(integratePowerJ(ramp, { startMs: 500, endMs: 1500 }), 3.75 + 5);
    // Inside one interval: 2 W at 0.2 s to 4 W at 0.4 s.
    close(integratePowerJ(ramp, { startMs: 200, endMs: 400 }), 0.6);
  });

  it('takes the power as constant beyond the first and last sample', () => {
    close(integratePowerJ(at([1000, 4], [2000, 6]), { startMs: 0, endMs: 3000 }), 4 + 5 + 6);
    close(integratePowerJ(at([1000, 4]), { startMs: 0, endMs: 500 }), 2);
  });

  it('counts what a counter counted, evenly between two readings', () => {
    const readings = at([0, 0], [100, 1], [200, 3]);
    close(countedIn(readings, { startMs: 0, endMs: 200 }), 3);
    close(countedIn(readings, { startMs: 50, endMs: 150 }), 0.5 + 1);
  });
});

const samples = fc
  .uniqueArray(fc.record({ atMs: fc.integer({ min: 0, max: 10_000 }), value: fc.integer({ min: 0, max: 100 }) }), {
    selector: ({ atMs }) => atMs,
    minLength: 1,
    maxLength: 30,
  })
  .map((list) => list.sort((a, b) => a.atMs - b.atMs));
const cuts = fc
  .tuple(fc.integer({ min: 0, max: 10_000 }), fc.integer({ min: 0, max: 10_000 }), fc.integer({ min: 0, max: 10_000 }))
  .map((times) => times.sort((a, b) => a - b));

describe('of any samples', () => {
  it('a window has the joules of its two parts', () => {
    fc.assert(
      fc.property(samples, cuts, (list, [a = 0, b = 0, c = 0]) => {
        for (const joulesIn of [integratePowerJ, countedIn]) {
          const parts = joulesIn(list, { startMs: a, endMs: b }) + joulesIn(list, { startMs: b, endMs: c });
          close(joulesIn(list, { startMs: a, endMs: c }), parts);
        }
      }),
    );
  });

  it('mean power lies between the lowest and the highest sample, and a sample on the line changes nothing', () => {
    fc.assert(
      fc.property(samples, cuts, (list, [startMs = 0, middleMs = 0, endMs = 0]) => {
        const joules = integratePowerJ(list, { startMs, endMs });
        const values = list.map(({ value }) => value);
        const seconds = (endMs - startMs) / 1000;
        assert.ok(joules >= Math.min(...values) * seconds - 1e-9 && joules <= Math.max(...values) * seconds + 1e-9);
        if (list.some(({ atMs }) => atMs === middleMs)) return;
        // The mean over a vanishing window is the power there.
        const power = integratePowerJ(list, { startMs: middleMs - 1e-3, endMs: middleMs + 1e-3 }) / 2e-6;
        const more = [...list, { atMs: middleMs, value: power }].sort((a, b) => a.atMs - b.atMs);
        assert.ok(Math.abs(integratePowerJ(more, { startMs, endMs }) - joules) < 1e-4);
      }),
    );
  });

  it('twice the power is twice the energy', () => {
    fc.assert(
      fc.property(samples, cuts, (list, [startMs = 0, , endMs = 0]) => {
        const doubled = list.map(({ atMs, value }) => ({ atMs, value: 2 * value }));
        close(integratePowerJ(doubled, { startMs, endMs }), 2 * integratePowerJ(list, { startMs, endMs }));
      }),
    );
  });
});

describe('the longest gap', () => {
  it('is found between samples and at both ends of the window', () => {
    const window = { startMs: 1000, endMs: 2000 };
    assert.equal(longestGapMs(at([900, 1], [1400, 1], [2100, 1]), window), 700);
    assert.equal(longestGapMs(at([1600, 1], [1700, 1]), window), 600);
    assert.equal(longestGapMs(at([1100, 1], [1200, 1]), window), 800);
    assert.equal(longestGapMs([], window), 1000);
  });
});
