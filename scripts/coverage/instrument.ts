/** Sources that count what of them is run, and what was counted: Istanbul's statements, lines and branches of the source itself. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import istanbul, { type CoverageMap, type FileCoverageData } from 'istanbul-lib-coverage';
import { createInstrumenter } from 'istanbul-lib-instrument';
import { z } from 'zod';

/** Where the processes write what they have counted: named in their environment, read again by `readCounts`. */
export const COVERAGE_VARIABLE = 'EDGETUNE_COVERAGE_FOLDER';

export interface Instrumented {
  text: string;
  /** With all counts at 0, so that a source that nothing loads counts as well. */
  nothingRun: FileCoverageData;
}

const instrumenter = createInstrumenter({
  esModules: true,
  coverageVariable: '__edgetuneCoverage__',
  parserPlugins: ['typescript', 'importAttributes'],
});

/** @param file path under which the counts are kept */
export function instrument(text: string, file: string): Instrumented {
  const instrumented = instrumenter.instrumentSync(text, file);
  const keeper = JSON.stringify(new URL('./keep-coverage.js', import.meta.url).href);
  return { text: `${instrumented}\nimport ${keeper};\n`, nothingRun: instrumenter.lastFileCoverage() };
}

const countsSchema = z.record(
  z.string(),
  z.object({
    s: z.record(z.string(), z.number()),
    f: z.record(z.string(), z.number()),
    b: z.record(z.string(), z.array(z.number())),
  }),
);

/** Adds what processes have written into a folder. */
export function addCounts(map: CoverageMap, folder: string): void {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) {
    const counts = countsSchema.parse(JSON.parse(readFileSync(join(folder, name), 'utf8')));
    for (const [file, { s, f, b }] of Object.entries(counts)) {
      const { path, statementMap, fnMap, branchMap } = map.fileCoverageFor(file);
      map.addFileCoverage({ path, statementMap, fnMap, branchMap, s, f, b });
    }
  }
}

/** Coverage of sources of which nothing was run. */
export function untouched(sources: Iterable<Instrumented>): CoverageMap {
  const map = istanbul.createCoverageMap({});
  for (const { nothingRun } of sources) map.addFileCoverage(nothingRun);
  return map;
}
