import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { DeviceView } from '@edgetune/shared/domain/device.ts';
import { type InferenceConfig, inferenceConfigSchema } from '@edgetune/shared/domain/inference-config.ts';
import { parseConstraint, parseObjective } from '@edgetune/shared/domain/objective.ts';
import { configsToConfirm } from '../../../coordinator/inference/configs-to-confirm.ts';
import type { InferenceRequest } from '../../../coordinator/inference/inference-server.ts';
import {
  asksForPower,
  historyFor,
  knownConfigs,
  recall,
  usable,
} from '../../../coordinator/inference/known-measurements.ts';
import { type ConfigAxis, configAt } from '../../../coordinator/inference/search/config-grid.ts';
import { goalsOf } from '../../../coordinator/inference/search/config-score.ts';
import { measurementAt, storedMeasurement } from '../../support/measurement.ts';
import { device, memoryHistory } from './support/board.ts';

const config = (batchSize: number, change: Partial<InferenceConfig> = {}) =>
  inferenceConfigSchema.parse({ batchSize, threads: 1, ...change });
const INT8 = { signature: 'g8', modelSha256: '8'.repeat(64), modelBytes: 1 };

const request = (change: object = {}): InferenceRequest =>
  ({
    ...{ studyId: 's', signature: 'g', modelSha256: 'a'.repeat(64), modelBytes: 4, parameters: [] },
    ...{ device: device(), scenario: { kind: 'single-stream' }, purpose: 'search', seed: 1 },
    ...{ objectives: [parseObjective('latency.p50')], constraints: [] },
    ...change,
  }) as InferenceRequest;

const stored = (id: string, latencyMs: number, change: object = {}) =>
  storedMeasurement({
    ...measurementAt(latencyMs),
    ...{ id, deviceId: device().id, deviceClass: 'pi', signature: 'g' },
    ...change,
  });
function historyOf(...measurements: ReturnType<typeof stored>[]) {
  const history = memoryHistory();
  for (const measurement of measurements) history.save(measurement);
  return history;
}
const ids = (known: { measurement: { id: string } }[]) => known.map(({ measurement }) => measurement.id);

describe('what may be reused', () => {
  it('is what succeeded or ran out of memory, of this graph, class and scenario', () => {
    const history = historyOf(
      stored('ok', 1),
      stored('memory', 1, { outcome: 'out-of-memory' }),
      stored('crashed', 1, { outcome: 'crashed' }),
      stored('invalid', 1, { outcome: 'invalid' }),
      stored('graph', 1, { signature: 'other' }),
      stored('class', 1, { deviceClass: 'orin' }),
      stored('scenario', 1, { scenario: { kind: 'offline' } }),
    );
    assert.deepEqual(ids(usable(history, request(), 'g')), ['ok', 'memory']);
    const unknown = request({ device: { ...device(), deviceClass: null } });
    assert.deepEqual(usable(history, unknown, 'g'), []);
  });

  it('says of which device it is', () => {
    const history = historyOf(stored('own', 1), stored('other', 1, { deviceId: 'd-2' }));
    assert.deepEqual(
      usable(history, request(), 'g').map(({ source }) => source),
      ['reused-device', 'reused-class'],
    );
  });

  it('has energy where that is asked for and the board could measure it', () => {
    const history = historyOf(stored('without', 1), stored('with', 1, { energy: { netJ: 1, meanPowerW: 1 } }));
    const plain = device();
    const metered = { ...plain, board: { ...plain.board, powerMeter: 'ina3221' } } as DeviceView;
    const objectives = [parseObjective('energy')];
    assert.deepEqual(ids(usable(history, request({ objectives, device: metered }), 'g')), ['with']);
    assert.deepEqual(ids(usable(history, request({ objectives }), 'g')), ['without', 'with']);
    assert.deepEqual(ids(usable(history, request({ device: metered }), 'g')), ['without', 'with']);
  });

  it('asks for power by an objective or a limit of this device', () => {
    const constraints = (text: string) => request({ constraints: [parseConstraint(text)] });
    assert.equal(asksForPower(request()), false);
    assert.equal(asksForPower(request({ objectives: [parseObjective('energy')] })), true);
    assert.equal(asksForPower(constraints('power <= 5 W')), true);
    assert.equal(asksForPower(constraints('power <= 5 W on device-2')), false);
  });
});

describe('the measurement of a config', () => {
  it('is the latest, rather of the device than of another one of its class', () => {
    const other = { deviceId: 'd-2' };
    const history = historyOf(
      stored('old', 1),
      stored('own', 1),
      stored('other', 1, other),
      stored('batch', 1, { config: config(2) }),
    );
    assert.equal(recall(history, request(), config(1))?.measurement.id, 'own');
    const others = historyOf(stored('first', 1, other), stored('second', 1, other));
    assert.equal(recall(others, request(), config(1))?.measurement.id, 'second');
    assert.equal(recall(others, request(), config(4)), null);
  });

  it('is of the file that the config runs', () => {
    const history = historyOf(
      stored('float', 1),
      stored('int8', 1, { signature: 'g8', config: config(1, { precision: 'int8' }) }),
    );
    const both = request({ variants: { int8: INT8 } });
    assert.equal(recall(history, both, config(1, { precision: 'int8' }))?.measurement.id, 'int8');
    assert.equal(recall(history, both, config(1))?.measurement.id, 'float');
    const none = request({ variants: { int8: { reason: 'it has no weights' } } });
    assert.equal(recall(history, none, config(1, { precision: 'int8' })), null);
    const isKnown = knownConfigs(history, both);
    assert.deepEqual(
      [config(1), config(2), config(1, { precision: 'int8' }), config(2, { precision: 'int8' })].map(isKnown),
      [true, false, true, false],
    );
    assert.equal(knownConfigs(history, none)(config(1, { precision: 'int8' })), false);
  });
});

describe('the configs to confirm', () => {
  const AXES: ConfigAxis[] = [
    { name: 'batchSize', values: [1, 2, 4] },
    { name: 'precision', values: ['float32', 'int8'] },
  ];
  const goals = goalsOf({ objectives: [parseObjective('latency.p50')], constraints: [] }, 'device-1');
  const at = (batchSize: number, latencyMs: number, change: object = {}) =>
    stored(`${batchSize}`, latencyMs, { config: config(batchSize), ...change });
  const names = (configs: InferenceConfig[]) => configs.map(({ batchSize, precision }) => `${batchSize} ${precision}`);

  it('are the best that is known and its closest rival, of those that are asked for', () => {
    const history = historyOf(at(4, 3), at(2, 2), at(1, 2.5), at(8, 1), at(2, 1.9));
    assert.deepEqual(names(configsToConfirm(history, request(), AXES, goals)), ['2 float32', '1 float32']);
    assert.deepEqual(configsToConfirm(historyOf(), request(), AXES, goals), []);
    assert.deepEqual(configsToConfirm(historyOf(), request({ variants: { int8: INT8 } }), AXES, goals), []);
  });

  it('are where there are variants the best in each precision too', () => {
    const variants = { int8: INT8 };
    const int8 = (batchSize: number, latencyMs: number) =>
      at(batchSize, latencyMs, { signature: 'g8', config: config(batchSize, { precision: 'int8' }) });
    const history = historyOf(at(1, 1), at(2, 2), int8(4, 5), int8(2, 4));
    assert.deepEqual(names(configsToConfirm(history, request({ variants }), AXES, goals)), [
      '1 float32',
      '2 float32',
      '2 int8',
    ]);
    assert.deepEqual(names(configsToConfirm(historyOf(at(2, 1)), request({ variants }), AXES, goals)), [
      '2 float32',
      '2 int8',
    ]);
    assert.deepEqual(names(configsToConfirm(historyOf(at(2, 1)), request(), AXES, goals)), ['2 float32']);
    assert.equal(configAt(AXES, [1, 0]).batchSize, 2);
  });
});

describe('a request that says what counts as measured before', () => {
  const known = [stored('old', 3), stored('of another graph', 2, { signature: 'h' }), stored('new', 4)];

  it('knows that, and nothing else of the history', () => {
    const history = historyOf(stored('in the history', 1));
    assert.deepEqual(ids(usable(history, request(), 'g')), ['in the history']);
    assert.deepEqual(ids(usable(history, request({ known }), 'g')), ['old', 'new']);
    assert.deepEqual(ids(usable(history, request({ known: [] }), 'g')), []);
  });

  it('learns from the latest of it first, of the same class and scenario', () => {
    const { recent } = historyFor({ known: [...known, stored('elsewhere', 1, { deviceClass: 'orin' })] }, historyOf());
    const query = { deviceClass: 'pi', scenarioKey: 'single-stream' };
    const latest = (limit: number) => recent?.({ ...query, limit }).map(({ id }) => id);
    assert.deepEqual([latest(9), latest(1)], [['new', 'of another graph', 'old'], ['new']]);
    assert.deepEqual(recent?.({ ...query, scenarioKey: 'offline', limit: 9 }), []);
  });
});
