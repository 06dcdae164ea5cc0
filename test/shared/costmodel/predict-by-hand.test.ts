/** Predictions for a board of round numbers, worked out on paper. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { BoardProfile } from '@edgetune/shared/costmodel/board-profile.ts';
import {
  backendFor,
  idlePowerW,
  intervalOf,
  predict,
  runTerms,
  UnsupportedConfigError,
} from '@edgetune/shared/costmodel/predict.ts';
import { type InferenceConfig, inferenceConfigSchema } from '@edgetune/shared/domain/inference-config.ts';
import { kernel, MEGA, model, PAPER_BOARD } from './by-hand.ts';

const config = (change: Partial<InferenceConfig> = {}) =>
  inferenceConfigSchema.parse({ batchSize: 1, threads: 1, runner: 'onnxruntime-node', ...change });
const cuda = { executionProvider: 'cuda', runner: 'onnxruntime-python' } as const;

function near(actual: number, expected: number, what = ''): void {
  assert.ok(Math.abs(actual - expected) <= 1e-9 * Math.abs(expected), `${what} ${actual}, not ${expected}`);
}
function refused(message: RegExp, run: () => unknown): void {
  assert.throws(run, (error: Error) => {
    assert.ok(error instanceof UnsupportedConfigError, error.stack);
    assert.match(error.message, message);
    return true;
  });
}

/** 10 million products, 1 MB in and out, 2 MB of weights. */
const PRODUCT = kernel({
  kind: 'matmul',
  ops: ['MatMul'],
  macs: 10 * MEGA,
  inputBytes: 0.5 * MEGA,
  outputBytes: 0.5 * MEGA,
  weightBytes: 2 * MEGA,
});
/** 32 × 32 positions, which are whole tiles; 8 filters. */
const CONVOLUTION = kernel({
  kind: 'convolution',
  ops: ['Conv'],
  macs: 4 * MEGA,
  inputBytes: MEGA,
  outputBytes: MEGA,
  weightBytes: MEGA,
  unfoldedBytes: 3 * MEGA,
  windowElements: 9,
  filters: 8,
  positions: 1024,
  products: 1,
});

describe('the latency of a run', () => {
  it('on one thread at the highest clock: each term times its coefficient', () => {
    const { latencyMs, perKernel } = predict(PAPER_BOARD, model([PRODUCT, CONVOLUTION]), config());
    const product = 20 + 10 * 60 + 2 * 7 + 1 * 11;
    const convolution = 10 + 4 * 50 + 3 * 3 + 1 * 7 + 2 * 11;
    near(latencyMs, (100 + product + convolution) / 1000);
    assert.deepEqual(
      perKernel.map(({ name, ops }) => [name, ops]),
      [
        ['kernel', ['MatMul']],
        ['kernel', ['Conv']],
      ],
    );
    near(perKernel[0]?.latencyMs as number, product / 1000);
    near(perKernel[1]?.latencyMs as number, convolution / 1000);
  });

  it('on two threads: work by 2^0.5, bytes by two, one more thread to wake for each kernel', () => {
    const { latencyMs } = predict(PAPER_BOARD, model([PRODUCT]), config({ threads: 2 }));
    near(latencyMs, (100 + 20 + 2 + 600 / Math.SQRT2 + (14 + 11) / 2) / 1000);
  });

  it('on three threads the memory is no faster than with two', () => {
    const { latencyMs } = predict(PAPER_BOARD, model([PRODUCT]), config({ threads: 3 }));
    near(latencyMs, (100 + 20 + 2 * 2 + 600 / Math.sqrt(3) + (14 + 11) / 2) / 1000);
  });

  it('on all cores a quarter more, since none is left for the system', () => {
    const { latencyMs } = predict(PAPER_BOARD, model([PRODUCT]), config({ threads: 4 }));
    near(latencyMs, (100 + 20 + 3 * 2 + (600 / 2) * 1.25 + ((14 + 11) / 2) * 1.25) / 1000);
  });

  it('a board of one core has no core to leave to the system either', () => {
    const single: BoardProfile = { ...PAPER_BOARD, cores: 1 };
    near(predict(single, model([PRODUCT]), config()).latencyMs, (100 + 20 + 600 + 14 + 11) / 1000);
  });

  it('at half the clock everything takes twice as long, the memory a third longer', () => {
    const { latencyMs } = predict(PAPER_BOARD, model([PRODUCT]), config({ clockKHz: 1_000_000 }));
    near(latencyMs, ((100 + 20 + 600) * 2 + (14 + 11) / 0.75) / 1000);
    const hot = predict(PAPER_BOARD, model([PRODUCT]), config(), { thermalClock: 0.5 });
    near(hot.latencyMs, latencyMs);
  });

  it('in a power mode: its clock, its cores and its speed', () => {
    const { latencyMs } = predict(PAPER_BOARD, model([PRODUCT]), config(), { powerMode: 'half' });
    near(latencyMs, ((100 + 20 + 600) * 4 + (14 + 11) / (0.75 * 0.5)) / 1000);
    // Two threads are all that this mode has.
    const full = predict(PAPER_BOARD, model([PRODUCT]), config({ threads: 2 }), { powerMode: 'half' });
    near(
      full.latencyMs,
      ((100 + 20 + 2) * 4 + (600 / Math.SQRT2) * 4 * 1.25 + (((14 + 11) / 2) * 1.25) / 0.375) / 1000,
    );
    // A clock above that of the mode is that of the mode.
    const clocked = predict(PAPER_BOARD, model([PRODUCT]), config({ clockKHz: 2_000_000 }), { powerMode: 'half' });
    near(clocked.latencyMs, latencyMs);
  });

  it('a view wakes no threads', () => {
    const view = kernel({ kind: 'view', ops: ['Reshape'] });
    near(predict(PAPER_BOARD, model([view]), config({ threads: 3 })).latencyMs, (100 + 1) / 1000);
  });

  it('what runs in every round of a loop costs its rounds', () => {
    near(
      predict(PAPER_BOARD, model([{ ...PRODUCT, repeats: 3 }]), config()).latencyMs,
      (100 + 3 * (20 + 600 + 14 + 11)) / 1000,
    );
    near(predict(PAPER_BOARD, model([{ ...PRODUCT, repeats: 0 }]), config()).latencyMs, 100 / 1000);
  });

  it('integer kernels work four times as fast, others of the same graph not', () => {
    const int8 = model([{ ...PRODUCT, quantised: true }, PRODUCT], { precision: 'int8' });
    const { perKernel } = predict(PAPER_BOARD, int8, config({ precision: 'int8' }));
    near(perKernel[0]?.latencyMs as number, (20 + 600 / 4 + 14 + 11) / 1000);
    near(perKernel[1]?.latencyMs as number, (20 + 600 + 14 + 11) / 1000);
    // A backend that names no speed for bytes computes them as fast as floats.
    const without = { ...PAPER_BOARD, backends: PAPER_BOARD.backends.slice(1) };
    const half = predict(without, model([{ ...PRODUCT, quantised: true }]), config(cuda));
    near(half.latencyMs, (50 + 5 + 60) / 1000);
  });

  it('on an accelerator neither threads nor the clock of the cores count, float16 does', () => {
    const plain = predict(PAPER_BOARD, model([PRODUCT]), config(cuda));
    near(plain.latencyMs, (50 + 5 + 60) / 1000);
    const other = predict(PAPER_BOARD, model([PRODUCT]), config({ ...cuda, threads: 3, clockKHz: 1_000_000 }));
    near(other.latencyMs, plain.latencyMs);
    const float16 = model([PRODUCT], { precision: 'float16' });
    near(predict(PAPER_BOARD, float16, config({ ...cuda, precision: 'float16' })).latencyMs, (50 + 5 + 20) / 1000);
    near(predict(PAPER_BOARD, model([PRODUCT]), config(cuda), { powerMode: 'half' }).latencyMs, 2 * plain.latencyMs);
  });

  it('a convolution pays for columns that are padding', () => {
    // 49 columns are computed as 64; on two threads each takes 25, which are computed as 32.
    const small = { ...CONVOLUTION, positions: 49 };
    const one = predict(PAPER_BOARD, model([small]), config()).latencyMs;
    near(one, (100 + 10 + (200 * 64) / 49 + 9 + 7 + 22) / 1000);
    const two = predict(PAPER_BOARD, model([small]), config({ threads: 2 })).latencyMs;
    near(two, (100 + 10 + 2 + (200 * 64) / 49 / Math.SQRT2 + (9 + 7 + 22) / 2) / 1000);
  });

  it('with more filters than positions one thread unfolds for all', () => {
    const deep = { ...CONVOLUTION, filters: 2000 };
    const { latencyMs } = predict(PAPER_BOARD, model([deep]), config({ threads: 2 }));
    near(latencyMs, (100 + 10 + 2 + 200 / Math.SQRT2 + 9 + (7 + 22) / 2) / 1000);
  });
});

describe('what a run consists of', () => {
  it('terms as this config runs them, for a fit to weigh', () => {
    const { backend, terms } = runTerms(
      PAPER_BOARD,
      model([PRODUCT, CONVOLUTION]),
      config({ threads: 2, clockKHz: 1_000_000 }),
    );
    assert.equal(backend, PAPER_BOARD.backends[0]);
    near(terms.run, 2);
    near(terms.sync, 2 * 2);
    near(terms['fixed.matmul'], 2);
    near(terms['work.matmul'], (10 * 2) / Math.SQRT2);
    near(terms['bytes.weights'], (2 + 1) / 2 / 0.75);
    assert.equal(terms['work.pool'], 0);
    // Weighed with the board's own coefficients they are its prediction.
    const weighed = Object.entries(backend.coefficients).reduce(
      (sum, [term, us]) => sum + us * terms[term as keyof typeof terms],
      0,
    );
    near(
      weighed / 1000,
      predict(PAPER_BOARD, model([PRODUCT, CONVOLUTION]), config({ threads: 2, clockKHz: 1_000_000 })).latencyMs,
    );
  });

  it('not of a model in another precision', () => {
    refused(/computes in int8, not in float32/, () =>
      runTerms(PAPER_BOARD, model([], { precision: 'int8' }), config()),
    );
    refused(/computes in int8, not in float32/, () => predict(PAPER_BOARD, model([], { precision: 'int8' }), config()));
  });
});

describe('the memory of a run', () => {
  const large = model([CONVOLUTION, { ...CONVOLUTION, unfoldedBytes: 5 * MEGA }], {
    weightBytes: 30 * MEGA,
    peakActivationBytes: 20 * MEGA,
  });

  it("the runtime's own, the weights as often as they are held, the activations, and the largest unfolded input", () => {
    const { memoryBytes, runtimeBytes } = predict(PAPER_BOARD, large, config());
    assert.deepEqual([memoryBytes, runtimeBytes], [(40 + 2 * 30 + 20 + 5) * MEGA, 40 * MEGA]);
    const gpu = predict(PAPER_BOARD, large, config(cuda));
    assert.deepEqual([gpu.memoryBytes, gpu.runtimeBytes], [(100 + 30 + 20 + 5) * MEGA, 100 * MEGA]);
    assert.equal(predict(PAPER_BOARD, model([]), config()).memoryBytes, 40 * MEGA);
    assert.equal(predict(PAPER_BOARD, model([], { weightBytes: 0.3 }), config()).memoryBytes, 40 * MEGA + 1);
  });

  it('is too much where the system leaves less', () => {
    const withActivations = (bytes: number) =>
      predict(PAPER_BOARD, model([], { peakActivationBytes: bytes }), config());
    assert.equal(withActivations(760 * MEGA).outOfMemory, false);
    assert.equal(withActivations(760 * MEGA + 1).outOfMemory, true);
  });
});

describe('the power and the energy of a run', () => {
  // 100 + 30 fixed microseconds, and 130 that go with the memory: half of the time is work.
  const HALF = model([kernel({ inputBytes: 5 * MEGA, outputBytes: 5 * MEGA })], { batchSize: 2 });
  const uncached: BoardProfile = { ...PAPER_BOARD, cacheBytes: 100 * MEGA };

  it('on one thread one core is busy, and the memory for the share of the work', () => {
    const { latencyMs, busyCores, powerW, energyJ, netEnergyJ } = predict(uncached, HALF, config());
    near(latencyMs, 0.26);
    assert.equal(busyCores, 1);
    near(powerW, 2 + 1.5 + 0.5 / 2);
    // Per sample, of two.
    near(energyJ, (3.75 * 0.26e-3) / 2);
    near(netEnergyJ, (1.75 * 0.26e-3) / 2);
  });

  it('further threads are busy while there is work', () => {
    const { latencyMs, busyCores, powerW } = predict(uncached, HALF, config({ threads: 3 }));
    const work = 130 / 2;
    near(latencyMs, (100 + 30 + 2 * 2 + work) / 1000);
    const share = work / (134 + work);
    near(busyCores, 1 + 2 * share);
    near(powerW, 2 + (1 + 2 * share) * 1.5 + 0.5 * share);
  });

  it('a core draws less at a lower clock, by its square; the memory and the idle board do not', () => {
    const { powerW, latencyMs } = predict(uncached, HALF, config({ clockKHz: 1_000_000 }));
    const work = 130 / 0.75;
    near(latencyMs, (260 + work) / 1000);
    near(powerW, 2 + 1.5 / 4 + (0.5 * work) / (260 + work));
    const hot = predict(uncached, HALF, config(), { thermalClock: 0.5 });
    near(hot.powerW, powerW);
  });

  it('a power mode has its own figures, or those of the board at its clock', () => {
    assert.deepEqual(
      [idlePowerW(PAPER_BOARD, 'half'), idlePowerW(PAPER_BOARD, 'plain'), idlePowerW(PAPER_BOARD, undefined)],
      [1, 2, 2],
    );
    const half = predict(uncached, HALF, config(), { powerMode: 'half' });
    const work = 130 / 0.375;
    near(half.powerW, 1 + 0.75 + (0.5 * work) / (520 + work));
    const plain = predict(uncached, HALF, config(), { powerMode: 'plain' });
    near(plain.powerW, predict(uncached, HALF, config({ clockKHz: 1_000_000 })).powerW);
  });

  it('an accelerator draws for the share of the work, and one core feeds it', () => {
    const { powerW, busyCores } = predict(PAPER_BOARD, model([PRODUCT]), config({ ...cuda, threads: 3 }));
    near(powerW, 2 + 1.5 + (8 * 60) / 115);
    assert.equal(busyCores, 1);
  });

  it('a run that costs nothing does no work', () => {
    const idle: BoardProfile = {
      ...PAPER_BOARD,
      backends: PAPER_BOARD.backends.map((each) => ({ ...each, coefficients: {} })),
    };
    const { latencyMs, powerW, busyCores, energyJ } = predict(idle, model([PRODUCT]), config({ threads: 3 }));
    assert.deepEqual([latencyMs, powerW, busyCores, energyJ], [0, 2 + 1.5, 1, 0]);
  });
});

describe('how sure a prediction is', () => {
  /** 1.95996 / √(2/π): a mean absolute deviation as a 95 % interval of a normal distribution. */
  const FACTOR = 1.959963984540054 / Math.sqrt(2 / Math.PI);

  it('an interval of factors from the mean absolute error, which is taken to be 5 % at least', () => {
    const [low, high] = intervalOf(10, 0.2) as [number, number];
    near(low, 10 / Math.exp(0.2 * FACTOR));
    near(high, 10 * Math.exp(0.2 * FACTOR));
    near(intervalOf(10, 0.01)?.[1] as number, 10 * Math.exp(0.05 * FACTOR));
    assert.equal(intervalOf(10, null), null);
  });

  it("by the backend's own comparison, else the board's; in other precisions 40 % at least", () => {
    const width = (interval: [number, number] | null) => interval && Math.log(interval[1] / interval[0]) / 2 / FACTOR;
    const widths = ({ uncertainty }: ReturnType<typeof predict>) =>
      [uncertainty.latencyMs, uncertainty.energyJ, uncertainty.memoryBytes].map(width);
    const check = (actual: (number | null)[], expected: (number | null)[]) => {
      for (const [index, value] of expected.entries())
        if (value === null) assert.equal(actual[index], null);
        else near(actual[index] as number, value);
    };
    check(widths(predict(PAPER_BOARD, model([PRODUCT]), config())), [0.1, 0.2, null]);
    check(widths(predict(PAPER_BOARD, model([PRODUCT]), config(cuda))), [0.3, 0.3, 0.3]);
    const int8 = model([PRODUCT], { precision: 'int8' });
    check(widths(predict(PAPER_BOARD, int8, config({ precision: 'int8' }))), [0.4, 0.4, null]);
    const worse: BoardProfile = { ...PAPER_BOARD, error: { ...PAPER_BOARD.error, latencyMape: 0.6, energyMape: null } };
    check(widths(predict(worse, int8, config({ precision: 'int8' }))), [0.6, null, null]);
  });

  it('an interval lies around the prediction', () => {
    const { latencyMs, energyJ, uncertainty } = predict(PAPER_BOARD, model([PRODUCT]), config());
    const [low, high] = uncertainty.latencyMs as [number, number];
    near(low * high, latencyMs ** 2);
    const [least, most] = uncertainty.energyJ as [number, number];
    near(least * most, energyJ ** 2);
    const gpu = predict(PAPER_BOARD, model([PRODUCT]), config(cuda));
    const [fewest, largest] = gpu.uncertainty.memoryBytes as [number, number];
    near(fewest * largest, gpu.memoryBytes ** 2);
  });
});

describe('what a board cannot run', () => {
  it('says what it has instead', () => {
    refused(
      /Paper board does not run tensorrt by trtexec; it runs cpu by onnxruntime-node, cuda by onnxruntime-python/,
      () => backendFor(PAPER_BOARD, config({ executionProvider: 'tensorrt', runner: 'trtexec' })),
    );
    refused(/does not run cuda by onnxruntime-node/, () =>
      backendFor(PAPER_BOARD, { ...config(cuda), runner: 'onnxruntime-node' }),
    );
    refused(/5 threads, but Paper board has 4 cores/, () => backendFor(PAPER_BOARD, config({ threads: 5 })));
    refused(/3 threads, but Paper board has 2 cores/, () =>
      predict(PAPER_BOARD, model([]), config({ threads: 3 }), { powerMode: 'half' }),
    );
    refused(/paper runtime on Paper board has no float16; it has float32, int8/, () =>
      backendFor(PAPER_BOARD, config({ precision: 'float16' })),
    );
    refused(/cannot be set to 1500000 kHz; use one of 500000, 1000000, 2000000/, () =>
      backendFor(PAPER_BOARD, config({ clockKHz: 1_500_000 })),
    );
    refused(/Paper board has no power mode "turbo"; it has: half, plain/, () => idlePowerW(PAPER_BOARD, 'turbo'));
    refused(/has no power mode "turbo"; it has: none/, () => idlePowerW({ ...PAPER_BOARD, powerModes: [] }, 'turbo'));
  });

  it('and nothing that it can', () => {
    assert.equal(backendFor(PAPER_BOARD, config({ threads: 4, clockKHz: 500_000 })), PAPER_BOARD.backends[0]);
    assert.equal(backendFor(PAPER_BOARD, config(cuda)), PAPER_BOARD.backends[1]);
  });
});
