/** What a new study takes over from an earlier one. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { earlierText } from '@edgetune/shared/domain/earlier.ts';
import type { Candidate } from '@edgetune/shared/domain/search-space.ts';
import { type StudySpecInput, studySpecSchema } from '@edgetune/shared/domain/study.ts';
import type { StudyEventBody } from '@edgetune/shared/domain/study-event.ts';
import type { CheckedStudySpec } from '../../../coordinator/study/context/study-context.ts';
import { earlierOf } from '../../../coordinator/study/earlier-trials.ts';
import { asked } from './support/events.ts';

const SPEC: StudySpecInput = {
  name: 'first',
  dataset: { format: 'idx', path: '/data' },
  devices: ['pi'],
  space: {
    model: {
      width: { type: 'ordinal', values: [8, 16, 32] },
      depth: { type: 'int', min: 1, max: 3 },
    },
  },
};
const specOf = (change: Partial<StudySpecInput> = {}) =>
  studySpecSchema.parse({ ...SPEC, ...change }) as CheckedStudySpec;

type ToldChange = Partial<Extract<StudyEventBody, { type: 'trial-told' }>>;
function rung(trialId: number, candidate: Candidate, change: ToldChange & { epochs?: number } = {}): StudyEventBody[] {
  const { epochs = 3, ...told } = change;
  return [
    asked(trialId, candidate, { rung: told.rung ?? 0, budget: { epochs, dataFraction: 1 } }),
    {
      type: 'trial-told',
      ...{ trialId, rung: 0, status: 'ok', predicted: [], violation: 0, reason: null },
      cost: { seconds: 1, joules: 1 },
      metrics: { accuracy: 0.8, 'latency.p50@pi': 5 },
      ...told,
    },
  ];
}

/** Of a first study with these events, for one that is changed so. */
function taken(
  events: StudyEventBody[],
  change: Partial<StudySpecInput> = {},
  {
    first = {},
    deviceIds = { pi: 'd-1' },
    data: [dataSha256, now] = [null, undefined],
  }: {
    first?: Partial<StudySpecInput>;
    deviceIds?: Record<string, string>;
    data?: [string | null, string | undefined];
  } = {},
) {
  const study = {
    id: 's-1',
    name: 'first',
    spec: specOf(first),
    deviceIds: new Map([['pi', 'd-1']]),
    events,
    dataSha256,
  };
  return earlierOf(study, { spec: specOf({ name: 'second', from: 'first', ...change }), deviceIds, dataSha256: now });
}

function earlierFrom(...given: Parameters<typeof taken>) {
  const earlier = taken(...given);
  if (typeof earlier === 'string') assert.fail(earlier);
  return earlier;
}

const small = { width: 8, depth: 1 };

describe('an earlier study', () => {
  it('gives every rung that was told, feasible or not, with its budget', () => {
    const { told, ...summary } = earlierFrom([
      ...rung(0, small, { epochs: 1 }),
      ...rung(0, small, { rung: 1, epochs: 9, metrics: { accuracy: 0.9, 'latency.p50@pi': 5 } }),
      ...rung(1, { width: 32, depth: 3 }, { status: 'infeasible', violation: 0.4, metrics: {} }),
      ...rung(2, small, { status: 'failed', metrics: {} }),
      ...rung(3, small, { status: 'stopped', metrics: {} }),
      asked(4, small),
    ]);
    assert.deepEqual(
      told.map(({ candidate, budget: { epochs }, metrics, violation }) => [candidate, epochs, metrics, violation]),
      [
        [small, 1, { accuracy: 0.8, 'latency.p50@pi': 5 }, 0],
        [small, 9, { accuracy: 0.9, 'latency.p50@pi': 5 }, 0],
        [{ width: 32, depth: 3 }, 3, {}, 0.4],
      ],
    );
    assert.deepEqual(summary, {
      study: { id: 's-1', name: 'first' },
      rungs: 3,
      trials: 2,
      notTaken: [],
      parameters: { used: ['width', 'depth'], leftOut: [] },
      metrics: { used: ['accuracy', 'latency.p50@pi'], leftOut: [] },
    });
  });

  it('on other data gives nothing, also where they have the same name', () => {
    const events = rung(0, small);
    const [a, b] = ['a'.repeat(64), 'b'.repeat(64)];
    assert.match(
      String(taken(events, {}, { data: [a, b] })),
      /as they were before they changed \(sha256 a{12}…, now b{12}…\)/,
    );
    for (const data of [
      [a, a],
      [null, b],
      [a, undefined],
    ] as [string | null, string | undefined][])
      assert.equal(typeof taken(events, {}, { data }), 'object');
  });

  it('gives what is known in the end, and nothing that was predicted', () => {
    const events: StudyEventBody[] = [
      ...rung(0, small, { predicted: ['latency.p50@pi'] }),
      ...rung(1, { width: 16, depth: 1 }, { predicted: ['latency.p50@pi'] }),
      { type: 'trial-amended', trialId: 0, rung: 0, metrics: { 'latency.p50@pi': 7 }, violation: 0 },
      { type: 'trial-amended', trialId: 1, rung: 0, metrics: {}, violation: 0, withdrawn: ['latency.p50@pi'] },
    ];
    const { told } = earlierFrom(events);
    assert.deepEqual(
      told.map(({ metrics, pending }) => [metrics, pending]),
      [
        [{ accuracy: 0.8, 'latency.p50@pi': 7 }, undefined],
        [{ accuracy: 0.8 }, ['pi']],
      ],
    );
    const onDevicesOnly = { objectives: ['minimize latency.p50'] };
    assert.match(
      String(taken(events.slice(0, 4), onDevicesOnly)),
      /nothing of study "first" \(s-1\).*2: latency\.p50@pi is not known/,
    );
  });

  it('says what of it does not fit: the space, its parameters, the lowest rung', () => {
    const space: StudySpecInput['space'] = {
      model: { width: { type: 'ordinal', values: [8, 16] } },
      training: { rate: { type: 'constant', value: 1, when: { width: 16 } } },
    };
    const earlier = earlierFrom(
      [
        ...rung(0, small, { epochs: 9 }),
        ...rung(1, { width: 32, depth: 1 }, { epochs: 9 }),
        ...rung(2, { width: 16, depth: 1 }, { epochs: 9 }),
        ...rung(3, small, { epochs: 1 }),
      ],
      { space, budget: { minEpochs: 3 } },
    );
    assert.deepEqual(
      earlier.told.map(({ candidate }) => candidate),
      [{ width: 8 }],
    );
    assert.deepEqual(earlier.notTaken, [
      { rungs: 1, reason: 'width must be one of 8, 16 here' },
      { rungs: 1, reason: 'rate is not known' },
      { rungs: 1, reason: 'trained for fewer epochs than the lowest rung of this study (3)' },
    ]);
    assert.equal(
      earlierText(earlier),
      'Starts from study "first" (s-1): 1 rungs of 1 of its trials inform the search; not taken over are 1: width must be one of 8, 16 here; 1: rate is not known; 1: trained for fewer epochs than the lowest rung of this study (3). Parameters: width (without depth, which this study has not). Metrics: accuracy, latency.p50@pi.',
    );
  });

  it('speaks of the same boards by their new names, and of no others', () => {
    const events = rung(0, small);
    const renamed = { devices: ['attic'] };
    const { told } = earlierFrom(events, renamed, { deviceIds: { attic: 'd-1' } });
    assert.deepEqual(told[0]?.metrics, { accuracy: 0.8, 'latency.p50@attic': 5 });
    const another = earlierFrom(events, renamed, { deviceIds: { attic: 'd-2' } });
    assert.deepEqual([another.told[0]?.metrics, another.told[0]?.pending], [{ accuracy: 0.8 }, ['attic']]);
    assert.match(earlierText(another), /without latency\.p50@attic, of which it knows nothing/);
    const offline = { scenario: { kind: 'offline' } } as const;
    assert.deepEqual(earlierFrom(events, offline).told[0]?.pending, ['pi']);
    const { metrics } = earlierFrom(events, { objectives: ['maximize accuracy'], stop: { target: ['energy <= 1 J'] } });
    assert.deepEqual(metrics, { used: ['accuracy'], leftOut: ['energy@pi'] });
  });

  it('informs the search of a study for more devices, of which it says nothing', () => {
    const more = { devices: ['pi', 'orin'], constraints: ['latency.p50 <= 9ms'] };
    const deviceIds = { pi: 'd-1', orin: 'd-2' };
    const { told, metrics } = earlierFrom(rung(0, small), more, { deviceIds });
    assert.deepEqual(told[0], {
      ...{ candidate: small, budget: { epochs: 3, dataFraction: 1 }, violation: 0, pending: ['orin'] },
      metrics: { accuracy: 0.8, 'latency.p50@pi': 5 },
    });
    assert.deepEqual(metrics.leftOut, ['latency.p50@orin']);
    const refused = rung(0, small, { metrics: { accuracy: 0.8, 'latency.p50@pi': 18 }, violation: 1 });
    assert.equal(earlierFrom(refused, more, { deviceIds }).told[0]?.violation, 1);
    const onOrin = { ...more, objectives: ['minimize latency.p50 on orin'] };
    assert.match(String(taken(rung(0, small), onOrin, { deviceIds })), /latency\.p50@orin is not known/);
  });

  it('has violated limits of its own, in its scenario, which are not those of other boards', () => {
    const limits = { constraints: ['latency.p50 <= 9ms'] };
    const events = rung(0, small, { status: 'infeasible', metrics: {}, violation: 2 });
    const onAnother = { deviceIds: { pi: 'd-2' } };
    assert.equal(earlierFrom(events, limits, { first: limits }).told[0]?.violation, 2);
    assert.match(String(taken(events, limits, { first: limits, ...onAnother })), /accuracy is not known/);
    const offline = { ...limits, scenario: { kind: 'offline' } } as const;
    assert.match(String(taken(events, offline, { first: limits })), /accuracy is not known/);
  });

  it('is judged by the limits of the new study', () => {
    const events = [
      ...rung(0, small, { metrics: { accuracy: 0.8, 'latency.p50@pi': 5, 'memory@pi': 2e6 } }),
      ...rung(1, { width: 16, depth: 1 }),
    ];
    const { told, notTaken } = earlierFrom(events, { constraints: ['memory <= 1 MB'] });
    assert.deepEqual(
      told.map(({ violation }) => violation),
      [1],
    );
    assert.deepEqual(notTaken, [{ rungs: 1, reason: 'memory@pi, which this study limits, is not known' }]);
  });

  it('of other work is refused', () => {
    const events = rung(0, small);
    assert.match(String(taken(events, { workload: 'text-classifier' })), /has trained image-classifier/);
    assert.match(String(taken(events, { dataset: { format: 'idx', path: '/other' } })), /has trained on other data/);
    assert.equal(earlierFrom(events, { dataset: { path: '/data', format: 'idx' } }).rungs, 1, 'in whatever order');
    assert.match(String(taken([])), /none of its trials has come to an end/);
  });
});
