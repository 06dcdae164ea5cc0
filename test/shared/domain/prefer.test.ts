import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseObjective } from '@edgetune/shared/domain/objective.ts';
import { formatAtMost, parseAtMost, preferIssues, preferSchema } from '@edgetune/shared/domain/prefer.ts';

describe('at most … of … for …', () => {
  it('is read and written', () => {
    const read: [string, object, string?][] = [
      ['at most 1 point of accuracy', { metric: 'accuracy', give: { amount: 0.01 } }],
      ['at most 2.5 points of accuracy', { metric: 'accuracy', give: { amount: 0.025 } }],
      ['at most 5 % of latency', { metric: 'latency.p50', give: { share: 0.05 } }, 'at most 5 % of latency.p50'],
      ['At most 3 ms of latency.p99', { metric: 'latency.p99', give: { amount: 3 } }, 'at most 3 ms of latency.p99'],
      [
        'at most 2 points of accuracy for 20 % of latency.p50',
        { metric: 'accuracy', give: { amount: 0.02 }, for: { metric: 'latency.p50', share: 0.2 } },
      ],
    ];
    for (const [text, expected, written = text] of read) {
      assert.deepEqual(parseAtMost(text), expected);
      assert.equal(formatAtMost(parseAtMost(text)), written);
    }
  });

  it('is refused where it makes no sense', () => {
    for (const [text, expected] of [
      ['1 point of accuracy', /is not a preference: write it like "at most/],
      ['at most 1 point of latency', /points are hundredths of a fraction/],
      ['at most 3 parsecs of latency', /is not a time/],
      ['at most 0 points of accuracy', /must be more than 0/],
      ['at most 100 % of accuracy', /more than 0 % and less than 100 %/],
      ['at most 0 % of accuracy', /more than 0 % and less than 100 %/],
      ['at most 1 point of accuracy for 3 ms of latency', /as a share, like "for 20 % of latency"/],
    ] as const)
      assert.throws(() => parseAtMost(text), expected, text);
  });

  it('may stand as text in a study', () => {
    const prefer = preferSchema.parse({ atMost: 'at most 1 point of accuracy' });
    assert.deepEqual(prefer, { atMost: { metric: 'accuracy', give: { amount: 0.01 } }, weights: {} });
    assert.equal(preferSchema.safeParse({ atMost: 'some' }).error?.issues[0]?.path.join('.'), 'atMost');
    assert.ok(!preferSchema.safeParse({ weights: { accuracy: 0 } }).success);
    assert.ok(!preferSchema.safeParse({ weight: {} }).success);
  });
});

describe('a preference fits the objectives', () => {
  const objectives = ['maximize accuracy', 'minimize latency.p50', 'minimize energy'].map(parseObjective);
  const issuesOf = (atMost: string | undefined, weights: Record<string, number> = {}, of = objectives) =>
    preferIssues({ atMost: atMost === undefined ? undefined : parseAtMost(atMost), weights }, of, ['a', 'b']).map(
      ({ path, message }) => `${path.join('.')} ${message}`,
    );

  it('names what leads, and other objectives', () => {
    assert.deepEqual(issuesOf('at most 1 point of accuracy for 20 % of energy', { 'latency.p50': 2 }), []);
    assert.deepEqual(issuesOf(undefined, { speed: 2, accuracy: 1 }), [
      'weights.speed is not an objective: use one of accuracy, latency.p50, energy',
    ]);
    assert.match(
      issuesOf('at most 5 % of latency')[0] ?? '',
      /^atMost names latency.p50, but the first objective leads/,
    );
    assert.match(issuesOf('at most 1 point of accuracy for 5 % of memory')[0] ?? '', /none of the other objectives/);
    assert.match(issuesOf('at most 1 point of accuracy for 5 % of accuracy')[0] ?? '', /none of the other objectives/);
    assert.match(
      issuesOf('at most 1 point of accuracy for 5 % of energy', { accuracy: 2 })[0] ?? '',
      /and so does weights.accuracy/,
    );
    assert.match(
      issuesOf('at most 1 point of accuracy for 5 % of energy', { energy: 2 })[0] ?? '',
      /and so does weights.energy/,
    );
  });

  it('gives a share where each of several devices leads', () => {
    const each = ['minimize latency.p50 each', 'maximize accuracy'].map(parseObjective);
    assert.match(issuesOf('at most 3 ms of latency', {}, each)[0] ?? '', /does not say of which device/);
    assert.deepEqual(issuesOf('at most 3 % of latency', {}, each), []);
    assert.deepEqual(issuesOf('at most 3 ms of latency', {}, ['minimize latency on a'].map(parseObjective)), []);
  });
});
