/** A throttled, under-volted or disturbed measurement is no evidence: not for a result, not for the next study. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseObjective } from '@edgetune/shared/domain/objective.ts';
import type { MeasureRequest } from '@edgetune/shared/protocol/job.ts';
import type { Fleet } from '../../../coordinator/fleet/fleet.ts';
import { createInferenceServer } from '../../../coordinator/inference/create-inference-server.ts';
import { createExperience } from '../../../coordinator/inference/experience.ts';
import type { InferenceRequest } from '../../../coordinator/inference/inference-server.ts';
import { board, device, memoryHistory } from './support/board.ts';
import { convModel } from './support/conv-model.ts';

const request: InferenceRequest = {
  studyId: 's',
  signature: 'graph',
  modelSha256: 'a'.repeat(64),
  modelBytes: 10,
  device: device(),
  parameters: [{ name: 'threads', level: 'inference', type: 'ordinal', values: [1, 2, 4] }],
  scenario: { kind: 'single-stream' },
  objectives: [parseObjective('minimize latency.p50')],
  constraints: [],
  purpose: 'search',
  seed: 1,
};
const never = new AbortController().signal;
const REASON = 'throttled: the firmware throttled the processor (3 attempts)';

/** A board on which more threads are faster, and on which some measurements are invalid: they keep what was seen. */
function throttling(isInvalid: (request: MeasureRequest) => boolean, throttled = true) {
  const { measure: sound, jobs } = board(({ config }) => 20 / config.threads);
  const measure: Fleet['measure'] = async (deviceId, asked, options) => {
    const measurement = await sound(deviceId, asked, options);
    const conditions = { ...measurement.conditions, throttled };
    return isInvalid(asked) ? { ...measurement, conditions, outcome: 'invalid', reason: REASON } : measurement;
  };
  return { measure, jobs };
}

describe('an invalid measurement', () => {
  it('is never the best one, however good its numbers are', async () => {
    const { measure } = throttling(({ config }) => config.threads === 4);
    for (const purpose of ['search', 'confirm'] as const) {
      const server = createInferenceServer({ measure, history: memoryHistory() });
      const result = await server.tune({ ...request, purpose }, () => {}, never);
      assert.equal(result.best?.config.threads, 2, purpose);
      assert.ok(result.front.every(({ outcome }) => outcome === 'ok'));
    }
  });

  it('leaves no result where there is no other, and the reason is the board’s', async () => {
    const { measure } = throttling(() => true);
    const server = createInferenceServer({ measure, history: memoryHistory() });
    const result = await server.tune(request, () => {}, never);
    const reason = `${REASON}; let it cool better`;
    assert.deepEqual([result.best, result.feasible, result.reason, result.unfit], [null, false, reason, reason]);
  });

  it('of a board that others disturb ends the search at the second in a row; one that heats up is asked on', async () => {
    for (const [throttled, asked] of [
      [false, 2],
      [true, 3],
    ] as const) {
      const { measure, jobs } = throttling(() => true, throttled);
      const seen: string[] = [];
      const server = createInferenceServer({ measure, history: memoryHistory() });
      const result = await server.tune(request, ({ outcome }) => seen.push(outcome), never);
      assert.ok(result.unfit?.startsWith(`${REASON}; `));
      assert.deepEqual([jobs.length, seen], [asked, Array(asked).fill('invalid')], 'all of it is told');
    }
  });

  it('is not reused: the next study measures that config anew', async () => {
    const history = memoryHistory();
    const first = throttling(({ config }) => config.threads === 4);
    await createInferenceServer({ measure: first.measure, history }).tune(request, () => {}, never);
    assert.ok(
      history.saved.some(({ outcome }) => outcome === 'invalid'),
      'it is kept as evidence',
    );
    const cool = throttling(() => false);
    const result = await createInferenceServer({ measure: cool.measure, history }).tune(request, () => {}, never);
    assert.deepEqual(
      cool.jobs.map(({ config }) => config.threads),
      [4],
    );
    assert.equal(result.best?.config.threads, 4);
  });

  it('teaches the predictor nothing', async () => {
    const history = memoryHistory();
    const bytes = convModel({});
    const blobs = { get: async () => bytes };
    const { measure } = throttling(({ config }) => config.threads === 4);
    await createInferenceServer({ measure, history }).tune(request, () => {}, never);
    const examples = await createExperience({ blobs, history }).examples({ ...request, signature: 'another graph' });
    assert.deepEqual(
      examples('latency.p50')
        .map(({ config }) => config.threads)
        .sort(),
      [1, 2],
    );
  });
});
