/** Fits whose result can be worked out on paper. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { BoardProfile } from '@edgetune/shared/costmodel/board-profile.ts';
import { chooseCalibrationSet } from '@edgetune/shared/costmodel/calibration-set.ts';
import { type FitRow, fitProfile } from '@edgetune/shared/costmodel/fit-profile.ts';
import { predict } from '@edgetune/shared/costmodel/predict.ts';
import { fitTowardsOne } from '@edgetune/shared/costmodel/ridge.ts';
import { inferenceConfigSchema } from '@edgetune/shared/domain/inference-config.ts';
import type { RunnableModel } from '@edgetune/shared/onnx/analyse.ts';
import { kernel, MEGA, model, PAPER_BOARD } from './by-hand.ts';

const config = inferenceConfigSchema.parse({ batchSize: 1, threads: 1, runner: 'onnxruntime-node' });

function near(actual: number | null, expected: number, tolerance = 1e-9): void {
  assert.ok(
    actual !== null && Math.abs(actual - expected) <= tolerance * Math.max(1, Math.abs(expected)),
    `${actual}, not ${expected}`,
  );
}

describe('ridge regression towards 1', () => {
  const solve = (rows: number[][], lambda: number, weights?: number[]) =>
    fitTowardsOne(
      rows.map((row) => Float64Array.from(row)),
      lambda,
      weights,
    );

  it('of one unknown: (Σ w z + λ) / (Σ w z² + λ)', () => {
    near(solve([[2]], 1)[0] as number, (2 + 1) / (4 + 1));
    near(solve([[2], [3]], 0.5)[0] as number, (2 + 3 + 0.5) / (4 + 9 + 0.5));
    near(solve([[2], [3]], 0.5, [1, 0.1])[0] as number, (2 + 0.3 + 0.5) / (4 + 0.9 + 0.5));
    near(solve([[2], [3]], 0.5, [0, 1])[0] as number, (3 + 0.5) / (9 + 0.5));
  });

  it('what no row tells stays at 1', () => {
    const [first, second] = solve([[2, 0]], 1);
    near(first as number, 3 / 5);
    near(second as number, 1);
  });

  it('of two unknowns that a row adds up: both share the change', () => {
    // Each is r: the least of (1 - 4 r)² + 2 λ (r - 1)² is where 2 (4 r - 1) + λ (r - 1) = 0.
    const [first, second] = solve([[2, 2]], 1);
    near(first as number, (2 + 1) / (8 + 1));
    near(second as number, (2 + 1) / (8 + 1));
  });

  it('none is negative: one that would be is 0, and the others are the best that there are beside it', () => {
    const rows = [
      [1, 4],
      [1, 0],
    ];
    const [first, second] = solve(rows, 1e-9);
    // r₁ = 1 and r₂ = 0 meet both rows.
    near(first as number, 1, 1e-6);
    near(second as number, 0, 1e-6);
    const [one, other] = solve(
      [
        [3, 5],
        [1, 0],
      ],
      1e-9,
    );
    // r₂ would be (1 - 3) / 5; at 0, r₁ = (3 + 1) / (9 + 1).
    assert.equal(other, 0);
    near(one as number, 0.4, 1e-6);
  });
});

/** Kernels of one kind, of so many million products. */
const PRODUCTS = [1, 2, 4, 8, 16, 32].map((millions) =>
  model([kernel({ kind: 'matmul', ops: ['MatMul'], macs: millions * MEGA })]),
);

const row = (analysis: RunnableModel, change: Partial<FitRow> = {}): FitRow => ({
  analysis,
  config,
  latencyMs: null,
  netEnergyJ: null,
  memoryBytes: null,
  ...change,
});
/** What a board would be measured at. */
const measuredOn = (board: BoardProfile, analyses: readonly RunnableModel[] = PRODUCTS) =>
  analyses.map((analysis) => {
    const { latencyMs, netEnergyJ, memoryBytes } = predict(board, analysis, config);
    return row(analysis, { latencyMs, netEnergyJ, memoryBytes });
  });

/** The board with another cost of a million products. */
function workAt(us: number): BoardProfile {
  const [cpu, ...others] = PAPER_BOARD.backends;
  assert.ok(cpu);
  return {
    ...PAPER_BOARD,
    backends: [{ ...cpu, coefficients: { ...cpu.coefficients, 'work.matmul': us } }, ...others],
  };
}

describe('a fitted profile', () => {
  it('of a board that is three times as slow in everything: every coefficient three times as large', () => {
    const rows = measuredOn(PAPER_BOARD).map((each) =>
      row(each.analysis, { latencyMs: 3 * (each.latencyMs as number) }),
    );
    const { profile } = fitProfile(PAPER_BOARD, rows);
    for (const [term, us] of Object.entries(PAPER_BOARD.backends[0]?.coefficients ?? {}))
      near(profile.backends[0]?.coefficients[term as 'run'] as number, 3 * us, 0.02);
    for (const each of rows) near(predict(profile, each.analysis, config).latencyMs, each.latencyMs as number, 0.005);
    assert.equal(profile.name, 'paper-board-fitted');
    assert.equal(profile.sources.coefficients, 'paper-board, fitted to 6 measurements');
  });

  it('of one size and one family publishes the error of its base, as an estimate, however well the rows agree', () => {
    const { profile, crossValidated } = fitProfile(PAPER_BOARD, measuredOn(PAPER_BOARD));
    assert.deepEqual(profile.error, crossValidated);
    assert.deepEqual([profile.error.latencyMape, profile.error.energyMape], [0.1, 0.2]);
    assert.deepEqual(profile.error.estimated, ['latency', 'energy']);
    assert.equal(
      profile.error.comparedWith,
      'estimate: 6 measurements at one input size of one family of networks leave none to compare with; taken is the error of paper-board (10.0 %)',
    );
  });

  it('terms that the base has not cost nothing in the fit either, and other backends stay as they are', () => {
    const { profile } = fitProfile(PAPER_BOARD, measuredOn(PAPER_BOARD), { name: 'again' });
    assert.equal(profile.name, 'again');
    assert.deepEqual(
      Object.keys(profile.backends[0]?.coefficients ?? {}).sort(),
      Object.keys(PAPER_BOARD.backends[0]?.coefficients ?? {}).sort(),
    );
    assert.equal(profile.backends[1], PAPER_BOARD.backends[1]);
  });

  it('without measurements of energy and memory keeps those of the base, and knows no error of them', () => {
    const rows = measuredOn(PAPER_BOARD).map((each) => row(each.analysis, { latencyMs: each.latencyMs }));
    const { profile, crossValidated } = fitProfile(PAPER_BOARD, rows);
    assert.deepEqual(profile.power, PAPER_BOARD.power);
    assert.equal(profile.backends[0]?.runtimeBytes, 40 * MEGA);
    assert.deepEqual([crossValidated.energyMape, crossValidated.memoryMape], [null, null]);
    assert.deepEqual([profile.error.energyMape, profile.error.memoryMape], [null, null]);
  });

  it('where only the work is slower: networks like those are known, and others stay near the base', () => {
    const rows = measuredOn(workAt(120));
    const { profile } = fitProfile(PAPER_BOARD, rows);
    for (const each of rows) near(predict(profile, each.analysis, config).latencyMs, each.latencyMs as number, 0.02);
    const { 'work.matmul': work = 0, 'fixed.elementwise': untold = 0 } = profile.backends[0]?.coefficients ?? {};
    assert.ok(work > 60 && work < 90, `${work}`);
    assert.ok(untold > 30 && untold < 40, `${untold}`);
  });

  it('one row that was disturbed counts for less: the others decide', () => {
    const sizes = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32];
    const analyses = sizes.map((size) => model([kernel({ kind: 'matmul', ops: ['MatMul'], macs: size * MEGA })]));
    const rows = measuredOn(workAt(120), analyses);
    const disturbed = rows.map((each, index) =>
      index === 4 ? { ...each, latencyMs: 0.5 * (each.latencyMs as number) } : each,
    );
    const { profile } = fitProfile(PAPER_BOARD, disturbed);
    const errors = rows.map((each) =>
      Math.abs(predict(profile, each.analysis, config).latencyMs / (each.latencyMs as number) - 1),
    );
    assert.ok(Math.max(...errors) < 0.06, `${errors}`);
  });

  it("the runtime's memory is the median of what is measured beyond the model", () => {
    const rows = measuredOn(PAPER_BOARD).map((each, index) => ({
      ...each,
      netEnergyJ: null,
      memoryBytes: [50, 55, 60, null, null, null].map((megabytes) => megabytes && megabytes * MEGA)[index] ?? null,
    }));
    const { profile, crossValidated } = fitProfile(PAPER_BOARD, rows);
    assert.equal(profile.backends[0]?.runtimeBytes, 55 * MEGA);
    // The base knows no error of its memory, and one group leaves none out.
    assert.equal(crossValidated.memoryMape, null);
    const [first, ...others] = rows;
    const single = fitProfile(PAPER_BOARD, [
      first as FitRow,
      ...others.map((each) => ({ ...each, memoryBytes: null })),
    ]);
    assert.equal(single.profile.backends[0]?.runtimeBytes, 50 * MEGA);
    assert.equal(single.crossValidated.memoryMape, null);
  });

  it('beyond weights and activations: less than these is no memory of the runtime', () => {
    const large = PRODUCTS.map((each) => ({ ...each, weightBytes: 10 * MEGA, peakActivationBytes: 5 * MEGA }));
    const rows = measuredOn(PAPER_BOARD, large).map((each) => ({ ...each, netEnergyJ: null, memoryBytes: 30 * MEGA }));
    const { profile } = fitProfile(PAPER_BOARD, rows);
    assert.equal(profile.backends[0]?.runtimeBytes, (30 - 2 * 10 - 5) * MEGA);
    const small = rows.map((each) => ({ ...each, memoryBytes: MEGA }));
    assert.equal(fitProfile(PAPER_BOARD, small).profile.backends[0]?.runtimeBytes, 0);
  });

  it('of a board that draws twice as much: twice the power of each part', () => {
    const hungry: BoardProfile = { ...PAPER_BOARD, power: { ...PAPER_BOARD.power, coreW: 3, memoryW: 1 } };
    const { profile, crossValidated } = fitProfile(PAPER_BOARD, measuredOn(hungry));
    near(profile.power.coreW, 3, 1e-6);
    near(profile.power.memoryW, 1, 1e-6);
    assert.equal(crossValidated.energyMape, 0.2);
    assert.deepEqual([profile.power.idleW, profile.power.clockExponent], [2, 2]);
  });

  it('energy counts per sample, and not where it is 0', () => {
    const hungry: BoardProfile = { ...PAPER_BOARD, power: { ...PAPER_BOARD.power, coreW: 3, memoryW: 1 } };
    const batches = PRODUCTS.map((each) => ({ ...each, batchSize: 4 }));
    const { profile } = fitProfile(PAPER_BOARD, measuredOn(hungry, batches));
    near(profile.power.coreW, 3, 1e-6);
    const zero = measuredOn(hungry).map((each) => ({ ...each, netEnergyJ: 0 }));
    const untold = fitProfile(PAPER_BOARD, zero);
    assert.deepEqual(untold.profile.power, PAPER_BOARD.power);
    assert.equal(untold.crossValidated.energyMape, null);
    // One measurement: a level, and no error but that of the base.
    const [first, ...others] = measuredOn(hungry);
    const one = fitProfile(PAPER_BOARD, [first as FitRow, ...others.map((each) => ({ ...each, netEnergyJ: null }))]);
    near(one.profile.power.coreW, 3, 1e-6);
    assert.equal(one.crossValidated.energyMape, 0.2);
  });

  it('of rows without a latency uses the rest of them', () => {
    const rows = measuredOn(PAPER_BOARD);
    const { profile } = fitProfile(PAPER_BOARD, [
      ...rows.slice(0, 3),
      ...rows.slice(3).map((each) => ({ ...each, latencyMs: null })),
    ]);
    assert.equal(profile.sources.coefficients, 'paper-board, fitted to 3 measurements');
  });

  it('needs three latencies, of one backend', () => {
    const rows = measuredOn(PAPER_BOARD);
    assert.throws(
      () => fitProfile(PAPER_BOARD, rows.slice(0, 2)),
      /at least 3 measured latencies, better 10; there are 2/,
    );
    const cuda = inferenceConfigSchema.parse({
      batchSize: 1,
      threads: 1,
      executionProvider: 'cuda',
      runner: 'onnxruntime-python',
    });
    const mixed = rows.map((each, index) => (index === 0 ? { ...each, config: cuda } : each));
    assert.throws(() => fitProfile(PAPER_BOARD, mixed), /ran on different backends; fit each on its own/);
  });
});

describe('the models to measure', () => {
  const products = model([kernel({ kind: 'matmul', ops: ['MatMul'], macs: 1000 * MEGA })]);
  const fewer = model([kernel({ kind: 'matmul', ops: ['MatMul'], macs: 500 * MEGA })]);
  const sums = model([kernel({ inputBytes: 0.5 * MEGA, outputBytes: 0.5 * MEGA })]);
  const mixed = model([
    ...products.kernels,
    ...Array.from({ length: 2000 }, () => sums.kernels[0] as (typeof sums.kernels)[0]),
  ]);

  it('first the one that is most of one kind, then what it leaves unknown', () => {
    // The second product says what the first said; the sums are something else.
    assert.deepEqual(chooseCalibrationSet(PAPER_BOARD, [fewer, products, sums], config, 2), [1, 2]);
    assert.deepEqual(chooseCalibrationSet(PAPER_BOARD, [sums, mixed, products], config, 3), [2, 0, 1]);
  });

  it('as many as are asked for, and each once', () => {
    assert.deepEqual(chooseCalibrationSet(PAPER_BOARD, [products, sums], config, 0), []);
    assert.deepEqual(chooseCalibrationSet(PAPER_BOARD, [products, sums], config, 9).sort(), [0, 1]);
    assert.deepEqual(chooseCalibrationSet(PAPER_BOARD, [], config, 3), []);
    // Of equals the first.
    assert.deepEqual(chooseCalibrationSet(PAPER_BOARD, [products, products, products], config, 3), [0, 1, 2]);
  });
});
