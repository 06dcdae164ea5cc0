import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Parameter } from '@edgetune/shared/domain/search-space.ts';
import { keyedRandom } from '@edgetune/shared/math/random.ts';
import { hypervolumeHistory } from '../../../coordinator/tuner/hypervolume-history.ts';
import { parameterImportance } from '../../../coordinator/tuner/importance.ts';
import { Space } from '../../../coordinator/tuner/space.ts';

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
