import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it } from 'node:test';
import { readEquivalents } from '../../../scripts/mutate/equivalents.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const entry = { file: 'a/b.ts', before: 'a < b', after: 'a <= b', reason: 'both are equal there by construction' };

it('the entries of all files of the list are read', (t) => {
  const other = { ...entry, file: 'c.ts' };
  const folder = temporaryFolder(t, { 'a/b.json': JSON.stringify([entry]), 'c.json': JSON.stringify([other]) });
  assert.deepEqual(readEquivalents(folder), [entry, other]);
  assert.deepEqual(readEquivalents(join(folder, 'missing')), []);
});

it('an entry without a reason in words is refused, by the name of its file', (t) => {
  const folder = temporaryFolder(t, { 'a/b.json': JSON.stringify([{ ...entry, reason: 'same' }]) });
  assert.throws(() => readEquivalents(folder), /b\.json is not a list[\s\S]*say in words/);
  const broken = temporaryFolder(t, { 'x.json': '[' });
  assert.throws(() => readEquivalents(broken), /x\.json is not a list/);
});

it('the kept list can be read', () => {
  assert.ok(Array.isArray(readEquivalents(join(import.meta.dirname, '../../../scripts/mutate/equivalent'))));
});
