import assert from 'node:assert/strict';
import { it } from 'node:test';
import { parseConstraint, parseObjective } from '@edgetune/shared/domain/objective.ts';
import { unjudged } from '../../../coordinator/study/unjudged.ts';

const asked = (changes: { objectives?: string[]; constraints?: string[]; target?: string[] }) => ({
  objectives: (changes.objectives ?? []).map(parseObjective),
  constraints: (changes.constraints ?? []).map(parseConstraint),
  stop: { target: (changes.target ?? []).map(parseConstraint) },
});
const animals = { classes: ['cat', 'dog', 'hot dog'], samplesByClass: { train: [], validation: [3, 4, 0], test: [] } };

it('a class that the data set does not have is a mistake, where it stands, with what may be meant', () => {
  const mistakes = unjudged(
    asked({
      objectives: ['accuracy', 'recall.dgo'],
      constraints: ['precision.bird >= 0.5', 'recall.cat >= 0.5'],
      target: ['recall.1 >= 0.9'],
    }),
    animals,
  );
  const known = 'use one of cat, dog, hot dog';
  assert.deepEqual(mistakes, [
    { path: ['objectives', 1], message: `recall.dgo: the data set has no class "dgo": ${known}; did you mean "dog"?` },
    { path: ['constraints', 0], message: `precision.bird: the data set has no class "bird": ${known}` },
    { path: ['stop', 'target', 0], message: `recall.1: the data set has no class "1": ${known}` },
  ]);
});

it('what no validation sample can tell is one, too', () => {
  const [mistake, ...more] = unjudged(asked({ objectives: ['recall."hot dog"', 'precision."hot dog"'] }), animals);
  assert.match(mistake?.message ?? '', /the validation split has no sample of "hot dog"/);
  assert.deepEqual(more, []);
});

it('the first five answers say something of six classes, nothing of five', () => {
  const of = (count: number) => ({
    classes: Array.from({ length: count }, String),
    samplesByClass: { train: [], validation: [], test: [] },
  });
  assert.deepEqual(unjudged(asked({ objectives: ['top5'] }), of(6)), []);
  assert.match(
    unjudged(asked({ objectives: ['top5'] }), of(5))[0]?.message ?? '',
    /says nothing of 5 classes: it needs at least 6/,
  );
});
