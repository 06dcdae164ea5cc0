/** What a study's events amount to. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseConstraint, parseObjective } from '@edgetune/shared/domain/objective.ts';
import type { Recommendation } from '@edgetune/shared/domain/recommendation.ts';
import { studySpecSchema } from '@edgetune/shared/domain/study.ts';
import type { StudyEventBody } from '@edgetune/shared/domain/study-event.ts';
import { StudyProjection } from '../../../../coordinator/study/state/projection.ts';
import type { StudyRecord } from '../../../../coordinator/study/state/study-repository.ts';
import { standInData } from '../../../../scripts/soak/stand-in-data.ts';
import { measurementAt, storedMeasurement } from '../../../support/measurement.ts';
import { AT, answered, asked, built, CONFIG, projected, sha, told, trained } from '../support/events.ts';

const record: StudyRecord = {
  ...{ id: 's-1', name: 'first', yaml: 'name: first', state: 'running', reason: 'because' },
  ...{ createdAt: AT, finishedAt: '2026-01-02T00:00:00.000Z' },
};
const spec = studySpecSchema.parse({
  ...{ name: 'first', dataset: { format: 'synthetic-images' }, devices: ['pi', 'orin'], stop: { trials: 4 } },
  space: { model: { width: { type: 'float', min: 0, max: 1 } } },
});
const inMode = (mode: string, change = {}) => ({
  ...spec,
  tuner: { ...spec.tuner, mode: mode as 'onefold' },
  ...change,
});

/** Applies more events to a projection, numbered on. */
function apply(projection: StudyProjection, ...bodies: StudyEventBody[]) {
  for (const body of bodies) projection.apply({ seq: projection.lastSeq + 1, studyId: 's-1', at: AT, body });
  return projection;
}

const trial = (projection: StudyProjection, trialId = 0) => {
  const found = projection.trials.get(trialId);
  assert.ok(found);
  return found;
};

describe('a trial', () => {
  it('begins as it was asked for', () => {
    assert.deepEqual(trial(projected(asked(7, { width: 3 })), 7), {
      trialId: 7,
      candidate: { width: 3 },
      status: 'asked',
      rung: 0,
      epochs: 1,
      dataFraction: 0.5,
      signature: null,
      modelSha256: null,
      metrics: {},
      predicted: [],
      intervals: {},
      violation: null,
      reason: null,
      onFront: false,
      curve: [],
    });
  });

  it('that is promoted keeps what is known of it, and has another budget', () => {
    const promoted = asked(0, {}, { rung: 1, budget: { epochs: 4, dataFraction: 1 } });
    const { status, rung, epochs, dataFraction, candidate, metrics } = trial(
      projected(asked(0), told(0, { accuracy: 0.4 }), promoted),
    );
    assert.deepEqual([status, rung, epochs, dataFraction], ['asked', 1, 4, 1]);
    assert.deepEqual([candidate, metrics], [{ width: 1 }, { accuracy: 0.4 }]);
  });

  it('shows its architecture, and what it does', () => {
    const projection = projected(asked(0), built(0, { coordinates: [1, 2] }));
    assert.deepEqual([trial(projection).signature, trial(projection).modelSha256], ['w0', sha('a')]);
    assert.deepEqual(projection.architectures.get(0), {
      ...{ signature: 'w0', modelSha256: sha('a'), modelBytes: 400, parameters: 100, macs: 1000, coordinates: [1, 2] },
    });
    assert.equal(projection.backend, 'unknown');
    apply(projection, { type: 'training-started', trialId: 0, rung: 0, backend: 'wasm', trainingCores: 1 });
    assert.deepEqual([trial(projection).status, projection.backend], ['training', 'wasm']);
    apply(projection, { type: 'training-failed', trialId: 0, rung: 0, reason: 'NaN loss' });
    assert.deepEqual([trial(projection).status, trial(projection).reason], ['failed', 'NaN loss']);
  });

  it('has a curve of its epochs, in which a rung that is run again replaces what it wrote before', () => {
    const epoch = (at: number, metrics: Record<string, number>): StudyEventBody => ({
      ...{ type: 'epoch', trialId: 0, rung: 0, epoch: at, metrics },
    });
    const projection = projected(asked(0), epoch(1, { accuracy: 0.1, loss: 2 }), epoch(2, {}), epoch(3, { loss: 1 }));
    assert.deepEqual(trial(projection).curve, [
      { epoch: 1, accuracy: 0.1, loss: 2 },
      { epoch: 2, accuracy: null, loss: null },
      { epoch: 3, accuracy: null, loss: 1 },
    ]);
    apply(projection, epoch(2, { accuracy: 0.3 }));
    assert.deepEqual(trial(projection).curve, [
      { epoch: 1, accuracy: 0.1, loss: 2 },
      { epoch: 2, accuracy: 0.3, loss: null },
    ]);
  });

  it('pauses after a rung, and is finished by its final training', () => {
    const projection = projected(asked(0), trained(0, { accuracy: 0.3, epochs: 2, dataFraction: 0.75 }));
    const { status, epochs, dataFraction, metrics } = trial(projection);
    assert.deepEqual([status, epochs, dataFraction, metrics.accuracy], ['paused', 2, 0.75, 0.3]);
    apply(projection, trained(0, { loss: 1 }, { rung: 1 }));
    const final = trial(projection);
    assert.deepEqual([final.status, final.epochs, final.dataFraction], ['finished', 2, 0.75]);
    assert.deepEqual([final.metrics.accuracy, final.metrics.loss], [0.3, 1]);
    assert.deepEqual(
      projection.trainings.map(({ rung }) => rung),
      [0, 1],
    );
  });

  it('is what was told of it', () => {
    const change = { predicted: ['loss'], violation: 0.5, reason: 'too slow', rung: 2 } as const;
    const statuses = (['ok', 'infeasible', 'failed', 'stopped'] as const).map((status) => {
      const projection = projected(asked(0), trained(0, { accuracy: 0.3 }));
      apply(projection, told(0, { loss: 2 }, { ...change, predicted: ['loss'], status }));
      const { status: shown, metrics, predicted, violation, reason, rung } = trial(projection);
      assert.deepEqual({ predicted, violation, reason, rung }, change);
      assert.deepEqual(metrics, { accuracy: 0.3, loss: 2 });
      return shown;
    });
    assert.deepEqual(statuses, ['finished', 'infeasible', 'failed', 'stopped']);
  });

  it('loses predictions to what is known later', () => {
    const metrics = { accuracy: 0.3, 'latency.p50@pi': 1, 'latency.p50@orin': 1 };
    const projection = projected(asked(0), told(0, metrics, { predicted: ['latency.p50@pi', 'latency.p50@orin'] }));
    apply(projection, {
      ...{ type: 'trial-amended', trialId: 0, rung: 0, metrics: { 'latency.p50@pi': 5 }, violation: 0.25 },
    });
    const { predicted, violation, metrics: known } = trial(projection);
    assert.deepEqual([predicted, violation], [['latency.p50@orin'], 0.25]);
    assert.deepEqual(known, { ...metrics, 'latency.p50@pi': 5 });
  });

  it('of which nothing was asked contradicts what came before', () => {
    for (const body of [built(5), trained(5), told(5)] as const)
      assert.throws(() => projected(asked(4), body), /speak of trial 5 before it was asked/);
  });
});

describe('the events of a study', () => {
  it('say who was asked, who answered and what was measured', () => {
    const { askedAbout, inference, measured, lastSeq } = projected(
      asked(0),
      { type: 'inference-started', trialId: 0, signature: 'w0', device: 'pi' },
      { type: 'measured', trialId: 0, measurement: storedMeasurement(), source: 'measured' },
      { type: 'measured', trialId: 0, measurement: storedMeasurement(), source: 'reused-class' },
      answered(0, 'pi', { violation: 1 }),
      answered(0, 'orin'),
      answered(0, 'pi'),
      answered(1, 'pi'),
    );
    assert.deepEqual(
      [[...askedAbout], measured.map(({ source }) => source), lastSeq],
      [[0], ['measured', 'reused-class'], 8],
    );
    assert.deepEqual(
      [...(inference.get(0) ?? [])],
      [
        ['pi', answered(0, 'pi')],
        ['orin', answered(0, 'orin')],
      ],
    );
    assert.deepEqual([...(inference.get(1)?.keys() ?? [])], ['pi']);
  });

  it('say each warning once, and what took time', () => {
    const span = { lane: 'pi', kind: 'measuring', trialId: null, startMs: 1, endMs: 3 } as const;
    const { warnings, spans } = projected(
      { type: 'warning', message: 'one' },
      { type: 'warning', message: 'two' },
      { type: 'warning', message: 'one' },
      { type: 'span', ...span },
    );
    assert.deepEqual([warnings, spans], [['one', 'two'], [span]]);
  });
});

describe('an event', () => {
  it('changes nothing but what it is about', () => {
    const base = () => projected(asked(0), asked(1), told(0));
    const facts = (projection: StudyProjection) => ({
      trials: JSON.stringify([...projection.trials]),
      of: [projection.architectures, projection.inference, projection.askedAbout].map(({ size }) => size),
      lists: [projection.trainings, projection.measured, projection.spans, projection.warnings].map(
        ({ length }) => length,
      ),
      recommendation: projection.recommendation,
      backend: projection.backend,
    });
    const before = facts(base());
    const changes = (body: StudyEventBody) => {
      const after = facts(apply(base(), body));
      return Object.keys(after).filter((key) => {
        const [was, is] = [before, after].map((each) => JSON.stringify(each[key as 'trials']));
        return was !== is;
      });
    };
    const [state, recommendation] = [
      { type: 'study-state', state: 'running', reason: null } as const,
      {} as Recommendation,
    ];
    assert.deepEqual(changes(state), []);
    assert.deepEqual(changes(asked(0)), ['trials']);
    assert.deepEqual(changes(built(1)), ['trials', 'of']);
    assert.deepEqual(changes({ type: 'training-failed', trialId: 1, rung: 0, reason: 'x' }), ['trials']);
    assert.deepEqual(changes({ type: 'epoch', trialId: 1, rung: 0, epoch: 1, metrics: {} }), ['trials']);
    assert.deepEqual(changes(trained(1)), ['trials', 'lists']);
    assert.deepEqual(changes({ type: 'measured', trialId: 1, measurement: storedMeasurement(), source: 'measured' }), [
      'lists',
    ]);
    assert.deepEqual(changes({ type: 'inference-started', trialId: 1, signature: 'w1', device: 'pi' }), ['of']);
    assert.deepEqual(changes(answered(1, 'pi')), ['of']);
    assert.deepEqual(changes(told(1)), ['trials']);
    assert.deepEqual(changes({ type: 'trial-amended', trialId: 0, rung: 0, metrics: { loss: 1 }, violation: 0 }), [
      'trials',
    ]);
    assert.deepEqual(changes({ type: 'warning', message: 'x' }), ['lists']);
    assert.deepEqual(changes({ type: 'recommendation', recommendation }), ['recommendation']);
    const started = apply(base(), { type: 'inference-started', trialId: 1, signature: 'w1', device: 'pi' });
    assert.deepEqual([started.inference.size, started.askedAbout.size], [0, 1]);
    const answer = apply(base(), answered(1, 'pi'));
    assert.deepEqual([answer.inference.size, answer.askedAbout.size, answer.trials.get(1)?.status], [1, 0, 'asked']);
    assert.deepEqual(apply(base(), { type: 'warning', message: 'x' }).spans, []);
  });
});

describe("a study's summary", () => {
  it('of one that has done nothing', () => {
    const { bestAccuracy, progress, trials, ...rest } = projected().summary(record, spec);
    assert.deepEqual([bestAccuracy, progress], [null, 0]);
    assert.deepEqual(trials, { started: 0, finished: 0, infeasible: 0, failed: 0, planned: 4 });
    const { yaml: _, ...kept } = record;
    assert.deepEqual(rest, { ...kept, workload: 'image-classifier', devices: ['pi', 'orin'], syntheticData: true });
    assert.equal(projected().summary(record, { ...spec, dataset: { format: 'images' } }).syntheticData, false);
  });

  it('counts trials by how they stand, and progress by those that were ever told', () => {
    const projection = projected(asked(0), asked(1), asked(2), told(0), told(1, {}, { status: 'infeasible' }));
    apply(projection, told(2, {}, { status: 'failed' }), asked(0, {}, { rung: 1 }));
    const { trials, progress } = projection.summary(record, spec);
    assert.deepEqual(trials, { started: 3, finished: 0, infeasible: 1, failed: 1, planned: 4 });
    assert.equal(progress, 0.9 * 0.75);
    apply(projection, told(0), asked(3), told(3), asked(4), told(4));
    assert.equal(projection.summary(record, spec).trials.finished, 3);
    assert.equal(projection.summary(record, spec).progress, 0.9, 'the rest is the recommendation');
    assert.equal(projection.summary({ ...record, state: 'succeeded' }, spec).progress, 1);
  });

  it('shows the best accuracy of those that meet the constraints', () => {
    const projection = projected(asked(0), asked(1), asked(2), asked(3), asked(4));
    apply(projection, told(0, { accuracy: 0.4 }), told(1, { accuracy: 0.6 }), told(2, { loss: 1 }));
    apply(projection, told(3, { accuracy: 0.9 }, { violation: 0.1 }), trained(4, { accuracy: 0.8 }));
    assert.equal(projection.summary(record, spec).bestAccuracy, 0.6);
  });
});

describe('the page of a study', () => {
  const latency = (ms: number) => ({ 'latency.p50@pi': ms, 'latency.p50@orin': ms });
  const found = () =>
    projected(
      ...[asked(0, { width: 0.1 }), asked(1, { width: 0.2 }), asked(2, { width: 0.3 })],
      ...[told(0, { accuracy: 0.5, ...latency(1) }), told(1, { accuracy: 0.9, ...latency(9) })],
      told(2, { accuracy: 0.5, ...latency(2) }),
    );

  it('has the summary, what was written and what came of it', () => {
    const projection = found();
    const { search, timeline, trialViews, ...rest } = projection.detail(record, spec);
    assert.deepEqual(rest, {
      ...projection.summary(record, spec),
      ...{ spec, yaml: 'name: first', spans: [], recommendation: null, warnings: [], data: null, lastSeq: 6 },
      ...{ deviceViews: [], unmeasured: [], earlier: null, spent: { seconds: 30, joules: 15 }, extensions: [] },
    });
    assert.deepEqual([timeline.totalS, trialViews.length, search.hypervolume?.length], [0, 3, 3]);
  });

  it('marks the front of what the search optimises', () => {
    const onFront = (mode: string) =>
      found()
        .trialViews(inMode(mode))
        .flatMap(({ trialId, onFront }) => (onFront ? [trialId] : []));
    assert.deepEqual(onFront('onefold'), [0, 1]);
    assert.deepEqual(onFront('accuracy-only'), [1]);
  });

  it('reckons what the search has found anew when a rung was told or amended, and only then', () => {
    const projection = found();
    const search = () => projection.detail(record, spec).search;
    const first = search();
    apply(projection, { type: 'warning', message: 'x' });
    assert.equal(search(), first);
    apply(projection, asked(3), told(3, { accuracy: 0.95, ...latency(10) }));
    const second = search();
    assert.deepEqual([first.hypervolume?.length, second.hypervolume?.length], [3, 3]);
    assert.notDeepEqual(second, first);
    const trialIds = () => search().hypervolume?.map(({ trialId }) => trialId);
    assert.deepEqual(trialIds(), [0, 1, 3]);
    const amend = (trialId: number, rung: number, violation: number, metrics = {}) =>
      apply(projection, { type: 'trial-amended', trialId, rung, metrics, violation });
    amend(1, 0, 1);
    assert.deepEqual(trialIds(), [0, 3], 'a violation that turned out later');
    amend(1, 0, 0);
    assert.deepEqual(trialIds(), [0, 1, 3]);
    amend(1, 3, 1);
    assert.deepEqual(trialIds(), [0, 1, 3], 'of no rung that was told');
    amend(2, 0, 0, { accuracy: 0.95 });
    assert.deepEqual(trialIds(), [0, 1, 2, 3], 'a metric that was measured later');
    apply(projection, asked(2, {}, { rung: 1 }), told(2, { accuracy: 0.95, ...latency(2) }, { rung: 1 }));
    amend(2, 0, 1);
    assert.deepEqual(
      search().hypervolume?.map(({ trialId, rung }) => `${trialId}/${rung}`),
      ['0/0', '1/0', '3/0', '2/1'],
      'of that rung alone',
    );
  });

  it('adds what devices said of a recommended model, where the search did not ask them about every trial', () => {
    const projection = found();
    const measurement = storedMeasurement(measurementAt(3));
    const devices = [{ device: 'pi', config: CONFIG, measurement, feasible: true, alternatives: [] }];
    const recommendation = { models: [{ trialId: 1, devices }] } as unknown as Recommendation;
    apply(projection, { type: 'recommendation', recommendation });
    assert.equal(projection.recommendation, recommendation);
    const shown = (mode: string, change = {}) =>
      projection.trialViews(inMode(mode, change)).map(({ metrics }) => metrics['latency.p50@pi']);
    assert.deepEqual(shown('onefold'), [1, 9, 2], 'as the search has measured it');
    for (const mode of ['accuracy-only', 'hyperpower']) assert.deepEqual(shown(mode), [1, 3, 2]);
    const ofAccuracy = { objectives: [parseObjective('accuracy')] };
    assert.deepEqual(shown('onefold', ofAccuracy), [1, 3, 2]);
    const limited = { ...ofAccuracy, constraints: [parseConstraint('latency.p50 <= 5 ms')] };
    assert.deepEqual(shown('onefold', limited), [1, 9, 2]);
  });
});

describe('the devices of a study', () => {
  const created = { type: 'study-created', spec, deviceIds: { pi: 'd-1', orin: 'd-2' } } as const;
  const pi = { device: 'pi', deviceId: 'd-1', standing: 'expected', reason: null } as const;

  it('stand as was said last', () => {
    const projection = new StudyProjection();
    apply(projection, created);
    assert.deepEqual(projection.detail(record, spec).deviceViews, [pi, { ...pi, device: 'orin', deviceId: 'd-2' }]);
    apply(projection, { type: 'study-device', ...pi, standing: 'marked', reason: 'no disk' });
    assert.deepEqual(projection.devices.get('pi'), { ...pi, standing: 'marked', reason: 'no disk' });
  });

  it('have said nothing yet where another one has taken the place: what the first one said is not theirs', () => {
    const projection = new StudyProjection();
    apply(projection, created, asked(0), answered(0, 'pi'), answered(0, 'orin'));
    apply(projection, { type: 'study-device', ...pi, standing: 'marked', reason: 'no disk' });
    assert.deepEqual([...(projection.inference.get(0)?.keys() ?? [])], ['pi', 'orin'], 'it is the same one still');
    apply(projection, { type: 'study-device', ...pi, deviceId: 'd-9' });
    assert.deepEqual([...(projection.inference.get(0)?.keys() ?? [])], ['orin']);
  });
});

it('a device that nothing waits for decides nothing of the front; where all are so, they do', () => {
  const projection = new StudyProjection();
  const stands = (device: string, standing: 'expected' | 'marked') =>
    apply(projection, { type: 'study-device', device, deviceId: `d-${device}`, standing, reason: null });
  const onFront = () =>
    projection
      .trialViews({ ...spec, devices: ['pi', 'orin'] })
      .flatMap(({ trialId, onFront: is }) => (is ? [trialId] : []));
  apply(projection, asked(0), asked(1));
  apply(projection, told(0, { accuracy: 0.5, 'latency.p50@pi': 1, 'latency.p50@orin': 1 }));
  apply(projection, told(1, { accuracy: 0.9, 'latency.p50@pi': 2 }));
  stands('pi', 'expected');
  stands('orin', 'expected');
  assert.deepEqual(onFront(), [0], 'what orin has said of one it has to say of the other');
  stands('orin', 'marked');
  assert.deepEqual(onFront(), [0, 1]);
  stands('pi', 'marked');
  assert.deepEqual(onFront(), [0]);
});

describe('what was predicted', () => {
  const predicted = told(
    0,
    { accuracy: 0.5, 'latency.p50@pi': 2, 'energy@pi': 3 },
    { predicted: ['latency.p50@pi', 'energy@pi'], intervals: { 'latency.p50@pi': [1, 4], 'energy@pi': [2, 5] } },
  );
  const view = (projection: StudyProjection) => projection.trials.get(0);

  it('is shown with its interval, until it is measured or withdrawn', () => {
    const projection = new StudyProjection();
    apply(projection, asked(0), predicted);
    assert.deepEqual(view(projection)?.intervals, { 'latency.p50@pi': [1, 4], 'energy@pi': [2, 5] });
    const amended = { type: 'trial-amended', trialId: 0, rung: 0, violation: 0 } as const;
    apply(projection, { ...amended, metrics: { 'latency.p50@pi': 2.5 } });
    assert.deepEqual(
      [view(projection)?.metrics, view(projection)?.predicted, view(projection)?.intervals],
      [{ accuracy: 0.5, 'latency.p50@pi': 2.5, 'energy@pi': 3 }, ['energy@pi'], { 'energy@pi': [2, 5] }],
    );
    apply(projection, { ...amended, metrics: {}, withdrawn: ['energy@pi'] });
    assert.deepEqual(
      [view(projection)?.metrics, view(projection)?.predicted, view(projection)?.intervals],
      [{ accuracy: 0.5, 'latency.p50@pi': 2.5 }, [], {}],
    );
  });

  it('at a lower rung is not shown at a higher one that knows nothing of it', () => {
    const projection = new StudyProjection();
    apply(
      projection,
      asked(0),
      predicted,
      asked(0, { width: 1 }, { rung: 1 }),
      told(0, { accuracy: 0.6 }, { rung: 1 }),
    );
    assert.deepEqual(view(projection)?.metrics, { accuracy: 0.6 });
  });
});

it('what was noted of the data is kept; what may be wrong with them is a warning', () => {
  const projection = new StudyProjection();
  const notices = [
    { level: 'warning' as const, message: 'class "c" is in the test split only' },
    { level: 'note' as const, message: 'white is 16' },
  ];
  const { evidence } = standInData({ notices });
  apply(projection, { type: 'dataset-read', evidence });
  assert.deepEqual(
    [projection.data, projection.warnings],
    [evidence, ['the data: class "c" is in the test split only']],
  );
});

it('a training that was interrupted is a warning, not a failure', () => {
  const projection = new StudyProjection();
  apply(projection, asked(0));
  apply(projection, { type: 'training-interrupted', trialId: 0, rung: 0, reason: 'killed by SIGKILL' });
  assert.deepEqual([projection.warnings, projection.trials.get(0)?.status], [['trial 0: killed by SIGKILL'], 'asked']);
});

describe('what was measured before a trial', () => {
  const at = (id: string, batchSize: number, change: object = {}) =>
    storedMeasurement({
      ...measurementAt(1, { config: { ...CONFIG, batchSize } }),
      ...{ id, deviceId: 'd-1', signature: 'g', ...change },
    });
  const measured = (trialId: number, measurement: ReturnType<typeof at>): StudyEventBody => ({
    ...{ type: 'measured', trialId, measurement, source: 'measured' },
  });
  const ids = (projection: StudyProjection, trialId: number | null) =>
    projection.measuredBefore(trialId, { deviceId: 'd-1' }).map(({ id }) => id);

  it('is that of trials that had come to an end when it was asked for, in their order, whatever went on beside', () => {
    const projection = new StudyProjection();
    apply(projection, asked(0), asked(1), asked(2));
    apply(projection, measured(2, at('c', 4)), measured(1, at('b', 2)), measured(0, at('a', 1)));
    apply(projection, told(1), asked(3), told(0), asked(4));
    apply(projection, measured(3, at('d', 8)), measured(0, at('other', 16, { deviceId: 'd-2' })));
    assert.deepEqual(ids(projection, 0), []);
    assert.deepEqual(ids(projection, 3), ['b']);
    assert.deepEqual(ids(projection, 4), ['b', 'a']);
    assert.deepEqual(ids(projection, null), ['b', 'a']);
    apply(projection, told(2), asked(0, { width: 1 }, { rung: 1 }));
    assert.deepEqual(ids(projection, 0), ['b', 'a', 'c'], 'by when it was asked for last');
  });

  it('is each measurement once, where a search was interrupted and has begun anew', () => {
    const projection = new StudyProjection();
    apply(projection, asked(0), measured(0, at('a', 1)), measured(0, at('b', 2)));
    apply(projection, measured(0, at('a again', 1)), measured(0, at('b again', 2)), measured(0, at('c', 4)));
    apply(projection, measured(0, at('another graph', 1, { signature: 'h' })), told(0));
    assert.deepEqual(ids(projection, null), ['a', 'b', 'c', 'another graph']);
  });
});
