import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import { z } from 'zod';
import { JsonFolder } from '../../../agent/session/json-folder.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

function folderIn(t: TestContext, files: Record<string, string> = {}) {
  const directory = join(temporaryFolder(t, files), 'folder');
  const said: string[] = [];
  const open = () =>
    new JsonFolder({
      directory,
      schema: z.object({ n: z.number() }),
      inMemoryOnly: 'kept in memory',
      log: plainLogger((line) => said.push(line)),
    });
  return { directory, said, open };
}

it('what was set is there for the next one, in the order of the names', (t) => {
  const { open, said } = folderIn(t);
  const first = open();
  for (const [name, n] of Object.entries({ b: 2, c: 0, a: 1 })) first.set(name, { n });
  first.set('c', { n: 3 });
  assert.deepEqual(first.values(), [{ n: 2 }, { n: 3 }, { n: 1 }]);
  first.delete('b');
  const next = open();
  assert.deepEqual(next.values(), [{ n: 1 }, { n: 3 }]);
  assert.deepEqual([next.get('c'), next.get('b')], [{ n: 3 }, undefined]);
  assert.deepEqual(said, []);
});

it('a file that is no such value is set aside, and the others are read', (t) => {
  const files = {
    'folder/a.json': '{"n":1}',
    'folder/b.json': '{"n":"x"}',
    'folder/c.json': '{"n":3}',
    'folder/d.txt': '',
  };
  const { directory, said, open } = folderIn(t, files);
  assert.deepEqual(open().values(), [{ n: 1 }, { n: 3 }]);
  assert.deepEqual(readdirSync(directory), ['a.json', 'b.json.damaged', 'c.json', 'd.txt']);
  assert.equal(readFileSync(join(directory, 'b.json.damaged'), 'utf8'), '{"n":"x"}');
  assert.deepEqual(said, [`${join(directory, 'b.json')} is damaged: it was set aside as b.json.damaged`]);
});

it('what somebody has removed from the folder is removed without a word', (t) => {
  const { directory, said, open } = folderIn(t);
  const folder = open();
  folder.set('a', { n: 1 });
  rmSync(join(directory, 'a.json'));
  folder.delete('a');
  assert.deepEqual([folder.values(), said], [[], []]);
});

it('a disk that takes nothing and gives nothing back is logged: the values are as they were set', (t) => {
  const { directory, said, open } = folderIn(t);
  const folder = open();
  // Folders in the place of the files: neither can be replaced or removed.
  for (const name of ['a', 'b']) mkdirSync(join(directory, `${name}.json`, 'full'), { recursive: true });
  folder.set('a', { n: 1 });
  folder.set('b', { n: 2 });
  folder.delete('b');
  folder.delete('never');
  assert.deepEqual(folder.values(), [{ n: 1 }]);
  assert.equal(said.length, 3);
  for (const line of said.slice(0, 2)) assert.match(line, /^kept in memory: E/);
  assert.match(said[2] ?? '', /b\.json cannot be removed: /);
});
