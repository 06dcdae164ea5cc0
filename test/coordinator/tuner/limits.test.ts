import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Parameter, type ParameterDomain, searchSpaceSchema } from '@edgetune/shared/domain/search-space.ts';
import { spaceLimitIssues } from '../../../coordinator/tuner/limits.ts';
import { validateSpace } from '../../../coordinator/tuner/validate-space.ts';

const named = (domain: ParameterDomain): Parameter => ({ name: 'a', level: 'training', ...domain });

test('what would make every decision slow is refused with its place and the limit', () => {
  const many = (count: number) => Array.from({ length: count }, (_, i) => i);
  const issueOf = (domain: ParameterDomain) => spaceLimitIssues([named(domain)])[0];
  assert.deepEqual(issueOf({ type: 'categorical', choices: many(60_000) }), {
    path: ['training', 'a', 'choices'],
    message: '60000 choices are too many: 1000 at most',
  });
  assert.equal(issueOf({ type: 'categorical', choices: many(1000) }), undefined);
  assert.match(issueOf({ type: 'ordinal', values: many(1001) })?.message ?? '', /1001 values are too many/);
  const parameters = many(101).map((i) => ({ ...named({ type: 'boolean' }), name: `p${i}` }));
  assert.match(spaceLimitIssues(parameters)[0]?.message ?? '', /101 parameters are too many: 100 at most/);
  const fine: ParameterDomain = { type: 'float', min: 1e15, max: 1e15 + 100, step: 0.001, scale: 'linear' };
  assert.match(issueOf(fine)?.message ?? '', /0\.001 is lost among the digits/);
  assert.equal(issueOf({ type: 'float', min: 0, max: 1, step: 0.001, scale: 'linear' }), undefined);
});

test('values that a list has twice are each told once', () => {
  const space = searchSpaceSchema.parse({ training: { a: { type: 'categorical', choices: [1, 2, 1, 1, 2, 3] } } });
  assert.deepEqual(
    validateSpace(space).map(({ message }) => message),
    ['lists 1 twice', 'lists 2 twice'],
  );
});
