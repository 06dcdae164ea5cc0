import assert from 'node:assert/strict';
import { test } from 'node:test';
import { budgetLadderSchema } from '@edgetune/shared/domain/study.ts';
import fc from 'fast-check';
import { budgetLadder } from '../../../coordinator/tuner/ladder.ts';

const ladder = (input: object) => budgetLadder(budgetLadderSchema.parse(input));

test('epochs only: 1 to 243 by 3 has six rungs (a floating point slip would lose one)', () => {
  const rungs = ladder({ minEpochs: 1, maxEpochs: 243, minDataFraction: 1 });
  assert.deepEqual(
    rungs.map(({ epochs }) => epochs),
    [1, 3, 9, 27, 81, 243],
  );
  assert.ok(rungs.every(({ dataFraction }) => dataFraction === 1));
});

test('data fraction only: every rung trains further on a larger share', () => {
  const rungs = ladder({ minEpochs: 1, maxEpochs: 1, minDataFraction: 1 / 9 });
  assert.deepEqual(
    rungs.map(({ epochs }) => epochs),
    [1, 2, 3],
  );
  assert.deepEqual(
    rungs.map(({ dataFraction }) => dataFraction.toFixed(3)),
    ['0.111', '0.333', '1.000'],
  );
});

test('both together: the data grows first, then the epochs', () => {
  const shown = (input: object) => ladder(input).map(({ epochs, dataFraction }) => [epochs, dataFraction.toFixed(3)]);
  assert.deepEqual(shown({}), [
    [1, '0.300'],
    [2, '1.000'],
    [4, '1.000'],
    [9, '1.000'],
  ]);
  assert.deepEqual(shown({ minEpochs: 2, maxEpochs: 18, minDataFraction: 0.1 }), [
    [2, '0.100'],
    [3, '0.316'],
    [4, '1.000'],
    [8, '1.000'],
    [18, '1.000'],
  ]);
  // As many rungs as there are epochs for.
  assert.deepEqual(shown({ minEpochs: 1, maxEpochs: 2, minDataFraction: 0.1 }), [
    [1, '0.100'],
    [2, '1.000'],
  ]);
});

test('a ladder that was extended has the rungs of before, and geometric ones above', () => {
  const shown = (input: object) => ladder(input).map(({ epochs }) => epochs);
  assert.deepEqual(shown({ maxEpochs: 27, throughEpochs: [9] }), [1, 2, 4, 9, 27]);
  assert.deepEqual(shown({ maxEpochs: 108, throughEpochs: [9, 12] }), [1, 2, 4, 9, 12, 36, 108]);
  assert.deepEqual(shown({ maxEpochs: 5, minDataFraction: 1 / 9, throughEpochs: [1] }), [1, 2, 3, 5]);
  const input = fc.record({
    minEpochs: fc.integer({ min: 1, max: 20 }),
    steps: fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 4 }),
    minDataFraction: fc.double({ min: 0.01, max: 1, noNaN: true }),
    reductionFactor: fc.double({ min: 2, max: 10, noNaN: true }),
  });
  fc.assert(
    fc.property(input, ({ steps, ...rest }) => {
      const tops = steps.map((_, index) => steps.slice(0, index + 1).reduce((sum, step) => sum + step, rest.minEpochs));
      const maxEpochs = tops.at(-1);
      const before = ladder({ ...rest, maxEpochs: tops.at(-2) ?? rest.minEpochs, throughEpochs: tops.slice(0, -2) });
      const through = [...(tops.length > 1 ? [] : [rest.minEpochs]), ...tops.slice(0, -1)];
      const rungs = ladder({ ...rest, maxEpochs, throughEpochs: through });
      assert.deepEqual(rungs.slice(0, before.length), before);
      for (const [index, rung] of rungs.entries())
        if (index >= before.length) {
          assert.ok(rung.epochs > (rungs[index - 1]?.epochs ?? 0) && Number.isInteger(rung.epochs));
          assert.equal(rung.dataFraction, 1);
        }
      assert.ok((rungs.at(-1)?.epochs ?? 0) >= Number(maxEpochs));
    }),
  );
});

test('any ladder rises in both parts, and ends at its maximum', () => {
  const input = fc.record({
    minEpochs: fc.integer({ min: 1, max: 20 }),
    more: fc.integer({ min: 0, max: 200 }),
    minDataFraction: fc.double({ min: 0.01, max: 1, noNaN: true }),
    reductionFactor: fc.double({ min: 2, max: 10, noNaN: true }),
  });
  fc.assert(
    fc.property(input, ({ more, ...rest }) => {
      const maxEpochs = rest.minEpochs + more;
      const rungs = ladder({ ...rest, maxEpochs });
      for (const [index, { epochs, dataFraction }] of rungs.entries()) {
        const before = rungs[index - 1];
        if (before) assert.ok(epochs > before.epochs && dataFraction >= before.dataFraction);
        assert.ok(Number.isInteger(epochs) && dataFraction <= 1);
      }
      assert.equal(rungs.at(-1)?.dataFraction, 1);
      if (more > 0) assert.equal(rungs.at(-1)?.epochs, maxEpochs);
    }),
  );
});
