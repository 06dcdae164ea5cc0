import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  listedValues,
  mayTake,
  parameterDomainSchema,
  parametersOf,
  searchSpaceSchema,
} from '@edgetune/shared/domain/search-space.ts';
import { checkBounds } from './support/schema-bounds.ts';

const SPACE = {
  model: { width: { type: 'int', min: 1, max: 8 } },
  training: { rate: { type: 'float', min: 0.1, max: 1, scale: 'log' } },
  system: { cores: { type: 'constant', value: 2 } },
  inference: {
    precision: { type: 'categorical', choices: ['float32', 'int8'] },
    batchSize: { type: 'ordinal', values: [1, 4] },
    warm: { type: 'boolean' },
  },
};
const space = searchSpaceSchema.parse(SPACE);

describe('a search space', () => {
  it('may leave levels out, and domains their scale', () => {
    assert.deepEqual(searchSpaceSchema.parse({}), { model: {}, training: {}, system: {}, inference: {} });
    assert.deepEqual(parameterDomainSchema.parse(SPACE.model.width), { ...SPACE.model.width, scale: 'linear' });
  });

  it('has domains that hold something', () => {
    checkBounds(parameterDomainSchema, { type: 'float', min: 0, max: 1 }, [
      ['min', [-1.5], ['0', null]],
      ['scale', ['linear', 'log'], ['square']],
      ['step', [0.1, undefined], [0, -1]],
      ['initial', [0.5], ['a']],
      ['steps', [], [1]],
      ['when', [{ a: 1 }, { a: ['b', true] }], [{ a: [] }, { a: null }]],
    ]);
    checkBounds(parameterDomainSchema, { type: 'int', min: 0, max: 1 }, [
      ['min', [-1], [0.5]],
      ['max', [3], [0.5]],
      ['step', [1], [0, 0.5]],
      ['initial', [1], [0.5]],
    ]);
    checkBounds(parameterDomainSchema, { type: 'categorical', choices: ['a'] }, [
      ['choices', [[1, 'a', true]], [[], [null]]],
    ]);
    checkBounds(parameterDomainSchema, { type: 'ordinal', values: [1] }, [['values', [['s', 'm'], [1]], [[], [true]]]]);
    checkBounds(parameterDomainSchema, { type: 'constant', value: 1 }, [['value', [true, 'a'], [null, [1]]]]);
  });

  it('has names that are letters, digits and "_"', () => {
    const named = (name: string) => searchSpaceSchema.safeParse({ model: { [name]: { type: 'boolean' } } });
    for (const name of ['a', 'aB_9', 'a'.repeat(64)]) assert.ok(named(name).success, name);
    for (const name of ['', '9a', '_a', 'a-b', 'a'.repeat(65), 'constructor', 'toString'])
      assert.ok(!named(name).success, name);
    assert.match(named('constructor').error?.message ?? '', /cannot be used as a name/);
  });

  it('is listed level by level, in the order in which it is written', () => {
    assert.deepEqual(
      parametersOf(space).map(({ name, level }) => `${level}.${name}`),
      ['model.width', 'training.rate', 'system.cores', 'inference.precision', 'inference.batchSize', 'inference.warm'],
    );
    assert.deepEqual(
      parametersOf(space, ['system']).map(({ name, type }) => [name, type]),
      [['cores', 'constant']],
    );
  });

  it('lists the values of domains that list them', () => {
    assert.deepEqual(listedValues(space.inference.precision as never), ['float32', 'int8']);
    assert.deepEqual(listedValues(space.inference.batchSize as never), [1, 4]);
    assert.deepEqual(listedValues(space.system.cores as never), [2]);
    assert.equal(listedValues(space.model.width as never), null);
    assert.equal(listedValues(space.inference.warm as never), null);
  });

  it('says whether an inference parameter may take a value', () => {
    assert.equal(mayTake(space, 'precision', 'int8'), true);
    assert.equal(mayTake(space, 'precision', 'float16'), false);
    assert.equal(mayTake(space, 'warm', true), false);
    assert.equal(mayTake(space, 'absent', 'int8'), false);
  });
});
