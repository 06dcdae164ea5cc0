/**
 * Real (TaskSet) and surrogate (LCBench) learning curves as benchmark functions: a candidate is trained as the nearest
 * configuration of the table was (nearest in the unit cube), and the fidelity is the share of its curve that is seen.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Parameter } from '@edgetune/shared/domain/search-space.ts';
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

/** One function per table; none where the data is not there. */
export function curveFunctions(): BenchFunction[] {
  return KINDS.filter(({ folder }) => existsSync(join(FOLDER, folder))).flatMap((kind) =>
    readdirSync(join(FOLDER, kind.folder))
      .filter((file) => file.endsWith('.csv'))
      .map((file) => tableFunction(kind, file)),
  );
}

function tableFunction(kind: TableKind, file: string): BenchFunction {
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
  const lossAt = (row: Record<string, string>, step: number) => kind.loss(row[`${kind.curve}${step}`] ?? '');
  return {
    name: `Curves ${file.replace('.csv', '')}`,
    parameters,
    objectives: 1,
    constrained: false,
    lowestFidelity: 1 / 27,
    cost: (fidelity) => fidelity,
    best: Math.min(...rows.map((row) => lossAt(row, kind.lastStep))),
    evaluate(x, fidelity) {
      const at = space.pointOf(x);
      let [nearest, least] = [0, Infinity];
      for (const [index, point] of points.entries()) {
        const distance = point.reduce((sum, value, i) => sum + (value - (at[i] as number)) ** 2, 0);
        if (distance < least) [nearest, least] = [index, distance];
      }
      const step = Math.max(kind.firstStep, Math.round(fidelity * kind.lastStep));
      return { losses: [lossAt(rows[nearest] as Record<string, string>, step)], violation: 0 };
    },
  };
}
