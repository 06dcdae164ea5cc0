/** Makes each of a sample of mistakes in turn, and sees whether the folder's own tests notice. */
import { join } from 'node:path';
import { runTestFile } from '../test-processes/run-test-file.ts';
import { sideBySide } from '../test-processes/side-by-side.ts';
import type { SourceFolder } from '../test-processes/source-folder.ts';
import { type Bench, openWorkshop } from '../test-processes/workshop.ts';
import { type BaselineFile, runBaseline } from './baseline.ts';
import { type Equivalent, isEquivalent } from './equivalents.ts';
import { changed, type Mutant } from './mutants.ts';
import { drawn } from './sample.ts';

export type Verdict =
  /** By a failing test; `isAssertion` where it was an assertion that failed, not an error thrown on the way. */
  | { kind: 'killed'; file: string; test: string; isAssertion: boolean; message: string }
  /** A test file did not end: seen, but not by a test that says what is wrong. */
  | { kind: 'timed out'; file: string }
  | { kind: 'survived'; files: number }
  /** Nothing runs that place. */
  | { kind: 'not reached' }
  /** The time was over before. */
  | { kind: 'not run' };

export interface Tried {
  mutant: Mutant;
  verdict: Verdict;
}

export interface MutationResult {
  folder: string;
  seed: number;
  /** Of all mutants of the folder. */
  mutants: number;
  testFiles: number;
  baselineMs: number;
  tookMs: number;
  tried: Tried[];
  /** Drawn, but listed as equivalent: not tried and not counted. */
  equivalent: { mutant: Mutant; reason: string }[];
  /** Listed for this folder, but no mutant reads so any more. */
  stale: Equivalent[];
}

export interface MutationOptions {
  root: string;
  folder: SourceFolder;
  /** Of the folder: all of them. */
  mutants: readonly Mutant[];
  equivalents: readonly Equivalent[];
  sample: number;
  seed: number;
  jobs: number;
  /** Ends the run: what was not tried until then is not run. */
  signal: AbortSignal;
  onBaseline(files: number, tookMs: number): void;
  onTried(tried: Tried, done: number): void;
}

/** A test file is given so many times what it took without a mutant: the machine may be busy with something else by then. */
const LIMIT_FACTOR = 5;
const LEAST_LIMIT_MS = 20_000;

/** @throws Error where the tests fail without any mutant */
export async function runMutants(options: MutationOptions): Promise<MutationResult> {
  const { root, folder, signal, jobs, seed } = options;
  const began = performance.now();
  const { sample, equivalent } = choose(options);
  const workshop = openWorkshop(jobs);
  try {
    const baseline = await runBaseline(root, folder, sample, workshop.benches, signal);
    const baselineMs = performance.now() - began;
    options.onBaseline(baseline.length, baselineMs);
    const tried: Tried[] = sample.map((mutant) => ({ mutant, verdict: { kind: 'not run' } }));
    let done = 0;
    await sideBySide([...tried.entries()], workshop.benches, signal, async ([index, one], bench) => {
      const files = baseline.filter(({ reached }) => reached.has(index));
      one.verdict = await tryMutant(root, folder, one.mutant, files, bench, signal);
      if (one.verdict.kind === 'not run') return;
      done += 1;
      options.onTried(one, done);
    });
    const stale = options.equivalents
      .filter(({ file }) => file.startsWith(`${folder.folder}/`))
      .filter((entry) => !options.mutants.some((mutant) => isEquivalent(mutant, entry)));
    const counts = { mutants: options.mutants.length, testFiles: folder.testFiles.length };
    const tookMs = performance.now() - began;
    return { folder: folder.folder, seed, ...counts, baselineMs, tookMs, tried, equivalent, stale };
  } finally {
    workshop.close();
  }
}

/** As many as asked for that are not listed, and the listed ones that were drawn on the way. */
function choose({ mutants, equivalents, sample, seed }: MutationOptions) {
  const chosen: Mutant[] = [];
  const equivalent: MutationResult['equivalent'] = [];
  for (const mutant of drawn(mutants, seed)) {
    if (chosen.length >= sample) break;
    const entry = equivalents.find((listed) => isEquivalent(mutant, listed));
    if (entry === undefined) chosen.push(mutant);
    else equivalent.push({ mutant, reason: entry.reason });
  }
  return { sample: chosen, equivalent };
}

async function tryMutant(
  root: string,
  { sources }: SourceFolder,
  mutant: Mutant,
  files: readonly BaselineFile[],
  bench: Bench,
  signal: AbortSignal,
): Promise<Verdict> {
  if (files.length === 0) return { kind: 'not reached' };
  const texts = new Map([[join(root, mutant.file), changed(sources.get(mutant.file) as string, mutant)]]);
  for (const { file, tookMs } of files) {
    const limitMs = Math.max(LEAST_LIMIT_MS, LIMIT_FACTOR * tookMs);
    const outcome = await runTestFile({ root, file, environment: bench.prepare(texts), limitMs, signal });
    if (outcome.kind === 'stopped') return { kind: 'not run' };
    if (outcome.kind === 'timed out') return { kind: 'timed out', file };
    if (outcome.kind === 'passed') continue;
    const { test, isAssertion, message } = outcome.failure;
    return { kind: 'killed', file, test, isAssertion, message };
  }
  return { kind: 'survived', files: files.length };
}
