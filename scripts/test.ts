/**
 * Runs the tests: `npm test`, or `npm test -- PATTERN …` for the files whose path contains a pattern; `!PATTERN` leaves
 * those out. Files of one folder share a process (test-processes/together.ts).
 * (Node 20's `--test` does not take globs.)
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { keepOnnxRuntimeSilent } from '../shared/runtime/no-telemetry.ts';
import { together } from './test-processes/together.ts';

const root = join(import.meta.dirname, '..');
const given = process.argv.slice(2).filter((argument) => !argument.startsWith('-'));
const patterns = given.filter((pattern) => !pattern.startsWith('!'));
const without = given.filter((pattern) => pattern.startsWith('!')).map((pattern) => pattern.slice(1));
const flags = process.argv.slice(2).filter((argument) => argument.startsWith('-'));
const files = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.test.ts'))
  .map((file) => relative(root, join(root, 'test', file)))
  .filter((file) => patterns.length === 0 || patterns.some((pattern) => file.includes(pattern)))
  .filter((file) => !without.some((pattern) => file.includes(pattern)))
  .sort();
if (files.length === 0) {
  console.error(`no test file matches ${given.join(' ')}`);
  process.exit(1);
}
/** Each wait has its own deadline (test/support/waiting.ts). This is for what hangs without waiting: the tests of its process are given up. */
const LONGEST_TEST_MS = 600_000;
const options = ['--test-concurrency=2', `--test-timeout=${LONGEST_TEST_MS}`];
const imports = ['--import', 'tsx', '--import', new URL('./test-processes/assert-ok.js', import.meta.url).href];
// Tests that load ONNX Runtime themselves leave nothing behind and ask nobody either.
keepOnnxRuntimeSilent();
const entries = mkdtempSync(join(tmpdir(), 'edgetune-tests-'));
try {
  const processes = together(root, files, entries);
  const run = spawnSync(process.execPath, [...imports, '--test', ...options, ...flags, ...processes], {
    cwd: root,
    stdio: 'inherit',
  });
  process.exitCode = run.status ?? 1;
} finally {
  rmSync(entries, { recursive: true });
}
