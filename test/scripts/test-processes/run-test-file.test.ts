import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { runTestFile } from '../../../scripts/test-processes/run-test-file.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { until } from '../../support/waiting.ts';

const isAlive = (pid: number) => existsSync(`/proc/${pid}`);

describe('a test file that is run', () => {
  const run = (t: TestContext, text: string, limitMs = 30_000, signal = new AbortController().signal) => {
    const root = temporaryFolder(t, { 'a.test.ts': text, 'package.json': '{ "type": "module" }' });
    return { root, outcome: runTestFile({ root, file: 'a.test.ts', environment: {}, limitMs, signal }) };
  };

  it('ends at the first failing test, with its reason', async (t) => {
    const { root, outcome } = run(
      t,
      `import assert from 'node:assert/strict';
       import { test } from 'node:test';
       import { writeFileSync } from 'node:fs';
       import { setTimeout } from 'node:timers/promises';
       test('one', () => assert.equal(1, 2, 'one is not two'));
       test('two', async () => { await setTimeout(20_000); writeFileSync('second', ''); });`,
    );
    const result = await outcome;
    assert.ok(result.kind === 'failed');
    assert.deepEqual([result.failure.test, result.failure.isAssertion], ['one', true]);
    assert.match(result.failure.message, /^one is not two/);
    assert.ok(!existsSync(join(root, 'second')));
  });

  it('that cannot be loaded has failed as a whole', async (t) => {
    const result = await run(t, `throw new Error('broken at once');`).outcome;
    assert.ok(result.kind === 'failed');
    assert.deepEqual([result.failure.test, result.failure.isAssertion], ['', false]);
    assert.match(result.output, /broken at once/);
  });

  it('an error that is no assertion is told apart', async (t) => {
    const text = `import { test } from 'node:test'; test('x', () => { throw new TypeError('no function'); });`;
    const result = await run(t, text).outcome;
    assert.ok(result.kind === 'failed' && !result.failure.isAssertion);
    assert.equal(result.failure.message, 'no function');
  });

  it('that does not end is timed out, and nothing that it has started is left', {
    skip: process.platform !== 'linux',
  }, async (t) => {
    const { root, outcome } = run(
      t,
      `import { spawn } from 'node:child_process';
       import { writeFileSync } from 'node:fs';
       writeFileSync('pid', String(spawn('sleep', ['600']).pid));
       setInterval(() => {}, 1000);`,
      3000,
    );
    assert.deepEqual(await outcome, { kind: 'timed out' });
    const pid = Number(readFileSync(join(root, 'pid'), 'utf8'));
    await until('the sleeping process to end', () => !isAlive(pid));
  });

  it('is stopped when the caller wants no more', async (t) => {
    assert.deepEqual(await run(t, 'setInterval(() => {}, 1000);', 30_000, AbortSignal.timeout(500)).outcome, {
      kind: 'stopped',
    });
  });
});
