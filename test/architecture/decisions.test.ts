/** The pages under docs/decisions: each is in the index, and the files that they name are there. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';

const folder = join(import.meta.dirname, '../../docs/decisions');
const pages = readdirSync(folder).filter((name) => name !== 'README.md');
const index = readFileSync(join(folder, 'README.md'), 'utf8');

it('the index names every page, and no other', () => {
  const named = [...index.matchAll(/\]\(([\w-]+\.md)\)/g)].map(([, name]) => name);
  assert.deepEqual(named.sort(), pages.sort(), 'add the page to docs/decisions/README.md');
});

it('what a page links to is there', () => {
  const dead = pages.flatMap((page) =>
    [...readFileSync(join(folder, page), 'utf8').matchAll(/\]\((?!https?:)([^)#]+)/g)]
      .map(([, target]) => target as string)
      .filter((target) => !existsSync(join(folder, target)))
      .map((target) => `${page}: ${target}`),
  );
  assert.deepEqual(dead, []);
});
