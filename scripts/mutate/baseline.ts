/** The tests as they are: they must pass, how long each file takes, and which mutants' places it runs. */
import { join } from 'node:path';
import { runTestFile } from '../test-processes/run-test-file.ts';
import { sideBySide } from '../test-processes/side-by-side.ts';
import type { SourceFolder } from '../test-processes/source-folder.ts';
import type { Bench } from '../test-processes/workshop.ts';
import type { Mutant } from './mutants.ts';
import { REACHED_VARIABLE, readReached, withProbes } from './probes.ts';

export interface BaselineFile {
  file: string;
  tookMs: number;
  /** Of the mutants given, by index. */
  reached: ReadonlySet<number>;
}

/** A test file that takes longer by itself is of no use to mutants. */
const LIMIT_MS = 600_000;

/**
 * @returns the test files, the quickest first; without those that were stopped
 * @throws Error where a test fails already without any mutant
 */
export async function runBaseline(
  root: string,
  { sources, testFiles }: SourceFolder,
  mutants: readonly Mutant[],
  benches: readonly Bench[],
  signal: AbortSignal,
): Promise<BaselineFile[]> {
  const probed = new Map<string, string>();
  for (const [file, text] of sources) {
    const here = new Map([...mutants.entries()].filter(([, mutant]) => mutant.file === file));
    if (here.size > 0) probed.set(join(root, file), withProbes(text, here));
  }
  const files = await sideBySide(testFiles, benches, signal, async (file, bench): Promise<BaselineFile | null> => {
    const reachedFile = bench.path('reached');
    const environment = { ...bench.prepare(probed), [REACHED_VARIABLE]: reachedFile };
    const outcome = await runTestFile({ root, file, environment, limitMs: LIMIT_MS, signal });
    if (outcome.kind === 'stopped') return null;
    if (outcome.kind === 'passed') return { file, tookMs: outcome.tookMs, reached: readReached(reachedFile) };
    const why =
      outcome.kind === 'failed'
        ? `${outcome.failure.test === '' ? '' : `"${outcome.failure.test}": `}${outcome.failure.message}\n${outcome.output}`
        : `not ended after ${LIMIT_MS / 1000} s`;
    throw new Error(`${file} fails without any mutant; let the tests of the folder pass first.\n${why}`);
  });
  return files.filter((file) => file !== null).sort((a, b) => a.tookMs - b.tookMs);
}
