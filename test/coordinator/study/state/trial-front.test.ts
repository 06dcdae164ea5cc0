/** Which trials are marked as the Pareto front: the same that the tuner takes for it, and after the last training. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConstraint, parseObjective, violationOf } from '@edgetune/shared/domain/objective.ts';
import type { Recommendation } from '@edgetune/shared/domain/recommendation.ts';
import { parametersOf } from '@edgetune/shared/domain/search-space.ts';
import { type StudySpec, studySpecSchema } from '@edgetune/shared/domain/study.ts';
import type { StudyEventBody } from '@edgetune/shared/domain/study-event.ts';
import fc from 'fast-check';
import type { StudyProjection } from '../../../../coordinator/study/state/projection.ts';
import { createTuner } from '../../../../coordinator/tuner/create-tuner.ts';
import type { Ask } from '../../../../coordinator/tuner/tuner.ts';
import { AT, asked, projected, told, trained } from '../support/events.ts';
import { space } from '../support/fakes.ts';

const specOf = (change: object = {}): StudySpec =>
  studySpecSchema.parse({
    ...{ name: 'test', dataset: { format: 'synthetic-images' }, devices: ['pi'], space },
    ...{ budget: { minEpochs: 1, maxEpochs: 4, minDataFraction: 1, reductionFactor: 2 } },
    objectives: ['maximize accuracy', 'minimize macs'].map(parseObjective),
    ...change,
  });
const frontOn = (projection: StudyProjection, spec = specOf()) =>
  projection.trialViews(spec).flatMap(({ trialId, onFront }) => (onFront ? [trialId] : []));
const askedFor = (...trialIds: number[]) => trialIds.map((trialId) => asked(trialId, { width: trialId }));

test('feasible trials that no other feasible one dominates, whether they train on or not', () => {
  const projection = projected(
    ...askedFor(1, 2, 3, 4, 5),
    ...[told(1, { accuracy: 0.5, macs: 10 }), told(2, { accuracy: 0.6, macs: 20 })],
    ...[told(3, { accuracy: 0.5, macs: 11 }), told(4, { accuracy: 0.55, macs: 15 }), asked(4, {}, { rung: 1 })],
    ...[told(5, { accuracy: 0.7, macs: 30 }), told(5, { macs: 30 }, { rung: 1, status: 'stopped' })],
  );
  assert.deepEqual(frontOn(projection), [1, 2, 4, 5]);
});

test('none that violates a constraint or was given up, none of which an objective is not known', () => {
  const best = { accuracy: 0.9, macs: 1 };
  const others = [
    told(2, best, { violation: 0.1 }),
    told(3, best, { status: 'infeasible' }),
    told(4, best, { status: 'failed' }),
    told(5, { accuracy: 0.9 }),
  ];
  const projection = (...events: StudyEventBody[]) => projected(...askedFor(1, 2, 3, 4, 5), ...events);
  assert.deepEqual(frontOn(projection(...others, told(1, { accuracy: 0.5, macs: 10 }))), [1]);
  assert.deepEqual(frontOn(projection(...others)), []);
});

test('what failed at a higher rung counts as it was at the lower, what was refused there does not', () => {
  const projection = (status: 'failed' | 'infeasible') =>
    projected(...askedFor(1), told(1, { accuracy: 0.5, macs: 10 }), told(1, { macs: 10 }, { rung: 1, status }));
  assert.deepEqual(frontOn(projection('failed')), [1]);
  assert.deepEqual(frontOn(projection('infeasible')), []);
});

test('where some have reached the target, those only', () => {
  const spec = specOf({ stop: { trials: 9, target: ['accuracy >= 0.8'].map(parseConstraint) } });
  const events = [...askedFor(1, 2), told(1, { accuracy: 0.5, macs: 1 })];
  assert.deepEqual(frontOn(projected(...events), spec), [1]);
  assert.deepEqual(frontOn(projected(...events, told(2, { accuracy: 0.8, macs: 9 })), spec), [2]);
});

const recommending = (...models: { trialId: number; feasible: boolean }[]): StudyEventBody => ({
  type: 'recommendation',
  recommendation: { models: models.map((model) => ({ ...model, devices: [] })) } as unknown as Recommendation,
});

test('after the last training the accuracy is that, for whoever was beaten or beats now', () => {
  const found = [
    ...askedFor(1, 2, 3),
    ...[
      told(1, { accuracy: 0.6, macs: 20 }),
      told(2, { accuracy: 0.5, macs: 10 }),
      told(3, { accuracy: 0.4, macs: 9 }),
    ],
  ];
  assert.deepEqual(frontOn(projected(...found)), [1, 2, 3]);
  const after = [...found, trained(2, { accuracy: 0.7 }, { rung: 1 })];
  assert.deepEqual(frontOn(projected(...after)), [2, 3], 'also before it is recommended');
  assert.deepEqual(frontOn(projected(...after, recommending({ trialId: 2, feasible: true }))), [2, 3]);
  // The training of a promoted trial is told when its devices have answered, too.
  const promoted = [...found, asked(2, {}, { rung: 1 }), trained(2, { accuracy: 0.7 }, { rung: 1 })];
  assert.deepEqual(frontOn(projected(...promoted)), [1, 2, 3]);
});

test('what is recommended is as feasible as its trained model', () => {
  const limit = parseConstraint('accuracy >= 0.55');
  const spec = specOf({ constraints: [limit] });
  const found = [
    ...askedFor(1, 2),
    ...[
      told(1, { accuracy: 0.6, macs: 20 }),
      told(2, { accuracy: 0.5, macs: 10 }, { violation: violationOf(limit, 0.5) }),
    ],
  ];
  assert.deepEqual(frontOn(projected(...found), spec), [1]);
  const on = (...events: StudyEventBody[]) => frontOn(projected(...found, ...events), spec);
  const lifted = trained(2, { accuracy: 0.58 }, { rung: 1 });
  assert.deepEqual(on(lifted), [1, 2], 'it meets the limit since');
  assert.deepEqual(on(lifted, recommending({ trialId: 2, feasible: false })), [1]);
  assert.deepEqual(on(trained(1, { accuracy: 0.54 }, { rung: 1 })), [], 'it does not any more');
  const views = (feasible: boolean) =>
    projected(...found, recommending({ trialId: 1, feasible })).trialViews(spec)[0]?.violation ?? 0;
  assert.deepEqual([views(true) > 0, views(false) > 0], [false, true]);
});

test('in mode hierarchical the best that is trained again for the time it takes is not there twice', () => {
  const own = { ...space, system: { trainingCores: { type: 'ordinal' as const, values: [1, 2] } } };
  const spec = specOf({ tuner: { mode: 'hierarchical' }, space: own });
  const projection = projected(
    ...[asked(0, { width: 1, trainingCores: 1 }), asked(1, { width: 2, trainingCores: 1 })],
    ...[told(0, { accuracy: 0.4 }), told(1, { accuracy: 0.5 })],
    ...[asked(2, { width: 2, trainingCores: 2 }), told(2, { accuracy: 0.5 })],
  );
  assert.deepEqual(frontOn(projection, spec), [1]);
});

interface Step {
  accuracy: number;
  latencyMs: number;
  violation: number;
  status: 'ok' | 'infeasible' | 'failed' | 'stopped';
  isPredicted: boolean;
  amend: number | null;
}
const steps: fc.Arbitrary<Step> = fc.record({
  accuracy: fc.integer({ min: 0, max: 6 }).map((tenth) => tenth / 10),
  latencyMs: fc.integer({ min: 1, max: 6 }),
  violation: fc.constantFrom(0, 0, 0, 0.5),
  status: fc.constantFrom('ok', 'ok', 'ok', 'infeasible', 'failed', 'stopped'),
  isPredicted: fc.boolean(),
  amend: fc.option(fc.integer({ min: 1, max: 6 })),
});

test('whatever is asked, told and amended: the pages mark what the tuner recommends of', () => {
  const objectives = ['maximize accuracy', 'minimize latency.p50'].map(parseObjective);
  const target = fc.option(fc.constant(['accuracy >= 0.4'].map(parseConstraint)));
  fc.assert(
    fc.property(fc.array(steps, { minLength: 1, maxLength: 25 }), target, (all, wanted) => {
      const spec = specOf({ objectives, stop: { trials: 20, ...(wanted ? { target: wanted } : {}) } });
      const tuner = createTuner({
        ...{ objectives, devices: ['pi'], constraints: [], ladder: spec.budget, settings: spec.tuner, maxTrials: 20 },
        parameters: parametersOf(space, ['model', 'training']),
        ...{ stop: { target: wanted ?? [] }, synchronous: false },
      });
      const projection = projected();
      let seq = 0;
      const emit = (body: StudyEventBody) => projection.apply({ seq: ++seq, studyId: 's-1', at: AT, body });
      for (const { accuracy, latencyMs, violation, status, isPredicted, amend } of all) {
        const ask = tuner.ask() as Ask | null;
        if (!ask) break;
        emit({ type: 'trial-asked', ...ask });
        const { trialId, rung } = ask;
        const predicted = isPredicted ? ['latency.p50@pi'] : [];
        const event = told(trialId, { accuracy, 'latency.p50@pi': latencyMs }, { rung, status, violation, predicted });
        emit(event);
        tuner.tell(event);
        if (amend !== null && status === 'ok') {
          const change = { trialId, rung, metrics: { 'latency.p50@pi': amend }, violation };
          emit({ type: 'trial-amended', ...change });
          tuner.amend(change);
        }
        const front = tuner.front().map((entry) => entry.trialId);
        assert.deepEqual(
          frontOn(projection, spec).sort((a, b) => a - b),
          front.sort((a, b) => a - b),
        );
      }
    }),
    { numRuns: 150 },
  );
});
