import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BoardProfile } from '@edgetune/shared/costmodel/board-profile.ts';
import { boardProfileNamed } from '@edgetune/shared/costmodel/board-profiles.ts';
import { chooseCalibrationSet } from '@edgetune/shared/costmodel/calibration-set.ts';
import { type FitRow, fitProfile } from '@edgetune/shared/costmodel/fit-profile.ts';
import { predict } from '@edgetune/shared/costmodel/predict.ts';
import { fitTowardsOne } from '@edgetune/shared/costmodel/ridge.ts';
import type { Term } from '@edgetune/shared/costmodel/terms.ts';
import { inferenceConfigSchema } from '@edgetune/shared/domain/inference-config.ts';
import { analyseModel } from '@edgetune/shared/onnx/analyse.ts';
import fc from 'fast-check';
import { network } from '../../support/random-network.ts';

const config = inferenceConfigSchema.parse({ batchSize: 1, threads: 1 });
const base = boardProfileNamed('raspberry-pi-5');

/** A board whose convolutions are much slower, whose kernels start faster, and which draws twice the power. */
function hiddenBoard(): BoardProfile {
  const hidden = structuredClone(base);
  const [cpu] = hidden.backends;
  assert.ok(cpu);
  const change: Partial<Record<Term, number>> = { 'work.convolution': 4, 'bytes.unfold': 2, 'fixed.convolution': 0.5 };
  for (const [term, factor] of Object.entries(change)) {
    const key = term as Term;
    cpu.coefficients[key] = (cpu.coefficients[key] ?? 0) * factor;
  }
  cpu.runtimeBytes = 60e6;
  hidden.power.coreW *= 2;
  return hidden;
}

const analyses = [8, 16, 24, 32, 48].flatMap((imageSize) =>
  [4, 8, 16, 32].flatMap((channels) =>
    ([1, 3] as const).flatMap((kernel) =>
      [true, false].map((pool) =>
        analyseModel(network({ imageSize, channels, depth: 3, kernel, pool }), { batchSize: 1 }),
      ),
    ),
  ),
);

function measuredOn(board: BoardProfile): FitRow[] {
  return analyses.map((analysis) => {
    const { latencyMs, netEnergyJ, memoryBytes } = predict(board, analysis, config);
    return { analysis, config, latencyMs, netEnergyJ, memoryBytes };
  });
}

test('ten measurements, chosen by design, give the other architectures within a few per cent', () => {
  const rows = measuredOn(hiddenBoard());
  const chosen = chooseCalibrationSet(base, analyses, config, 10);
  assert.equal(new Set(chosen).size, 10);
  const { profile, crossValidated } = fitProfile(
    base,
    chosen.map((index) => rows[index] as FitRow),
    { name: 'hidden' },
  );
  assert.equal(profile.name, 'hidden');
  const errors = rows.flatMap((row, index) => {
    if (chosen.includes(index)) return [];
    const { latencyMs, netEnergyJ, memoryBytes } = predict(profile, row.analysis, config);
    return [latencyMs / (row.latencyMs ?? 0), netEnergyJ / (row.netEnergyJ ?? 0), memoryBytes / (row.memoryBytes ?? 0)];
  });
  assert.ok(errors.every((ratio) => Math.abs(ratio - 1) < 0.1));
  assert.ok((crossValidated.latencyMape ?? 1) < 0.1);
  assert.equal(profile.error.latencyMape, crossValidated.latencyMape);
});

test('one disturbed measurement among them does not bend the fit', () => {
  const rows = measuredOn(hiddenBoard());
  const chosen = chooseCalibrationSet(base, analyses, config, 16).map((index) => rows[index] as FitRow);
  const disturbed = chosen.map((row, index) => (index === 7 ? { ...row, latencyMs: 2 * (row.latencyMs ?? 0) } : row));
  const { profile } = fitProfile(base, disturbed);
  const errors = rows.map((row) =>
    Math.abs(predict(profile, row.analysis, config).latencyMs / (row.latencyMs ?? 0) - 1),
  );
  const mape = errors.reduce((sum, error) => sum + error, 0) / errors.length;
  assert.ok(mape < 0.1, `${mape}`);
});

test('a fitted profile has no negative coefficient, and what was not measured keeps the base', () => {
  const rows = measuredOn(hiddenBoard()).map((row) => ({ ...row, netEnergyJ: null, memoryBytes: null }));
  const { profile, crossValidated } = fitProfile(base, rows.slice(0, 12));
  for (const value of Object.values(profile.backends[0]?.coefficients ?? {})) assert.ok((value ?? 0) >= 0);
  assert.deepEqual(profile.power, base.power);
  assert.equal(profile.backends[0]?.runtimeBytes, base.backends[0]?.runtimeBytes);
  assert.deepEqual([crossValidated.energyMape, crossValidated.memoryMape], [null, null]);
});

test('too few measurements are refused', () => {
  assert.throws(() => fitProfile(base, measuredOn(base).slice(0, 2)), /at least 3 measured latencies.*there are 2/);
});

/** Problems in which an unknown that was set to 0 on the way is not 0 in the end. */
const FREED_AGAIN = [
  [
    [4, 2, -2, -2, 3],
    [1, 4, -3, 2, 1],
    [-2, -3, -3, 3, -1],
    [0, 1, -3, 1, 0],
  ],
  [
    [0, -3, 4, -3, 2],
    [-2, 4, 2, 2, -1],
    [-3, 3, 1, 3, -3],
    [3, 1, 3, -4, 0],
  ],
  [
    [1, 2, 1, -1, 1],
    [2, 1, -4, 2, 3],
    [-2, -3, 0, 0, -1],
    [-2, -1, 4, 2, 0],
  ],
];

test('the solver meets the conditions of an optimum under r ≥ 0 (Karush, Kuhn and Tucker)', () => {
  const problem = fc.record({
    rows: fc.array(fc.array(fc.double({ min: -2, max: 2, noNaN: true }), { minLength: 4, maxLength: 4 }), {
      minLength: 1,
      maxLength: 12,
    }),
    lambda: fc.double({ min: 1e-3, max: 10, noNaN: true }),
  });
  fc.assert(
    fc.property(problem, ({ rows, lambda }) => {
      const vectors = rows.map((row) => Float64Array.from(row));
      const solution = fitTowardsOne(vectors, lambda);
      const gradient = Array.from(solution, (ratio, term) => {
        let slope = lambda * (ratio - 1);
        for (const row of vectors) {
          const fitted = row.reduce((sum, value, index) => sum + value * (solution[index] as number), 0);
          slope += (row[term] as number) * (fitted - 1);
        }
        return slope;
      });
      for (const [term, ratio] of solution.entries()) {
        assert.ok(ratio >= 0);
        const slope = gradient[term] as number;
        assert.ok(ratio > 0 ? Math.abs(slope) < 1e-6 : slope > -1e-6, `${ratio} with slope ${slope}`);
      }
    }),
    { examples: FREED_AGAIN.map((rows) => [{ rows, lambda: 0.01 }]) },
  );
});
