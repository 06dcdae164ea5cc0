/** Every room says what lives in it, what it may import and where to start reading; the rooms of `shared` in one page. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { importsLine, ROOMS } from './rooms.ts';

const root = join(import.meta.dirname, '../..');

const isShared = (room: string) => room.startsWith('shared/');
const pageOf = (room: string) => join(isShared(room) ? 'shared' : room, 'README.md');

/** What is said of the room: its page, or for a room of `shared` its section. */
function textOf(room: string): string {
  const page = readFileSync(join(root, pageOf(room)), 'utf8');
  if (!isShared(room)) return page;
  const [, section = ''] = page.split(`\n## ${room}\n`);
  return section.split('\n## ')[0] as string;
}

describe('the README of', () => {
  for (const [name, room] of Object.entries(ROOMS)) {
    it(name, () => {
      const text = textOf(name);
      const line = importsLine(room);
      assert.ok(text.split('\n').includes(line), `${pageOf(name)} must say, in a line of its own:\n${line}`);
      const files = [...text.matchAll(/`([\w./-]+\.(?:ts|tsx|py|sh|js|md))`/g)].map(([, file]) => file as string);
      assert.ok(files.length > 0, `${pageOf(name)} must name a file to start with`);
      const gone = files.filter((file) => !existsSync(join(root, name, file)) && !existsSync(join(root, file)));
      assert.deepEqual(gone, [], `${pageOf(name)} names files that are not there`);
    });
  }
});
