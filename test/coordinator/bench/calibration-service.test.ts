/** Calibrations side by side, and how many of them are remembered. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import { calibrationRequestSchema } from '@edgetune/shared/protocol/calibration.ts';
import { createCalibrationService } from '../../../coordinator/bench/create-calibration-service.ts';
import type { InferenceServer } from '../../../coordinator/inference/inference-server.ts';
import { until, untilAborted } from '../../support/waiting.ts';
import { device } from '../inference/support/board.ts';
import { convModel } from '../inference/support/conv-model.ts';

const POOL = [1, 2, 3].map((layers) => ({ name: `conv-${layers}`, build: () => convModel({ layers }) }));
const REQUEST = calibrationRequestSchema.parse({
  device: 'device-1',
  base: 'raspberry-pi-4',
  name: 'mine',
  architectures: 3,
});

function calibrations(tune: InferenceServer['tune']) {
  return createCalibrationService({
    inference: { tune },
    device: () => device(),
    blobs: { put: async (bytes) => createHash('sha256').update(bytes).digest('hex') },
    pool: POOL,
    log: plainLogger(() => {}),
  });
}

const soon = (what: string, condition: () => boolean) => until(what, condition, { everyTurn: true });

test('a model is in use until the last calibration that measures it is done with it', async () => {
  const service = calibrations((_request, _onMeasured, signal) => untilAborted(signal));
  const first = await service.start(REQUEST);
  const second = await service.start(REQUEST);
  await soon('both calibrations to use their model', () => service.blobsInUse().length === 2);
  assert.equal(new Set(service.blobsInUse()).size, 1, 'both measure the same architecture');
  service.cancel(first.id);
  await soon('the first to end', () => service.find(first.id)?.state !== 'running');
  assert.equal(service.blobsInUse().length, 1);
  service.cancel(second.id);
  await soon('the second to end', () => service.find(second.id)?.state !== 'running');
  assert.deepEqual(service.blobsInUse(), []);
});

test('the last hundred calibrations are remembered, and all that run', async () => {
  let endless = true;
  const service = calibrations((_request, _onMeasured, signal) =>
    endless ? untilAborted(signal) : Promise.reject(new Error('no such board')),
  );
  const running = await service.start(REQUEST);
  await soon('the endless one to use its model', () => service.blobsInUse().length === 1);
  endless = false;
  const ended: string[] = [];
  for (let count = 0; count < 101; count++) {
    const { id } = await service.start(REQUEST);
    await soon('it to fail', () => service.find(id)?.state !== 'running');
    ended.push(id);
  }
  assert.deepEqual(
    ended.slice(0, 3).map((id) => service.find(id)?.state),
    [undefined, undefined, 'failed'],
  );
  assert.equal(service.find(running.id)?.state, 'running');
  await service.close();
});
