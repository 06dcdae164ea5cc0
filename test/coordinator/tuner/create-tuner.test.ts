import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConstraint, parseObjective } from '@edgetune/shared/domain/objective.ts';
import { tunerSettingsSchema } from '@edgetune/shared/domain/study.ts';
import fc from 'fast-check';
import { createTuner } from '../../../coordinator/tuner/create-tuner.ts';
import { budgetLadder } from '../../../coordinator/tuner/ladder.ts';
import { SAMPLERS } from '../../../coordinator/tuner/samplers/all.ts';
import type { SamplerKind } from '../../../coordinator/tuner/samplers/sampler.ts';
import { SCHEDULERS } from '../../../coordinator/tuner/schedulers/all.ts';
import type { Tell, TunerProblem } from '../../../coordinator/tuner/tuner.ts';
import { TunerProblemError } from '../../../coordinator/tuner/validate-problem.ts';
import { answer, asksOf, drive, MIXED, problem } from '../../support/tuning.ts';

const objectives = (count: number) =>
  ['maximize accuracy', 'minimize latency', 'minimize energy'].slice(0, count).map(parseObjective);

const samplers = SAMPLERS.map(({ name }) => name);
const schedulers = SCHEDULERS.map(({ name }) => name);

const problems: fc.Arbitrary<TunerProblem> = fc
  .record({
    seed: fc.integer({ min: 0, max: 1e9 }),
    sampler: fc.constantFrom(...samplers),
    scheduler: fc.constantFrom(...schedulers),
    maxTrials: fc.integer({ min: 1, max: 20 }),
    synchronous: fc.boolean(),
    objectives: fc.integer({ min: 1, max: 3 }).map(objectives),
    maxEpochs: fc.integer({ min: 1, max: 27 }),
  })
  .map(({ seed, sampler, scheduler, maxEpochs, ...rest }) =>
    problem({ ...rest, settings: { seed, sampler, scheduler }, ladder: { maxEpochs } }),
  );

test('any study ends: as many trials as allowed, no candidate twice, one reaches the top unless none could', () => {
  fc.assert(
    fc.property(problems, fc.integer({ min: 1, max: 5 }), fc.nat(), (of, workers, shuffle) => {
      const tuner = createTuner(of);
      const asks = asksOf(drive(tuner, workers, shuffle));
      const started = asks.filter(({ rung }) => rung === 0);
      assert.equal(started.length, of.maxTrials);
      assert.equal(new Set(started.map(({ candidate }) => JSON.stringify(candidate))).size, of.maxTrials);
      assert.equal(new Set(asks.map(({ trialId, rung }) => `${trialId}/${rung}`)).size, asks.length);
      assert.deepEqual(
        asks.map(({ ask }) => ask),
        asks.map((_, index) => index),
      );
      assert.equal(tuner.ask(), null);
      const top = Math.max(...asks.map(({ budget }) => budget.epochs));
      const highest = budgetLadder(of.ladder).at(-1)?.epochs;
      const healthy = asks.filter((ask) => answer(ask).status === 'ok');
      if (healthy.length === asks.length) assert.equal(top, highest);
    }),
    { numRuns: 20 },
  );
});

test('a restored tuner goes on exactly as the one that was killed', () => {
  fc.assert(
    fc.property(problems, fc.integer({ min: 1, max: 4 }), fc.nat(200), (of, workers, cut) => {
      const whole = drive(createTuner(of), workers, 5, answer, true);
      const restored = createTuner(of);
      restored.restore(JSON.parse(JSON.stringify(whole.slice(0, cut))));
      for (const entry of whole.slice(cut)) {
        if ('ask' in entry) assert.equal(JSON.stringify(restored.ask()), JSON.stringify(entry.ask));
        else if ('tell' in entry) restored.tell(entry.tell);
        else restored.amend(entry.amend);
      }
      assert.ok(restored.isFinished());
    }),
    { numRuns: 20 },
  );
});

test('synchronous rungs: what is told in another order changes nothing', () => {
  fc.assert(
    fc.property(problems, fc.nat(), fc.nat(), (of, one, other) => {
      const whole = problem({ ...of, synchronous: true, settings: { ...of.settings, sampler: 'random' } });
      // Only whole rungs told at once are independent of the order: as many workers as trials.
      const [a, b] = [one, other].map((shuffle) => asksOf(drive(createTuner(whole), 40, shuffle)));
      assert.deepEqual(a, b);
    }),
    { numRuns: 50 },
  );
});

test('promotion is by merit: in successive halving the best third of a rung goes on', () => {
  const tuner = createTuner(problem({ maxTrials: 27, synchronous: true }));
  const log = drive(tuner, 27, 1, (ask) => ({ ...answer(ask), status: 'ok', violation: 0 }));
  const rungs = [0, 1, 2, 3].map((rung) => asksOf(log).filter((ask) => ask.rung === rung));
  assert.deepEqual(
    rungs.map(({ length }) => length),
    [27, 9, 3, 1],
  );
  const accuracyOf = new Map(
    asksOf(log).map((ask) => [`${ask.trialId}/${ask.rung}`, answer(ask).metrics.accuracy ?? 0]),
  );
  const promoted = new Set(rungs[1]?.map(({ trialId }) => trialId));
  const scores = rungs[0]?.map(({ trialId }) => ({
    score: accuracyOf.get(`${trialId}/0`) ?? 0,
    on: promoted.has(trialId),
  }));
  const least = Math.min(...(scores ?? []).filter(({ on }) => on).map(({ score }) => score));
  assert.ok(scores?.every(({ on, score }) => on || score <= least));
});

test('a trial that failed, is infeasible or was stopped is never promoted; missing values are a failure', () => {
  const bad: Partial<Tell>[] = [
    { status: 'failed' },
    { status: 'infeasible', violation: 0 },
    { status: 'stopped' },
    { metrics: {} },
    { metrics: { accuracy: Number.NaN } },
    { metrics: { accuracy: Infinity } },
    { violation: Number.NaN },
  ];
  for (const synchronous of [true, false]) {
    const tuner = createTuner(problem({ maxTrials: bad.length * 3, synchronous }));
    const log = drive(tuner, 3, 0, (ask) => ({
      trialId: ask.trialId,
      rung: ask.rung,
      status: 'ok',
      metrics: { accuracy: 0.5 + ask.trialId / 100 },
      violation: 0,
      cost: { seconds: 1, joules: 1 },
      ...(ask.trialId % 3 === 2 ? bad[(ask.trialId - 2) / 3] : {}),
    }));
    assert.ok(asksOf(log).every(({ trialId, rung }) => rung === 0 || trialId % 3 !== 2));
    assert.ok(tuner.front().every(({ trialId }) => trialId % 3 !== 2));
    assert.equal(tuner.front().length, 1);
  }
});

test('all fail: the study still ends, with an empty front', () => {
  for (const synchronous of [true, false]) {
    const tuner = createTuner(problem({ synchronous }));
    const log = drive(tuner, 2, 0, (ask) => ({ ...answer(ask), status: 'failed' }));
    assert.equal(asksOf(log).length, 20);
    assert.deepEqual(tuner.front(), []);
  }
});

test('initial candidates come first, completed, and the parameters’ own initial values after them', () => {
  const parameters = problem().parameters.map((p) =>
    p.name === 'rate' ? { ...p, initial: 0.01 } : p,
  ) as TunerProblem['parameters'];
  const settings = { initialCandidates: [{ depth: 3, optimizer: 'adam' }, { rate: 0.1 }] };
  const tuner = createTuner(problem({ parameters, settings }));
  const [first, second, third, fourth] = [tuner.ask(), tuner.ask(), tuner.ask(), tuner.ask()];
  assert.deepEqual(
    [first, second, third].map((ask) => ask?.proposedBy),
    ['initial', 'initial', 'initial'],
  );
  assert.equal(first?.candidate.depth, 3);
  assert.ok(first && !('momentum' in first.candidate));
  assert.ok(Math.abs((first?.candidate.rate as number) - 0.01) < 1e-12);
  assert.ok(Math.abs((second?.candidate.rate as number) - 0.1) < 1e-12);
  assert.ok(Math.abs((third?.candidate.rate as number) - 0.01) < 1e-12);
  assert.notEqual(fourth?.proposedBy, 'initial');
});

test('a small space is searched through once, then the study is finished', () => {
  const parameters: TunerProblem['parameters'] = [
    { name: 'a', level: 'model', type: 'categorical', choices: [1, 2, 3] },
    { name: 'b', level: 'model', type: 'boolean' },
  ];
  for (const sampler of samplers) {
    const tuner = createTuner(problem({ parameters, maxTrials: 100, settings: { sampler } }));
    const log = drive(tuner, 2, 0, (ask) => ({
      ...answer(ask),
      status: 'ok',
      metrics: { accuracy: ask.trialId / 10 },
      violation: 0,
    }));
    assert.equal(new Set(asksOf(log).map(({ trialId }) => trialId)).size, 6);
  }
});

test('what is predicted to be infeasible is passed over while something else can be found', () => {
  const tuner = createTuner(problem({ maxTrials: 15 }));
  for (let i = 0; i < 15; i++) {
    const ask = tuner.ask({ predictViolation: ({ depth }) => Math.max(0, (depth as number) - 3) });
    assert.ok((ask?.candidate.depth as number) <= 3);
  }
  const hopeless = createTuner(problem());
  assert.ok(hopeless.ask({ predictViolation: () => 1 }));
});

test('an amendment changes the front', () => {
  const tuner = createTuner(problem({ objectives: objectives(2), maxTrials: 2, settings: { scheduler: 'none' } }));
  const tell = (trialId: number, accuracy: number, latency: number) =>
    tuner.tell({
      trialId,
      rung: 0,
      status: 'ok',
      metrics: { accuracy, 'latency.p50@pi': latency },
      violation: 0,
      cost: { seconds: 1, joules: 1 },
    });
  tuner.ask();
  tuner.ask();
  tell(0, 0.9, 10);
  tell(1, 0.8, 20);
  assert.deepEqual(
    tuner.front().map(({ trialId }) => trialId),
    [0],
  );
  tuner.amend({ trialId: 1, rung: 0, metrics: { 'latency.p50@pi': 5 }, violation: 0 });
  assert.deepEqual(
    tuner
      .front()
      .map(({ trialId, values }) => [trialId, ...values])
      .sort(),
    [
      [0, 0.9, 10],
      [1, 0.8, 5],
    ],
  );
  tuner.amend({ trialId: 0, rung: 0, metrics: {}, violation: 2 });
  assert.deepEqual(
    tuner.front().map(({ trialId }) => trialId),
    [1],
  );
});

test('rungs sized by seconds: where the upper rung costs ten times as much, fewer go on', () => {
  const counts = (['nominal', 'seconds'] as const).map((rungSizing) => {
    const tuner = createTuner(problem({ maxTrials: 60, settings: { rungSizing, sampler: 'random' } }));
    const log = drive(tuner, 1, 0, (ask) => ({
      ...answer(ask),
      status: 'ok',
      violation: 0,
      cost: { seconds: 10 ** ask.rung, joules: 0 },
    }));
    return asksOf(log).filter(({ rung }) => rung === 1).length;
  });
  assert.ok((counts[0] as number) >= 20 && (counts[0] as number) <= 24, `${counts[0]} went on`);
  assert.ok((counts[1] as number) >= 4 && (counts[1] as number) <= 9, `${counts[1]} went on`);
});

test('a name that is there twice is told once', () => {
  const twice: TunerProblem['parameters'] = [1, 2, 3].map((value) => ({
    ...{ name: 'depth', level: 'model', type: 'constant' },
    value,
  }));
  assert.throws(() => createTuner(problem({ parameters: [...MIXED.slice(0, 1), ...twice] })), {
    name: 'TunerProblemError',
    issues: [{ path: ['parameters', 'depth'], message: 'is there twice' }],
  });
});

test('a sampler that proposes one candidate for ever does not keep others from being tried', () => {
  const stubborn: SamplerKind = {
    ...(SAMPLERS[0] as SamplerKind),
    name: 'stubborn',
    create: () => ({ propose: ({ space }) => ({ point: space.pointOf({ rate: 0.5 }), by: 'stubborn' }) }),
  };
  const tuner = createTuner(
    problem({
      parameters: [{ name: 'rate', level: 'training', type: 'float', min: 0.1, max: 0.9, scale: 'linear' }],
      settings: { sampler: 'stubborn' },
    }),
    { samplers: [stubborn], schedulers: SCHEDULERS },
  );
  const asks = [1, 2, 3].map(() => tuner.ask());
  assert.deepEqual(
    asks.map((ask) => ask?.proposedBy),
    ['stubborn', 'enumeration', 'enumeration'],
  );
  assert.equal(new Set(asks.map((ask) => ask?.candidate.rate)).size, 3);
});

test('all mistakes of a problem are listed', () => {
  const bad = problem({
    objectives: [],
    constraints: [
      { ...parseConstraint('latency <= 5 ms'), device: 'nowhere' },
      { metric: 'speed', operator: '<=', limit: Number.NaN },
    ],
    ladder: { minEpochs: 9, maxEpochs: 3 },
    settings: { initialCandidates: [{ depth: 99, colour: 'red' }] },
    maxTrials: 0,
  });
  assert.throws(
    () => createTuner(bad),
    (error: TunerProblemError) => {
      assert.deepEqual(
        error.issues.map(({ path }) => path.join('.')),
        [
          'objectives',
          'constraints.0',
          'constraints.1',
          'ladder.minEpochs',
          'maxTrials',
          'settings.initialCandidates.0',
          'settings.initialCandidates.0',
        ],
      );
      return error instanceof TunerProblemError;
    },
  );
});

test('a tell or an amendment that answers no ask is refused', () => {
  const tuner = createTuner(problem());
  const ask = tuner.ask();
  assert.ok(ask);
  assert.throws(() => tuner.tell({ ...answer(ask), trialId: 7 }), /was not asked/);
  assert.throws(() => tuner.amend({ trialId: 0, rung: 0, metrics: {}, violation: 0 }), /not told yet/);
  tuner.tell(answer(ask));
  assert.throws(() => tuner.tell(answer(ask)), /was told already/);
});

test('each stop criterion ends a study: time, energy, target, no improvement', () => {
  const asked = (stop: TunerProblem['stop'], respond = healthy) =>
    asksOf(
      drive(
        createTuner(problem({ maxTrials: 200, settings: { scheduler: 'none' }, ...(stop ? { stop } : {}) })),
        1,
        0,
        respond,
      ),
    ).length;
  const healthy = (ask: Parameters<typeof answer>[0]): Tell => ({
    ...answer(ask),
    status: 'ok',
    violation: 0,
    metrics: { accuracy: Math.min(0.5, ask.trialId / 100), 'memory@pi': 1e6 },
    cost: { seconds: 2, joules: 5 },
  });
  assert.equal(asked({ timeS: 60 }), 30);
  assert.equal(asked({ energyJ: 60 }), 12);
  assert.equal(asked({ target: [parseConstraint('accuracy >= 20 %'), parseConstraint('memory <= 2 MB')] }), 21);
  assert.equal(asked({ noImprovement: 10 }), 61);
  assert.equal(
    asked({ timeS: 60 }, (ask) => ({ ...healthy(ask), cost: { seconds: Number.NaN, joules: 0 } })),
    200,
  );
});

test('every mode ends, and does what it is named for', () => {
  const modes = tunerSettingsSchema.shape.mode.unwrap().options;
  const system: TunerProblem['parameters'] = [
    ...problem().parameters,
    { name: 'cores', level: 'system', type: 'ordinal', values: [1, 2, 4] },
  ];
  for (const mode of modes) {
    const tuner = createTuner(
      problem({ parameters: system, objectives: objectives(2), settings: { mode }, maxTrials: 30 }),
    );
    const asks = asksOf(drive(tuner, 2, 0, (ask) => ({ ...answer(ask), status: 'ok', violation: 0 })));
    const [fractions, epochs, cores] = [
      new Set(asks.map(({ budget }) => budget.dataFraction)),
      new Set(asks.map(({ budget }) => budget.epochs)),
      // Hierarchical: what follows the thirty trials is the second phase.
      new Set(asks.filter(({ trialId }) => trialId < 30).map(({ candidate }) => candidate.cores)),
    ];
    assert.equal(fractions.size === 1, ['accuracy-only', 'hyperpower', 'top-k-after-one-epoch'].includes(mode), mode);
    assert.equal(cores.size === 1, mode === 'hierarchical', mode);
    if (mode === 'top-k-after-one-epoch') assert.deepEqual([...epochs].sort(), [1, 9]);
    const values = tuner.front()[0]?.values.length;
    assert.equal(values, mode === 'onefold' || mode === 'top-k-after-one-epoch' ? 2 : 1, mode);
  }
});

test('a warm start: proposals lie nearer to what was good before, and the first candidates are not random', () => {
  const earlier = Array.from({ length: 30 }, (_, i) => {
    const rate = 10 ** (-4.9 + i / 6);
    return {
      candidate: { rate },
      budget: { epochs: 9, dataFraction: 1 },
      metrics: { accuracy: 1 - Math.abs(Math.log10(rate) + 2) / 5 },
      violation: 0,
    };
  });
  const parameters: TunerProblem['parameters'] = [
    { name: 'rate', level: 'training', type: 'float', min: 1e-5, max: 1, scale: 'log' },
  ];
  const distance = (of: TunerProblem) => {
    const tuner = createTuner(of);
    const asks = Array.from({ length: 9 }, () => tuner.ask());
    return asks.reduce((sum, ask) => sum + Math.abs(Math.log10(ask?.candidate.rate as number) + 2), 0) / 9;
  };
  assert.ok(distance(problem({ parameters, earlier })) < 0.7 * distance(problem({ parameters })));
});

test('a constraint on a named ratio is refused: it is an objective only', () => {
  const ratio = { metric: 'edgetune.energy', operator: '<=' as const, limit: 3 };
  assert.throws(() => createTuner(problem({ constraints: [ratio] })), TunerProblemError);
});
