/**
 * The profiles that come with EdgeTune, as figures. They are data with which studies were decided: whoever changes one (a
 * new fit, a better source) writes the new figures here too, and sees in the difference what else has moved.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Backend, BoardProfile } from '@edgetune/shared/costmodel/board-profile.ts';
import { BOARD_PROFILES, boardProfileNamed } from '@edgetune/shared/costmodel/board-profiles.ts';
import { predict } from '@edgetune/shared/costmodel/predict.ts';
import { raspberryPi5Start } from '@edgetune/shared/costmodel/profiles/raspberry-pi-5.ts';
import { inferenceConfigSchema, type Precision } from '@edgetune/shared/domain/inference-config.ts';
import type { FusedKernel } from '@edgetune/shared/onnx/fuse-kernels.ts';
import type { KernelKind } from '@edgetune/shared/onnx/kernel-kind.ts';
import { kernel, MEGA, model } from './by-hand.ts';

const KINDS: KernelKind[] = ['convolution', 'depthwise', 'matmul', 'recurrent', 'pool', 'elementwise', 'move', 'view'];
/** One kernel of each kind, none of which drowns the others; more data than any board's cache holds. */
const KERNELS: FusedKernel[] = KINDS.map((kind) =>
  kernel({
    kind,
    ops: [kind === 'elementwise' ? 'Sigmoid' : kind],
    macs: 0.02 * MEGA,
    inputBytes: 4 * MEGA,
    outputBytes: 4 * MEGA,
    weightBytes: 0.05 * MEGA,
    outputElements: 0.01 * MEGA,
    unfoldedBytes: 0.05 * MEGA,
    filters: 8,
    positions: 1024,
    products: 1,
    steps: 2,
  }),
);

/** Milliseconds of one run, by backend: on one thread, on all, and in each precision that is not float32. */
function figuresOf(profile: BoardProfile): Record<string, number[]> {
  const one = ({ executionProvider, runners }: Backend, precision: Precision, threads: number) => {
    const config = inferenceConfigSchema.parse({
      batchSize: 1,
      threads,
      precision,
      executionProvider,
      runner: runners[0],
    });
    const kernels = KERNELS.map((each) => ({ ...each, quantised: precision === 'int8' }));
    const { latencyMs, energyJ, memoryBytes } = predict(
      profile,
      model(kernels, { precision, weightBytes: MEGA }),
      config,
    );
    return [latencyMs, energyJ * 1000, memoryBytes / MEGA];
  };
  return Object.fromEntries(
    profile.backends.map((backend) => [
      backend.executionProvider,
      [
        ...one(backend, 'float32', 1),
        ...one(backend, 'float32', profile.cores).slice(0, 2),
        ...(Object.keys(backend.precisionSpeed) as Precision[])
          .filter((precision) => precision !== 'float32')
          .flatMap((precision) => one(backend, precision, 1).slice(0, 1)),
      ].map((value) => Number(value.toPrecision(6))),
    ]),
  );
}
const FACTS = {
  machine: (board: BoardProfile) => [
    board.cores,
    board.minClockKHz,
    board.maxClockKHz,
    ...board.settableClocksKHz,
    board.memoryBytes / 2 ** 20,
    board.cacheBytes / 2 ** 10,
    board.reservedBytes / MEGA,
  ],
  power: ({ power }: BoardProfile) => [power.idleW, power.coreW, power.memoryW, power.clockExponent],
  modes: ({ powerModes }: BoardProfile) =>
    powerModes.flatMap((mode) => [mode.cores, mode.maxClockKHz, mode.speed, mode.idleW ?? 0, mode.coreW ?? 0]),
  heat: ({ thermal }: BoardProfile) => [
    thermal.ambientC,
    thermal.resistanceCPerW,
    thermal.timeConstantS,
    thermal.throttleC,
    thermal.throttledClock,
  ],
  noise: ({ noise }: BoardProfile) => [noise.runCv, noise.sessionCv, noise.tailShare, noise.tailScale],
  errors: (board: BoardProfile) =>
    [board.error, ...board.backends.flatMap(({ error }) => error ?? [])].flatMap((error) => [
      error.latencyMape ?? -1,
      error.energyMape ?? -1,
      error.memoryMape ?? -1,
    ]),
};
const factsOf = (board: BoardProfile) =>
  Object.fromEntries(Object.entries(FACTS).map(([what, of]) => [what, of(board)]));

const PUBLISHED: Readonly<Record<string, { facts: Record<string, number[]>; figures: Record<string, number[]> }>> = {
  'raspberry-pi-3b-plus': {
    facts: {
      machine: [4, 600000, 1400000, 600000, 900000, 1200000, 1400000, 1024, 512, 200],
      power: [1.9, 0.85, 0.5, 2],
      modes: [],
      heat: [25, 8, 60, 85, 0.7],
      noise: [0.004, 0.02, 0.01, 0.15],
      errors: [0.29, 0.35, 0.2],
    },
    figures: { cpu: [32.1954, 104.571, 40.05, 18.9345, 106.865, 32.1618] },
  },
  'raspberry-pi-4': {
    facts: {
      machine: [4, 600000, 1800000, 600000, 1000000, 1500000, 1800000, 4096, 1024, 300],
      power: [2.7, 0.95, 0.9, 2],
      modes: [],
      heat: [25, 8, 60, 80, 0.7],
      noise: [0.004, 0.02, 0.01, 0.15],
      errors: [0.132, 0.24, 0.15],
    },
    figures: { cpu: [17.5759, 79.9072, 40.05, 15.9445, 117.159, 17.5576] },
  },
  'raspberry-pi-5': {
    facts: {
      machine: [4, 1500000, 2400000, 1500000, 1800000, 2000000, 2400000, 8192, 2048, 400],
      power: [2.7, 1.28, 0.16, 2],
      modes: [],
      heat: [25, 8, 60, 80, 0.7],
      noise: [0.004, 0.02, 0.01, 0.15],
      errors: [0.225, 0.037, 0.15],
    },
    figures: { cpu: [5.20508, 21.5448, 40.05, 4.45326, 35.2054, 5.18524] },
  },
  'raspberry-pi-zero-2w': {
    facts: {
      machine: [4, 600000, 1000000, 600000, 800000, 1000000, 512, 512, 150],
      power: [0.6, 0.4, 0.3, 2],
      modes: [],
      heat: [25, 8, 60, 80, 0.7],
      noise: [0.004, 0.02, 0.01, 0.15],
      errors: [0.29, 0.35, 0.2],
    },
    figures: { cpu: [59.4351, 77.1947, 40.05, 19.6134, 47.1036, 59.3733] },
  },
  'jetson-nano': {
    facts: {
      machine: [4, 102000, 1479000, 714000, 1036800, 1224000, 1479000, 4096, 2048, 700],
      power: [1.5, 1, 1, 2],
      modes: [],
      heat: [25, 8, 60, 97, 0.7],
      noise: [0.004, 0.02, 0.01, 0.15],
      errors: [0.031, 0.2, 0.15, 0.213, 0.31, 0.2, 0.5, 0.6, 0.3],
    },
    figures: {
      cpu: [39.2436, 137.209, 40.05, 12.3265, 76.8823, 39.1908],
      cuda: [11.8505, 80.9402, 112.05, 11.8505, 80.9402, 11.8408],
      tensorrt: [7.11031, 48.5641, 112.05, 7.11031, 48.5641, 7.10446],
    },
  },
  'jetson-xavier-nx': {
    facts: {
      machine: [6, 1190000, 1900000, 1190400, 1420800, 1651200, 1900000, 8192, 4096, 900],
      power: [3.5, 1.5, 1.5, 2],
      modes: [],
      heat: [25, 8, 60, 96, 0.7],
      noise: [0.004, 0.02, 0.01, 0.15],
      errors: [0.29, 0.35, 0.2, 0.4, 0.45, 0.3, 0.5, 0.6, 0.3],
    },
    figures: {
      cpu: [8.85925, 57.4952, 40.05, 2.90254, 39.1509, 8.84359],
      cuda: [2.32939, 25.3172, 302.05, 2.32939, 25.3172, 2.32741, 2.32702],
      tensorrt: [1.39763, 15.1903, 302.05, 1.39763, 15.1903, 1.39645, 1.39621],
    },
  },
  'jetson-agx-xavier': {
    facts: {
      machine: [8, 1190400, 2265600, 1190400, 1420800, 1728000, 2265600, 32768, 4096, 1200],
      power: [9, 2.155, 1.5, 2],
      modes: [
        8, 2265600, 1, 9, 2.155, 4, 1200000, 0.582, 5, 0.318, 8, 1200000, 0.611, 5, 0.386, 6, 1450000, 0.56, 5, 0.425,
        4, 1780000, 0.692, 5, 1.045,
      ],
      heat: [25, 1.2, 90, 96, 0.7],
      noise: [0.02, 0.03, 0.02, 0.15],
      errors: [0.144, 0.2, 0.2],
    },
    figures: { cpu: [7.25735, 91.3577, 40.05, 2.50378, 61.6646, 7.2478] },
  },
  'jetson-orin-nano': {
    facts: {
      machine: [6, 729600, 1510400, 729600, 960000, 1190400, 1510400, 8192, 4096, 900],
      power: [4.5, 0.9, 1.5, 2],
      modes: [],
      heat: [25, 8, 60, 99, 0.7],
      noise: [0.004, 0.02, 0.01, 0.15],
      errors: [0.29, 0.35, 0.2, 0.4, 0.45, 0.3, 0.5, 0.6, 0.3],
    },
    figures: {
      cpu: [6.02273, 41.4957, 40.05, 1.48626, 15.6488, 5.99198],
      cuda: [1.41023, 15.8215, 302.05, 1.41023, 15.8215, 1.40858, 1.40825],
      tensorrt: [0.846136, 9.49293, 302.05, 0.846136, 9.49293, 0.845148, 0.844951],
    },
  },
  'x86-mini-pc': {
    facts: {
      machine: [4, 700000, 3400000, 700000, 1400000, 2000000, 2800000, 3400000, 16384, 6144, 1200],
      power: [6, 3, 1.5, 2],
      modes: [],
      heat: [25, 8, 60, 105, 0.7],
      noise: [0.004, 0.02, 0.01, 0.15],
      errors: [0.39, 0.44, 0.2],
    },
    figures: { cpu: [2.04174, 21.4146, 40.05, 1.50152, 28.7573, 2.03103] },
  },
  'raspberry-pi-5-start': {
    facts: {
      machine: [4, 1500000, 2400000, 1500000, 1800000, 2000000, 2400000, 8192, 2048, 400],
      power: [2.7, 1.28, 0.16, 2],
      modes: [],
      heat: [25, 8, 60, 80, 0.7],
      noise: [0.004, 0.02, 0.01, 0.15],
      errors: [-1, -1, -1],
    },
    figures: { cpu: [6.62683, 27.4303, 40.05, 5.66174, 44.8079, 6.60441] },
  },
};

describe('a board profile', () => {
  for (const board of [...BOARD_PROFILES, raspberryPi5Start]) {
    const published = PUBLISHED[board.name];
    it(`${board.name} says of the machine what is published`, () => {
      assert.ok(published, 'its figures are written down');
      assert.deepEqual(factsOf(board), published.facts);
    });
    it(`${board.name} predicts what it did when its figures were written down`, () => {
      // Milliseconds and millijoules on one thread, megabytes; the same on all cores; then milliseconds by precision.
      assert.deepEqual(figuresOf(board), published?.figures);
    });
  }

  it('is found by its name', () => {
    for (const board of BOARD_PROFILES) assert.equal(boardProfileNamed(board.name), board);
    assert.equal(new Set(BOARD_PROFILES.map(({ name }) => name)).size, BOARD_PROFILES.length);
  });
});
