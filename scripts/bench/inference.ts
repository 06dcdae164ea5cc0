/**
 * The inference tuning server against exhaustive measurement: how close its best config comes with how many
 * measurements, on simulated boards or (with --real) on this machine; and how often the pre-training gate is wrong.
 */
import { boardProfileNamed } from '@edgetune/shared/costmodel/board-profiles.ts';
import { inferenceConfigKey, type Precision } from '@edgetune/shared/domain/inference-config.ts';
import type { Measurement } from '@edgetune/shared/domain/measurement.ts';
import { parseConstraint, parseObjective } from '@edgetune/shared/domain/objective.ts';
import type { Parameter } from '@edgetune/shared/domain/search-space.ts';
import { goalsOf } from '../../coordinator/inference/search/config-score.ts';
import { onnxModel } from './boards/measured-rows.ts';
import { nasBench201Onnx } from './boards/nasbench201.ts';
import {
  type BoardUnderTest,
  type Model,
  measureAll,
  modelOf,
  NEVER,
  optimumOf,
  requestFor,
  simulatedBoard,
  withInt8,
} from './inference/board-under-test.ts';
import { coverageRows } from './inference/coverage.ts';
import { replayed } from './inference/replay.ts';
import { thisMachine } from './inference/this-machine.ts';
import { type BenchRow, type BenchTable, report } from './support.ts';

const BOARDS = ['raspberry-pi-3b-plus', 'raspberry-pi-4', 'raspberry-pi-5', 'jetson-orin-nano'];
/** What a study may want of a device; limits as multiples of the best latency that any config reaches. */
const WANTED = [
  { name: 'latency', objectives: ['minimize latency.p50'], slack: null },
  { name: 'throughput, p99 limited', objectives: ['maximize throughput'], slack: 4 },
  { name: 'energy, p99 limited', objectives: ['minimize energy'], slack: 2 },
  { name: 'energy × latency', objectives: ['minimize energy', 'minimize latency.p50'], slack: null },
];

const OPERATIONS = ['none', 'skip_connect', 'nor_conv_1x1', 'nor_conv_3x3', 'avg_pool_3x3'];

/** Architectures of NAS-Bench-201 spread over its 15,625 by a fixed stride (a prime, so that all edges vary). */
function architectures(count: number): Model[] {
  const found: Model[] = [];
  for (let index = 0; found.length < count; index += 1) {
    const code = (7 + index * 1543) % 5 ** 6;
    const op = (edge: number, node: number) => `${OPERATIONS[Math.floor(code / 5 ** edge) % 5]}~${node}`;
    const text = `|${op(0, 0)}|+|${op(1, 0)}|${op(2, 1)}|+|${op(3, 0)}|${op(4, 1)}|${op(5, 2)}|`;
    const bytes = nasBench201Onnx(text, { classes: 10 });
    if (bytes) found.push(modelOf(text, bytes));
  }
  const seen = new Set<string>();
  return found.filter(({ signature }) => !seen.has(signature) && seen.add(signature));
}

function gridOf(
  { device }: BoardUnderTest,
  batchSizes = [1, 2, 4, 8, 16, 32],
  precisions: Precision[] = ['float32', 'int8'],
): Parameter[] {
  const level = 'inference' as const;
  const cores = Array.from({ length: device.board?.logicalCores ?? 1 }, (_, index) => index + 1);
  const clocks = device.board?.settableClocksKHz ?? [];
  return [
    { name: 'batchSize', level, type: 'ordinal', values: batchSizes },
    { name: 'threads', level, type: 'ordinal', values: cores },
    { name: 'precision', level, type: 'categorical', choices: precisions },
    ...(clocks.length > 0 ? [{ name: 'clockKHz', level, type: 'ordinal' as const, values: [...clocks] }] : []),
  ];
}

/**
 * `again`: the same board, to be measured a second time. Then configs are judged by the second measurement, which neither
 * the search nor the first pass over the grid has seen: what the first pass's winner loses there is the noise floor.
 */
async function searchRows(
  board: BoardUnderTest,
  models: readonly Model[],
  parameters: Parameter[],
  again?: BoardUnderTest,
): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const { name, objectives: texts, slack } of WANTED) {
    const regrets: number[] = [];
    const shares: number[] = [];
    const noise: number[] = [];
    const repeated: number[] = [];
    for (const model of models) {
      const all = await measureAll(board, model, parameters);
      const hasEnergy = all.some(({ energy }) => energy !== null);
      if (!hasEnergy && texts.some((text) => text.includes('energy'))) continue;
      const fastest = Math.min(...all.flatMap(({ latencyMs }) => (latencyMs ? [latencyMs.p99] : [])));
      const objectives = texts.map(parseObjective);
      const constraints = slack === null ? [] : [parseConstraint(`latency.p99 <= ${slack * fastest} ms`)];
      // A fresh server each time: nothing is known of the board.
      const server = board.server(models);
      const { best } = await server.tune(
        requestFor(board, model, { parameters, objectives, constraints }),
        () => {},
        NEVER,
      );
      const goals = goalsOf({ objectives, constraints }, board.name);
      const optimum = optimumOf(all, goals);
      regrets.push(optimum.regret(best));
      if (again) {
        const second = await measureAll(again, model, parameters);
        const sameIn = (found: Measurement | null) =>
          second.find(({ config }) => found && inferenceConfigKey(config) === inferenceConfigKey(found.config)) ?? null;
        const judge = optimumOf(second, goals);
        repeated.push(judge.regret(sameIn(best)));
        noise.push(judge.regret(sameIn(optimum.winner)));
      }
      shares.push(server.count() / all.length);
    }
    if (regrets.length === 0) continue;
    const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    rows.push({
      board: board.name,
      objective: name,
      searches: regrets.length,
      'within 2 %': `${regrets.filter((regret) => regret <= 0.02).length}/${regrets.length}`,
      'worst regret %': 100 * Math.max(...regrets),
      'measured % mean': 100 * mean(shares),
      'measured % max': 100 * Math.max(...shares),
      ...(again && {
        'measured anew: worst regret %': 100 * Math.max(...repeated),
        'of the first exhaustive winner (noise floor) %': 100 * Math.max(...noise),
      }),
    });
  }
  return rows;
}

/** Searches architectures one after another under limits that some can keep; the server learns on the way. */
async function gateRows(
  boardName: string,
  models: readonly Model[],
): Promise<{ gate: BenchRow[]; coverage: BenchRow[] }> {
  const board = simulatedBoard(boardName);
  const parameters = gridOf(board, [1, 4, 16], ['float32']).filter(({ name }) => name !== 'clockKHz');
  const everything = [];
  for (const model of models) everything.push(await measureAll(board, model, parameters));
  const fastest = everything.map((all) =>
    Math.min(...all.flatMap(({ latencyMs }) => (latencyMs ? [latencyMs.p99] : []))),
  );
  const sorted = fastest.toSorted((a, b) => a - b);
  const rows: BenchRow[] = [];
  for (const quantile of [0.3, 0.6]) {
    const limit = (sorted[Math.floor(quantile * sorted.length)] as number) * 1.001;
    const constraints = [parseConstraint(`latency.p99 <= ${limit} ms`)];
    const objectives = [parseObjective('minimize energy')];
    const goals = goalsOf({ objectives, constraints }, board.name);
    const server = board.server(models);
    const count = { infeasible: 0, predicted: 0, wrongPredicted: 0, wrongMeasured: 0, missed: 0, configs: 0 };
    for (const [index, model] of models.entries()) {
      const all = everything[index] as (typeof everything)[number];
      const truth = optimumOf(all, goals).feasible;
      const request = requestFor(board, model, { parameters, objectives, constraints });
      const result = await server.tune(request, () => {}, NEVER);
      count.configs += all.length;
      if (!truth) count.infeasible += 1;
      if (result.refusedByPrediction) count.predicted += 1;
      if (truth && !result.feasible) count[result.refusedByPrediction ? 'wrongPredicted' : 'wrongMeasured'] += 1;
      if (!truth && result.feasible) count.missed += 1;
    }
    rows.push({
      board: boardName,
      architectures: models.length,
      infeasible: count.infeasible,
      'refused without measuring': count.predicted,
      'wrong refusals, predicted': count.wrongPredicted,
      'wrong refusals, measured': count.wrongMeasured,
      'missed refusals': count.missed,
      'measured % of exhaustive': (100 * server.count()) / count.configs,
      'measurements saved': count.configs - server.count(),
    });
  }
  const cores = board.device.board?.logicalCores ?? 1;
  return { gate: rows, coverage: coverageRows(boardName, cores, models, everything) };
}

async function onSimulatedBoards(): Promise<BenchTable[]> {
  const models = await Promise.all(
    [...architectures(4), modelOf('magika', onnxModel('magika-standard-v3-3.onnx'))].map(withInt8),
  );
  const search: BenchRow[] = [];
  for (const name of BOARDS) {
    const board = simulatedBoard(name);
    search.push(...(await searchRows(board, models, gridOf(board))));
  }
  const gate: BenchRow[] = [];
  const coverage: BenchRow[] = [];
  for (const name of BOARDS.slice(0, 3)) {
    const found = await gateRows(name, architectures(30));
    gate.push(...found.gate);
    coverage.push(...found.coverage);
  }
  const errors = BOARDS.map((name) => `${name} ${boardProfileNamed(name).error.latencyMape ?? 'never compared'}`);
  return [
    {
      title: `Search against every config, SIMULATED boards (latency error of the profiles: ${errors.join(', ')})`,
      rows: search,
    },
    { title: 'Pre-training gate against every config, SIMULATED boards', rows: gate },
    {
      title: 'Intervals of the learned predictor on architectures that it has not seen, SIMULATED boards',
      rows: coverage,
    },
  ];
}

async function onThisMachine(): Promise<BenchTable[]> {
  const machine = await thisMachine();
  const models = await Promise.all(
    [...architectures(1), modelOf('magika', onnxModel('magika-standard-v3-3.onnx'))].map(withInt8),
  );
  const parameters = gridOf(machine, [1, 2, 4, 6, 8, 12, 16, 24]);
  return [
    {
      title: 'Search against every config, this machine',
      rows: await searchRows(machine, models, parameters, await thisMachine()),
    },
  ];
}

/** Tables of the EdgeTune paper's artifact: small grids, of which a search measures a larger share than of large ones. */
async function onReplayedTables(): Promise<BenchTable> {
  const rows: BenchRow[] = [];
  for (const device of ['server', 'edge'] as const) {
    const { board, models, parameters } = replayed(device);
    rows.push(...(await searchRows(board, models, parameters)));
  }
  return { title: "Search against every config, replayed tables of the EdgeTune paper's artifact (21 configs)", rows };
}

const isReal = process.argv.includes('--real');
report(isReal ? await onThisMachine() : [await onReplayedTables(), ...(await onSimulatedBoards())]);
