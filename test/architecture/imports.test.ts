/** Imports run one way: the rooms of the house from the ground up, each with what it may import. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, it } from 'node:test';

const root = join(import.meta.dirname, '../..');

interface Room {
  /** Rooms below it whose files it may import; its own may always import each other. */
  may: readonly string[];
  /** Rooms below it of which it may import types only. */
  types?: readonly string[];
  /** Folders inside it that are no rooms of their own. */
  folders?: readonly string[];
  /** True: bytes and values in, values out; no files, sockets, processes or clocks of Node.js. */
  pure?: boolean;
}

const SHARED = ['shared/math', 'shared/log', 'shared/domain', 'shared/onnx', 'shared/costmodel', 'shared/protocol'];
const ANY_SHARED = [...SHARED, 'shared/runtime'];
const BOARD = ['agent', 'agent/board'];

/** From the ground up: a room may import only rooms that stand before it, so that no arrow runs up and none in a circle. */
const ROOMS: Record<string, Room> = {
  'shared/math': { may: [], pure: true },
  'shared/log': { may: [], pure: true },
  'shared/domain': { may: [], pure: true },
  'shared/onnx': { may: ['shared/domain'], folders: ['shape-rules'], pure: true },
  'shared/costmodel': { may: ['shared/math', 'shared/domain', 'shared/onnx'], folders: ['profiles'], pure: true },
  'shared/protocol': { may: ['shared/domain', 'shared/costmodel'], pure: true },
  'shared/runtime': { may: [] },

  agent: { may: ['shared/runtime'] },
  'agent/board': {
    may: ['agent', 'shared/log', 'shared/domain', 'shared/runtime'],
    folders: ['controls', 'power', 'warnings'],
  },
  'agent/runners': {
    may: ['agent/board', 'shared/math', 'shared/domain', 'shared/onnx', 'shared/runtime'],
    types: ['shared/protocol'],
    folders: ['python', 'trtexec'],
  },
  'agent/measure/window': { may: ['agent/board', 'shared/math', 'shared/domain'], types: ['shared/protocol'] },
  'agent/measure/process': {
    may: [...BOARD, 'agent/runners', 'agent/measure/window', 'shared/domain', 'shared/protocol', 'shared/runtime'],
  },
  'agent/measure': {
    may: [...BOARD, 'agent/measure/window', 'agent/measure/process', 'shared/domain'],
    types: ['shared/protocol'],
  },
  'agent/this-machine': {
    may: [
      ...BOARD,
      'agent/runners',
      'agent/measure',
      'agent/measure/process',
      'shared/onnx',
      'shared/protocol',
      'shared/runtime',
    ],
    types: ['shared/log', 'shared/domain'],
  },
  'agent/simulated': { may: ['agent', 'agent/measure/window', ...SHARED], types: ['agent/this-machine'] },
  'agent/enrolment': { may: ['shared/domain', 'shared/protocol', 'shared/runtime'] },
  'agent/update': {
    may: ['agent/runners', 'agent/this-machine', 'shared/protocol', 'shared/runtime'],
    types: ['agent/enrolment', 'shared/log'],
  },
  'agent/session': {
    may: ['agent', 'agent/enrolment', 'agent/update', 'shared/domain', 'shared/protocol', 'shared/runtime'],
    types: ['agent/this-machine', 'shared/log'],
  },
  'agent/doctor': {
    may: [
      ...BOARD,
      'agent/enrolment',
      'agent/update',
      'agent/session',
      'agent/this-machine',
      'shared/domain',
      'shared/runtime',
    ],
  },
  'agent/cli': {
    may: [
      ...BOARD,
      'agent/doctor',
      'agent/enrolment',
      'agent/session',
      'agent/simulated',
      'agent/this-machine',
      'agent/update',
      ...ANY_SHARED,
    ],
    folders: ['commands'],
  },

  'coordinator/tuner': {
    may: ['shared/math', 'shared/domain'],
    folders: [
      'samplers',
      'samplers/bayesian',
      'samplers/evolution',
      'samplers/parzen',
      'samplers/unguided',
      'schedulers',
    ],
    pure: true,
  },
  'coordinator/ask-tell': { may: ['coordinator/tuner', ...SHARED] },
  'coordinator/export': { may: ['shared/math', 'shared/domain', 'shared/onnx'] },
  'coordinator/training': {
    may: ['coordinator/export', 'shared/math', 'shared/domain', 'shared/onnx', 'shared/runtime'],
    types: ['shared/log'],
    folders: ['backends', 'datasets', 'workloads'],
  },
  'coordinator/broker': { may: ['shared/log', 'shared/protocol', 'shared/runtime'] },
  'coordinator/fleet': { may: ['coordinator/broker', 'shared/domain', 'shared/protocol'], types: ['shared/log'] },
  'coordinator/lifecycle': { may: [] },
  'coordinator/inference/predictor': { may: ['shared/math', 'shared/domain', 'shared/onnx'] },
  'coordinator/inference/search': { may: ['coordinator/inference/predictor', 'shared/math', 'shared/domain'] },
  'coordinator/inference': {
    may: [
      'coordinator/lifecycle',
      'coordinator/inference/predictor',
      'coordinator/inference/search',
      'coordinator/fleet',
      ...SHARED,
    ],
  },
  'coordinator/bench': {
    may: ['coordinator/lifecycle', 'coordinator/inference', 'coordinator/inference/search', ...SHARED],
  },
  'coordinator/study/state': {
    may: ['coordinator/tuner', 'shared/domain'],
    types: ['coordinator/inference', 'shared/protocol'],
  },
  'coordinator/study/context': {
    may: ['shared/domain'],
    types: [
      'coordinator/study/state',
      'coordinator/fleet',
      'coordinator/inference',
      'coordinator/training',
      'coordinator/tuner',
      'shared/onnx',
    ],
  },
  'coordinator/study/trial': {
    may: [
      'coordinator/study/state',
      'coordinator/study/context',
      'coordinator/inference/predictor',
      'coordinator/training',
      'coordinator/tuner',
      'shared/domain',
    ],
  },
  'coordinator/study/outcome': {
    may: [
      'coordinator/study/state',
      'coordinator/study/context',
      'coordinator/inference/search',
      'coordinator/tuner',
      'shared/domain',
    ],
    types: ['coordinator/inference', 'shared/protocol'],
  },
  'coordinator/study': {
    may: [
      'coordinator/study/state',
      'coordinator/study/context',
      'coordinator/study/trial',
      'coordinator/study/outcome',
      'coordinator/lifecycle',
      'coordinator/tuner',
      'shared/domain',
      'shared/protocol',
    ],
    types: ['coordinator/fleet', 'shared/log'],
  },
  // The store knows those who need it by the interfaces that lie beside them.
  'coordinator/store': {
    may: ['shared/domain', 'shared/log', 'shared/protocol'],
    types: [
      'coordinator/ask-tell',
      'coordinator/bench',
      'coordinator/fleet',
      'coordinator/inference',
      'coordinator/study/context',
      'coordinator/study/state',
    ],
    folders: ['migrations'],
  },
  'coordinator/api': {
    may: [
      'coordinator/ask-tell',
      'coordinator/bench',
      'coordinator/fleet',
      'coordinator/study',
      'coordinator/study/state',
      'coordinator/tuner',
      ...ANY_SHARED,
    ],
    types: ['coordinator/study/context'],
  },
  'coordinator/dashboard': {
    may: ['shared/domain', 'shared/protocol'],
    folders: ['api', 'bench', 'components', 'fleet', 'new-study', 'pages', 'state', 'study'],
  },
  'coordinator/config': { may: ['shared/log', 'shared/domain', 'shared/runtime'] },
  // main.ts composes: the only place that knows everyone.
  coordinator: {
    may: [
      'coordinator/api',
      'coordinator/ask-tell',
      'coordinator/bench',
      'coordinator/broker',
      'coordinator/config',
      'coordinator/export',
      'coordinator/fleet',
      'coordinator/inference',
      'coordinator/store',
      'coordinator/study',
      'coordinator/training',
      'coordinator/tuner',
      ...ANY_SHARED,
    ],
  },
  'coordinator/cli': {
    may: [
      'coordinator',
      'coordinator/ask-tell',
      'coordinator/config',
      'coordinator/export',
      'coordinator/training',
      ...ANY_SHARED,
    ],
    folders: ['commands', 'render'],
  },
};

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
