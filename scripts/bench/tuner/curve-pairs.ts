/**
 * Learning curves with two objectives: the error, and the seconds that the whole training takes, both to be minimised,
 * over the tables that have a time. The reference is the median of the table in both.
 */
import { hypervolume } from '../../../coordinator/tuner/pareto.ts';
import { curveTables } from './curves.ts';
import type { BenchFunction } from './functions.ts';

const TIME = 'time_s_52';

/** One function per table; none where the data is not there. */
export function curvePairs(): BenchFunction[] {
  return curveTables()
    .filter(({ rows }) => rows[0] !== undefined && TIME in rows[0])
    .map((table): BenchFunction => {
      const [firstStep, lastStep] = table.steps;
      const lossesAt = (row: Record<string, string>, step: number) => [table.lossAt(row, step), Number(row[TIME])];
      const all = table.rows.map((row) => lossesAt(row, lastStep));
      const reference = [0, 1].map(
        (objective) =>
          all.map((losses) => losses[objective] as number).sort((a, b) => a - b)[all.length >> 1] as number,
      );
      return {
        name: `Curves with time ${table.name}`,
        parameters: table.parameters,
        objectives: 2,
        constrained: false,
        lowestFidelity: 1 / 27,
        cost: (fidelity) => fidelity,
        reference,
        best: hypervolume(all, reference),
        evaluate: (x, fidelity) => ({
          losses: lossesAt(table.nearest(x), Math.max(firstStep, Math.round(fidelity * lastStep))),
          violation: 0,
        }),
      };
    });
}
