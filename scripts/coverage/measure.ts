/** Runs test files with sources that count. */
import { join } from 'node:path';
import type { CoverageMap } from 'istanbul-lib-coverage';
import { runTestFile } from '../test-processes/run-test-file.ts';
import { sideBySide } from '../test-processes/side-by-side.ts';
import { openWorkshop } from '../test-processes/workshop.ts';
import { addCounts, COVERAGE_VARIABLE, instrument, untouched } from './instrument.ts';

export interface Measured {
  map: CoverageMap;
  /** Test files that do not pass, and why: what they did not come to is not counted. */
  failures: { file: string; why: string }[];
}

export interface CoverageOptions {
  root: string;
  /** Text by path from the root. */
  sources: ReadonlyMap<string, string>;
  /** From the root. */
  testFiles: readonly string[];
  jobs: number;
  signal: AbortSignal;
  onFile(file: string, result: string): void;
}

/** As long as the tests themselves are given. */
const LIMIT_MS = 1_800_000;

export async function measureCoverage(options: CoverageOptions): Promise<Measured> {
  const { root, sources, testFiles, jobs, signal } = options;
  const instrumented = new Map([...sources].map(([file, text]) => [file, instrument(text, file)]));
  const texts = new Map([...instrumented].map(([file, { text }]) => [join(root, file), text]));
  const map = untouched(instrumented.values());
  const failures: Measured['failures'] = [];
  const workshop = openWorkshop(jobs);
  try {
    await sideBySide(testFiles, workshop.benches, signal, async (file, bench) => {
      const environment = { ...bench.prepare(texts), [COVERAGE_VARIABLE]: bench.path('coverage') };
      const outcome = await runTestFile({ root, file, environment, limitMs: LIMIT_MS, signal });
      if (outcome.kind === 'stopped') return;
      addCounts(map, bench.path('coverage'));
      if (outcome.kind !== 'passed') {
        const why = outcome.kind === 'failed' ? `${outcome.failure.test}: ${outcome.failure.message}` : outcome.kind;
        failures.push({ file, why });
      }
      options.onFile(file, outcome.kind);
    });
    return { map, failures };
  } finally {
    workshop.close();
  }
}
