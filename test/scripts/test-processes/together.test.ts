import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { it } from 'node:test';
import { together } from '../../../scripts/test-processes/together.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

it('files of one folder are one process, those of whole paths and lonely ones each their own', (t) => {
  const files = [
    'test/shared/math/b.test.ts',
    'test/shared/math/a.test.ts',
    'test/shared/math/deep/c.test.ts',
    'test/whole-path/x.test.ts',
    'test/whole-path/y.test.ts',
  ];
  const [entry, ...others] = together('/the project', files, temporaryFolder(t));
  assert.equal(basename(entry as string), 'test+shared+math.test.mjs');
  assert.equal(
    readFileSync(entry as string, 'utf8'),
    'import "file:///the%20project/test/shared/math/b.test.ts";\nimport "file:///the%20project/test/shared/math/a.test.ts";\n',
  );
  assert.deepEqual(others, files.slice(2));
});

it('folders whose names differ only in where they are parted do not take each other’s place', (t) => {
  const files = ['test/a-b/1.test.ts', 'test/a-b/2.test.ts', 'test/a/b/1.test.ts', 'test/a/b/2.test.ts'];
  const entries = together('/p', files, temporaryFolder(t));
  const imported = entries.map((entry) => readFileSync(entry, 'utf8').split('\n').length - 1);
  assert.equal(new Set(entries).size, 2);
  assert.deepEqual(imported, [2, 2]);
});
