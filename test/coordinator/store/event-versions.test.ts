import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readEventBody, versionOf } from '../../../coordinator/store/event-versions.ts';

const told = {
  type: 'trial-told',
  trialId: 1,
  rung: 0,
  status: 'infeasible',
  metrics: { accuracy: 0.5, 'latency.p50@pi': null },
  predicted: [],
  violation: null,
  cost: { seconds: 0, joules: 0 },
  reason: null,
};
const created = {
  type: 'study-created',
  spec: { name: 'old', dataset: { format: 'synthetic-images' }, devices: ['pi'] },
  deviceIds: {},
};

describe('an event of an earlier version', () => {
  it('has a number where JSON had none for infinity, and no metric without a value', () => {
    const body = readEventBody(JSON.stringify(told), 1);
    assert.deepEqual(body, { ...told, violation: 1e6, metrics: { accuracy: 0.5 } });
    const { status: _1, predicted: _2, cost: _3, reason: _4, ...amended } = { ...told, type: 'trial-amended' };
    assert.deepEqual(readEventBody(JSON.stringify(amended), 1), {
      ...amended,
      violation: 1e6,
      metrics: { accuracy: 0.5 },
    });
  });

  it('keeps the numbers that it has', () => {
    const body = { ...told, metrics: { accuracy: 0.5 }, violation: 0.25 };
    assert.deepEqual(readEventBody(JSON.stringify(body), 1), body);
  });

  it('says what held of quantisation before a study could say it', () => {
    const body = readEventBody(JSON.stringify(created), 1);
    assert.equal(body.type === 'study-created' && body.spec.quantisation.maxAccuracyDrop, 0.01);
    const said = { ...created, spec: { ...created.spec, quantisation: { maxAccuracyDrop: 0.5 } } };
    const kept = readEventBody(JSON.stringify(said), 1);
    assert.equal(kept.type === 'study-created' && kept.spec.quantisation.maxAccuracyDrop, 0.5);
  });

  it('says nothing of a program, which no study ever ran', () => {
    const said = { ...created, spec: { ...created.spec, quantisation: { maxAccuracyDrop: 0 }, command: ['python3'] } };
    const body = readEventBody(JSON.stringify(said), 2);
    assert.ok(body.type === 'study-created' && !('command' in body.spec) && body.spec.name === 'old');
  });

  it('names no best epoch where the last one was exported', () => {
    const finished = {
      ...{
        type: 'training-finished',
        trialId: 1,
        rung: 0,
        metrics: { accuracy: 0.5, epochs: 3 },
        checkpointSha256: null,
      },
      ...{ seconds: 1, cpuSeconds: 1, energyJ: 1, energySource: 'estimate' },
    };
    assert.deepEqual(readEventBody(JSON.stringify(finished), 1), finished);
    assert.equal(versionOf('training-finished'), 2);
  });

  it('keeps names of parts that are no more', () => {
    const dataset = { format: 'coco', path: '/data/coco' };
    const tuner = { sampler: 'gone', scheduler: 'gone too' };
    const said = { ...created, spec: { ...created.spec, workload: 'object-detector', dataset, tuner } };
    const body = readEventBody(JSON.stringify(said), 2);
    assert.ok(body.type === 'study-created');
    assert.equal(body.spec.workload, 'object-detector');
    assert.deepEqual(body.spec.dataset, dataset);
    assert.equal(body.spec.tuner.sampler, 'gone');
  });
});

describe("an event of today's version", () => {
  it('is not changed by an upcaster, and refused where the schema does not take it', () => {
    assert.throws(
      () => readEventBody(JSON.stringify(told), versionOf('trial-told')),
      /^Error: metrics\.latency\.p50@pi: /,
    );
  });

  it('is the first where its kind never changed', () => {
    assert.equal(versionOf('warning'), 1);
    assert.equal(versionOf('study-created'), 3);
  });
});
