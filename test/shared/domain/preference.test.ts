import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseAnyObjective } from '@edgetune/shared/domain/objective.ts';
import { type AtMost, parseAtMost, parsePrefer } from '@edgetune/shared/domain/prefer.ts';
import { createPreference, logLoss, worstCompeting } from '@edgetune/shared/domain/preference.ts';
import type { Metrics } from '@edgetune/shared/domain/study-event.ts';
import fc from 'fast-check';

const THREE = ['maximize accuracy', 'minimize latency.p50', 'minimize energy'];
const KEYS = ['accuracy', 'latency.p50@pi', 'energy@pi'];

interface Wanted {
  objectives?: readonly string[];
  atMost?: string | AtMost;
  weights?: Record<string, number>;
  devices?: string[];
  leads?: boolean;
}

function preferenceOf({ objectives = THREE, atMost, weights = {}, devices = ['pi'], leads = true }: Wanted = {}) {
  return createPreference({
    objectives: objectives.map(parseAnyObjective),
    devices,
    prefer: { weights, atMost: typeof atMost === 'string' ? parseAtMost(atMost) : atMost },
    leads,
  });
}

/** Indices of the rows, best first. @param rows values by the keys; a last one more is the violation */
function ranked(rows: readonly (readonly number[])[], wanted: Wanted = {}, keys: readonly string[] = KEYS): number[] {
  return preferenceOf(wanted).rank(contendersOf(rows, keys));
}

function contendersOf(rows: readonly (readonly number[])[], keys: readonly string[] = KEYS) {
  return rows.map((row, item) => ({
    item,
    violation: row[keys.length] ?? 0,
    metrics: Object.fromEntries(keys.map((key, i) => [key, row[i] as number])) as Metrics,
  }));
}

describe('the first objective leads', () => {
  const two = { objectives: ['maximize accuracy', 'minimize latency.p50'] };
  const keys = KEYS.slice(0, 2);

  it('what is far from its best value does not compete, however fast it is', () => {
    assert.deepEqual(
      ranked(
        [
          [0.11, 57.7],
          [0.7, 84.3],
        ],
        two,
        keys,
      ),
      [1, 0],
    );
    assert.deepEqual(
      ranked([
        [0.93, 50.1, 1.01],
        [0.92, 50.05, 1.005],
        [0.2, 50, 1],
      ]),
      [0, 1, 2],
    );
  });

  it('within one point of accuracy the better compromise wins, by shares of the values', () => {
    assert.deepEqual(
      ranked(
        [
          [0.93, 40],
          [0.92, 20],
        ],
        two,
        keys,
      ),
      [1, 0],
    );
    // 1.1 % of accuracy against .5 % of latency.
    assert.deepEqual(
      ranked(
        [
          [0.93, 40],
          [0.92, 39.8],
        ],
        two,
        keys,
      ),
      [0, 1],
    );
    // A point and a bit more.
    assert.deepEqual(
      ranked(
        [
          [0.93, 40],
          [0.9199, 20],
        ],
        two,
        keys,
      ),
      [0, 1],
    );
  });

  it('costs that lead may be given by 10 %, losses by .01 nats, own metrics by 1 %', () => {
    const costs = { objectives: ['minimize latency.p50', 'maximize accuracy'] };
    const of = (latency: number) =>
      ranked(
        [
          [0.5, 100],
          [0.9, latency],
        ],
        costs,
        keys,
      )[0];
    assert.equal(of(109.9), 1);
    assert.equal(of(110.1), 0);
    const losses = (loss: number) =>
      ranked(
        [
          [0.2, 100],
          [loss, 50],
        ],
        { objectives: ['minimize loss', 'minimize latency.p50'] },
        ['loss', 'latency.p50@pi'],
      )[0];
    assert.equal(losses(0.2099), 1);
    assert.equal(losses(0.2101), 0);
    const own = (regret: number) =>
      ranked(
        [
          [5, 100],
          [regret, 50],
        ],
        { objectives: ['minimize regret', 'minimize latency.p50'] },
        ['regret', 'latency.p50@pi'],
      )[0];
    assert.equal(own(5.049), 1);
    assert.equal(own(5.051), 0);
  });

  it('of those that do not compete, the nearest to its best value comes first', () => {
    assert.deepEqual(
      ranked([
        [0.5, 1, 1],
        [0.93, 50, 1],
        [0.8, 49, 1],
      ]),
      [1, 2, 0],
    );
  });

  it('leads also alone: its best value is all that counts', () => {
    assert.deepEqual(ranked([[0.5], [0.7], [0.6999]], { objectives: ['maximize accuracy'] }, ['accuracy']), [1, 2, 0]);
  });

  it('not where all are alike in what leads', () => {
    const rows = [
      [100, 8],
      [200, 1],
    ];
    const wanted = { objectives: ['minimize latency.p50', 'minimize energy'] };
    const keys = ['latency.p50@pi', 'energy@pi'];
    assert.deepEqual(ranked(rows, wanted, keys), [0, 1]);
    assert.deepEqual(ranked(rows, { ...wanted, leads: false }, keys), [1, 0]);
  });
});

describe('the worst value that still competes', () => {
  const worst = (metric: string, direction: 'minimize' | 'maximize', best: number, atMost?: string) =>
    worstCompeting(metric, direction, best, atMost === undefined ? undefined : parsePrefer(atMost));

  it('is so far from the best as may be given', () => {
    assert.equal(worst('latency.p50', 'minimize', 10), 11);
    assert.equal(worst('throughput', 'maximize', 10), 9);
    assert.equal(worst('accuracy', 'maximize', 0.9), 0.89);
    assert.equal(worst('latency.p50', 'minimize', 10, 'at most 3 ms of latency'), 13);
    assert.equal(worst('throughput', 'maximize', 10, 'at most 50 % of throughput'), 5);
    assert.equal(worst('latency.p50', 'minimize', 10, 'at most 50 % of throughput'), 11);
    // Less than a meter resolves counts as that.
    assert.ok(Math.abs(worst('energy', 'minimize', -0.001) - 1.1e-6) < 1e-12);
  });
});

it('what is first leads, unless it is said that it does not', () => {
  const objectives = ['minimize latency.p50', 'minimize energy'].map(parseAnyObjective);
  const contenders = contendersOf(
    [
      [100, 8],
      [200, 1],
    ],
    ['latency.p50@pi', 'energy@pi'],
  );
  assert.deepEqual(createPreference({ objectives, devices: ['pi'] }).rank(contenders), [0, 1]);
});

describe('constraints come first', () => {
  it('what meets them comes before what does not, and that by how little it misses them', () => {
    assert.deepEqual(
      ranked([
        [0.99, 1, 1, 0.5],
        [0.3, 50, 2, 0],
        [0.98, 1, 1, 0.1],
      ]),
      [1, 2, 0],
    );
  });

  it('what meets none moves the window of none', () => {
    assert.deepEqual(
      ranked([
        [0.99, 1, 1, 0.5],
        [0.8, 50, 1, 0],
        [0.795, 10, 1, 0],
      ]),
      [2, 1, 0],
    );
  });
});

describe('constraints that none meets', () => {
  it('leave the order to the rule where they are missed by as much', () => {
    const wanted = { objectives: ['minimize latency.p50', 'minimize memory'] };
    const rows = [
      [9.99, 1e9, 1],
      [10, 1e6, 1],
    ];
    assert.deepEqual(ranked(rows, wanted, ['latency.p50@pi', 'memory@pi']), [1, 0]);
  });

  it('what misses them says nothing of those that meet them, whatever else is known of it', () => {
    const preference = preferenceOf({ objectives: ['maximize accuracy', 'minimize energy'] });
    const feasible = contendersOf([[0.11], [0.9]], ['accuracy']);
    const other = { item: 2, violation: 0.5, metrics: { accuracy: 0.9, 'energy@pi': 1 } };
    assert.deepEqual(preference.rank([...feasible, other]), [1, 0, 2]);
    assert.match(preference.why([...feasible, other], String) ?? '', /^1 is best in every objective/);
  });
});

describe('what is unknown', () => {
  it('of all decides nothing', () => {
    assert.deepEqual(
      ranked(
        [
          [0.9, 20],
          [0.9, 10],
        ],
        {},
        KEYS.slice(0, 2),
      ),
      [1, 0],
    );
  });

  it('of some puts these behind those of which all is known', () => {
    const contenders = contendersOf([
      [0.9, 10, 1],
      [0.8, 20, 1],
    ]);
    delete (contenders[0] as { metrics: Metrics }).metrics['energy@pi'];
    assert.deepEqual(preferenceOf().rank(contenders), [1, 0]);
  });

  it('of some leaves these in their own order', () => {
    const preference = preferenceOf({ objectives: ['maximize accuracy', 'minimize energy'] });
    const partial = contendersOf([[0.11], [0.9]], ['accuracy']);
    const whole = { item: 2, violation: 0, metrics: { accuracy: 0.1, 'energy@pi': 1 } };
    assert.deepEqual(preference.rank([...partial, whole]), [2, 1, 0]);
    assert.equal(
      preference.why([...partial, whole], (item) => `trial ${item}`),
      'Trial 2 is the only one of which all objectives are known.',
    );
  });

  it('of each another leaves what is known of all', () => {
    const preference = preferenceOf({ objectives: THREE });
    const contenders = [
      { item: 0, violation: 0, metrics: { accuracy: 0.1, 'energy@pi': 1 } },
      { item: 1, violation: 0, metrics: { accuracy: 0.9, 'latency.p50@pi': 1 } },
    ];
    assert.deepEqual(preference.rank(contenders), [1, 0]);
    const nothing = [0, 1].map((item) => ({ item, violation: 0, metrics: {} }));
    assert.match(preference.why(nothing, String) ?? '', /^Nothing of the objectives is known/);
  });

  it('leads nothing: without an accuracy all compete', () => {
    assert.deepEqual(
      ranked(
        [
          [100, 8],
          [200, 1],
        ],
        {},
        KEYS.slice(1),
      ),
      [1, 0],
    );
  });
});

describe('prefer', () => {
  const rows = [
    [0.93, 40, 1],
    [0.9, 20, 1],
  ];

  it('says how much may be given', () => {
    assert.deepEqual(ranked(rows), [0, 1]);
    assert.deepEqual(ranked(rows, { atMost: 'at most 3 points of accuracy' }), [1, 0]);
    assert.deepEqual(ranked(rows, { atMost: 'at most 2 points of accuracy' }), [0, 1]);
    assert.deepEqual(ranked(rows, { atMost: 'at most 3.3 % of accuracy' }), [1, 0]);
    assert.deepEqual(ranked(rows, { atMost: 'at most 3.2 % of accuracy' }), [0, 1]);
  });

  it('says what it has to bring: that and no less', () => {
    const of = (share: number) => ranked(rows, { atMost: `at most 3 points of accuracy for ${share} % of latency` })[0];
    // Three points, all that may be given, bring half the latency here.
    assert.equal(of(49), 1);
    assert.equal(of(51), 0);
  });

  it('the half of what may be given has to bring the half, as shares multiply', () => {
    // 1 of 2 points for 19 % asks for 10 % (.9 · .9 = .81), to within the curvature of the logarithm.
    const of = (latency: number) =>
      ranked(
        [
          [0.99, 100, 1],
          [0.98, latency, 1],
        ],
        { atMost: 'at most 2 points of accuracy for 19 % of latency' },
      )[0];
    assert.equal(of(90.3), 0);
    assert.equal(of(89.7), 1);
  });

  it('weighs shares', () => {
    const close = [
      [0.93, 40, 1],
      [0.921, 39, 1],
    ];
    assert.deepEqual(ranked(close), [1, 0]);
    assert.deepEqual(ranked(close, { weights: { accuracy: 3 } }), [0, 1]);
    assert.deepEqual(ranked(close, { weights: { accuracy: 3, 'latency.p50': 3 } }), [1, 0]);
  });

  it('an objective for each of several devices counts once', () => {
    const wanted = {
      objectives: ['maximize accuracy', 'minimize latency.p50 each', 'minimize modelSize'],
      devices: ['a', 'b', 'c'],
    };
    const keys = ['accuracy', 'latency.p50@a', 'latency.p50@b', 'latency.p50@c', 'modelSize'];
    // 10 % of latency on each of three devices against 12 % of size.
    assert.deepEqual(
      ranked(
        [
          [0.9, 9, 9, 9, 1120],
          [0.9, 10, 10, 10, 1000],
        ],
        wanted,
        keys,
      ),
      [1, 0],
    );
  });

  it('is followed where a loss leads, in nats', () => {
    const wanted = (atMost: string) => ({ objectives: ['minimize loss', 'minimize latency.p50'], atMost });
    const rows = [
      [0, 100],
      [0.05, 50],
    ];
    const keys = ['loss', 'latency.p50@pi'];
    assert.equal(ranked(rows, wanted('at most 0.1 of loss'), keys)[0], 1);
    assert.equal(ranked(rows, wanted('at most 0.04 of loss'), keys)[0], 0);
    // .05 of .1 nats: half of what may be given.
    assert.equal(ranked(rows, wanted('at most 0.1 of loss for 70 % of latency'), keys)[0], 1);
    assert.equal(ranked(rows, wanted('at most 0.1 of loss for 80 % of latency'), keys)[0], 0);
  });
});

describe('values that may be 0 or less', () => {
  it("of a program's own metric count in its own unit", () => {
    const wanted = { objectives: ['maximize accuracy', 'minimize drift'] };
    const keys = ['accuracy', 'drift'];
    // 1 % of accuracy against .5 of a unit, and against .001.
    assert.equal(
      ranked(
        [
          [0.9, -1.0],
          [0.891, -1.5],
        ],
        wanted,
        keys,
      )[0],
      1,
    );
    assert.equal(
      ranked(
        [
          [0.9, -1.0],
          [0.891, -1.001],
        ],
        wanted,
        keys,
      )[0],
      0,
    );
  });

  it("of a program's own metric may be given by an amount, and be worth something", () => {
    const wanted = {
      objectives: ['minimize regret', 'minimize macs'],
      atMost: 'at most 0.1 of regret for 20 % of macs',
    };
    const first = (macs: number) =>
      ranked(
        [
          [0, 100],
          [0.1, macs],
        ],
        wanted,
        ['regret', 'macs'],
      )[0];
    assert.deepEqual([first(99), first(81), first(79)], [0, 0, 1]);
    const why = preferenceOf({ objectives: ['maximize reward', 'minimize macs'] }).why(
      contendersOf(
        [
          [-500, 10],
          [-501, 9],
        ],
        ['reward', 'macs'],
      ),
      (item) => `trial ${item}`,
    );
    assert.match(why ?? '', /^Reward leads: no other is within 0.01 of trial 0 /);
  });

  it('of a loss may be given by a share of its best value', () => {
    const first = (loss: number) =>
      ranked(
        [
          [0.1, 100],
          [loss, 50],
        ],
        { objectives: ['minimize loss', 'minimize macs'], atMost: 'at most 5 % of loss' },
        ['loss', 'macs'],
      )[0];
    assert.deepEqual([first(0.1049), first(0.1051)], [1, 0]);
  });

  it("of a program's own metric may lead", () => {
    const wanted = { objectives: ['minimize regret', 'minimize latency.p50'] };
    const keys = ['regret', 'latency.p50@pi'];
    assert.equal(
      ranked(
        [
          [0, 100],
          [0.009, 50],
        ],
        wanted,
        keys,
      )[0],
      1,
    );
    assert.equal(
      ranked(
        [
          [0, 100],
          [0.011, 50],
        ],
        wanted,
        keys,
      )[0],
      0,
    );
  });

  it('of a board are taken for the least that a meter resolves', () => {
    assert.equal(logLoss('energy', 'minimize', -3), logLoss('energy', 'minimize', 1e-6));
    assert.equal(logLoss('energy', 'minimize', 1e-6), Math.log(1e-6));
    assert.equal(logLoss('throughput', 'maximize', 20), -Math.log(20));
    assert.equal(logLoss('regret', 'minimize', 1e-12), Math.log(1e-12));
  });
});

describe('the order depends on the front alone', () => {
  const value = fc.integer({ min: 1, max: 12 });
  const points = fc.array(fc.tuple(value, value, value), { minLength: 1, maxLength: 8 });
  const rows = points.map((list) => list.map(([a, b, c]) => [0.5 + a / 100, b, c / 7]));
  const isWorse = (a: readonly number[], b: readonly number[]) =>
    (a[0] as number) <= (b[0] as number) &&
    (a[1] as number) >= (b[1] as number) &&
    (a[2] as number) >= (b[2] as number) &&
    a.some((v, i) => v !== b[i]);
  const firstOf = (list: readonly (readonly number[])[], wanted?: Wanted, keys?: readonly string[]) =>
    list[ranked(list, wanted, keys)[0] as number];

  it('not on what is dominated', () => {
    fc.assert(
      fc.property(rows, (list) => {
        const front = list.filter((row) => !list.some((other) => isWorse(row, other)));
        assert.deepEqual(firstOf(list), firstOf(front));
        const order = ranked(list).map((index) => list[index] as number[]);
        assert.deepEqual(
          order.filter((row) => front.includes(row)),
          ranked(front).map((index) => front[index]),
        );
      }),
    );
  });

  it('not on the order in which they are given, nor on duplicates', () => {
    fc.assert(
      fc.property(rows, fc.integer({ min: 0, max: 7 }), (list, twice) => {
        const order = ranked(list).map((index) => list[index]);
        const reversed = [...list].reverse();
        assert.deepEqual(
          ranked(reversed).map((index) => reversed[index]),
          order,
        );
        const doubled = [...list, list[twice % list.length] as number[]];
        assert.deepEqual(firstOf(doubled), order[0]);
      }),
    );
  });

  it('not on units', () => {
    const latency = ['maximize accuracy', 'minimize cost', 'minimize price'];
    const keys = ['accuracy', 'cost', 'price'];
    fc.assert(
      fc.property(rows, fc.constantFrom(1e-6, 1e-3, 60, 1e9), (list, factor) => {
        const scaled = list.map(([a, b, c]) => [a as number, (b as number) * factor, (c as number) / factor]);
        assert.deepEqual(ranked(scaled, { objectives: latency }, keys), ranked(list, { objectives: latency }, keys));
      }),
    );
  });

  it('not on how many are asked for: the first n are in the same order by themselves', () => {
    fc.assert(
      fc.property(rows, fc.integer({ min: 1, max: 8 }), (list, n) => {
        const first = ranked(list).slice(0, n);
        const alone = first.map((index) => list[index] as number[]);
        assert.deepEqual(
          ranked(alone),
          alone.map((_, place) => place),
        );
      }),
    );
  });

  it('nothing that is dominated comes before what dominates it', () => {
    fc.assert(
      fc.property(rows, (list) => {
        const order = ranked(list);
        for (const [place, index] of order.entries())
          for (const later of order.slice(place + 1))
            assert.ok(!isWorse(list[index] as number[], list[later] as number[]));
      }),
    );
  });
});

describe('why the first is first', () => {
  const why = (rows: readonly (readonly number[])[], wanted: Wanted = {}) =>
    preferenceOf(wanted).why(contendersOf(rows), (item) => `trial ${item}`);

  it('is said in words', () => {
    assert.equal(why([]), null);
    assert.equal(why([[0.9, 20, 1]]), 'Trial 0 is the only one.');
    assert.equal(
      why([
        [0.9, 20, 1, 0.2],
        [0.8, 20, 1],
      ]),
      'Trial 1 is the only one that meets the constraints.',
    );
    assert.equal(
      why([
        [0.9, 20, 1, 0.2],
        [0.8, 20, 1, 0.3],
      ]),
      'None meets the constraints; trial 0 misses them by least (20 % of the limits).',
    );
    assert.equal(
      why([
        [0.9, 20, 1],
        [0.8, 20, 2],
      ]),
      'Trial 0 is best in every objective.',
    );
    assert.match(
      why([
        [0.9, 20, 1],
        [0.895, 20, 1],
        [0.2, 1, 1],
      ]) ?? '',
      /^Accuracy leads: 2 are within 1 point of the best\. Among them trial 0 is/,
    );
    assert.match(
      why(
        [
          [0.9, 20],
          [0.9, 20],
        ],
        {},
      ) ?? '',
      /Among them trial 0 is the best compromise: against trial 1, the same accuracy \(90 %\), the same latency/,
    );
    assert.equal(
      why([
        [0.9, 20, 1],
        [0.8, 10, 1],
      ]),
      'Accuracy leads: no other is within 1 point of trial 0 (90 %); the next is trial 1 (80 %).',
    );
    assert.equal(
      why([
        [0.9, 20, 1],
        [0.895, 10, 1],
        [0.2, 1, 1],
      ]),
      'Accuracy leads: 2 are within 1 point of the best. Among them trial 1 is the best compromise: against trial 0, accuracy 89.5 % instead of 90 %, latency.p50@pi 10 ms instead of 20 ms, the same energy@pi (1 J).',
    );
  });

  it('names each device where each leads', () => {
    const preference = preferenceOf({
      objectives: ['minimize latency.p50 each', 'minimize modelSize'],
      devices: ['a', 'b'],
    });
    const contenders = contendersOf(
      [
        [10, 10, 100],
        [9.9, 30, 90],
      ],
      ['latency.p50@a', 'latency.p50@b', 'modelSize'],
    );
    assert.match(
      preference.why(contenders, (item) => `trial ${item}`) ?? '',
      /^Latency.p50 leads: no other is within 10 % of trial 0 \(latency.p50@a 10 ms, latency.p50@b 10 ms\); the next is trial 1/,
    );
  });

  it('names what the study gives', () => {
    const text = why(
      [
        [0.9, 20, 1],
        [0.88, 10, 1],
      ],
      { atMost: 'at most 5 % of accuracy' },
    );
    assert.match(text ?? '', /^Accuracy leads: 2 are within 5 % of the best\. Among them trial 1 is/);
  });
});
