/** Imports run one way: each room imports what `rooms.ts` lets it. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, it } from 'node:test';
import { ROOMS, type Room } from './rooms.ts';

const root = join(import.meta.dirname, '../..');

interface Import {
  from: string;
  to: string;
  typeOnly: boolean;
}

/** Imports between files of this repository, as paths from its root. */
function importsOf(file: string): Import[] {
  const text = readFileSync(join(root, file), 'utf8');
  const statements = text.matchAll(
    /(?:^|\n)\s*(import|export)\s+(type\s)?[^'";]*?from\s+'([^']+)'|import\(\s*'([^']+)'\s*\)|(?:^|\n)import\s+'([^']+)'/g,
  );
  return [...statements].flatMap((match) => {
    const specifier = match[3] ?? match[4] ?? match[5] ?? '';
    const to = specifier.startsWith('@edgetune/')
      ? specifier.replace('@edgetune/', '')
      : specifier.startsWith('.')
        ? relative(root, join(root, dirname(file), specifier))
        : null;
    return to === null ? [] : [{ from: file, to, typeOnly: match[2] !== undefined }];
  });
}

const sources = ['shared', 'agent', 'coordinator'].flatMap((top) =>
  readdirSync(join(root, top), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.tsx?$/.test(file) && !/(^|\/)(node_modules|dist)\//.test(file))
    .map((file) => join(top, file)),
);

const foldersOf = ([name, { folders = [] }]: [string, Room]) => [name, ...folders.map((folder) => `${name}/${folder}`)];
const roomOfFolder = new Map(Object.entries(ROOMS).flatMap((room) => foldersOf(room).map((path) => [path, room[0]])));
const roomOf = (file: string) => roomOfFolder.get(dirname(file));

it('ONNX Runtime is loaded in one way only, silenced', () => {
  const loads = sources.filter((file) =>
    /import\('onnxruntime-node'\)|^import (?!type\b).*'onnxruntime-node'|require\('onnxruntime-node'\)/m.test(
      readFileSync(join(root, file), 'utf8').replaceAll('typeof import(', ''),
    ),
  );
  assert.deepEqual(loads.sort(), ['agent/runners/load-onnxruntime.ts', 'coordinator/export/load-onnxruntime.ts']);
});

it('every folder belongs to a room', () => {
  const homeless = new Set(sources.filter((file) => roomOf(file) === undefined).map((file) => dirname(file)));
  assert.deepEqual([...homeless], [], 'name the room in ROOMS, with what it may import');
});

it('every room and every folder of one is there', () => {
  const known = new Set(sources.map((file) => dirname(file)));
  assert.deepEqual(
    [...roomOfFolder.keys()].filter((path) => !known.has(path)),
    [],
  );
});

it('rooms may import only rooms that stand before them', () => {
  const order = Object.keys(ROOMS);
  const upward = Object.entries(ROOMS).flatMap(([name, { may, types = [] }]) =>
    [...may, ...types].filter((other) => !order.slice(0, order.indexOf(name)).includes(other)).map((up) => [name, up]),
  );
  assert.deepEqual(upward, []);
});

describe('imports of', () => {
  for (const [name, { may, types = [] }] of Object.entries(ROOMS)) {
    it(`${name}: ${may.join(', ') || 'nothing else of ours'}`, () => {
      const wrong = sources
        .filter((file) => roomOf(file) === name)
        .flatMap(importsOf)
        .filter(({ to, typeOnly }) => {
          const room = roomOf(to);
          if (room === undefined) return true;
          return room !== name && !may.includes(room) && !(typeOnly && types.includes(room));
        })
        .map(({ from, to }) => `${from} imports ${to}`);
      assert.deepEqual(wrong, []);
    });
  }
});

it('nothing may be imported that no file imports', () => {
  const used = new Set(sources.flatMap(importsOf).map(({ from, to }) => `${roomOf(from)} → ${roomOf(to)}`));
  const unused = Object.entries(ROOMS).flatMap(([name, { may, types = [] }]) =>
    [...may, ...types].filter((other) => !isShared(other)).map((other) => `${name} → ${other}`),
  );
  assert.deepEqual(
    unused.filter((arrow) => !used.has(arrow)),
    [],
  );
});

const isShared = (room: string) => room.startsWith('shared/');

it('pure rooms do no I/O', () => {
  const wrong = sources.filter((file) => {
    const room = roomOf(file);
    return (
      room && ROOMS[room]?.pure && /from '(node:(?!crypto')|mqtt|hono)/.test(readFileSync(join(root, file), 'utf8'))
    );
  });
  assert.deepEqual(wrong, []);
});
