/** How mistakes of a study read. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StudyInputError } from '../../../../coordinator/study/state/study-errors.ts';

test('a study with mistakes lists them, each with its line where it has one', () => {
  const issues = [
    { path: 'devices.0', message: 'unknown', line: 3, column: 5 },
    { path: 'name', message: 'missing', line: null, column: null },
  ];
  const problem = { error: 'the study has 2 mistakes', issues };
  const error = new StudyInputError(problem);
  assert.equal(error.message, 'the study has 2 mistakes\n  line 3: devices.0: unknown\n  name: missing');
  assert.equal(error.problem, problem);
  assert.equal(new StudyInputError({ error: 'no data set' }).message, 'no data set');
});
