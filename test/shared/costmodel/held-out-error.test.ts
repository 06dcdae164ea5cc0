/** What a fitted profile says of its own error holds where the fit has not been. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type BoardProfile, parseBoardProfile } from '@edgetune/shared/costmodel/board-profile.ts';
import { boardProfileNamed } from '@edgetune/shared/costmodel/board-profiles.ts';
import { foldsOf, groupsOf } from '@edgetune/shared/costmodel/fit-groups.ts';
import { type FitRow, fitProfile } from '@edgetune/shared/costmodel/fit-profile.ts';
import { familyOf } from '@edgetune/shared/costmodel/network-family.ts';
import { predict } from '@edgetune/shared/costmodel/predict.ts';
import { inferenceConfigSchema } from '@edgetune/shared/domain/inference-config.ts';
import type { RunnableModel } from '@edgetune/shared/onnx/analyse.ts';
import { analyseModel } from '@edgetune/shared/onnx/analyse.ts';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { network } from '../../support/random-network.ts';
import { kernel, MEGA, model } from './by-hand.ts';

const config = inferenceConfigSchema.parse({ batchSize: 1, threads: 1 });
const PI = boardProfileNamed('raspberry-pi-5');
const NANO = boardProfileNamed('jetson-nano');

const convolutions = (imageSize: number, pool = true) =>
  [4, 8, 16, 24, 32, 48].flatMap((channels) =>
    [1, 2, 3, 4, 5].map((depth) =>
      analyseModel(network({ imageSize, channels, depth, kernel: 3, pool }), { batchSize: 1 }),
    ),
  );
/** Another family: products of matrices. */
const PRODUCTS = [1, 4, 16, 64].map((millions) =>
  model([kernel({ kind: 'matmul', ops: ['MatMul'], macs: millions * MEGA, weightBytes: millions * MEGA })]),
);
const AT_32 = convolutions(32);
const AT_24 = convolutions(24);
const AT_88 = convolutions(88);

const timed = (base: BoardProfile, analysis: RunnableModel, factor = 1): FitRow => ({
  analysis,
  config,
  latencyMs: predict(base, analysis, config).latencyMs * factor,
  netEnergyJ: null,
  memoryBytes: null,
});

function errorsOf(profile: BoardProfile, rows: readonly FitRow[]): { mape: number; inside: number } {
  const found = rows.map(({ analysis, latencyMs }) => {
    const { latencyMs: predicted, uncertainty } = predict(profile, analysis, config);
    const [low, high] = uncertainty.latencyMs as [number, number];
    const truth = latencyMs as number;
    return { error: Math.abs(predicted / truth - 1), inside: truth >= low && truth <= high ? 1 : 0 };
  });
  const sum = (value: (each: (typeof found)[number]) => number) =>
    found.reduce((total, each) => total + value(each), 0);
  return { mape: sum(({ error }) => error) / found.length, inside: sum(({ inside }) => inside) / found.length };
}

describe('the error of a fitted profile', () => {
  it('of two sizes of which one is slower than the model can explain: a third size is still right, and within the interval', () => {
    const cases = fc.record({
      rows: fc.integer({ min: 10, max: 60 }),
      excess: fc.double({ min: -0.1, max: 0.1, noNaN: true }),
    });
    fc.assert(
      fc.property(cases, ({ rows, excess }) => {
        const fit = Array.from({ length: rows }, (_, index) =>
          index % 2 === 0
            ? timed(PI, AT_32[(index / 2) % AT_32.length] as RunnableModel)
            : timed(PI, AT_24[((index - 1) / 2) % AT_24.length] as RunnableModel, 1 + excess),
        );
        const { profile } = fitProfile(PI, fit);
        const { mape, inside } = errorsOf(
          profile,
          AT_88.map((analysis) => timed(PI, analysis)),
        );
        assert.ok(mape <= Math.abs(excess) + 0.02, `off by ${mape}`);
        assert.ok(mape <= (profile.error.latencyMape as number), `${mape}, published ${profile.error.latencyMape}`);
        assert.equal(inside, 1);
        const { coefficients } = profile.backends[0] as BoardProfile['backends'][number];
        for (const [term, us] of Object.entries(PI.backends[0]?.coefficients ?? {}))
          assert.ok(
            Math.abs((coefficients[term as 'run'] ?? 0) / us - 1) < 0.15,
            `${term}: ${coefficients[term as 'run']}`,
          );
      }),
      { numRuns: 6, examples: [[{ rows: 60, excess: 0.06 }]] },
    );
  });

  it('fitted to one family: another that is off by what the base errs lies in the interval, and its own is close', () => {
    const fit = AT_32.map((analysis) => timed(PI, analysis, 1.1));
    const { profile } = fitProfile(PI, fit);
    for (const factor of [0.75, 1, 1.35]) {
      const { mape, inside } = errorsOf(
        profile,
        PRODUCTS.map((analysis) => timed(PI, analysis, factor)),
      );
      assert.equal(inside, 1);
      assert.ok(mape < 0.4, `${mape}`);
    }
    assert.ok(
      errorsOf(
        profile,
        convolutions(32).map((analysis) => timed(PI, analysis, 1.1)),
      ).mape < 0.02,
    );
    const half = (analysis: RunnableModel) => {
      const { latencyMs, uncertainty } = predict(profile, analysis, config);
      return Math.log((uncertainty.latencyMs as [number, number])[1] / latencyMs);
    };
    assert.ok(half(PRODUCTS[0] as RunnableModel) > 2 * half(AT_32[0] as RunnableModel));
  });

  it('the interval widens with the distance from the fitted sizes, in both directions, and with other threads', () => {
    const { profile } = fitProfile(
      PI,
      AT_32.map((analysis) => timed(PI, analysis)),
    );
    const half = (inputElements: number, threads = 1) => {
      const analysis = { ...(AT_32[7] as RunnableModel), inputElements };
      const { latencyMs, uncertainty } = predict(profile, analysis, { ...config, threads });
      return Math.log((uncertainty.latencyMs as [number, number])[1] / latencyMs);
    };
    const own = (AT_32[7] as RunnableModel).inputElements;
    for (const way of [2, 0.5]) {
      const widths = [0, 1, 2, 3, 4].map((steps) => half(own * way ** steps));
      for (const [index, width] of widths.entries())
        if (index > 0) assert.ok(width > (widths[index - 1] as number), `${widths}`);
    }
    assert.ok(half(own, 4) > half(own) + 0.2);
  });

  it('the interval is wider for a kind of kernels that was not fitted, also where it costs nothing', () => {
    const { profile } = fitProfile(
      PI,
      AT_32.map((analysis) => timed(PI, analysis)),
    );
    const half = (analysis: RunnableModel) => {
      const { latencyMs, uncertainty } = predict(profile, analysis, config);
      return Math.log((uncertainty.latencyMs as [number, number])[1] / latencyMs);
    };
    const own = AT_32[29] as RunnableModel;
    const other = { ...own, kernels: [...own.kernels, kernel({ kind: 'move', ops: ['Concat'] })] };
    assert.ok(half(other) > half(own) + 0.5, `${half(other)}, ${half(own)}`);
  });

  it('where sizes that were left out were further off than stated, every interval is wider', () => {
    const quantile = (excess: number) => {
      const fit = [24, 32].flatMap((size) =>
        convolutions(size).map((analysis) => timed(PI, analysis, size === 24 ? 1 + excess : 1)),
      );
      return fitProfile(PI, fit).profile.backends[0]?.fit?.spread.quantile as number;
    };
    assert.ok(quantile(0.6) > 1.1 * quantile(0), `${quantile(0.6)}, ${quantile(0)}`);
  });

  it('what a size costs more is kept for that size', () => {
    const rows = (factor: number) => [
      ...AT_32.map((analysis) => timed(PI, analysis)),
      ...AT_24.map((analysis) => timed(PI, analysis, factor)),
    ];
    const { profile } = fitProfile(PI, rows(1.1));
    const { mape } = errorsOf(profile, rows(1.1));
    assert.ok(mape < 0.03, `${mape}`);
    const sizes = profile.backends[0]?.fit?.sizes.map(({ logRatio }) => logRatio) as [number, number];
    assert.ok(sizes[0] - sizes[1] > 0.03, `${sizes}`);
  });

  it('for an accelerator is its own, not below that of its base, and not the CPU’s', () => {
    const cuda = inferenceConfigSchema.parse({ ...config, executionProvider: 'cuda', runner: 'onnxruntime-python' });
    const fit = AT_32.map((analysis) => ({
      ...timed(NANO, analysis),
      config: cuda,
      latencyMs: predict(NANO, analysis, cuda).latencyMs,
    }));
    const { profile, crossValidated } = fitProfile(NANO, fit);
    const gpu = profile.backends.find(({ executionProvider }) => executionProvider === 'cuda');
    assert.deepEqual(gpu?.error, crossValidated);
    assert.equal(
      crossValidated.latencyMape,
      NANO.backends.find((each) => each.executionProvider === 'cuda')?.error?.latencyMape,
    );
    assert.deepEqual(profile.error, NANO.error);
    assert.equal(profile.backends[0], NANO.backends[0]);
  });

  it('says over what it was estimated; the error of the base counts as one more group', () => {
    const fit = [...AT_32.map((analysis) => timed(PI, analysis)), ...AT_24.map((analysis) => timed(PI, analysis))];
    const oneFamily = fitProfile(PI, fit).crossValidated;
    assert.match(
      oneFamily.comparedWith,
      /^each of 2 input sizes predicted from the others, 60 measurements; the error of raspberry-pi-5 \(22\.5 %\) counts as one more; there is only one family of networks, so that for another this is an estimate/,
    );
    assert.deepEqual([oneFamily.latencyMape, oneFamily.estimated], [0.225, ['latency']]);
    const two = [...fit, ...convolutions(32, false).map((analysis) => timed(PI, analysis))];
    const twoFamilies = fitProfile(PI, two).crossValidated;
    assert.match(
      twoFamilies.comparedWith,
      /^each of 2 input sizes and each of 2 families of networks predicted from the others, 90 /,
    );
    assert.deepEqual(twoFamilies.estimated, []);
    assert.ok(twoFamilies.latencyMape !== null && twoFamilies.latencyMape > 0.225 / 3 && twoFamilies.latencyMape < 0.1);
    const untold = { ...PI, error: { ...PI.error, latencyMape: null } };
    assert.equal(
      fitProfile(
        untold,
        AT_32.map((analysis) => timed(PI, analysis)),
      ).crossValidated.latencyMape,
      0.29,
    );
  });

  it('is kept by the file, and files without what a fit knows are read as before', () => {
    const { profile } = fitProfile(
      PI,
      AT_32.map((analysis) => timed(PI, analysis, 1.2)),
    );
    const read = parseBoardProfile(stringify(profile));
    assert.deepEqual(read, profile);
    const [cpu] = profile.backends as [BoardProfile['backends'][number]];
    const { fit: _, ...before } = cpu;
    const old = parseBoardProfile(stringify({ ...profile, backends: [before] }));
    const { latencyMs, uncertainty } = predict(old, AT_88[0] as RunnableModel, config);
    assert.ok(latencyMs > 0 && uncertainty.latencyMs);
    assert.throws(
      () =>
        parseBoardProfile(
          stringify({
            ...profile,
            backends: [{ ...cpu, fit: { ...cpu.fit, spread: { ...cpu.fit?.spread, covariance: [1] } } }],
          }),
        ),
      /covariance/,
    );
  });
});

describe('groups of measurements', () => {
  const sized = (inputElements: number) => ({ analysis: model([kernel({})], { inputElements }), config });

  it('are families by their kinds of kernels, and sizes by the elements of their inputs', () => {
    const rows = [sized(100), sized(101), sized(400), { analysis: PRODUCTS[0] as RunnableModel, config }];
    const { family, size, families, sizes } = groupsOf(rows);
    assert.deepEqual(family, [0, 0, 0, 1]);
    assert.deepEqual(families, [['elementwise'], ['matmul']]);
    assert.deepEqual(size, [0, 0, 1, 2]);
    assert.deepEqual(sizes, [101, 400, 1000]);
  });

  it('many sizes are put together with their neighbours', () => {
    const rows = Array.from({ length: 40 }, (_, index) => sized(100 * 1.2 ** index));
    const { size, sizes } = groupsOf(rows);
    assert.equal(sizes.length, 12);
    assert.deepEqual(
      [...size].sort((one, two) => one - two),
      size,
    );
    assert.deepEqual(foldsOf([0, 1, 2, 1]), { fold: [0, 1, 2, 1], count: 3 });
    assert.equal(foldsOf(Array.from({ length: 30 }, (_, index) => index)).count, 12);
  });

  it('tell depthwise, grouped and 1 × 1 convolutions apart, and what is costly about activations', () => {
    const conv = (change: Parameters<typeof kernel>[0]) =>
      kernel({ kind: 'convolution', ops: ['Conv'], windowElements: 9, products: 1, ...change });
    assert.deepEqual(
      familyOf(
        model([
          conv({}),
          conv({ windowElements: 1, ops: ['Conv', 'Sigmoid'] }),
          conv({ products: 4 }),
          kernel({ kind: 'depthwise', ops: ['Conv'] }),
        ]),
      ),
      ['Sigmoid', 'convolution', 'convolution 1x1', 'depthwise', 'grouped convolution'],
    );
    assert.deepEqual(
      familyOf(
        model([
          kernel({ kind: 'pool', ops: ['MaxPool'] }),
          kernel({ kind: 'move', ops: ['Concat'] }),
          kernel({ kind: 'view', ops: ['Reshape'] }),
        ]),
      ),
      ['Concat', 'MaxPool'],
    );
  });
});
