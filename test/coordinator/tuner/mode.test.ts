import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConstraint, parseObjective } from '@edgetune/shared/domain/objective.ts';
import type { Parameter } from '@edgetune/shared/domain/search-space.ts';
import { inferenceTimingOf, planOf, searchedObjectives, searchReadsDevices } from '../../../coordinator/tuner/mode.ts';
import { problem } from '../../support/tuning.ts';

const objectives = ['minimize latency', 'maximize accuracy', 'minimize energy'].map(parseObjective);
const constraints = [parseConstraint('latency <= 10 ms')];
const system: Parameter[] = [
  { name: 'cores', level: 'system', type: 'ordinal', values: [2, 4, 8] },
  { name: 'batch', level: 'system', type: 'int', min: 3, max: 9, scale: 'linear' },
  { name: 'pin', level: 'system', type: 'boolean', when: { cores: 4 } },
  { name: 'policy', level: 'system', type: 'categorical', choices: ['fair', 'idle'], initial: 'idle' },
  { name: 'fixed', level: 'system', type: 'constant', value: 7 },
];
const parameters: Parameter[] = [
  { name: 'rate', level: 'training', type: 'float', min: 0, max: 1, scale: 'linear' },
  ...system,
];
const ladder = { minEpochs: 1, maxEpochs: 9, minDataFraction: 0.3, maxDataFraction: 1 };
type Mode = Parameters<typeof inferenceTimingOf>[0];
const plan = (mode: Mode, settings = {}) =>
  planOf(problem({ objectives, constraints, parameters, ladder, settings: { mode, ...settings } }));
const metricsOf = (of: readonly { metric: string }[]) => of.map(({ metric }) => metric);

test('when a mode asks the devices, and what it optimises', () => {
  const quality = ['accuracy'];
  const all = ['latency.p50', 'accuracy', 'energy'].map((name, i) => objectives[i]?.metric ?? name);
  for (const [mode, timing, searched] of [
    ['onefold', 'while-training', all],
    ['accuracy-only', 'at-the-end', quality],
    ['hierarchical', 'at-the-end', quality],
    ['hyperpower', 'predicted-before-training', quality],
    ['top-k-after-one-epoch', 'while-training', all],
  ] as const) {
    assert.equal(inferenceTimingOf(mode), timing);
    assert.deepEqual(metricsOf(searchedObjectives(mode, objectives)), searched);
    assert.deepEqual(metricsOf(plan(mode).problem.objectives), searched);
  }
  assert.deepEqual(searchedObjectives('accuracy-only', [parseObjective('minimize loss')]), [
    parseObjective('minimize loss'),
  ]);
  assert.deepEqual(searchedObjectives('accuracy-only', [parseObjective('minimize latency')]), [
    { metric: 'accuracy', direction: 'maximize', aggregate: 'worst' },
  ]);
});

test('onefold: both budgets, all constraints, all parameters', () => {
  const { problem: of, budgets, systemParameters } = plan('onefold');
  assert.deepEqual(
    budgets.map(({ epochs, dataFraction }) => [epochs, dataFraction]),
    [
      [1, 0.3],
      [2, 1],
      [4, 1],
      [9, 1],
    ],
  );
  assert.deepEqual([of.constraints, of.parameters, systemParameters], [constraints, parameters, []]);
});

test('accuracy-only: BOHB and Hyperband on epochs, without constraints, unless something else is chosen', () => {
  const { problem: of, budgets } = plan('accuracy-only');
  assert.deepEqual(
    budgets.map(({ epochs, dataFraction }) => [epochs, dataFraction]),
    [
      [1, 1],
      [3, 1],
      [9, 1],
    ],
  );
  assert.deepEqual([of.constraints, of.settings.sampler, of.settings.scheduler], [[], 'bohb', 'hyperband']);
  const chosen = plan('accuracy-only', { sampler: 'tpe', scheduler: 'asha' }).problem.settings;
  assert.deepEqual([chosen.sampler, chosen.scheduler], ['tpe', 'asha']);
});

test('hierarchical: in its first phase a system parameter is what it is at first', () => {
  const { problem: of, systemParameters, budgets } = plan('hierarchical');
  assert.deepEqual(of.parameters, [
    parameters[0],
    { name: 'cores', level: 'system', type: 'constant', value: 2 },
    { name: 'batch', level: 'system', type: 'constant', value: 3 },
    { name: 'pin', level: 'system', type: 'constant', value: false, when: { cores: 4 } },
    { name: 'policy', level: 'system', type: 'constant', value: 'idle' },
    system[4],
  ]);
  assert.deepEqual([systemParameters, of.constraints, budgets.length], [system, [], 4]);
});

test('hyperpower keeps the constraints and grows epochs alone; top-k has one epoch and all of them', () => {
  const hyperpower = plan('hyperpower');
  assert.deepEqual([hyperpower.problem.constraints, hyperpower.systemParameters], [constraints, []]);
  assert.ok(hyperpower.budgets.every(({ dataFraction }) => dataFraction === 1));
  assert.deepEqual(plan('top-k-after-one-epoch').budgets, [
    { epochs: 1, dataFraction: 1 },
    { epochs: 9, dataFraction: 1 },
  ]);
  const short = planOf(problem({ settings: { mode: 'top-k-after-one-epoch' }, ladder: { maxEpochs: 1 } }));
  assert.deepEqual(short.budgets, [{ epochs: 1, dataFraction: 1 }]);
});

test('a search reads devices where an objective, the target or a constraint is about them', () => {
  const reads = (mode: Mode, of: { objectives?: string[]; constraints?: string[]; target?: string[] }) =>
    searchReadsDevices({
      tuner: { ...problem().settings, mode },
      objectives: (of.objectives ?? ['maximize accuracy']).map(parseObjective),
      constraints: (of.constraints ?? []).map(parseConstraint),
      stop: { trials: 9, target: (of.target ?? []).map(parseConstraint) } as never,
    });
  assert.equal(reads('onefold', {}), false);
  assert.equal(reads('onefold', { objectives: ['maximize accuracy', 'minimize latency'] }), true);
  assert.equal(reads('onefold', { constraints: ['latency <= 5 ms'] }), true);
  assert.equal(reads('onefold', { constraints: ['accuracy >= 50 %'] }), false);
  // The distance from the target is all that the search looks at.
  assert.equal(reads('onefold', { objectives: ['minimize latency'], target: ['accuracy >= 50 %'] }), false);
  assert.equal(reads('onefold', { objectives: ['minimize latency'], target: ['latency <= 5 ms'] }), true);
  assert.equal(
    reads('top-k-after-one-epoch', { objectives: ['minimize latency'], target: ['accuracy >= 50 %'] }),
    true,
  );
  assert.equal(reads('accuracy-only', { objectives: ['minimize latency'] }), false);
});
