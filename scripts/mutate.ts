/**
 * Makes small mistakes in the sources of a folder, one at a time, and lists those that the folder's own tests let pass:
 * `npm run mutate -- FOLDER [--sample 40] [--seed 1] [--jobs 2] [--minutes 20] [--at-least PERCENT] [--json FILE]`.
 * `--at-least` counts what timed out as seen, and fails where the time ends the run.
 * FOLDER is such as `coordinator/tuner`; its own tests are those below `test/FOLDER`. Sources on disk stay as they are.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readEquivalents } from './mutate/equivalents.ts';
import { mutantsIn } from './mutate/mutants.ts';
import { count, formatResult, progressLine, resultAsJson } from './mutate/report.ts';
import { runMutants } from './mutate/run-mutants.ts';
import { readSourceFolder } from './test-processes/source-folder.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    sample: { type: 'string', default: '40' },
    seed: { type: 'string', default: '1' },
    jobs: { type: 'string', default: '2' },
    minutes: { type: 'string', default: '20' },
    'at-least': { type: 'string' },
    json: { type: 'string' },
  },
});

function fail(why: string): never {
  console.error(why);
  process.exit(2);
}

function numberOf(name: 'sample' | 'seed' | 'jobs' | 'minutes' | 'at-least', least: number): number {
  const value = Number(values[name]);
  const isWhole = name === 'minutes' || name === 'at-least' || Number.isSafeInteger(value);
  if (!(value >= least) || !isWhole) fail(`--${name} is a number of at least ${least}, not ${values[name]}`);
  return value;
}

const [given, ...more] = positionals;
if (given === undefined || more.length > 0) fail('name one folder: npm run mutate -- coordinator/tuner');
const root = join(import.meta.dirname, '..');
const minutes = numberOf('minutes', 0.01);
const atLeast = values['at-least'] === undefined ? null : numberOf('at-least', 0);
const [sample, seed, jobs] = [numberOf('sample', 1), numberOf('seed', 0), numberOf('jobs', 1)];

const controller = new AbortController();
setTimeout(() => controller.abort(), minutes * 60_000).unref();
// The test processes are in groups of their own, which a key pressed here does not reach.
let interrupted = false;
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(name, () => {
    interrupted = true;
    controller.abort();
  });

try {
  const folder = readSourceFolder(root, given);
  const mutants = mutantsIn(folder.sources);
  const equivalents = readEquivalents(join(import.meta.dirname, 'mutate/equivalent'));
  console.log(`${folder.folder}: ${mutants.length} mutants, ${folder.testFiles.length} test files of its own`);
  const result = await runMutants({
    root,
    folder,
    mutants,
    equivalents,
    sample,
    seed,
    jobs,
    signal: controller.signal,
    onBaseline: (files, tookMs) =>
      console.log(`${files} test files pass as they are (${(tookMs / 1000).toFixed(0)} s)`),
    onTried: (tried, done) => console.log(`${String(done).padStart(3)}  ${progressLine(tried)}`),
  });
  console.log(formatResult(result));
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(resultAsJson(result), null, 2)}\n`);
  const { scorePercent, notRun } = count(result.tried);
  const isGood = atLeast === null || (notRun === 0 && (scorePercent ?? 0) >= atLeast);
  process.exitCode = interrupted ? 130 : isGood ? 0 : 1;
} catch (error) {
  fail((error as Error).message);
}
