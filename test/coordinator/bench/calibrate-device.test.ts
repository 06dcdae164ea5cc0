/** A calibration: what it measures, what it fits to it, and what it says of that. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it, type TestContext } from 'node:test';
import { boardProfileSchema } from '@edgetune/shared/costmodel/board-profile.ts';
import { boardProfileNamed } from '@edgetune/shared/costmodel/board-profiles.ts';
import { predict } from '@edgetune/shared/costmodel/predict.ts';
import type { DeviceView } from '@edgetune/shared/domain/device.ts';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import { analyseModel } from '@edgetune/shared/onnx/analyse.ts';
import { type CalibrationRequestBody, calibrationRequestSchema } from '@edgetune/shared/protocol/calibration.ts';
import { parse } from 'yaml';
import { InferenceInputError } from '../../../coordinator/bench/bench-input.ts';
import { CONFIG } from '../../../coordinator/bench/calibrate-device.ts';
import { createCalibrationService } from '../../../coordinator/bench/create-calibration-service.ts';
import type { InferenceRequest, InferenceServer } from '../../../coordinator/inference/inference-server.ts';
import { measurementAt, storedMeasurement } from '../../support/measurement.ts';
import { near } from '../../support/near.ts';
import { Arrival, turn, until, untilAborted } from '../../support/waiting.ts';
import { device } from '../inference/support/board.ts';
import { convModel } from '../inference/support/conv-model.ts';

const SIZES = [
  { layers: 1, size: 64 },
  { layers: 2, size: 64 },
  { layers: 4, channels: 16, size: 32 },
  { layers: 6, channels: 32, size: 32 },
  { layers: 3, channels: 64, size: 16 },
];
const base = boardProfileNamed('raspberry-pi-4');
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const latencyOf = (onnx: Uint8Array) => predict(base, analyseModel(onnx, { batchSize: 1 }), CONFIG).latencyMs;

/** Twice as slow as the base profile. */
function answering(models: ReadonlyMap<string, Uint8Array>, change: object = {}): InferenceServer['tune'] {
  return async ({ modelSha256 }) => {
    const best = storedMeasurement({
      ...measurementAt(2 * latencyOf(models.get(modelSha256) as Uint8Array)),
      ...change,
    });
    return { best, feasible: true, violation: 0, all: [], front: [], reason: null };
  };
}

function calibrating(
  t: TestContext,
  options: { tune?: InferenceServer['tune']; device?: DeviceView | null; change?: object } = {},
) {
  const models = new Map<string, Uint8Array>();
  const built: string[] = [];
  const log: string[] = [];
  const requests: InferenceRequest[] = [];
  const tune = options.tune ?? answering(models, options.change);
  const service = createCalibrationService({
    inference: {
      tune: (request, ...rest) => {
        requests.push(request);
        assert.deepEqual(service.blobsInUse(), [request.modelSha256], 'it is kept while it is measured');
        return tune(request, ...rest);
      },
    },
    device: () => (options.device === undefined ? device() : options.device),
    blobs: {
      put: async (bytes) => {
        models.set(sha256(bytes), bytes);
        return sha256(bytes);
      },
    },
    pool: SIZES.map((of, index) => ({
      name: `conv-${index}`,
      build: () => {
        built.push(`conv-${index}`);
        return convModel(of);
      },
    })),
    log: plainLogger((line) => log.push(line)),
  });
  t.after(() => service.close());
  const start = (change: Partial<CalibrationRequestBody> = {}) =>
    service.start(
      calibrationRequestSchema.parse({
        device: 'device-1',
        base: 'raspberry-pi-4',
        name: 'mine',
        architectures: 5,
        ...change,
      }),
    );
  const ended = async (id: string) => {
    await until('the calibration to end', () => service.find(id)?.state !== 'running', { everyTurn: true });
    const view = service.find(id);
    assert.ok(view);
    return view;
  };
  return { service, start, ended, built, log, requests, models };
}

describe('a calibration', () => {
  it('measures each architecture on one thread, one sample at a time, whatever is known', async (t) => {
    const { start, ended, requests, models } = calibrating(t);
    const { id, planned, state, rows } = await start();
    assert.deepEqual([planned, state, rows.length], [5, 'running', 0]);
    await ended(id);
    assert.equal(new Set(requests.map(({ modelSha256 }) => modelSha256)).size, 5);
    const [first] = requests;
    const onnx = models.get(first?.modelSha256 ?? '') as Uint8Array;
    assert.deepEqual(first, {
      studyId: null,
      signature: analyseModel(onnx, { batchSize: 1 }).signature,
      modelSha256: sha256(onnx),
      modelBytes: onnx.length,
      device: device(),
      parameters: [
        { name: 'batchSize', level: 'inference', type: 'constant', value: 1 },
        { name: 'threads', level: 'inference', type: 'constant', value: 1 },
      ],
      ...{ scenario: { kind: 'single-stream' }, objectives: [], constraints: [], purpose: 'confirm', seed: 0 },
    });
  });

  it('fits a profile to what was measured, and says what both make of it', async (t) => {
    const { start, ended, requests, models, service } = calibrating(t);
    const view = await ended((await start()).id);
    assert.deepEqual(
      [view.state, view.reason, view.base, view.device, view.simulated],
      ['finished', null, 'raspberry-pi-4', 'device-1', false],
    );
    assert.match(view.id, /^c-[0-9a-f-]{36}$/);
    const profile = boardProfileSchema.parse(parse(view.profileYaml ?? ''));
    assert.equal(profile.name, 'mine');
    assert.match(profile.sources.calibration ?? '', /^measured on device-1 \(undefined\), \d{4}-\d\d-\d\dT/);
    assert.ok(Object.keys(base.sources).every((name) => name in profile.sources));
    assert.equal(view.rows.length, 5);
    for (const [index, row] of view.rows.entries()) {
      const onnx = models.get(requests[index]?.modelSha256 ?? '') as Uint8Array;
      const latencyMs = latencyOf(onnx);
      assert.equal(sha256(convModel(SIZES[Number(row.architecture.slice(5))])), sha256(onnx));
      near(row.baseLatencyMs, latencyMs);
      near(row.latencyMs ?? 0, 2 * latencyMs);
      near(row.fittedLatencyMs ?? 0, 2 * latencyMs, 0.05, 'fitted');
      assert.equal(row.reason, null);
    }
    // One family: what the base errs by.
    near(view.crossValidated?.latencyMape ?? 1, 0.132, 1e-9, 'error');
    assert.deepEqual([view.crossValidated?.energyMape, view.crossValidated?.memoryMape], [null, null]);
    assert.deepEqual(service.blobsInUse(), []);
  });

  it('fits energy and memory only to what was measured of them', async (t) => {
    const energy = { netJ: 0.1, grossJ: 0.2, meanPowerW: 1, source: 'meter', meter: 'x', sampleCount: 9 };
    const errors = async (change: object) => {
      const { start, ended } = calibrating(t, { change });
      const { crossValidated } = await ended((await start()).id);
      return [crossValidated?.energyMape, crossValidated?.memoryMape].map((error) => typeof error);
    };
    assert.deepEqual(await errors({ energy }), ['number', 'object']);
    assert.deepEqual(await errors({ energy: { ...energy, source: 'estimate' } }), ['object', 'object']);
    assert.deepEqual(await errors({ processPeakMemoryBytes: 5e7 }), ['object', 'number']);
  });

  it('says of a board whether it is simulated', async (t) => {
    const simulated = { profile: 'x', timeScale: 0, latencyMape: null };
    const imitated = { ...device(), board: { ...device().board, model: 'Pi 4', simulated } } as DeviceView;
    const { start, ended } = calibrating(t, { device: imitated });
    const view = await ended((await start()).id);
    assert.equal(view.simulated, true);
    assert.match(view.profileYaml ?? '', /measured on device-1 \(Pi 4, SIMULATED\)/);
    const real = { ...device(), board: { ...device().board, model: 'Pi 4', simulated: null } } as DeviceView;
    const other = calibrating(t, { device: real });
    const of = await other.ended((await other.start()).id);
    assert.equal(of.simulated, false);
    assert.match(of.profileYaml ?? '', /measured on device-1 \(Pi 4\)/);
  });

  it('fails where too little could be measured, with the reasons', async (t) => {
    const tune: InferenceServer['tune'] = async () => ({
      ...{ best: null, feasible: false, violation: Infinity, all: [], front: [], reason: 'out of memory' },
    });
    const { start, ended, log } = calibrating(t, { tune });
    const view = await ended((await start()).id);
    assert.deepEqual([view.state, view.profileYaml, view.crossValidated], ['failed', null, null]);
    assert.match(view.reason ?? '', /^a fit needs at least 3 measured latencies/);
    assert.deepEqual(
      view.rows.map(({ latencyMs, fittedLatencyMs, reason }) => [latencyMs, fittedLatencyMs, reason]),
      view.rows.map(() => [null, null, 'out of memory']),
    );
    assert.equal(view.rows.length, 5);
    assert.match(log.join('\n'), /^calibration of device-1: a fit needs at least 3 measured latencies/);
  });

  it('is cancelled without a word in the log, and ends with its coordinator', async (t) => {
    const begun = new Arrival('a measurement');
    const tune: InferenceServer['tune'] = (_request, _onMeasured, signal) => {
      begun.come();
      return untilAborted(signal);
    };
    const { start, ended, log, service } = calibrating(t, { tune });
    const { id } = await start();
    await begun.wait();
    assert.equal(service.cancel(id)?.id, id);
    const view = await ended(id);
    assert.deepEqual([view.state, view.reason, view.rows], ['cancelled', 'the calibration was cancelled', []]);
    assert.deepEqual([service.cancel('nobody'), service.find('nobody'), log], [null, null, []]);
    const again = await start();
    await service.close();
    const stopped = service.find(again.id);
    assert.deepEqual([stopped?.state, stopped?.reason, log], ['cancelled', 'the coordinator ends', []]);
  });

  it('is refused for what there is not, or cannot run so', async (t) => {
    const { service } = calibrating(t);
    const start = (change: object) =>
      service.start({ device: 'device-1', base: 'raspberry-pi-4', name: 'mine', architectures: 5, ...change });
    const refused = (change: object, message: RegExp) =>
      assert.rejects(
        start(change),
        (error: Error) => error instanceof InferenceInputError && message.test(error.message),
      );
    await refused({ base: 'raspberry-pi-0' }, /raspberry-pi-0/);
    const backends = base.backends.map((each) => ({ ...each, executionProvider: 'cuda' }));
    await refused({ base: { ...base, backends } }, /cpu/);
    await assert.rejects(calibrating(t, { device: null }).start(), InferenceInputError);
    // What is no mistake of who asks is a fault.
    await assert.rejects(start({ base: { name: 'no profile' } }), TypeError);
  });

  it('lets others work while the pool is looked at', async (t) => {
    const { start, built } = calibrating(t);
    let before = SIZES.length;
    void turn().then(() => {
      before = built.length;
    });
    await start();
    assert.ok(before < SIZES.length, `${before} were built at once`);
  });

  it('builds the pool once to choose from it, and again what it chose', async (t) => {
    const { start, ended, built } = calibrating(t);
    await ended((await start({ architectures: 3 })).id);
    assert.equal(built.length, SIZES.length + 3);
    await ended((await start({ architectures: 3, base: { ...base, name: 'own' } })).id);
    assert.equal(built.length, SIZES.length + 6);
  });
});
