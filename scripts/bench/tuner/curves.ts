/**
 * Real (TaskSet) and surrogate (LCBench) learning curves as benchmark functions: a candidate is trained as the nearest
 * configuration of the table was (nearest in the unit cube), and the fidelity is the share of its curve that is seen.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Candidate, Parameter } from '@edgetune/shared/domain/search-space.ts';
import { Space } from '../../../coordinator/tuner/space.ts';
import type { BenchFunction } from './functions.ts';

const FOLDER = join(import.meta.dirname, '../../../../shared/data/curves');

interface TableKind {
  folder: string;
  parameters: { name: string; kind: 'float' | 'int'; log: boolean }[];
  /** Columns of the curve begin with this; the number of the step follows. */
  curve: string;
  firstStep: number;
  lastStep: number;
  /** The value to be minimised; a blank is a diverged run. */
  loss(cell: string): number;
}

const floats = (names: string, log: boolean) => names.split(' ').map((name) => ({ name, kind: 'float' as const, log }));
const KINDS: TableKind[] = [
  {
    folder: 'lcbench-surrogate',
    parameters: [
      { name: 'batch_size', kind: 'int', log: true },
      ...floats('learning_rate', true),
      ...floats('momentum weight_decay', false),
      { name: 'num_layers', kind: 'int', log: false },
      { name: 'max_units', kind: 'int', log: true },
      ...floats('max_dropout', false),
    ],
    curve: 'val_acc_',
    firstStep: 1,
    lastStep: 52,
    loss: (cell) => 1 - Number(cell) / 100,
  },
  {
    folder: 'taskset',
    parameters: [
      ...floats('learning_rate epsilon l1 l2 linear_decay exponential_decay', true),
      ...floats('beta1 beta2', false),
    ],
    curve: 'valid_loss_',
    firstStep: 1,
    lastStep: 50,
    // Worse than guessing by far: diverged.
    loss: (cell) => (cell === '' ? 10 : Math.min(10, Number(cell))),
  },
];

/** One table of learning curves. */
export interface CurveTable {
  name: string;
  /** `surrogate`: sampled from a model of real runs. */
  kind: 'real' | 'surrogate';
  parameters: Parameter[];
  rows: Record<string, string>[];
  /** First and last step of the curves. */
  steps: [number, number];
  /** The row whose configuration is nearest in the unit cube. */
  nearest(x: Candidate): Record<string, string>;
  /** The value to be minimised, at a step. */
  lossAt(row: Record<string, string>, step: number): number;
}

/** All tables; none where the data is not there. */
export function curveTables(): CurveTable[] {
  return KINDS.filter(({ folder }) => existsSync(join(FOLDER, folder))).flatMap((kind) =>
    readdirSync(join(FOLDER, kind.folder))
      .filter((file) => file.endsWith('.csv'))
      .map((file) => readTable(kind, file)),
  );
}

function readTable(kind: TableKind, file: string): CurveTable {
  const [header, ...lines] = readFileSync(join(FOLDER, kind.folder, file), 'utf8')
    .trim()
    .split(/\r?\n/);
  const names = (header as string).split(',');
  const rows = lines.map((line) => Object.fromEntries(line.split(',').map((cell, i) => [names[i] as string, cell])));
  const parameters = kind.parameters.map(({ name, kind: type, log }): Parameter => {
    const values = rows.map((row) => Number(row[name]));
    return {
      name,
      level: 'training',
      type,
      min: Math.min(...values),
      max: Math.max(...values),
      scale: log ? 'log' : 'linear',
    };
  });
  const space = new Space(parameters);
  const points = rows.map((row) =>
    space.pointOf(Object.fromEntries(parameters.map(({ name }) => [name, Number(row[name])]))),
  );
  return {
    name: file.replace('.csv', ''),
    kind: kind.folder === 'taskset' ? 'real' : 'surrogate',
    parameters,
    rows,
    steps: [kind.firstStep, kind.lastStep],
    lossAt: (row, step) => kind.loss(row[`${kind.curve}${step}`] ?? ''),
    nearest(x) {
      const at = space.pointOf(x);
      let [nearest, least] = [0, Infinity];
      for (const [index, point] of points.entries()) {
        const distance = point.reduce((sum, value, i) => sum + (value - (at[i] as number)) ** 2, 0);
        if (distance < least) [nearest, least] = [index, distance];
      }
      return rows[nearest] as Record<string, string>;
    },
  };
}

/** One function per table. */
export function curveFunctions(): BenchFunction[] {
  return curveTables().map((table): BenchFunction => {
    const [firstStep, lastStep] = table.steps;
    return {
      name: `Curves ${table.name}`,
      parameters: table.parameters,
      objectives: 1,
      constrained: false,
      lowestFidelity: 1 / 27,
      cost: (fidelity) => fidelity,
      best: Math.min(...table.rows.map((row) => table.lossAt(row, lastStep))),
      evaluate(x, fidelity) {
        const step = Math.max(firstStep, Math.round(fidelity * lastStep));
        return { losses: [table.lossAt(table.nearest(x), step)], violation: 0 };
      },
    };
  });
}
