/** The whole tool on a small project of its own: real mutants, real test processes. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import type { Equivalent } from '../../../scripts/mutate/equivalents.ts';
import { mutantsIn } from '../../../scripts/mutate/mutants.ts';
import { count, formatResult } from '../../../scripts/mutate/report.ts';
import { type MutationResult, runMutants } from '../../../scripts/mutate/run-mutants.ts';
import { readSourceFolder } from '../../../scripts/test-processes/source-folder.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const testOf = (name: string, body: string) => `
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ${name} } from '../../room/${name}.ts';
test('${name}', () => { ${body} });
`;

const PROJECT = {
  'package.json': '{ "type": "module" }',
  'room/firm.ts': 'export const firm = (a: number, b: number): number => a * b;\n',
  'test/room/firm.test.ts': testOf('firm', 'assert.equal(firm(3, 4), 12);'),
  'room/weak.ts': 'export const weak = (a: number, b: number): number => a + b;\n',
  'test/room/weak.test.ts': testOf('weak', 'assert.ok(Number.isFinite(weak(3, 4)));'),
  'room/unseen.ts': 'export const unseen = (a: number, b: number): number => a / b;\n',
};

function run(
  root: string,
  equivalents: Equivalent[] = [],
  signal = new AbortController().signal,
): Promise<MutationResult> {
  const options = { equivalents, sample: 40, seed: 1, jobs: 2, signal, onBaseline: () => {}, onTried: () => {} };
  const folder = readSourceFolder(root, 'room/');
  return runMutants({ root, folder, mutants: mutantsIn(folder.sources), ...options });
}

const verdicts = ({ tried }: MutationResult) =>
  Object.fromEntries(tried.map(({ mutant, verdict }) => [mutant.file, verdict.kind]));

describe('a run of mutants', () => {
  const project = (t: TestContext, more: Record<string, string> = {}) => temporaryFolder(t, { ...PROJECT, ...more });

  it('tells what a test kills from what it lets pass and what it never reaches', async (t) => {
    const root = project(t);
    const result = await run(root);
    assert.deepEqual(verdicts(result), {
      'room/firm.ts': 'killed',
      'room/weak.ts': 'survived',
      'room/unseen.ts': 'not reached',
    });
    const killed = result.tried.find(({ mutant }) => mutant.file === 'room/firm.ts')?.verdict;
    assert.ok(killed?.kind === 'killed' && killed.isAssertion && killed.test === 'firm');
    assert.equal(killed.file, 'test/room/firm.test.ts');
    assert.equal(count(result.tried).scorePercent, 100 / 3);
    const report = formatResult(result);
    assert.match(report, /room\/weak\.ts:1 \(arithmetic\)\n {2}- export const weak = .*a \+ b;\n {2}\+ .*a - b;/);
    for (const [path, text] of Object.entries(PROJECT)) assert.equal(readFileSync(join(root, path), 'utf8'), text);
  });

  it('leaves out what is listed as equivalent, and says which entries fit nothing', async (t) => {
    const before = 'export const weak = (a: number, b: number): number => a + b;';
    const reason = 'an example: nobody looks at the sum';
    const listed = { file: 'room/weak.ts', before, after: before.replace('+', '-'), reason };
    const stale = { ...listed, after: before.replace('+', '*') };
    const elsewhere = { ...stale, file: 'other/weak.ts' };
    const result = await run(project(t), [listed, stale, elsewhere]);
    assert.deepEqual(Object.keys(verdicts(result)).sort(), ['room/firm.ts', 'room/unseen.ts']);
    assert.deepEqual(
      result.equivalent.map((one) => [one.mutant.file, one.reason]),
      [['room/weak.ts', reason]],
    );
    assert.deepEqual(result.stale, [stale]);
    assert.equal(count(result.tried).scorePercent, 50);
    assert.match(formatResult(result), /Equivalent \(listed\)\n\nroom\/weak[\s\S]*nobody looks[\s\S]*take them off/);
  });

  it('is refused where the tests fail without any mutant', async (t) => {
    const root = project(t, { 'test/room/weak.test.ts': testOf('weak', 'assert.equal(weak(1, 1), 3);') });
    await assert.rejects(run(root), /test\/room\/weak\.test\.ts fails without any mutant[\s\S]*"weak":[\s\S]*2 !== 3/);
  });

  it('that is ended by time says what was not run', async (t) => {
    const result = await run(project(t), [], AbortSignal.abort());
    assert.deepEqual(new Set(Object.values(verdicts(result))), new Set(['not run']));
    assert.equal(count(result.tried).scorePercent, null);
    assert.match(formatResult(result), /Ended before its end, by time or by hand: 3 of 3 were not run/);
  });

  it('is refused for a folder without sources', (t) => {
    assert.throws(() => readSourceFolder(project(t), 'rooom'), /rooom holds no TypeScript/);
  });
});
