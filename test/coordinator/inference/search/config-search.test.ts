import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { DeviceView } from '@edgetune/shared/domain/device.ts';
import { type InferenceConfig, inferenceConfigSchema } from '@edgetune/shared/domain/inference-config.ts';
import type { StoredMeasurement } from '@edgetune/shared/domain/measurement.ts';
import { parseConstraint, parseObjective } from '@edgetune/shared/domain/objective.ts';
import type { Parameter } from '@edgetune/shared/domain/search-space.ts';
import { NO_ARCHITECTURE } from '../../../../coordinator/inference/predictor/coordinates.ts';
import type { Example } from '../../../../coordinator/inference/predictor/predictor.ts';
import { configAxes } from '../../../../coordinator/inference/search/config-grid.ts';
import { goalsOf } from '../../../../coordinator/inference/search/config-score.ts';
import { measurementBudget, searchConfigs } from '../../../../coordinator/inference/search/config-search.ts';
import type { SearchProblem } from '../../../../coordinator/inference/search/search-problem.ts';
import { measurementAt, storedMeasurement } from '../../../support/measurement.ts';
import { device } from '../support/board.ts';

const ordinal = (name: string, values: number[]): Parameter => ({ name, level: 'inference', type: 'ordinal', values });
const goals = (objectives: string[], constraints: string[] = []) =>
  goalsOf({ objectives: objectives.map(parseObjective), constraints: constraints.map(parseConstraint) }, 'pi');
const nameOf = ({ batchSize, threads }: InferenceConfig) => `${batchSize}/${threads}`;

/** Searches batch sizes and threads on a board that answers so; what is asked for, in order. */
async function search(
  answer: (config: InferenceConfig, nth: number) => Partial<StoredMeasurement> | number | null,
  change: Partial<SearchProblem> & { batches?: number[]; threads?: number[]; clocks?: number[] } = {},
) {
  const { batches = [1, 2, 4], threads = [1, 2, 3, 4], clocks = [], ...rest } = change;
  const plain = device();
  const wide = { ...plain, board: { ...plain.board, settableClocksKHz: clocks } } as DeviceView;
  const parameters = [ordinal('batchSize', batches), ordinal('threads', threads)];
  const asked: InferenceConfig[] = [];
  const outcome = await searchConfigs({
    axes: configAxes(clocks.length > 0 ? [...parameters, ordinal('clockKHz', clocks)] : parameters, wide),
    goals: goals(['latency.p50']),
    cores: 4,
    group: 'own',
    architectureFor: () => NO_ARCHITECTURE,
    examples: () => [],
    isKnown: () => false,
    isTimeUp: () => false,
    async evaluate(config) {
      asked.push(config);
      const given = answer(config, asked.length);
      if (given === null) return null;
      const measurement = typeof given === 'number' ? measurementAt(given, { config }) : given;
      return storedMeasurement({ config, ...measurement });
    },
    ...rest,
  });
  return { ...outcome, asked, names: asked.map(nameOf) };
}
const scales = ({ batchSize, threads }: InferenceConfig) => (4 + 6 * batchSize) / threads ** 0.7;

describe('the budget', () => {
  it('is 15 % of the grid, of a small one eight configs', () => {
    assert.deepEqual([1, 8, 9, 53, 60, 100, 1000].map(measurementBudget), [1, 8, 8, 8, 9, 15, 150]);
  });

  it('is kept, and what is known already is not part of it', async () => {
    const [batches, threads] = [
      [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
      [1, 2, 3, 4],
    ];
    const { asked, possible } = await search(() => null, { batches, threads });
    assert.deepEqual([possible, asked.length], [40, 8]);
    const isKnown = ({ batchSize }: InferenceConfig) => batchSize >= 9;
    const known = await search(() => null, { batches, threads, isKnown });
    assert.deepEqual(known.names.slice(0, 8).sort(), ['10/1', '10/2', '10/3', '10/4', '9/1', '9/2', '9/3', '9/4']);
    assert.equal(known.asked.length, 16);
  });

  it('of time leaves the first measurement', async () => {
    assert.equal((await search(scales, { isTimeUp: () => true })).asked.length, 1);
    let looks = 0;
    assert.equal((await search(scales, { isTimeUp: () => ++looks === 3 })).asked.length, 3);
  });
});

describe('the first measurements', () => {
  it('are the smallest batch with all threads at the highest clock, and with one thread', async () => {
    const { asked } = await search(scales, { clocks: [600_000, 1_500_000] });
    assert.deepEqual(
      asked.slice(0, 2).map(({ batchSize, threads, clockKHz }) => [batchSize, threads, clockKHz]),
      [
        [1, 4, 1_500_000],
        [1, 1, 1_500_000],
      ],
    );
  });

  it('do not try one thread where there is no choice, nor where others have taught how the board scales', async () => {
    assert.deepEqual((await search(scales, { threads: [2], batches: [1, 2, 4, 8] })).names.slice(0, 1), ['1/2']);
    const example = (threads: number): Example => {
      const config = inferenceConfigSchema.parse({ batchSize: 1, threads });
      return { group: 'other', architecture: NO_ARCHITECTURE, config, value: scales(config) };
    };
    const examples = () => [1, 2, 3, 4].map(example);
    assert.equal((await search(scales, { examples })).names.includes('1/1'), false);
  });

  it('go on to another config where the first cannot be measured', async () => {
    const { names } = await search(({ threads }) => (threads === 4 ? null : 10));
    assert.equal(names[0], '1/4');
    assert.ok(names.length > 1);
    assert.equal(new Set(names).size, names.length, 'none is asked for twice');
  });

  it('end where nothing is left', async () => {
    const { names, possible } = await search(() => null, { batches: [1], threads: [1, 2] });
    assert.deepEqual([names.sort(), possible], [['1/1', '1/2'], 2]);
  });
});

describe('a search', () => {
  it('asks for no larger batch where one has run out of memory, and for all else', async () => {
    const outOfMemory: Partial<StoredMeasurement> = { outcome: 'out-of-memory', latencyMs: null, throughputPerS: null };
    const { names } = await search(({ batchSize }) => (batchSize >= 2 ? outOfMemory : null), {
      batches: [1, 2, 4, 8],
      threads: [1, 2],
      isKnown: ({ batchSize }) => batchSize === 2,
    });
    assert.deepEqual(
      names.sort(),
      ['1/1', '1/2', '2/1', '2/2', '4/1', '4/2', '8/1', '8/2'].filter((name) => /^[12]/.test(name)),
    );
  });

  it('drops larger batches of the same other settings only', async () => {
    const { names } = await search(
      ({ batchSize, threads }) =>
        threads === 1 && batchSize === 2 ? { outcome: 'out-of-memory', latencyMs: null } : null,
      { batches: [1, 2, 4], threads: [1, 2], isKnown: ({ batchSize, threads }) => batchSize === 2 && threads === 1 },
    );
    assert.deepEqual(names.sort(), ['1/1', '1/2', '2/1', '2/2', '4/2']);
  });

  it('learns from what succeeded only', async () => {
    const crashed = ({ threads }: InferenceConfig) => ({
      outcome: 'crashed' as const,
      ...latency(1000 ** (1 / threads)),
    });
    const latency = (ms: number) => ({ latencyMs: measurementAt(ms).latencyMs });
    assert.deepEqual((await search(crashed, { batches: [1] })).names, ['1/4', '1/1', '1/2', '1/3']);
  });

  it('that nobody has taught measures 8 % of the grid before its own model may end it', async () => {
    const [batches, threads] = [Array.from({ length: 50 }, (_, index) => index + 1), [1, 2, 3, 4]];
    const regular = ({ batchSize, threads }: InferenceConfig) => 10 * batchSize ** 0.9 * threads ** -0.6;
    const untaught = await search(regular, { batches, threads });
    assert.equal(untaught.asked.length, 16);
    const example = (index: number): Example => {
      const config = inferenceConfigSchema.parse({ batchSize: 1 + (index % 50), threads: 1 + (index % 4) });
      return { group: `g${index % 6}`, architecture: NO_ARCHITECTURE, config, value: regular(config) };
    };
    const examples = () => Array.from({ length: 40 }, (_, index) => example(index));
    const taught = await search(regular, { batches, threads, examples });
    assert.ok(taught.asked.length < 16, `${taught.asked.length} of 200`);
  });

  it('is refused where enough architectures say that every config violates, by the least that is expected', async () => {
    const examples = () =>
      ['a', 'b', 'c', 'd', 'e'].flatMap((group) =>
        [1, 2, 3, 4].map((threads): Example => {
          const config = inferenceConfigSchema.parse({ batchSize: 1, threads });
          return { group, architecture: NO_ARCHITECTURE, config, value: 100 };
        }),
      );
    const hopeless = goals(['latency.p50'], ['latency.p50 <= 1 ms']);
    const refused = await search(() => 100, { examples, goals: hopeless, batches: [1] });
    assert.equal(refused.asked.length, 0);
    // 100 ms against 1 ms: by 99 times the limit.
    assert.ok(Math.abs((refused.refusedAt ?? 0) - 99) < 10, `${refused.refusedAt}`);
    const known = await search(() => 100, { examples, goals: hopeless, batches: [1], isKnown: () => true });
    assert.deepEqual([known.refusedAt, known.asked.length], [null, 4], 'what was measured is not predicted');
    const few = () => examples().filter(({ group }) => group !== 'a');
    assert.equal((await search(() => 100, { examples: few, goals: hopeless, batches: [1] })).refusedAt, null);
    const possible = goals(['latency.p50'], ['latency.p50 <= 99 ms']);
    assert.equal((await search(() => 100, { examples, goals: possible, batches: [1] })).refusedAt, null);
  });
});
