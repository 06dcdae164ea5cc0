import assert from 'node:assert/strict';
import { it } from 'node:test';
import { mutantsOf } from '../../../scripts/mutate/mutants.ts';
import { drawn } from '../../../scripts/mutate/sample.ts';

const source = Array.from({ length: 30 }, (_, index) => `const a${index} = b < c;`).join('\n');
const mutants = mutantsOf(source, 'room/a.ts');
const names = (seed: number, of = mutants) => drawn(of, seed).map(({ after }) => after);

it('every mutant is drawn once, in an order that the seed decides', () => {
  assert.equal(mutants.length, 60);
  assert.deepEqual(new Set(drawn(mutants, 1)), new Set(mutants));
  assert.equal(drawn(mutants, 1).length, 60);
  assert.deepEqual(names(1), names(1));
  assert.notDeepEqual(names(1), names(2));
});

it('the order does not hang on the order of reading, nor on mutants that come or go elsewhere', () => {
  assert.deepEqual(names(1, mutants.toReversed()), names(1));
  const later = mutantsOf(`const z = 4 > y;\n${source}`, 'room/a.ts');
  assert.deepEqual(
    names(1, later).filter((name) => !name.startsWith('const z')),
    names(1),
  );
});

it('mutants that read the same are all drawn', () => {
  const twice = mutantsOf('f(a < b);\nf(a < b);', 'room/a.ts');
  assert.deepEqual(new Set(drawn(twice, 1)), new Set(twice));
  assert.equal(twice.length, 6);
});
