import assert from 'node:assert/strict';
import { it } from 'node:test';
import { mutantsOf } from '../../../scripts/mutate/mutants.ts';
import { count, formatResult, resultAsJson } from '../../../scripts/mutate/report.ts';
import type { MutationResult, Verdict } from '../../../scripts/mutate/run-mutants.ts';

const killed = {
  kind: 'killed',
  file: 'test/room/a.test.ts',
  test: 'a',
  isAssertion: true,
  message: '1 !== 2',
} as const;
const VERDICTS: Verdict[] = [
  killed,
  { ...killed, isAssertion: false },
  { kind: 'timed out', file: 'test/room/a.test.ts' },
  { kind: 'survived', files: 2 },
  { kind: 'not reached' },
  { kind: 'not run' },
];
const mutants = mutantsOf('f(a < b);\ng(c > d);', 'room/a.ts');
const result: MutationResult = {
  folder: 'room',
  seed: 7,
  mutants: 6,
  testFiles: 1,
  baselineMs: 1000,
  tookMs: 2000,
  tried: VERDICTS.map((verdict, index) => ({ mutant: mutants[index]!, verdict })),
  equivalent: [],
  stale: [],
};

it('what timed out is counted apart from what a test has killed, and what was not run not at all', () => {
  assert.deepEqual(count(result.tried), {
    killed: 2,
    byAssertion: 1,
    timedOut: 1,
    survived: 1,
    notReached: 1,
    notRun: 1,
    killedPercent: 40,
    scorePercent: 60,
  });
});

it('each kind is listed where people look for it', () => {
  const [table, ...sections] = formatResult(result).split(/\n\n(?=[A-Z])/);
  assert.match(table!, /killed % {2}with timed out %[\s\S]* 40\.0 +60\.0$/m);
  const listed = Object.fromEntries(
    sections.map((section) => [section.split(':')[0], [...section.matchAll(/^room\/a\.ts:\d/gm)].length]),
  );
  assert.deepEqual(listed, { 'Ended before its end, by time or by hand': 0, Survivors: 1, 'Timed out': 1 });
});

it('as JSON each mutant has its verdict', () => {
  const { tried, counts } = resultAsJson(result) as { tried: unknown[]; counts: unknown };
  assert.deepEqual(tried[3], {
    file: 'room/a.ts',
    line: 2,
    mutator: 'statement',
    before: 'g(c > d);',
    after: ';',
    verdict: { kind: 'survived', files: 2 },
  });
  assert.deepEqual(counts, count(result.tried));
});
