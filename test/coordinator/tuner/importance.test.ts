import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Parameter } from '@edgetune/shared/domain/search-space.ts';
import { keyedRandom } from '@edgetune/shared/math/random.ts';
import { hypervolumeHistory } from '../../../coordinator/tuner/hypervolume-history.ts';
import { parameterImportance } from '../../../coordinator/tuner/importance.ts';
import { Space } from '../../../coordinator/tuner/space.ts';
import { near } from '../../support/near.ts';
import { reference } from './fixtures/reference.ts';

const PARAMETERS: Parameter[] = [
  ...['x', 'y', 'z'].map(
    (name): Parameter => ({ name, level: 'training', type: 'float', min: 0, max: 1, scale: 'linear' }),
  ),
  { name: 'kind', level: 'model', type: 'categorical', choices: ['a', 'b', 'c'] },
  { name: 'extra', level: 'model', type: 'float', min: 0, max: 1, scale: 'linear', when: { kind: 'a' } },
];

function trials(value: (candidate: Record<string, number | string>) => number, count = 300) {
  const [space, random] = [new Space(PARAMETERS), keyedRandom(8)];
  return Array.from({ length: count }, () => {
    const candidate = space.candidateAt(space.randomPoint(random));
    return { candidate, value: value(candidate as Record<string, number | string>) };
  });
}

test('what decides the value has most of the importance, what does not matter little', () => {
  const numeric = parameterImportance(
    PARAMETERS,
    trials(({ x, y }) => 10 * ((x as number) - 0.3) ** 2 + ((y as number) - 0.5) ** 2),
  );
  assert.equal(numeric[0]?.name, 'x');
  assert.ok((numeric[0]?.share ?? 0) > 0.7);
  assert.ok(Math.abs(numeric.reduce((sum, { share }) => sum + share, 0) - 1) < 1e-9);
  const choice = parameterImportance(
    PARAMETERS,
    trials(({ kind }) => (kind === 'b' ? 0 : 1)),
  );
  assert.equal(choice[0]?.name, 'kind');
});

test('shares come near to those of Optuna’s PED-ANOVA, whose kernels are not quite as wide', () => {
  const { trials, shares } = reference.importance;
  const parameters = PARAMETERS.filter(({ name }) => name !== 'z' && name !== 'extra');
  const found = parameterImportance(parameters, trials);
  assert.deepEqual(
    found.map(({ name }) => name),
    ['x', 'y', 'kind'],
  );
  for (const { name, share } of found) near(share, shares[name] as number, 0.05, name);
});

test('choices: the Pearson divergence of their shares among the best and among all, worked out by hand', () => {
  // Of twenty trials ten have a, ten b; the best five are four a and one b. One more observation is spread over all
  // choices and "inactive". The second parameter exists where the first is a.
  const parameters: Parameter[] = [
    { name: 'kind', level: 'model', type: 'categorical', choices: ['a', 'b'] },
    { name: 'on', level: 'model', type: 'boolean', when: { kind: 'a' } },
  ];
  const trials = Array.from({ length: 20 }, (_, i) => {
    const isA = i < 4 || (i > 4 && i < 11);
    return { candidate: isA ? { kind: 'a', on: i % 2 === 0 } : { kind: 'b' }, value: i };
  });
  const shares = (counts: number[]) => counts.map((count) => (count + 1 / 3) / (counts.reduce((a, b) => a + b, 0) + 1));
  const divergence = (best: number[], all: number[]) =>
    shares(best).reduce((sum, p, i) => sum + (p - (shares(all)[i] as number)) ** 2 / (shares(all)[i] as number), 0);
  const kind = divergence([4, 1, 0], [10, 10, 0]);
  // Off, on and inactive: of the best 1 and 3, 0 and 2, 4; of all 1, 3, 5, 7 and 9, 0, 2, 6, 8 and 10, and ten.
  const on = divergence([2, 2, 1], [5, 5, 10]);
  const found = new Map(parameterImportance(parameters, trials).map(({ name, share }) => [name, share]));
  near(found.get('kind') as number, kind / (kind + on), 1e-12);
  near(found.get('on') as number, on / (kind + on), 1e-12);
});

test('with few trials, or values that are not finite, nothing is claimed', () => {
  assert.ok(
    parameterImportance(
      PARAMETERS,
      trials(() => 1, 5),
    ).every(({ share }) => share === 0),
  );
  assert.ok(
    parameterImportance(
      PARAMETERS,
      trials(() => Number.NaN),
    ).every(({ share }) => share === 0),
  );
});

test('hypervolume over time rises with each point of the front and with no other', () => {
  assert.deepEqual(hypervolumeHistory([[2, 2], null, [3, 3], [1, 3], [0, 0]], [4, 4]), [4, 4, 4, 5, 16]);
  const free = hypervolumeHistory([
    [1, 1],
    [0, 2],
  ]);
  assert.ok((free[1] as number) > (free[0] as number));
  assert.deepEqual(hypervolumeHistory([]), []);
});
