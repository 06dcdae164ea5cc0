import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inferenceConfigSchema } from '@edgetune/shared/domain/inference-config.ts';
import type { StoredMeasurement } from '@edgetune/shared/domain/measurement.ts';
import { Evaluation, UnfitError } from '../../../coordinator/inference/evaluation.ts';
import type { MeasurementSource } from '../../../coordinator/inference/inference-server.ts';
import type { Answer } from '../../../coordinator/inference/measurer.ts';
import { UNKNOWN_CONDITIONS } from '../../support/conditions.ts';
import { storedMeasurement } from '../../support/measurement.ts';

const CONFIG = inferenceConfigSchema.parse({ batchSize: 1, threads: 1 });
const answer = (change: Partial<StoredMeasurement> = {}, source: MeasurementSource = 'measured'): Answer => ({
  measurement: storedMeasurement(change),
  source,
});
const invalid = (conditions: object = {}, reason: string | null = 'other programs ran') =>
  answer({ outcome: 'invalid', reason, conditions: { ...UNKNOWN_CONDITIONS, ...conditions } });

function evaluation(answers: Answer[], { disturbed = new Set<string>(), signal = new AbortController().signal } = {}) {
  const told: string[] = [];
  const made = new Evaluation({
    deviceId: 'd-1',
    obtain: async () => answers.shift() as Answer,
    onMeasured: ({ outcome }, source) => told.push(`${outcome} ${source}`),
    disturbed,
    signal,
  });
  return { made, told, disturbed, next: () => made.evaluate(CONFIG) };
}

describe('the answers of a search', () => {
  it('are told, kept in order, and good for the search', async () => {
    const { made, told, next } = evaluation([answer({ id: 'a' }), answer({ id: 'b' }, 'reused-class')]);
    assert.equal((await next())?.id, 'a');
    assert.equal((await next())?.id, 'b');
    assert.deepEqual(told, ['ok measured', 'ok reused-class']);
    assert.deepEqual(
      made.all.map(({ measurement }) => measurement.id),
      ['a', 'b'],
    );
    assert.deepEqual([made.reason, made.unfit], [null, null]);
  });

  it('that failed say why, in their own words or by their outcome', async () => {
    const answers: Answer[] = [
      { reason: 'cannot run here' },
      answer({ outcome: 'crashed', reason: 'it died' }),
      answer({ outcome: 'timed-out', reason: null }),
    ];
    const { made, told, next } = evaluation(answers);
    assert.equal(await next(), null);
    assert.deepEqual([made.reason, told.length], ['cannot run here', 0]);
    assert.equal((await next())?.outcome, 'crashed');
    assert.equal(made.reason, 'it died');
    await next();
    assert.deepEqual([made.reason, made.all.length], ['timed-out', 2]);
  });

  it('are not asked for after the search was ended', async () => {
    const { next } = evaluation([answer()], { signal: AbortSignal.abort(new Error('over')) });
    await assert.rejects(next, /over/);
  });
});

describe('a disturbed device', () => {
  it('is given one more chance, and is unfit when that is disturbed too', async () => {
    const { made, told, next, disturbed } = evaluation([invalid(), invalid({}, null)]);
    assert.equal(await next(), null);
    const cure = 'end other programs there, or start its agent with --tolerate-load';
    assert.deepEqual([made.unfit, [...disturbed]], [`other programs ran; ${cure}`, ['d-1']]);
    await assert.rejects(next, (error) => error instanceof UnfitError && error.message === `invalid; ${cure}`);
    assert.deepEqual([told, made.all], [['invalid measured', 'invalid measured'], []]);
  });

  it('is remembered from one search to the next, until it measures well again', async () => {
    const disturbed = new Set(['d-1', 'd-2']);
    await evaluation([answer({}, 'reused-device')], { disturbed }).next();
    assert.ok(disturbed.has('d-1'), 'what was measured before shows nothing of now');
    await evaluation([answer()], { disturbed }).next();
    assert.deepEqual([...disturbed], ['d-2']);
  });

  it('that is hot or short of power is not disturbed: another config may fare better', async () => {
    const { made, next, disturbed } = evaluation([
      invalid({ throttled: true }),
      invalid({ underVoltage: true }, 'the supply is weak'),
    ]);
    await next();
    assert.match(made.unfit ?? '', /; let it cool better$/);
    await next();
    const cure = 'give it a stronger power supply or a shorter cable';
    assert.deepEqual([disturbed.size, made.unfit], [0, `the supply is weak; ${cure}`]);
  });
});
