/** Coverage of a small project of its own, by real test processes. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { measureCoverage } from '../../../scripts/coverage/measure.ts';
import { roomCoverage, roomRow } from '../../../scripts/coverage/rooms.ts';
import { readSourceFolder } from '../../../scripts/test-processes/source-folder.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const SOURCES = {
  // Two decisions with two ways each; the test takes one of the first and both of the second.
  'room/some.ts': `
export function some(a: number, b?: number): number {
  if (a > 1) {
    return 2;
  }
  return b ?? 0;
}
`,
  // Never loaded: its decision has two ways all the same.
  'room/unseen.ts': `
export const unseen = (a: boolean): number => {
  return a ? 1 : 2;
};
`,
  // Run only in a child that is killed, and in a thread.
  'room/child.ts': `
import { parentPort } from 'node:worker_threads';
export const isThread: boolean = parentPort === null ? false : true;
setInterval(Date.now, 1000);
parentPort?.postMessage('done');
process.send?.('done');
`,
};

const TEST = `
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { some } from '../../room/some.ts';
const child = new URL('../../room/child.ts', import.meta.url);
test('some', () => { assert.equal(some(1), 0); assert.equal(some(1, 3), 3); });
test('a child that is killed', async () => {
  const process = fork(child, { execArgv: ['--import', TSX] });
  await once(process, 'message');
  process.kill('SIGKILL');
  await once(process, 'exit');
});
test('a thread that is ended', async () => {
  const code = \`import { register } from \${JSON.stringify(API)}; register(); await import(\${JSON.stringify(child.href)});\`;
  const worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(code)));
  await once(worker, 'message');
  await worker.terminate();
});
`;

function measure(t: TestContext, test: string) {
  const [tsx, api] = ['tsx', 'tsx/esm/api'].map((name) => JSON.stringify(import.meta.resolve(name))) as [
    string,
    string,
  ];
  const root = temporaryFolder(t, {
    ...SOURCES,
    'test/room/some.test.ts': test.replace('TSX', tsx).replace('API', api),
    'package.json': '{ "type": "module" }',
  });
  const { sources, testFiles } = readSourceFolder(root, 'room');
  const signal = new AbortController().signal;
  return { root, measured: measureCoverage({ root, sources, testFiles, jobs: 1, signal, onFile: () => {} }) };
}

it('lines and branches are those of the sources, also in killed children, in threads and where nothing is loaded', async (t) => {
  const { root, measured } = measure(t, TEST);
  const { map, failures } = await measured;
  assert.deepEqual(failures, []);
  const room = roomCoverage(map, 'room');
  assert.deepEqual(room.gaps, [
    { file: 'room/some.ts', linesPercent: 66.7, branchesPercent: 75, uncoveredLines: [4], uncoveredBranchLines: [3] },
    { file: 'room/unseen.ts', linesPercent: 0, branchesPercent: 0, uncoveredLines: [2, 3], uncoveredBranchLines: [3] },
  ]);
  assert.deepEqual(room.branches, { covered: 5, total: 8 });
  assert.deepEqual(roomRow(room), {
    folder: 'room',
    files: 3,
    lines: room.lines.total,
    'lines %': ((100 * room.lines.covered) / room.lines.total).toFixed(1),
    branches: 8,
    'branches %': '62.5',
  });
  for (const [file, text] of Object.entries(SOURCES)) assert.equal(readFileSync(join(root, file), 'utf8'), text);
});

it('a test file that fails is named', async (t) => {
  const { failures } = await measure(t, `import { test } from 'node:test'; test('x', () => { throw new Error('y'); });`)
    .measured;
  assert.deepEqual(failures, [{ file: 'test/room/some.test.ts', why: 'x: y' }]);
});
