/** Imports run one way: DESIGN's rules, held by reading the imports of every source file. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { it } from 'node:test';

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
    const to = specifier.startsWith('@edgetune/shared/')
      ? specifier.replace('@edgetune/', '')
      : specifier.startsWith('.')
        ? relative(root, join(root, dirname(file), specifier))
        : null;
    return to === null ? [] : [{ from: file, to, typeOnly: match[2] !== undefined }];
  });
}

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.tsx?$/.test(file) && !/(^|\/)(node_modules|dist)\//.test(file))
    .map((file) => join(folder, file));
}

/** What the files of a place may import, besides their own place and npm packages. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  shared: [],
  agent: ['shared'],
  'coordinator/tuner': ['shared/domain', 'shared/math'],
  'coordinator/export': ['shared'],
  'coordinator/training': ['shared', 'coordinator/export'],
  'coordinator/broker': ['shared'],
  'coordinator/fleet': ['shared', 'coordinator/broker'],
  'coordinator/inference': ['shared', 'coordinator/fleet'],
  'coordinator/study': [
    'shared',
    'coordinator/tuner',
    'coordinator/training',
    'coordinator/inference',
    'coordinator/fleet',
  ],
  'coordinator/api': [
    'shared',
    'coordinator/study',
    'coordinator/tuner',
    'coordinator/fleet',
    'coordinator/inference',
    'coordinator/config',
  ],
  'coordinator/config': ['shared'],
  'coordinator/dashboard': ['shared'],
};
/** What may be imported as types only: ports that the store implements, and the API's types in the dashboard. */
const MAY_IMPORT_TYPES: Record<string, readonly string[]> = {
  'coordinator/dashboard': ['coordinator/api'],
  'coordinator/store': ['coordinator/fleet', 'coordinator/inference', 'coordinator/study'],
};

const within = (file: string, place: string) => file.startsWith(`${place}/`);

for (const [place, allowed] of Object.entries(MAY_IMPORT)) {
  it(`${place} imports ${allowed.join(', ') || 'nothing else of ours'}`, () => {
    const files = sources(place);
    assert.ok(files.length > 0, `${place} has no source files: has it moved?`);
    const wrong = files
      .flatMap(importsOf)
      .filter(({ to }) => ![place, ...allowed].some((target) => within(to, target)))
      .filter(({ to, typeOnly }) => !(typeOnly && (MAY_IMPORT_TYPES[place] ?? []).some((target) => within(to, target))))
      .map(({ from, to }) => `${from} imports ${to}`);
    assert.deepEqual(wrong, []);
  });
}

it('only main composes the store', () => {
  const wrong = sources('coordinator')
    .filter((file) => !within(file, 'coordinator/store') && file !== 'coordinator/main.ts')
    .flatMap(importsOf)
    .filter(({ to }) => within(to, 'coordinator/store'))
    .map(({ from, to }) => `${from} imports ${to}`);
  assert.deepEqual(wrong, []);
});

it('the tuner and shared/domain do no I/O', () => {
  const wrong = [...sources('coordinator/tuner'), ...sources('shared/domain'), ...sources('shared/costmodel')].filter(
    (file) =>
      /from '(node:(fs|net|http|child_process|worker_threads)|mqtt|hono)/.test(readFileSync(join(root, file), 'utf8')),
  );
  assert.deepEqual(wrong, []);
});
