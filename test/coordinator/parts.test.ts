/** A part is added by its registration alone: here are throw-away ones, looked for wherever the lists are read. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { METRIC_LIST } from '@edgetune/shared/domain/metric-list.ts';
import { SCENARIO_KINDS } from '@edgetune/shared/domain/scenario.ts';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import { deviceListSchema, problemSchema, workloadListSchema } from '@edgetune/shared/protocol/http.ts';
import { tunerViewSchema } from '@edgetune/shared/protocol/tuner-lines.ts';
import { Command } from 'commander';
import { z } from 'zod';
import { boardSetup } from '../../agent/board/board-setup.ts';
import { readText } from '../../agent/board/host.ts';
import { METERS } from '../../agent/board/power/find-meters.ts';
import { alwaysOpen, type PowerMeter } from '../../agent/board/power/power-meter.ts';
import { WARNINGS } from '../../agent/board/warnings/find-warnings.ts';
import type { WarningSource } from '../../agent/board/warnings/warning.ts';
import { registerMeasure } from '../../agent/cli/commands/measure.ts';
import { boardFindings } from '../../agent/doctor/board-findings.ts';
import { RUNNERS } from '../../agent/runners/all.ts';
import { onnxruntimeNode } from '../../agent/runners/onnxruntime-node.ts';
import type { Runner } from '../../agent/runners/runner.ts';
import { startAgent } from '../../agent/session/start-agent.ts';
import { thisMachine } from '../../agent/this-machine/agent-board.ts';
import { registerBench } from '../../coordinator/cli/commands/bench.ts';
import { registerStudy } from '../../coordinator/cli/commands/study.ts';
import { registerTuner } from '../../coordinator/cli/commands/tuner.ts';
import { loadConfig } from '../../coordinator/config/config.ts';
import { startCoordinator } from '../../coordinator/main.ts';
import { PARTS, type Parts } from '../../coordinator/parts.ts';
import { datasetFormat } from '../../coordinator/training/datasets/dataset-format.ts';
import { imageClassifier } from '../../coordinator/training/workloads/image-classifier.ts';
import type { Workload } from '../../coordinator/training/workloads/workload.ts';
import { createTuner } from '../../coordinator/tuner/create-tuner.ts';
import type { SamplerKind } from '../../coordinator/tuner/samplers/sampler.ts';
import type { SchedulerKind } from '../../coordinator/tuner/schedulers/scheduler.ts';
import { TunerProblemError } from '../../coordinator/tuner/validate-problem.ts';
import { ask } from '../support/ask.ts';
import { FixtureHost } from '../support/fixture-host.ts';
import { untilFleet } from '../support/fleet.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { problem } from '../support/tuning.ts';

const sampler: SamplerKind = {
  name: 'corner',
  description: 'the first value of everything, for this test',
  create: () => ({ propose: ({ space }) => ({ point: space.dimensions.map(() => 0), by: 'corner' }) }),
};
const scheduler: SchedulerKind = {
  name: 'lowest',
  description: 'the lowest budget for all, for this test',
  create: () => ({
    next: ({ canStart }) => (canStart ? { kind: 'start', bracket: 0 } : { kind: 'wait' }),
    asked() {},
    told() {},
    amended() {},
    raise() {},
  }),
};
const workload: Workload = {
  ...imageClassifier,
  name: 'sign-reader',
  description: 'Signs of this test.',
  possible: { ...imageClassifier.possible, model: { signs: { kind: 'whole', min: 1, max: 9 } } },
  defaultSpace: { ...imageClassifier.defaultSpace, model: { signs: { type: 'ordinal', values: [1, 2] } } },
  exampleYaml: 'name: signs\nworkload: sign-reader\n',
};
const format = datasetFormat({
  name: 'flags',
  description: 'flags of this test',
  holds: 'images',
  settings: z.object({
    path: z.string().meta({ description: 'a folder', examples: ['/path/to/flags'] }),
    stripes: z.int().min(2).default(3).describe('colours of a flag'),
  }),
  read: () => assert.fail('not in this test'),
});
const runner: Runner = {
  name: 'abacus',
  description: 'beads of this test',
  executesHere: true,
  probe: async (host) =>
    readText(host, '/proc/abacus')
      ? { version: '1.0', executionProviders: ['cpu'], precisions: ['int8'] }
      : { what: 'measuring with abacus', why: 'it has no beads', how: 'buy some' },
  start: () => assert.fail('not in this test'),
};
const meter: PowerMeter = {
  name: 'meter of this test',
  covers: 'board',
  kind: 'power',
  intervalMs: 100,
  leastWindowMs: 500,
  open: alwaysOpen(() => 5),
};
const warning: WarningSource = { kinds: ['throttled'], read: async () => [] };
const runners = [...RUNNERS, runner];
const finders = { meters: [...METERS, () => meter], warnings: [...WARNINGS, () => warning] };
const parts: Parts = {
  ...PARTS,
  workloads: [...PARTS.workloads, workload],
  formats: [...PARTS.formats, format],
  samplers: [...PARTS.samplers, sampler],
  schedulers: [...PARTS.schedulers, scheduler],
};
const STUDY = 'name: x\ndataset: {format: synthetic-images}\ndevices: [nobody]\n';

async function coordinatorWith(t: TestContext, given: Parts) {
  const config = loadConfig({ dataDir: join(temporaryFolder(t), 'data'), port: 0, mqttPort: 0 }, {});
  const coordinator = await startCoordinator({ config, log: plainLogger(() => {}), parts: given });
  t.after(() => coordinator.close());
  const send = (path: string, body: unknown) =>
    ask(new URL(path, coordinator.url), { method: 'POST', body: JSON.stringify(body) });
  const get = (path: string) => ask(new URL(path, coordinator.url));
  return {
    url: coordinator.url,
    fleet: coordinator.fleet,
    get,
    send,
    parts: async () => workloadListSchema.parse(await (await get('/api/workloads')).json()),
    /** But of the data themselves: the training process knows nothing of throw-away parts. */
    mistakesOf: async (yaml: string) =>
      problemSchema
        .parse(await (await send('/api/studies', { yaml })).json())
        .issues?.filter(({ path }) => path !== 'dataset')
        .map(({ line, path, message }) => `line ${line}: ${path}: ${message}`),
  };
}

function helpOf(...path: string[]): string {
  const program = new Command();
  registerStudy(program, parts);
  registerTuner(program, parts);
  registerBench(program);
  registerMeasure(program, runners);
  let command = program;
  for (const name of path) command = command.commands.find((each) => each.name() === name) as Command;
  let help = '';
  command.configureOutput({ writeOut: (text) => (help += text) }).outputHelp();
  return help;
}

describe('a throw-away sampler and scheduler', () => {
  it('pass the check of a study, in which others are refused with the list of those that there are', async (t) => {
    const { mistakesOf } = await coordinatorWith(t, parts);
    const named = (of: { sampler: string; scheduler: string }) =>
      mistakesOf(`${STUDY}tuner:\n  sampler: ${of.sampler}\n  scheduler: ${of.scheduler}\n`);
    const [mistake, ...others] = (await named({ sampler: 'corner', scheduler: 'lowest' })) ?? [];
    assert.match(mistake ?? '', /^line 3: devices\.0: unknown device "nobody"/);
    assert.deepEqual(others, []);
    const [, ...unknown] = (await named({ sampler: 'cornor', scheduler: 'lowset' })) ?? [];
    assert.equal(unknown.length, 2);
    assert.match(
      unknown[0] ?? '',
      /^line 5: tuner\.sampler: unknown sampler "cornor": use one of auto, .*corner; did you mean "corner"\?$/,
    );
    assert.match(
      unknown[1] ?? '',
      /^line 6: tuner\.scheduler: unknown scheduler "lowset": use one of .*lowest; did you mean "lowest"\?$/,
    );
  });

  it('are in the answer of which the form is made', async (t) => {
    const { samplers, schedulers } = await (await coordinatorWith(t, parts)).parts();
    assert.deepEqual(samplers.at(-1), { name: sampler.name, description: sampler.description });
    assert.deepEqual(schedulers.at(-1), { name: scheduler.name, description: scheduler.description });
    assert.equal(samplers.length, parts.samplers.length);
  });

  it('stand in the help of the commands that take them', () => {
    for (const path of [['study', 'run'], ['tuner']])
      for (const { name, description } of [sampler, scheduler])
        assert.match(helpOf(...path), new RegExp(`^  ${name} +${description}$`, 'm'), path.join(' '));
  });

  it('are what tuners of programs are made of, over HTTP', async (t) => {
    const { send } = await coordinatorWith(t, parts);
    const space = { model: { width: { type: 'ordinal', values: [8, 16] } } };
    const create = (name: string) =>
      send('/api/tuners', { space, objectives: ['maximize accuracy'], tuner: { sampler: name, scheduler: 'lowest' } });
    const { id } = tunerViewSchema.parse(await (await create('corner')).json());
    const job = JSON.parse(await (await send(`/api/tuners/${id}`, { ask: {} })).text());
    assert.deepEqual([job.candidate, job.proposedBy], [{ width: 8 }, 'corner']);
    assert.match(await (await create('cornor')).text(), /unknown sampler \\?"cornor\\?": use one of auto/);
  });

  it('are unknown to a tuner that was not given them', () => {
    const of = problem({ settings: { sampler: 'corner', scheduler: 'lowest' } });
    assert.equal(createTuner(of, parts).ask()?.proposedBy, 'corner');
    assert.throws(
      () => createTuner(of),
      (error) => {
        assert.ok(error instanceof TunerProblemError);
        assert.deepEqual(
          error.issues.map(({ path }) => path.join('.')),
          ['settings.sampler', 'settings.scheduler'],
        );
        return true;
      },
    );
  });
});

describe('a throw-away workload and data format', () => {
  const study = (lines: string) => `name: x\ndevices: [nobody]\n${lines}\n`;

  it('pass the check of a study, with the settings and the space that are theirs', async (t) => {
    const { mistakesOf } = await coordinatorWith(t, parts);
    const rest = async (lines: string) =>
      (await mistakesOf(study(lines)))?.filter((mistake) => !mistake.includes('unknown device'));
    assert.deepEqual(await rest('workload: sign-reader\ndataset: {format: flags, path: /data, stripes: 4}'), []);
    assert.deepEqual(await rest('workload: sign-reader\ndataset: {format: idx, path: /data}'), []);
    assert.deepEqual(await rest('workload: sign-reader\ndataset:\n  format: flags\n  path: /data\n  stripes: 1'), [
      'line 7: dataset.stripes: must be at least 2',
    ]);
    const space = 'space: {model: {width: {type: ordinal, values: [1]}}}';
    assert.match(
      (await rest(`workload: sign-reader\ndataset: {format: flags, path: /data}\n${space}`))?.join() ?? '',
      /^line 5: .*no model parameter "width": it has signs$/,
    );
  });

  it('others are refused with the list of those that there are; a format must hold what the workload takes', async (t) => {
    const { mistakesOf } = await coordinatorWith(t, parts);
    const [, ...unknown] =
      (await mistakesOf(study('workload: sign-raeder\ndataset:\n  format: falgs\n  path: /data'))) ?? [];
    assert.equal(unknown.length, 2);
    assert.match(
      unknown[0] ?? '',
      /^line 3: workload: unknown workload "sign-raeder": use one of .*, sign-reader; did you mean "sign-reader"\?$/,
    );
    assert.match(
      unknown[1] ?? '',
      /^line 5: dataset\.format: unknown data format "falgs": use one of .*, flags; did you mean "flags"\?$/,
    );
    const unfit = await mistakesOf(study('workload: keyword-spotter\ndataset:\n  format: flags\n  path: /data'));
    assert.ok(
      unfit?.includes(
        'line 5: dataset.format: a data set of format flags holds images; the workload keyword-spotter takes speech: use speech-commands',
      ),
      unfit?.join('\n'),
    );
  });

  it('are in the answer of which the form is made', async (t) => {
    const { workloads, formats } = await (await coordinatorWith(t, parts)).parts();
    const { name, description, exampleYaml } = workload;
    const known = PARTS.formats.filter(({ holds }) => holds === 'images').map((each) => each.name);
    const { parameters, ...rest } = workloads.at(-1) ?? { parameters: [] };
    assert.deepEqual(rest, { name, description, exampleYaml, formats: [...known, 'flags'] });
    assert.deepEqual(
      parameters.filter(({ name }) => ['signs', 'threads'].includes(name)),
      [
        {
          name: 'signs',
          level: 'model',
          possible: { kind: 'whole', min: 1, max: 9 },
          text: 'a whole number from 1 to 9',
        },
        {
          name: 'threads',
          level: 'inference',
          possible: { kind: 'whole', min: 1, max: 256 },
          text: 'a whole number from 1 to 256',
        },
      ],
    );
    assert.ok(workloads.find((each) => each.name === 'image-classifier')?.formats.includes('flags'));
    assert.deepEqual(formats.at(-1), {
      name: 'flags',
      description: 'flags of this test',
      holds: 'images',
      settings: [
        { name: 'path', description: 'a folder', type: 'string', required: true, example: '/path/to/flags' },
        { name: 'stripes', description: 'colours of a flag', type: 'integer', required: false, otherwise: 3 },
      ],
    });
  });

  it('stand in the help of study run', () => {
    const help = helpOf('study', 'run');
    assert.match(help, /^ {2}sign-reader +Signs of this test\. Takes synthetic-images, .*, flags\.$/m);
    assert.match(help, /^Parameters of sign-reader:\n {2}signs +a whole number from 1 to 9 \(model\)$/m);
    assert.match(help, /^Inference parameters:\n {2}batchSize +a whole number from 1 to 4096$/m);
    assert.match(help, /^ {2}flags +flags of this test \(path, \[stripes\]\)$/m);
  });
});

describe('a throw-away runner, meter and warning of a board', () => {
  /** A board that has them, as a device; the measuring itself is for the contract suites. */
  async function joined(t: TestContext, host = new FixtureHost({ files: { '/proc/abacus': '10 beads' } })) {
    const coordinator = await coordinatorWith(t, PARTS);
    const { token } = await coordinator.fleet.addDevice('shelf');
    const agent = await startAgent({
      server: coordinator.url,
      token,
      dataDirectory: temporaryFolder(t),
      board: thisMachine({ host, runners: [onnxruntimeNode, runner], finders }),
      log: plainLogger(() => {}),
    });
    t.after(() => agent.stop());
    await untilFleet(
      coordinator.fleet,
      'the board to join',
      () => coordinator.fleet.device('shelf')?.presence === 'online',
    );
    return coordinator;
  }
  const study = (named: string) =>
    `name: x\ndataset: {format: synthetic-images}\ndevices: [shelf, nobody]\nspace:\n  inference:\n    runner: {type: categorical, choices: [${named}]}\n`;

  it('are announced by the board, are among the parts that the API lists, and pass the check of a study', async (t) => {
    const { get, mistakesOf, parts: listed } = await joined(t);
    const [device] = deviceListSchema.parse(await (await get('/api/devices')).json()).devices;
    assert.deepEqual(device?.board?.runtimes.at(-1), {
      runner: 'abacus',
      version: '1.0',
      executionProviders: ['cpu'],
      precisions: ['int8'],
    });
    assert.deepEqual([device?.board?.powerMeter, device?.board?.powerMeterLeastWindowMs], [meter.name, 500]);
    assert.deepEqual((await listed()).runners.at(-1), { name: 'abacus', devices: ['shelf'] });
    const [unknownDevice, ...others] = (await mistakesOf(study('abacus'))) ?? [];
    assert.match(unknownDevice ?? '', /^line 3: devices\.1: unknown device "nobody"/);
    assert.deepEqual(others, []);
    const there = 'the boards of the fleet have onnxruntime-node, abacus';
    assert.equal(
      (await mistakesOf(study('abakus')))?.[1],
      `line 6: space.inference.runner: unknown runner "abakus": ${there}; did you mean "abacus"?`,
    );
  });

  it('that are of no use are told with the reason, and refused in a study', async (t) => {
    const { get, mistakesOf, parts: listed } = await joined(t, new FixtureHost());
    const [device] = deviceListSchema.parse(await (await get('/api/devices')).json()).devices;
    assert.deepEqual(device?.board?.missing?.at(-1), {
      what: 'measuring with abacus',
      why: 'it has no beads',
      how: 'buy some',
    });
    assert.deepEqual(
      (await listed()).runners.map(({ name }) => name),
      ['onnxruntime-node'],
    );
    assert.match((await mistakesOf(study('abacus')))?.[1] ?? '', /unknown runner "abacus"/);
  });

  it('a meter and a warning are found by the doctor', async () => {
    const findings = await boardFindings(boardSetup({ host: new FixtureHost(), finders }));
    const details = findings.map(({ detail }) => detail);
    assert.ok(details.includes('meter of this test: the board, now 5 W'), details.join('\n'));
    assert.ok(details.includes('the board tells when it is throttled'), details.join('\n'));
  });

  it('a runner stands in the help of the command that takes it, and among its choices', () => {
    const help = helpOf('measure');
    assert.match(help, /^ {2}abacus +beads of this test$/m);
    assert.match(help.replaceAll(/\s+/g, ' '), /--runner <name> .*choices: "onnxruntime-node", .*"abacus"\)/);
  });
});

describe('metrics and scenarios', () => {
  it('are in the answer of which the form is made, and in the help of the commands that take them', async (t) => {
    const { metrics, scenarios } = await (await coordinatorWith(t, PARTS)).parts();
    assert.deepEqual(metrics, METRIC_LIST);
    assert.deepEqual(
      scenarios.map(({ name }) => name),
      SCENARIO_KINDS,
    );
    assert.deepEqual(scenarios.find(({ name }) => name === 'multi-stream')?.settings, [
      {
        name: 'samplesPerQuery',
        description: 'samples in one query (MLPerf: 8)',
        type: 'integer',
        required: false,
        otherwise: 8,
      },
    ]);
    for (const path of [['study', 'run'], ['bench']]) {
      assert.match(helpOf(...path), /^ {2}server +single samples that arrive .* \(\[arrivalsPerS\], /m);
      assert.match(helpOf(...path), /^ {2}memory +memory; per device; lower is better; in B, kB/m);
    }
    assert.match(helpOf('tuner'), /^ {2}accuracy +accuracy; of the model; higher is better/m);
    assert.doesNotMatch(helpOf('bench'), /^ {2}accuracy/m);
  });
});
