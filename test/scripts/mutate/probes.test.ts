import assert from 'node:assert/strict';
import { it } from 'node:test';
import { mutantsOf } from '../../../scripts/mutate/mutants.ts';
import { readReached, withProbes } from '../../../scripts/mutate/probes.ts';
import { runTestFile } from '../../../scripts/test-processes/run-test-file.ts';
import { openWorkshop } from '../../../scripts/test-processes/workshop.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const SOURCE = `
export class Box {
  items?: { kept: number[] };
  fill(items: number[]): this { this.items = { kept: items }; return this; }
  big(limit = 2): number[] | undefined { return this.items?.kept.filter((item) => item > limit).map(Number); }
  empty(): void { if (this.items !== undefined) delete this.items; else this.never(); }
  never(): void { this.fill([1 + 1]); }
}
`;

const USE = `
import { fork } from 'node:child_process';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Box } from './box.ts';
test('the source does what it did', () => {
  assert.equal(new Box().big(), undefined);
  assert.deepEqual(new Box().fill([1, 2, 3]).big(), [3]);
});
test('in a child that is killed', async () => {
  const child = fork(new URL('./child.ts', import.meta.url), { execArgv: ['--import', TSX] });
  await new Promise((resolve) => child.once('message', resolve));
  child.kill('SIGKILL');
  await new Promise((resolve) => child.once('exit', resolve));
});
`;

const CHILD = `
import { Box } from './box.ts';
new Box().fill([1]).empty();
process.send?.('done');
setInterval(() => {}, 1000);
`;

it('probes note what is run, in killed children too, and change nothing', async (t) => {
  const tsx = JSON.stringify(import.meta.resolve('tsx'));
  const root = temporaryFolder(t, {
    'box.ts': SOURCE,
    'child.ts': CHILD,
    'use.test.ts': USE.replace('TSX', tsx),
    'package.json': '{ "type": "module" }',
  });
  const workshop = openWorkshop(1);
  t.after(() => workshop.close());
  const [bench] = workshop.benches;
  const mutants = new Map(mutantsOf(SOURCE, 'box.ts').entries());
  const environment = {
    ...bench!.prepare(new Map([[`${root}/box.ts`, withProbes(SOURCE, mutants)]])),
    EDGETUNE_REACHED_FILE: bench!.path('reached'),
  };
  const run = { root, file: 'use.test.ts', environment, limitMs: 30_000, signal: new AbortController().signal };
  assert.deepEqual({ ...(await runTestFile(run)), tookMs: 0 }, { kind: 'passed', tookMs: 0 });
  const reached = readReached(bench!.path('reached'));
  const isIn = (name: string) => (id: number) => mutants.get(id)?.before.startsWith(name) === true;
  const [inNever, elsewhere] = [[...mutants.keys()].filter(isIn('never')), [...mutants.keys()].filter(isIn('big'))];
  assert.ok(inNever.length >= 3 && elsewhere.length >= 5, 'the source has mutants in both');
  assert.deepEqual(
    inNever.filter((id) => reached.has(id)),
    [],
  );
  assert.deepEqual(
    elsewhere.filter((id) => !reached.has(id)),
    [],
  );
  const dropped = [...mutants].find(([, { after }]) => after.includes('if (false) delete'));
  assert.ok(reached.has(dropped![0]), 'what only the killed child has run');
});
