import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { BoardDescription } from '@edgetune/shared/domain/device.ts';
import type { SearchSpace } from '@edgetune/shared/domain/search-space.ts';
import { parseStudy } from '../../../coordinator/study/parse-study.ts';
import { StudyInputError } from '../../../coordinator/study/state/study-errors.ts';
import { DATASET_FORMATS } from '../../../coordinator/training/datasets/all.ts';
import { imageClassifier } from '../../../coordinator/training/workloads/image-classifier.ts';
import { keywordSpotter } from '../../../coordinator/training/workloads/keyword-spotter.ts';
import { TUNER_PARTS } from '../../../coordinator/tuner/tuner-parts.ts';
import { boardDescription } from '../../support/fleet.ts';

const withRunner = (runner: string): BoardDescription['runtimes'][number] => ({
  runner,
  version: '1.0',
  executionProviders: ['cpu'],
  precisions: ['float32'],
});
const defaultSpace: SearchSpace = {
  model: { width: { type: 'ordinal', values: [8, 16] } },
  training: { learningRate: { type: 'float', min: 1e-4, max: 0.1, scale: 'log' } },
  system: {},
  inference: { batchSize: { type: 'ordinal', values: [1, 4] } },
};
const checks = {
  parts: {
    ...TUNER_PARTS,
    workloads: [{ ...imageClassifier, defaultSpace }, keywordSpotter],
    formats: DATASET_FORMATS,
  },
  studies: [],
  devices: [
    { name: 'kitchen-pi', board: boardDescription() },
    {
      name: 'orin',
      board: boardDescription({ runtimes: [withRunner('onnxruntime-node'), withRunner('of-this-test')] }),
    },
    { name: 'not-joined', board: null },
  ],
};

function mistakesOf(yaml: string): { line: number | null; path: string; message: string }[] {
  try {
    parseStudy(yaml, checks);
  } catch (error) {
    assert.ok(error instanceof StudyInputError, String(error));
    return (error.problem.issues ?? []).map(({ line, path, message }) => ({ line, path, message }));
  }
  assert.fail('the study was accepted');
}

describe('parseStudy', () => {
  it('fills in defaults and the workload space', () => {
    const spec = parseStudy('name: first\ndataset: {format: synthetic-images}\ndevices: [kitchen-pi]\n', checks);
    assert.equal(spec.space, defaultSpace);
    assert.equal(spec.budget.maxEpochs, 9);
    assert.deepEqual(
      spec.objectives.map(({ metric }) => metric),
      ['accuracy', 'latency.p50'],
    );
  });

  it('lists every mistake at once, each with its line and what is allowed', () => {
    const mistakes = mistakesOf(
      [
        'name: first',
        'workload: image-clasifier',
        'dataset:',
        '  format: synthetic-images',
        '  samples: 3',
        'devices: [kitchen-pi]',
        'constraints:',
        '  - latency.p99 <= 30 MB',
        'colour: red',
        '',
      ].join('\n'),
    );
    assert.deepEqual(mistakes.map(({ line, path }) => [line, path]).sort(), [
      [2, 'workload'],
      [5, 'dataset.samples'],
      [8, 'constraints.0'],
      [9, 'colour'],
    ]);
    assert.match(mistakes.find(({ path }) => path === 'workload')?.message ?? '', /image-classifier/);
    assert.match(
      mistakes.find(({ path }) => path === 'constraints.0')?.message ?? '',
      /not a time: write a number and one of ns, us/,
    );
  });

  it('names unknown devices and those that the fleet has', () => {
    const [mistake] = mistakesOf(
      'name: x\ndataset: {format: synthetic-images}\ndevices:\n  - kitchen-pi\n  - attic-pi\n',
    );
    assert.equal(mistake?.line, 5);
    assert.match(mistake?.message ?? '', /unknown device "attic-pi": the fleet has kitchen-pi, orin, not-joined/);
  });

  it('refuses parameters that the workload does not have', () => {
    const [mistake] = mistakesOf(
      'name: x\ndataset: {format: synthetic-images}\ndevices: [orin]\nspace:\n  model:\n    widht: {type: ordinal, values: [1, 2]}\n',
    );
    assert.equal(mistake?.line, 6);
    assert.match(mistake?.message ?? '', /no model parameter "widht": it has width/);
  });

  it('takes the runners that boards of the fleet have, and names them where one has none of it', () => {
    const study = (device: string, runner: string) =>
      `name: x\ndataset: {format: synthetic-images}\ndevices: [${device}]\nspace:\n  model: {width: {type: constant, value: 8}}\n  inference:\n    runner: ${runner}\n`;
    const choices = (...names: string[]) => `{type: categorical, choices: [${names.join(', ')}]}`;
    for (const [device, runner] of [
      ['orin', choices('of-this-test', 'onnxruntime-node')],
      ['kitchen-pi', choices('of-this-test', 'onnxruntime-node')],
      ['not-joined', choices('who knows')],
    ] as const)
      assert.ok(parseStudy(study(device, runner), checks).space.inference.runner);
    const path = 'space.inference.runner';
    const there = 'the boards of the fleet have onnxruntime-node, of-this-test';
    assert.deepEqual(mistakesOf(study('orin', choices('of-that-test', 'onnxruntime-node'))), [
      { line: 7, path, message: `unknown runner "of-that-test": ${there}; did you mean "of-this-test"?` },
    ]);
    assert.deepEqual(mistakesOf(study('orin', '{type: int, min: 1, max: 2}')), [
      { line: 7, path, message: `must be categorical: ${there}` },
    ]);
  });

  it('says where no board of the fleet has a runner', () => {
    const study =
      'name: x\ndataset: {format: synthetic-images}\ndevices: [orin]\nspace: {inference: {runner: {type: ordinal, values: [a]}}}\n';
    const devices = [
      { name: 'orin', board: boardDescription({ runtimes: [] }) },
      { name: 'not-joined', board: null },
    ];
    assert.throws(
      () => parseStudy(study, { ...checks, devices }),
      (error: StudyInputError) =>
        error.problem.issues?.[0]?.message === 'unknown runner "a": no board of the fleet has any',
    );
  });

  it('refuses objectives, limits and targets on energy where a device has no meter, naming it', () => {
    const devices = [
      { name: 'metered', board: boardDescription({ powerMeter: 'INA219' }) },
      { name: 'bare', board: boardDescription({ powerMeter: null }) },
      { name: 'plain', board: boardDescription({ powerMeter: null }) },
      { name: 'not-joined', board: null },
    ];
    const issuesOf = (on: string, rest: string) => {
      try {
        parseStudy(`name: a\ndataset: {format: synthetic-images}\ndevices: [${on}]\n${rest}`, { ...checks, devices });
      } catch (error) {
        return (error as StudyInputError).problem.issues?.map(
          ({ path, message }) => `${path}: ${message.split(':')[0]}`,
        );
      }
      return null;
    };
    const energy = "objectives: ['maximize accuracy', 'minimize energy']\n";
    assert.deepEqual(issuesOf('metered, bare, plain', energy), [
      'objectives.1: energy cannot be measured on bare, plain',
    ]);
    assert.deepEqual(issuesOf('bare', "objectives: ['minimize edgetune.energy']\n"), [
      'objectives.0: edgetune.energy cannot be measured on bare',
    ]);
    assert.deepEqual(issuesOf('metered, bare', "constraints: ['power <= 5 W', 'energy <= 1 J on metered']\n"), [
      'constraints.0: power cannot be measured on bare',
    ]);
    assert.deepEqual(issuesOf('bare', "stop: {target: ['energy <= 1 J']}\n"), [
      'stop.target.0: energy cannot be measured on bare',
    ]);
    assert.equal(issuesOf('metered, not-joined', energy), null, 'of who has not joined nobody knows');
    assert.equal(issuesOf('bare', "constraints: ['latency.p99 <= 30 ms', 'memory <= 64 MB']\n"), null);
  });

  it('says where YAML itself is broken', () => {
    const [mistake] = mistakesOf('name: x\ndevices: [a, b\n');
    assert.ok((mistake?.line ?? 0) >= 2);
  });

  it('tells of an alias that stands for nothing, with its line, and of aliases that would fill the memory', () => {
    const [mistake, ...others] = mistakesOf(
      'name: a\ndevices: [orin]\ndataset:\n  format: csv-images\n  path: *.csv\n  width: 1\n  height: 1\n  maxValue: 1\n',
    );
    assert.deepEqual([mistake?.line, others], [5, []]);
    assert.match(mistake?.message ?? '', /\*\.csv refers to an anchor .* write "\*\.csv" where it is a text/);
    const levels = Array.from(
      { length: 12 },
      (_, i) => `k${i}: &a${i} [${i === 0 ? 'x' : `${`*a${i - 1}, `.repeat(9)}`}]`,
    );
    assert.match(mistakesOf(levels.join('\n'))[0]?.message ?? '', /alias/i);
    assert.deepEqual(mistakesOf('name: &n a\nworkload: *n\ndevices: [kitchen-pi]\ndataset: {format: csv}')[0]?.line, 2);
  });

  it('refuses measured training costs in what a deterministic study stops at', () => {
    const yaml = (target: string) => `name: a
devices: [kitchen-pi]
dataset: {format: synthetic-images}
deterministic: true
stop:
  target:
    - accuracy >= 0.5
    - ${target}
`;
    const [mistake] = mistakesOf(yaml('trainingTime <= 3 s'));
    assert.deepEqual([mistake?.line, mistake?.path], [8, 'stop.target.1']);
    assert.match(mistake?.message ?? '', /trainingTime is measured and differs from run to run/);
  });

  it('refuses measured training costs as objectives of a deterministic study', () => {
    const [mistake] = mistakesOf(
      'name: x\ndataset: {format: synthetic-images}\ndevices: [orin]\ndeterministic: true\nobjectives: [maximize accuracy, minimize trainingTime]\n',
    );
    assert.deepEqual([mistake?.path, mistake?.line], ['objectives.1', 5]);
  });

  const start = 'name: x\ndataset: {format: synthetic-images}\ndevices: [orin]\n';

  it('says how many mistakes there are, each with its line and column, and what to do', () => {
    const problemOf = (yaml: string) => {
      try {
        parseStudy(yaml, checks);
      } catch (error) {
        assert.ok(error instanceof StudyInputError);
        const { issues, ...rest } = error.problem;
        return { ...rest, places: issues?.map(({ path, line, column }) => [path, line, column]) };
      }
      return assert.fail('the study was accepted');
    };
    const hint = 'mend the lines named and run it again';
    assert.deepEqual(problemOf(`${start}colour: red\n`), {
      ...{ error: 'the study has a mistake', hint, places: [['colour', 4, 9]] },
    });
    assert.deepEqual(problemOf(`${start}colour: red\nstop: {trials: 0}\n`), {
      error: 'the study has 2 mistakes',
      hint,
      places: [
        ['colour', 4, 9],
        ['stop.trials', 5, 16],
      ],
    });
    assert.deepEqual(problemOf('\n\nname: x\ndevices: [orin]\n').places, [['dataset', 3, 1]], 'the whole');
    assert.deepEqual(
      problemOf(`${start}budget: {}\nspace:\n  model:\n    widht: {type: float, min: 0, max: 1}\n`).places,
      [['space.model.widht', 7, 12]],
    );
    assert.deepEqual(problemOf('# nothing\n').places?.[0]?.slice(1), [null, null]);
    assert.deepEqual(problemOf('name: x\ndevices: [a, b\n').places?.[0]?.slice(0, 2), ['', 3]);
  });

  it('takes a space of its own for the workload', () => {
    const own = 'space:\n  model: {width: {type: ordinal, values: [8, 32]}}\n';
    assert.deepEqual(parseStudy(`${start}${own}`, checks).space.model, { width: { type: 'ordinal', values: [8, 32] } });
  });

  it('says how a device comes into an empty fleet', () => {
    const [mistake] = (() => {
      try {
        parseStudy(start, { ...checks, devices: [] });
      } catch (error) {
        return (error as StudyInputError).problem.issues ?? [];
      }
      return [];
    })();
    assert.deepEqual(
      [mistake?.path, mistake?.line, mistake?.message],
      ['devices.0', 3, 'unknown device "orin": the fleet is empty; add it with "edgetune device add orin"'],
    );
  });

  it('refuses data that the workload cannot learn from', () => {
    const [mistake, ...more] = mistakesOf(`${start}workload: keyword-spotter\n`);
    assert.deepEqual([mistake?.path, mistake?.line, more], ['dataset.format', 2, []]);
    assert.match(mistake?.message ?? '', /holds images; the workload keyword-spotter takes speech/);
  });

  it('names what a level of the workload has, and leaves the inference to the devices', () => {
    const own =
      'space:\n  system: {sockets: {type: int, min: 1, max: 2}}\n  inference: {threads: {type: ordinal, values: [1]}}\n';
    assert.deepEqual(
      mistakesOf(`${start}${own}`).map(({ path, message }) => [path, message]),
      [['space.system.sockets', 'the workload has no system parameter "sockets": it has trainingCores']],
    );
  });

  it('refuses a space that cannot be searched, at its place', () => {
    const own = 'space:\n  model: {width: {type: int, min: 3, max: 1}}\n';
    assert.deepEqual(mistakesOf(`${start}${own}`), [
      { line: 5, path: 'space.model.width.min', message: 'must be at most max (1), not 3' },
    ]);
  });

  it('takes precisions that there are, as a list', () => {
    const precision = (domain: string, more = '') => `${start}space:\n  inference:\n    precision: ${domain}\n${more}`;
    assert.deepEqual(mistakesOf(precision('{type: int, min: 1, max: 2}')), [
      { line: 6, path: 'space.inference.precision', message: 'must be categorical: float32, float16, int8' },
    ]);
    assert.deepEqual(
      mistakesOf(precision('{type: categorical, choices: [int4, float32, int2]}')).map(({ message }) => message),
      ['int4', 'int2'].map((value) => `unknown precision "${value}": use float32, float16, int8; did you mean "int8"?`),
    );
    const provider = (name: string) => `    executionProvider: {type: categorical, choices: [cpu, ${name}]}\n`;
    const half = '{type: categorical, choices: [float32, float16]}';
    assert.match(mistakesOf(precision(half, provider('cuda')))[0]?.message ?? '', /float16 needs "tensorrt"/);
    for (const study of [precision(half, provider('tensorrt')), precision('{type: constant, value: int8}'), start])
      assert.equal(parseStudy(study, checks).name, 'x');
  });

  it('takes measured training costs where the study need not come out the same again, and no others are refused', () => {
    const lists =
      'objectives: [minimize trainingEnergy, maximize accuracy]\nconstraints: [trainingTime <= 3 s, memory <= 1 GB]\n';
    assert.equal(parseStudy(`${start}${lists}`, checks).objectives.length, 2);
    assert.deepEqual(mistakesOf(`${start}${lists}deterministic: true\n`), [
      {
        line: 4,
        path: 'objectives.0',
        message: 'trainingEnergy is measured and differs from run to run: leave it out or set deterministic: false',
      },
      {
        line: 5,
        path: 'constraints.0',
        message: 'trainingTime is measured and differs from run to run: leave it out or set deterministic: false',
      },
    ]);
  });

  const said = (yaml: string) => mistakesOf(yaml).map(({ line, path, message }) => `${line} ${path}: ${message}`);

  it('refuses values that the workload would train as something else, each at its place', () => {
    const own = `space:
  model:
    block: {type: categorical, choices: [residual, bottleneck]}
    depth: {type: ordinal, values: [1, 1.5]}
  training:
    learningRate: {type: float, min: -0.1, max: 0.1}
    batchSizeTraining: {type: constant, value: 0}
    weightDecay: {type: constant, value: "0.1"}
  system: {trainingCores: {type: float, min: 1, max: 2}}
`;
    assert.deepEqual(said(`${start}${own}`), [
      '6 space.model.block.choices.1: must be one of residual, separable, not "bottleneck"',
      '7 space.model.depth.values.1: must be a whole number from 1 to 64, not 1.5',
      '9 space.training.learningRate.min: must be a number greater than 0, not -0.1',
      '10 space.training.batchSizeTraining.value: must be a whole number from 1 to 65536, not 0',
      '11 space.training.weightDecay.value: must be a number of at least 0, not "0.1"',
      '12 space.system.trainingCores.type: must be int: it is a whole number from 1 to 1024',
    ]);
  });

  it('refuses inference parameters that there are not, and values that no board can do', () => {
    const own = `space:
  inference:
    thread: {type: ordinal, values: [1, 2]}
    cpuclock: {type: ordinal, values: [600000]}
    batchSize: {type: ordinal, values: [0, 4]}
    threads: {type: categorical, choices: ["1"]}
    executionProvider: {type: categorical, choices: [cpu, cudda]}
`;
    const there = 'batchSize, threads, clockKHz, precision, executionProvider, runner';
    assert.deepEqual(said(`${start}${own}`), [
      `6 space.inference.thread: there is no inference parameter "thread": use one of ${there}; did you mean "threads"?`,
      `7 space.inference.cpuclock: there is no inference parameter "cpuclock": use one of ${there}`,
      '8 space.inference.batchSize.values.0: must be a whole number from 1 to 4096, not 0',
      '9 space.inference.threads.choices.0: must be a whole number from 1 to 256, not "1"',
      '10 space.inference.executionProvider.choices.1: must be one of cpu, cuda, tensorrt, not "cudda"; did you mean "cuda"?',
    ]);
    assert.deepEqual(said(`${start}space: {model: {threads: {type: constant, value: 1}}}\n`), [
      '4 space.model.threads: the workload has no model parameter "threads": it has width, depth, block; it belongs to the level inference',
    ]);
  });

  it('refuses candidates to begin with that are not of the space', () => {
    const own =
      'space: {model: {width: {type: ordinal, values: [8, 16]}}}\ntuner:\n  initialCandidates:\n    - {width: 8}\n    - {widht: 8}\n    - {width: 12}\n';
    assert.deepEqual(said(`${start}${own}`), [
      '8 tuner.initialCandidates.1.widht: "widht" is no parameter of the study: use some of width; did you mean "width"?',
      '9 tuner.initialCandidates.2.width: must be one of 8, 16, not 12',
    ]);
  });

  it('refuses limits out of reach, and objectives and limits that contradict each other', () => {
    const lists = `objectives: [maximize accuracy, minimize latency, latency.p50]
constraints:
  - accuracy >= 90
  - memory <= 0 MB
  - latency.p99 <= 10 ms
  - {metric: accuracy, operator: ">=", limit: 0.5, device: orin}
stop:
  target: [latency >= 20 ms, accuracy >= 1.0]
`;
    assert.deepEqual(said(`${start}${lists}`), [
      '4 objectives.2: is "minimize latency.p50 worst" once more, which would count twice; leave out one of the two',
      '6 constraints.0: accuracy is a fraction from 0 to 1: it can never be at least 90; did you mean "accuracy >= 0.9" (90 %)?',
      '7 constraints.1: memory is always greater than 0 B: it can never be at most 0 B',
      '9 constraints.3: accuracy belongs to the trial, not to a device; leave out "device"',
      '11 stop.target.0: excludes "latency.p99 <= 10 ms": nothing can meet both; leave out or change one of the two',
    ]);
  });

  it('tells mistakes of all layers at once: keys, names, fleet, workload, metrics, data format', () => {
    const study = `name: x
workload: image-classifier
dataset:
  format: speech-commands
  pth: /data
devices: [kitchen-p, orin]
objectives:
  - minimze accuracy
  - maximize acuracy
  - maximize latency.p50
  - minimize latency.p50 on kitchen-p
constraints: [accuracy >= 95, latency.p99 <= 30 MS]
budgt: {maxEpochs: 3}
space:
  model:
    widht: {type: ordinal, values: [8]}
    depth: {type: ordinl, values: [1.5]}
    block: {type: categorical, choices: [bottleneck]}
tuner: {sampler: bayesan, initialCandidates: [{block: plain}]}
prefer: at most 1 point of accuracy for 20 % of memory
stop: {trials: 5, target: [accuracy >= 80]}
`;
    const mistakes = mistakesOf(study);
    assert.deepEqual(
      mistakes.map(({ line, path }) => [line, path]),
      [
        [4, 'dataset.path'],
        [4, 'dataset.format'],
        [5, 'dataset.pth'],
        [6, 'devices.0'],
        [8, 'objectives.0'],
        [9, 'objectives.1'],
        [11, 'objectives.3'],
        [12, 'constraints.0'],
        [12, 'constraints.1'],
        [13, 'budgt'],
        [16, 'space.model.widht'],
        [17, 'space.model.depth.type'],
        [18, 'space.model.block.choices.0'],
        [19, 'tuner.sampler'],
        [21, 'stop.target.0'],
      ],
    );
    const messages = mistakes.map(({ message }) => message).join('\n');
    for (const meant of [
      'path',
      'kitchen-pi',
      'minimize',
      'accuracy',
      'accuracy >= 0.95',
      'ms',
      'budget',
      'width',
      'ordinal',
      'bayesian',
      'accuracy >= 0.8',
    ])
      assert.ok(messages.includes(`did you mean "${meant}"`), `${meant} in\n${messages}`);
  });

  it('says nothing of keys that depend on what cannot be read', () => {
    // Of which devices and objectives there are nobody can say anything.
    assert.deepEqual(
      mistakesOf(
        'name: x\ndataset: {format: synthetic-images}\ndevices: orin\nobjectives: [maximize accuracy on earth, minimize latency on orin]\nprefer: at most 1 point of accuracy for 20 % of memory\n',
      ).map(({ path }) => path),
      ['devices', 'objectives.0'],
    );
    assert.deepEqual(
      mistakesOf(`${start}workload: image\nspace: {model: {signs: {type: boolean}}}\n`).map(({ path }) => path),
      ['workload'],
    );
  });

  it('goes on behind a key that stands there twice', () => {
    assert.deepEqual(
      said(`${start}devices: [orin]\ncolour: red\n`).map((text) => text.slice(0, 39)),
      ['4 : this key stands here twice: leave o', '5 colour: unknown key "colour": use one'],
    );
  });
});
