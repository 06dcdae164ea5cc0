/** What people read when a run is over. */
import { formatTable } from '../bench/support.ts';
import type { MutationResult, Tried } from './run-mutants.ts';

const isKind = (kind: Tried['verdict']['kind']) => (tried: Tried) => tried.verdict.kind === kind;

export interface Counts {
  killed: number;
  /** Of the killed: by an assertion; the others by an error that a test met on its way. */
  byAssertion: number;
  timedOut: number;
  survived: number;
  notReached: number;
  notRun: number;
  /** Killed by a failing test, of those that were run, in percent; null where none was run. */
  killedPercent: number | null;
  /** Killed or timed out, likewise. */
  scorePercent: number | null;
}

export function count(tried: readonly Tried[]): Counts {
  const of = (kind: Tried['verdict']['kind']) => tried.filter(isKind(kind)).length;
  const [killed, timedOut, survived] = [of('killed'), of('timed out'), of('survived')];
  const [notReached, notRun] = [of('not reached'), of('not run')];
  const run = tried.length - notRun;
  const percentOf = (part: number) => (run === 0 ? null : (100 * part) / run);
  return {
    killed,
    byAssertion: tried.filter(({ verdict }) => verdict.kind === 'killed' && verdict.isAssertion).length,
    timedOut,
    survived,
    notReached,
    notRun,
    killedPercent: percentOf(killed),
    scorePercent: percentOf(killed + timedOut),
  };
}

const change = ({ mutant }: Pick<Tried, 'mutant'>) =>
  `${mutant.file}:${mutant.line} (${mutant.mutator})\n  - ${mutant.before}\n  + ${mutant.after}`;

/** One line for the progress of a run. */
export const progressLine = ({ mutant, verdict }: Tried) =>
  `${verdict.kind.padEnd(11)} ${mutant.file}:${mutant.line} ${mutant.mutator}`;

function section(title: string, entries: readonly string[]): string {
  return entries.length === 0 ? '' : `\n${title}\n\n${entries.join('\n')}\n`;
}

export function formatResult(result: MutationResult): string {
  const { tried, equivalent, stale } = result;
  const counts = count(tried);
  const row = {
    folder: result.folder,
    mutants: result.mutants,
    sample: tried.length,
    seed: result.seed,
    'by assertion': counts.byAssertion,
    'by error': counts.killed - counts.byAssertion,
    'timed out': counts.timedOut,
    survived: counts.survived,
    'not reached': counts.notReached,
    'equivalent (listed)': equivalent.length,
    'killed %': counts.killedPercent?.toFixed(1) ?? null,
    'with timed out %': counts.scorePercent?.toFixed(1) ?? null,
  };
  const late =
    counts.notRun === 0
      ? ''
      : `\nEnded before its end, by time or by hand: ${counts.notRun} of ${tried.length} were not run.\n`;
  return [
    `\n${formatTable([row])}\n`,
    late,
    section('Survivors: no test fails', tried.filter(isKind('survived')).map(change)),
    section('Survivors: no test reaches it', tried.filter(isKind('not reached')).map(change)),
    section('Timed out: a test file does not end', tried.filter(isKind('timed out')).map(change)),
    section(
      'Equivalent (listed)',
      equivalent.map(({ mutant, reason }) => `${change({ mutant })}\n  ${reason}`),
    ),
    section(
      'Listed as equivalent, but no mutant reads so any more: take them off the list',
      stale.map(({ file, before, after }) => `${file}\n  - ${before}\n  + ${after}`),
    ),
  ].join('');
}

/** The same for programs. */
export function resultAsJson(result: MutationResult): unknown {
  const plain = ({ mutant: { file, line, mutator, before, after } }: Pick<Tried, 'mutant'>) => ({
    file,
    line,
    mutator,
    before,
    after,
  });
  const { tried, equivalent, ...rest } = result;
  return {
    ...rest,
    counts: count(tried),
    tried: tried.map((one) => ({ ...plain(one), verdict: one.verdict })),
    equivalent: equivalent.map((one) => ({ ...plain(one), reason: one.reason })),
  };
}
