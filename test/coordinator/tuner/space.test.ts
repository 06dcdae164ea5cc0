import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Parameter, searchSpaceSchema } from '@edgetune/shared/domain/search-space.ts';
import { keyedRandom } from '@edgetune/shared/math/random.ts';
import fc from 'fast-check';
import { Space } from '../../../coordinator/tuner/space.ts';
import { candidateIssues, validateSpace } from '../../../coordinator/tuner/validate-space.ts';
import { MIXED } from '../../support/tuning.ts';

test('a random point gives a valid candidate, and its own point gives it again', () => {
  const space = new Space(MIXED);
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const candidate = space.candidateAt(space.randomPoint(keyedRandom(seed)));
      assert.deepEqual(candidateIssues(MIXED, candidate), []);
      assert.equal('momentum' in candidate, candidate.optimizer === 'sgd');
      const again = space.candidateAt(space.pointOf(candidate));
      for (const [name, value] of Object.entries(candidate))
        if (typeof value === 'number') assert.ok(Math.abs((again[name] as number) - value) <= 1e-9 * Math.abs(value));
        else assert.equal(again[name], value);
    }),
  );
});

test('every value of a dimension with separate values is reached, with its share', () => {
  const space = new Space([{ name: 'width', level: 'model', type: 'int', min: 1, max: 8, scale: 'log' }]);
  const random = keyedRandom(3);
  const seen = new Set(Array.from({ length: 500 }, () => space.candidateAt(space.randomPoint(random)).width));
  assert.equal(seen.size, 8);
});

test('the size counts distinct candidates, inactive parameters aside', () => {
  const parameters: Parameter[] = [
    { name: 'kind', level: 'model', type: 'categorical', choices: ['a', 'b', 'c'] },
    { name: 'x', level: 'model', type: 'int', min: 1, max: 10, scale: 'linear', when: { kind: 'a' } },
    { name: 'y', level: 'model', type: 'boolean', when: { kind: ['b', 'c'], x: 3 } },
  ];
  const space = new Space(parameters);
  assert.equal(space.size, 12);
  assert.equal(new Set([...space.candidates()].map((candidate) => space.keyOf(candidate))).size, 12);
  assert.equal(new Space(MIXED).size, Infinity);
});

test('every mistake of a space is listed with its path', () => {
  const space = searchSpaceSchema.parse({
    model: {
      depth: { type: 'int', min: 5, max: 3 },
      rate: { type: 'float', min: 0, max: 1, scale: 'log' },
      kind: { type: 'categorical', choices: ['a', 'a'], initial: 'a' },
      width: { type: 'int', min: 1, max: 9, step: 2, initial: 4 },
    },
    training: {
      depth: { type: 'boolean' },
      p: { type: 'boolean', when: { q: true } },
      q: { type: 'boolean', when: { p: true } },
      r: { type: 'boolean', when: { nowhere: 1, rate: 0.5, kind: 'z' } },
      s: { type: 'boolean', when: { threads: 1 } },
    },
    inference: { threads: { type: 'int', min: 1, max: 4 } },
  });
  assert.deepEqual(
    validateSpace(space)
      .map(({ path }) => path.join('.'))
      .sort(),
    [
      'model.depth.min',
      'model.kind.choices',
      'model.rate.min',
      'model.width.initial',
      'training.depth',
      'training.p.when',
      'training.q.when',
      'training.r.when.kind',
      'training.r.when.nowhere',
      'training.r.when.rate',
      'training.s.when.threads',
    ],
  );
});

test('a point snaps to the point of its candidate, with and without conditions', () => {
  const plain = MIXED.filter(({ when }) => when === undefined);
  for (const space of [new Space(MIXED), new Space(plain)])
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const point = space.randomPoint(keyedRandom(seed));
        const expected = space.pointOf(space.candidateAt(point));
        for (const [at, coordinate] of space.snapped(point).entries())
          assert.ok(
            Object.is(coordinate, expected[at]) || Math.abs(coordinate - (expected[at] as number)) < 1e-9,
            `dimension ${at}: ${coordinate}, not ${expected[at]}`,
          );
      }),
    );
});
