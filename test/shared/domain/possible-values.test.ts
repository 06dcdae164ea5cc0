import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { impossibleParts, impossibleValue, type PossibleValues } from '@edgetune/shared/domain/possible-values.ts';
import { type ParameterValue, parameterDomainSchema } from '@edgetune/shared/domain/search-space.ts';

const whole: PossibleValues = { kind: 'whole', min: 1, max: 64 };
const choice: PossibleValues = { kind: 'choice', values: ['residual', 'separable'] };
const positive: PossibleValues = { kind: 'number', above: 0 };
const atLeast: PossibleValues = { kind: 'number', min: 0 };

describe('a value', () => {
  it('that the code can do is let through', () => {
    const cases: [PossibleValues, ParameterValue][] = [
      [whole, 1],
      [whole, 64],
      [choice, 'separable'],
      [positive, 1e-9],
      [atLeast, 0],
      [{ kind: 'number' }, -5],
    ];
    for (const [possible, value] of cases) assert.equal(impossibleValue(possible, value), null);
  });

  it('that it would take for something else is refused, with what it can do', () => {
    const cases: [PossibleValues, ParameterValue, string][] = [
      [whole, 1.5, 'must be a whole number from 1 to 64, not 1.5'],
      [whole, 0, 'must be a whole number from 1 to 64, not 0'],
      [whole, 65, 'must be a whole number from 1 to 64, not 65'],
      [whole, '16', 'must be a whole number from 1 to 64, not "16"'],
      [whole, true, 'must be a whole number from 1 to 64, not true'],
      [choice, 'bottleneck', 'must be one of residual, separable, not "bottleneck"'],
      [choice, 'seperable', 'must be one of residual, separable, not "seperable"; did you mean "separable"?'],
      [positive, 0, 'must be a number greater than 0, not 0'],
      [positive, -0.1, 'must be a number greater than 0, not -0.1'],
      [atLeast, -1, 'must be a number of at least 0, not -1'],
      [{ kind: 'number' }, 'much', 'must be a number, not "much"'],
    ];
    for (const [possible, value, words] of cases) assert.equal(impossibleValue(possible, value), words);
  });
});

describe('a parameter of a study', () => {
  const partsOf = (possible: PossibleValues, domain: unknown) =>
    impossibleParts(possible, parameterDomainSchema.parse(domain)).map(
      ({ path, message }) => `${path.join('.')}: ${message}`,
    );

  it('is refused at each of its values', () => {
    assert.deepEqual(partsOf(whole, { type: 'ordinal', values: [1, 2.5, 3, 100] }), [
      'values.1: must be a whole number from 1 to 64, not 2.5',
      'values.3: must be a whole number from 1 to 64, not 100',
    ]);
    assert.deepEqual(partsOf(choice, { type: 'categorical', choices: ['residual', 'bottleneck'] }), [
      'choices.1: must be one of residual, separable, not "bottleneck"',
    ]);
    assert.deepEqual(partsOf(whole, { type: 'constant', value: -1 }), [
      'value: must be a whole number from 1 to 64, not -1',
    ]);
    assert.deepEqual(partsOf(whole, { type: 'boolean' }), ['type: must be a whole number from 1 to 64, not false']);
  });

  it('is refused at the ends of its range, or as a range', () => {
    assert.deepEqual(partsOf(whole, { type: 'int', min: 0, max: 65 }), [
      'min: must be a whole number from 1 to 64, not 0',
      'max: must be a whole number from 1 to 64, not 65',
    ]);
    assert.deepEqual(partsOf(whole, { type: 'float', min: 1, max: 3 }), [
      'type: must be int: it is a whole number from 1 to 64',
    ]);
    assert.deepEqual(partsOf(choice, { type: 'int', min: 1, max: 2 }), [
      'type: cannot be a range: list values (categorical) of one of residual, separable',
    ]);
    assert.deepEqual(partsOf(positive, { type: 'float', min: 0, max: 1 }), [
      'min: must be a number greater than 0, not 0',
    ]);
    assert.deepEqual(partsOf(positive, { type: 'float', min: 1e-4, max: 1 }), []);
  });

  it('with thousands of wrong values is told in a few lines', () => {
    const told = partsOf(whole, { type: 'ordinal', values: Array.from({ length: 5000 }, (_, index) => index + 65) });
    assert.equal(told.length, 11);
    assert.equal(told.at(-1), 'values: 4990 more of these must be a whole number from 1 to 64');
  });
});
