import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import type { DeviceView } from '@edgetune/shared/domain/device.ts';
import { inferenceConfigSchema } from '@edgetune/shared/domain/inference-config.ts';
import type { Parameter } from '@edgetune/shared/domain/search-space.ts';
import {
  allPositions,
  configAt,
  configAxes,
  countConfigs,
} from '../../../../coordinator/inference/search/config-grid.ts';
import { device } from '../support/board.ts';

const int = (name: string, min: number, max: number, change: object = {}) =>
  ({ name, level: 'inference', type: 'int', min, max, scale: 'linear', ...change }) as Parameter;
const ordinal = (name: string, values: number[]): Parameter => ({ name, level: 'inference', type: 'ordinal', values });
const choices = (name: string, values: string[]): Parameter => ({
  name,
  level: 'inference',
  type: 'categorical',
  choices: values,
});
const threads = ordinal('threads', [1, 2, 4]);

const able = (change: object): DeviceView => {
  const plain = device();
  return { ...plain, board: { ...plain.board, ...change } } as DeviceView;
};
const valuesOf = (parameter: Parameter, of: DeviceView = device()) => configAxes([parameter], of)[0]?.values;

test('a grid that is too large to search is refused, naming the parameter with the most values', () => {
  assert.throws(
    () => configAxes([int('batchSize', 1, 4096), threads], device()),
    /12288 inference configs on device-1 are more than 5000: name fewer values of batchSize \(4096 now\)/,
  );
  const axes = configAxes([int('batchSize', 1, 4096, { scale: 'log' }), threads], device());
  assert.deepEqual(axes.map(({ values }) => values.length).sort(), [13, 3]);
  assert.equal(countConfigs([int('batchSize', 1, 1250), ordinal('threads', [1, 2, 3, 4])], device()), 5000);
  assert.throws(() => countConfigs([int('batchSize', 1, 5001)], device()), /5001 inference configs/);
});

describe('the values of a parameter', () => {
  it('are as listed, fixed, or both', () => {
    assert.deepEqual(valuesOf(threads), [1, 2, 4]);
    assert.deepEqual(valuesOf(choices('precision', ['int8', 'float32'])), ['int8', 'float32']);
    assert.deepEqual(valuesOf({ name: 'batchSize', level: 'inference', type: 'constant', value: 3 }), [3]);
    assert.deepEqual(valuesOf({ name: 'batchSize', level: 'inference', type: 'boolean' } as Parameter), [false, true]);
  });

  it('go in steps from the least to the most, or by doubling, and the most is always there', () => {
    assert.deepEqual(valuesOf(int('batchSize', 2, 5)), [2, 3, 4, 5]);
    assert.deepEqual(valuesOf(int('batchSize', 1, 8, { step: 3 })), [1, 4, 7, 8]);
    assert.deepEqual(valuesOf(int('batchSize', 1, 7, { step: 3 })), [1, 4, 7]);
    assert.deepEqual(valuesOf(int('batchSize', 3, 20, { scale: 'log' })), [3, 6, 12, 20]);
    assert.deepEqual(valuesOf(int('batchSize', 4, 16, { scale: 'log' })), [4, 8, 16]);
  });

  it('are those that the board can do', () => {
    assert.deepEqual(valuesOf(ordinal('threads', [2, 4, 5])), [2, 4]);
    const clocks = able({ settableClocksKHz: [600_000, 1_500_000] });
    assert.deepEqual(valuesOf(ordinal('clockKHz', [600_000, 900_000, 1_500_000]), clocks), [600_000, 1_500_000]);
    const runtimes = [
      { runner: 'onnxruntime-node', executionProviders: ['cpu'], precisions: ['float32', 'int8'] },
      { runner: 'trtexec', executionProviders: ['tensorrt'], precisions: ['float16'] },
    ];
    const jetson = able({ runtimes });
    assert.deepEqual(valuesOf(choices('runner', ['trtexec', 'onnxruntime-python', 'onnxruntime-node']), jetson), [
      'trtexec',
      'onnxruntime-node',
    ]);
    assert.deepEqual(valuesOf(choices('executionProvider', ['cuda', 'tensorrt', 'cpu']), jetson), ['tensorrt', 'cpu']);
    assert.deepEqual(valuesOf(choices('precision', ['int8', 'float16']), jetson), ['int8', 'float16']);
    assert.deepEqual(valuesOf(choices('precision', ['int8', 'float16'])), ['int8'], 'of no runtime of this board');
    assert.throws(
      () => valuesOf(choices('precision', ['float16'])),
      /device-1 can do none of the values of precision: float16/,
    );
  });

  it('are all of them where nobody knows the board', () => {
    const unknown = { ...device(), board: null } as DeviceView;
    assert.deepEqual(valuesOf(ordinal('threads', [2, 64]), unknown), [2, 64]);
  });
});

describe('the grid', () => {
  const axes = configAxes(
    [ordinal('threads', [1, 2, 4]), ordinal('batchSize', [1, 8]), int('hiddenUnits', 1, 9)],
    device(),
  );

  it('has an axis for each setting of a config that the study names, whatever else it names', () => {
    assert.deepEqual(
      axes.map(({ name }) => name),
      ['batchSize', 'threads'],
    );
    assert.equal(countConfigs([ordinal('threads', [1, 2, 4]), ordinal('batchSize', [1, 8])], device()), 6);
    assert.deepEqual([configAxes([], device()), countConfigs([], device()), allPositions([])], [[], 1, [[]]]);
  });

  it('is walked with the last axis fastest', () => {
    assert.deepEqual(allPositions(axes), [
      [0, 0],
      [0, 1],
      [0, 2],
      [1, 0],
      [1, 1],
      [1, 2],
    ]);
  });

  it('has defaults for what is not named', () => {
    const usual = inferenceConfigSchema.parse({ batchSize: 1, threads: 1 });
    assert.deepEqual(configAt([], []), usual);
    assert.deepEqual(configAt(axes, [1, 2]), { ...usual, batchSize: 8, threads: 4 });
  });
});
