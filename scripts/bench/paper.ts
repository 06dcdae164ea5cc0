/**
 * The paper's table: the modes against each other, on the same machine, space and simulated boards. `--all`: also the
 * curves on which EdgeTune's search was tuned, which say less.
 * `npm run bench:paper [-- --quick] [--all] [--part replayed|trained] [--seeds N] [--first-seed N] [--only PATTERN] [--without-peer] [--json FILE]`
 */
import { parseArgs } from 'node:util';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import { createTrainingService } from '../../coordinator/training/create-training-service.ts';
import { WATTS_PER_BUSY_CORE } from '../../coordinator/training/training-energy.ts';
import { type Comparison, compare, overallRow, rowOf } from './paper/compare.ts';
import { replayedProblems } from './paper/replay.ts';
import { baselineCheck } from './paper/strawman.ts';
import { MODES, type Problem, TRAINING_CORES } from './paper/study.ts';
import { trainedProblems } from './paper/trained.ts';
import { type BenchTable, report } from './support.ts';

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    all: { type: 'boolean', default: false },
    part: { type: 'string' },
    seeds: { type: 'string' },
    'first-seed': { type: 'string', default: '1' },
    only: { type: 'string', default: '.' },
    'without-peer': { type: 'boolean', default: false },
    json: { type: 'string' },
  },
});

const seedsOf = (usual: number) =>
  Array.from({ length: Number(options.seeds ?? usual) }, (_, index) => Number(options['first-seed']) + index);
const wanted = (part: 'replayed' | 'trained') => (options.part ?? part) === part;
const chosen = (problems: Problem[]) => problems.filter(({ name }) => new RegExp(options.only).test(name));

console.log(
  `Tuning time: simulated seconds until a model has reached A and its inference configs are measured, on ${TRAINING_CORES} training cores. A training rung takes the CPU-seconds of its process (what it would take on an idle core) or, replayed, what its table says; boards are simulated and charged on the same timeline.
Energy: CPU-seconds × ${WATTS_PER_BUSY_CORE} W (Green Algorithms, doi 10.1002/advs.202100707) + joules of the boards (simulated).
A: the median validation accuracy that accuracy-only reaches with a fixed number of trials. Who does not reach A stops after four times that training time. Medians, with 95 % bootstrap intervals.`,
);

const tables: BenchTable[] = [];
const tabled = (title: string, comparisons: Comparison[]) =>
  tables.push(
    { title, rows: comparisons.flatMap((comparison) => MODES.map((mode) => rowOf(comparison, mode))) },
    { title: `${title}: geometric means`, rows: MODES.map((mode) => overallRow(comparisons, mode)) },
  );

if (wanted('replayed')) {
  const seeds = seedsOf(options.quick ? 5 : 20);
  const problems = chosen(replayedProblems(options.all));
  if (problems.length === 0) console.log('Replayed curves: ../shared/data/curves is not there, or --only leaves none.');
  const comparisons: Comparison[] = [];
  for (const problem of options.quick ? problems.slice(0, 2) : problems)
    comparisons.push(await compare(problem, seeds));
  for (const source of ['surrogate curves', 'real curves'] as const) {
    const of = comparisons.filter(({ problem }) => problem.source === source);
    if (of.length > 0) tabled(`Replayed training, ${source}, ${seeds.length} seeds`, of);
  }
  if (!options['without-peer'])
    tables.push(
      await baselineCheck(
        seeds,
        comparisons.map(({ problem }) => problem.name),
      ),
    );
}
if (wanted('trained')) {
  const training = createTrainingService({ log: plainLogger(console.log) });
  const seeds = seedsOf(3);
  const problems = chosen(trainedProblems(training));
  if (problems.length === 0) console.log('Training: ../shared/data/datasets is not there, or --only leaves none.');
  const comparisons: Comparison[] = [];
  for (const problem of options.quick ? problems.slice(0, 1) : problems)
    comparisons.push(await compare(problem, seeds));
  if (comparisons.length > 0) tabled(`Training for real, ${seeds.length} seeds`, comparisons);
  await training.close();
}
report(tables);
process.exit();
