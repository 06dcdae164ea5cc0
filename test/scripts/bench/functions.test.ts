/** The benchmark functions against their published optima (Surjanovic and Bingham, sfu.ca/~ssurjano; Zitzler et al. 2000). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hypervolume } from '../../../coordinator/tuner/pareto.ts';
import { type BenchFunction, FUNCTIONS } from '../../../scripts/bench/tuner/functions.ts';

const named = (name: string) => FUNCTIONS.find((of) => of.name === name) as BenchFunction;
const at = (name: string, x: number[], fidelity = 1) => {
  const of = named(name);
  const values = Object.fromEntries(of.parameters.map((parameter, i) => [parameter.name, x[i] as number]));
  return of.evaluate(values, fidelity, 1);
};

test('at its published optimum each function has its published value', () => {
  const optima: [string, number[], number][] = [
    ['Branin', [Math.PI, 2.275], 1e-5],
    ['Currin', [0.216667, 0], 1e-4],
    ['Hartmann-3', [0.114614, 0.555649, 0.852547], 1e-4],
    ['Hartmann-6', [0.20169, 0.150011, 0.476874, 0.275332, 0.311652, 0.6573], 1e-4],
    ['MF-Hartmann-3', [0.114614, 0.555649, 0.852547], 1e-4],
    ['Borehole', [0.15, 100, 115600, 1110, 116, 700, 1120, 12045], 0.1],
    ['Counting-ones 4+4', [1, 1, 1, 1, 1, 1, 1, 1], 1e-9],
  ];
  for (const [name, x, tolerance] of optima) {
    const value = at(name, x).losses[0] as number;
    assert.ok(Math.abs(value - named(name).best) < tolerance, `${name}: ${value}`);
  }
});

test('the true fronts of ZDT1–3 and DTLZ2 have their published hypervolume', () => {
  for (const [name, rest] of [
    ['ZDT1', 0],
    ['ZDT2', 0],
    ['ZDT3', 0],
    ['DTLZ2', 0.5],
  ] as const) {
    const front = Array.from({ length: 4001 }, (_, i) => at(name, [i / 4000, rest, rest, rest, rest, rest]).losses);
    const { best, reference } = named(name);
    assert.ok(Math.abs(hypervolume(front, reference as number[]) - best) < 2e-3, name);
  }
});

test('a lower fidelity is biased upwards, and the constrained functions have an infeasible part', () => {
  const x = [0.114614, 0.555649, 0.852547];
  assert.ok((at('MF-Hartmann-3', x, 1 / 27).losses[0] as number) > (at('MF-Hartmann-3', x).losses[0] as number));
  assert.equal(at('C2-DTLZ2', [0, 0.5, 0.5, 0.5, 0.5, 0.5]).violation, 0);
  assert.ok(at('C2-DTLZ2', [0.25, 0.5, 0.5, 0.5, 0.5, 0.5]).violation > 0);
  assert.ok(at('C-Branin-Currin', [1, 1]).violation > 0);
});
