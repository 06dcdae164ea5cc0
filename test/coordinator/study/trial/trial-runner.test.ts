/** A rung of a trial from its architecture to what the tuner is told. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseConstraint, parseObjective } from '@edgetune/shared/domain/objective.ts';
import type { StudyEventBody } from '@edgetune/shared/domain/study-event.ts';
import { architectureCoordinates } from '../../../../coordinator/inference/predictor/coordinates.ts';
import { TrialInference } from '../../../../coordinator/study/trial/trial-inference.ts';
import { TrialRunner } from '../../../../coordinator/study/trial/trial-runner.ts';
import { DatasetError } from '../../../../coordinator/training/training-service.ts';
import { Arrival, turn, until, untilAborted, within } from '../../../support/waiting.ts';
import { askedDevices, result } from '../support/asked-devices.ts';
import { type ContextOptions, studyContext } from '../support/context.ts';
import { answered, asked, built, CONFIG, sha, trained } from '../support/events.ts';
import { analyseFake, fakeTraining, space } from '../support/fakes.ts';

type Options = ContextOptions & { during?: (trial: { width: number; signal: AbortSignal }) => Promise<void> };

/** A study on one device whose trials 0, 1, … have been asked for with a width of one more. */
function trials({ during = async () => {}, ...options }: Options = {}) {
  const candidates = Array.from({ length: 9 }, (_, trialId) => asked(trialId, { width: trialId + 1 }));
  const { service } = fakeTraining({ beforeTraining: during });
  const built: number[] = [];
  const buildArchitecture: typeof service.buildArchitecture = (task) => {
    built.push(Number(task.candidate.width));
    return service.buildArchitecture(task);
  };
  const server = askedDevices();
  const under = studyContext({
    ...{ inference: server.inference, ...options },
    spec: { devices: ['pi'], ...options.spec },
    history: [...candidates, ...(options.history ?? [])],
    training: { ...service, buildArchitecture, ...options.training },
  });
  const broken: string[] = [];
  const inference = new TrialInference(
    under.context,
    ({ trialId, feasible, reason }) => {
      if (!feasible) runner.giveUp(trialId, `pi: ${reason}`);
    },
    (error) => broken.push(error.message),
  );
  const runner = new TrialRunner(under.context, inference, (work) => work());
  /** Runs a trial's rung: the first one, unless said otherwise. */
  const run = (trialId: number, change: Parameters<typeof asked>[2] = {}) =>
    runner.run(asked(trialId, { width: trialId + 1 }, change));
  /** Waits until so many searches were begun. */
  const searched = (count: number) =>
    until(`${count} searches`, () => server.searches.length >= count, { everyTurn: true });
  return { ...under, ...server, built, broken, inference, runner, run, searched };
}

/** The devices answer of every architecture: its width in milliseconds. */
const answering = (limitMs = Infinity): Pick<ContextOptions, 'inference'> => ({
  inference: {
    tune: async ({ signature }) => {
      const latencyMs = Number(signature.slice(1));
      const feasible = latencyMs <= limitMs;
      return result(latencyMs, {
        feasible,
        violation: feasible ? 0 : latencyMs / limitMs - 1,
        reason: feasible ? null : 'too slow',
      });
    },
  },
});
const full = { epochs: 4, dataFraction: 1 };
const bytes = (width: number) => JSON.stringify({ width }).length;

describe('a rung', () => {
  it('is told with the metrics of its training, its graph and its devices, and with what it cost', async () => {
    const { run, of, emitted } = trials(answering());
    const told = await run(2);
    const { metrics, ...rest } = told;
    assert.deepEqual(rest, {
      ...{ type: 'trial-told', trialId: 2, rung: 0, status: 'ok', predicted: [], violation: 0 },
      ...{ cost: { seconds: 1, joules: 5 }, reason: null },
    });
    const ofDevice = Object.fromEntries(
      ['mean', 'p50', 'p90', 'p95', 'p99', 'p999'].map((name) => [`latency.${name}@pi`, 3]),
    );
    const throughput = metrics['throughput@pi'];
    assert.deepEqual(metrics, {
      ...{ accuracy: 0.15, loss: 1, epochs: 1, dataFraction: 0.5, trainingTime: 1000, trainingEnergy: 5 },
      ...{ parameters: 300, macs: 3e6, modelSize: bytes(3), ...ofDevice, 'throughput@pi': throughput },
    });
    assert.deepEqual(of('architecture-built'), [
      {
        ...{ type: 'architecture-built', trialId: 2, signature: 'w3', modelSha256: sha('0'), modelBytes: bytes(3) },
        metadataBytes: 0,
        ...{
          parameters: 300,
          macs: 3e6,
          coordinates: architectureCoordinates(analyseFake(new TextEncoder().encode('{"width":3}'))),
        },
      },
    ]);
    const types = emitted.map(({ type }) => type);
    assert.ok(types.indexOf('inference-started') < types.indexOf('training-started'), 'asked beside the training');
  });

  it('builds its architecture again where a study that was extended had let it go', async () => {
    const { run, built, of, context } = trials(answering());
    await run(2);
    const { has, put } = context.blobs;
    let isGone = true;
    context.blobs.has = (sha256) => !isGone && has(sha256);
    context.blobs.put = (bytes) => {
      isGone = false;
      return put(bytes);
    };
    await run(2, { rung: 1, budget: { epochs: 2, dataFraction: 1 } });
    assert.deepEqual(built, [3, 3]);
    const [first, second] = of('architecture-built').map(({ signature, modelBytes }) => [signature, modelBytes]);
    assert.deepEqual(first, second);
  });

  it('above another sums the costs of the trial up to it, builds nothing again and is charged itself', async () => {
    const { run, built, of } = trials(answering());
    await run(2);
    const second = await run(2, { rung: 1, budget: { epochs: 2, dataFraction: 1 } });
    assert.deepEqual([second.metrics.trainingTime, second.metrics.trainingEnergy], [2000, 10]);
    assert.deepEqual([second.cost, second.rung, built], [{ seconds: 1, joules: 5 }, 1, [3]]);
    assert.equal(of('training-finished').length, 2);
    const first = await run(2);
    assert.equal(first.metrics.trainingTime, 1000, 'not what a higher rung cost');
    assert.equal(of('training-finished').length, 2, 'what was trained is not trained again');
  });

  it('is charged its nominal budget in deterministic mode, waits for its devices, and tells no costs of training', async () => {
    const { run, on, of } = trials({ spec: { devices: ['pi'], deterministic: true } });
    const first = run(2, { budget: { epochs: 1, dataFraction: 0.5 } });
    await turn();
    assert.equal(of('training-started').length, 0, 'before its training');
    await on('pi').answer(result(3));
    const told = await first;
    assert.deepEqual(
      [told.cost, told.metrics.trainingTime, told.predicted],
      [{ seconds: 0.5, joules: 0.5 }, undefined, []],
    );
    const second = await run(2, { rung: 1, budget: { epochs: 4, dataFraction: 0.75 } });
    assert.deepEqual(second.cost, { seconds: 2.25, joules: 2.25 });
    const third = await run(2, { rung: 2, budget: { epochs: 5, dataFraction: 1 } });
    assert.deepEqual(third.cost, { seconds: 1, joules: 1 });
  });

  it('begins once it is written that it was asked for', async () => {
    const { run, built, writing } = trials(answering());
    writing.wait = () => Promise.reject(new Error('the disk is full'));
    const { status, reason } = await run(0);
    assert.deepEqual([status, reason, built], ['failed', 'the disk is full', []]);
  });

  it('does not wait for its devices: of one that has measured nothing it says so, and then it goes by predictions', async () => {
    const { run, on, searched } = trials();
    const first = await within('a rung that nobody has answered about', run(0));
    assert.deepEqual(
      [first.status, first.pending, first.predicted, first.intervals, first.metrics['latency.p50@pi']],
      ['ok', ['pi'], [], undefined, undefined],
    );
    await searched(1);
    await on('pi').answer(result(1));
    const second = await within('a prediction', run(1));
    assert.ok(second.predicted.includes('latency.p50@pi'));
    const [low, high] = second.intervals?.['latency.p50@pi'] ?? [0, 0];
    assert.ok(
      low < (second.metrics['latency.p50@pi'] as number) && (second.metrics['latency.p50@pi'] as number) < high,
    );
    assert.deepEqual([second.status, second.violation, second.pending], ['ok', 0, undefined]);
  });

  it('counts the violation of constraints on the trial and that of its devices', async () => {
    const constraints = ['accuracy >= 0.25', 'latency.p50 <= 4 ms'].map(parseConstraint);
    const feasible = { ...answered(1, 'pi'), violation: 0.125 };
    const { run, context } = trials({ spec: { devices: ['pi'], constraints } });
    context.emit(built(1), feasible);
    const { status, violation } = await run(1);
    assert.deepEqual([status, violation], ['ok', 0.125 + 0.6]);
    const none = trials({ ...answering(), spec: { devices: ['pi'], constraints: [parseConstraint('loss <= 0')] } });
    assert.equal((await none.run(1)).violation, 1e6, 'there is no more');
  });
});

describe('an architecture', () => {
  it('is as large as the file that it will be exported to, and counted by its graph', async () => {
    const { service } = fakeTraining();
    const buildArchitecture: typeof service.buildArchitecture = async (task) => ({
      ...(await service.buildArchitecture(task)),
      metadataBytes: 10,
    });
    const limited = (...constraints: string[]) =>
      trials({
        ...answering(),
        spec: { devices: ['pi'], constraints: constraints.map(parseConstraint) },
        training: { buildArchitecture },
      });
    const exportedBytes = bytes(3) + 10;
    const fits = limited(`modelSize <= ${exportedBytes} B`, 'parameters <= 300', 'macs <= 3 M');
    const told = await fits.run(2);
    assert.deepEqual([told.status, told.metrics.modelSize, told.metrics.parameters], ['ok', exportedBytes, 300]);
    const [event] = fits.of('architecture-built');
    assert.deepEqual([event?.modelBytes, event?.metadataBytes], [bytes(3), 10]);
    const refused = await limited(`modelSize <= ${exportedBytes - 1} B`).run(2);
    assert.deepEqual([refused.status, refused.metrics.modelSize], ['infeasible', exportedBytes]);
  });

  it('that violates a constraint by its graph alone is not trained, and no device is asked', async () => {
    const spec = { devices: ['pi'], constraints: ['parameters <= 200', 'macs <= 2 M'].map(parseConstraint) };
    const { run, searches, of } = trials({ spec });
    assert.deepEqual(await run(2), {
      ...{ type: 'trial-told', trialId: 2, rung: 0, status: 'infeasible', predicted: [], violation: 1 },
      metrics: { parameters: 300, macs: 3e6, modelSize: bytes(3) },
      cost: { seconds: 0, joules: 0 },
      reason: `the graph alone violates a constraint (300 parameters, 3000000 MACs, ${bytes(3)} bytes)`,
    });
    assert.deepEqual([searches, of('training-started'), of('training-failed')], [[], [], []]);
    const { run: runs } = trials({ ...answering(), spec });
    assert.equal((await runs(1)).status, 'ok', 'what keeps it just so may go on');
  });

  it('of which a device said before that it cannot meet the constraints is not trained', async () => {
    const history = [built(4), answered(4, 'pi', { feasible: false, violation: 0.5, reason: 'too slow' })];
    const { run, of } = trials({ history });
    const { status, reason, violation, metrics } = await run(4);
    assert.deepEqual([status, reason, violation, metrics['latency.p50@pi']], ['infeasible', 'pi: too slow', 0.5, 2]);
    assert.equal(of('training-started').length, 0);
  });

  it('of which a device says so while it trains is trained no further', async () => {
    const begun = new Arrival('the training');
    const during = async ({ signal }: { signal: AbortSignal }) => {
      begun.come();
      await untilAborted(signal);
    };
    const { run, on, of } = trials({ during });
    const running = run(0);
    await begun.wait();
    await on('pi').answer(result(8, { feasible: false, violation: 1, reason: 'too slow' }));
    const { status, reason, violation, cost } = await running;
    assert.deepEqual([status, reason, violation, cost], ['infeasible', 'pi: too slow', 1, { seconds: 0, joules: 0 }]);
    assert.equal(of('training-failed').length, 0);
  });

  it('has an int8 variant where the study may ask for one, made once for all of its trials', async () => {
    const inference = { precision: { type: 'categorical', choices: ['float32', 'int8'] } };
    let made = 0;
    const { quantise } = fakeTraining().service;
    const { run, of, context } = trials({
      ...answering(),
      spec: { devices: ['pi'], space: { ...space, inference } },
      training: {
        quantise: (task, onnx) => {
          made++;
          return quantise(task, onnx);
        },
      },
    });
    await run(0);
    await run(1);
    context.emit(asked(10, { width: 1 }));
    await run(0, { trialId: 10 });
    const [first, second, again] = of('architecture-built').map(({ int8 }) => int8);
    assert.ok(first && 'signature' in first);
    assert.deepEqual([first.signature, again, made], ['i1', first, 2]);
    assert.ok(second && 'signature' in second && second.signature === 'i2');
    const plain = trials(answering());
    await plain.run(0);
    assert.ok(!Object.hasOwn(plain.of('architecture-built')[0] ?? {}, 'int8'));
  });

  it('that cannot be quantised is tried in float32, with a warning', async () => {
    const error = Object.assign(new Error('no convolution'), { name: 'QuantiseError' });
    const inference = { precision: { type: 'categorical', choices: ['float32', 'int8'] } };
    const { run, of, context } = trials({
      ...answering(),
      spec: { devices: ['pi'], space: { ...space, inference } },
      training: { quantise: () => Promise.reject(error) },
    });
    assert.equal((await run(0)).status, 'ok');
    assert.deepEqual(of('architecture-built')[0]?.int8, { reason: 'no convolution' });
    assert.deepEqual(context.state.warnings, ['int8 configs are left out: no convolution']);
  });
});

describe('a trial that fails', () => {
  it('is told as failed, with what is known of it, and its devices are asked no more', async () => {
    const { run, on, of } = trials({ during: () => Promise.reject(new Error('NaN loss')) });
    const told = await run(0, { rung: 1 });
    assert.deepEqual(told, {
      ...{ type: 'trial-told', trialId: 0, rung: 1, status: 'failed', predicted: [], violation: 0 },
      metrics: { parameters: 100, macs: 1e6, modelSize: bytes(1) },
      cost: { seconds: 0, joules: 0 },
      reason: 'NaN loss',
    });
    assert.deepEqual(of('training-failed'), [{ type: 'training-failed', trialId: 0, rung: 1, reason: 'NaN loss' }]);
    assert.equal((on('pi').signal.reason as Error).message, 'NaN loss');
    const early = trials({ training: { buildArchitecture: () => Promise.reject(new Error('no such layer')) } });
    const { metrics, violation, reason } = await early.run(0);
    assert.deepEqual([metrics, violation, reason], [{}, 0, 'no such layer']);
  });

  it('for its data fails the study, and so does the end of the study itself', async () => {
    const data = trials({ during: () => Promise.reject(new DatasetError('no such folder')) });
    await assert.rejects(data.run(0), DatasetError);
    assert.equal(data.of('training-failed').length, 0);
    const ended = trials({ during: () => Promise.reject(new Error('it was ended')) });
    ended.end(new Error('stopped'));
    await assert.rejects(ended.run(0), /^Error: stopped$/);
    assert.equal(ended.of('training-failed').length, 0);
  });
});

describe('a study that has what it wanted', () => {
  it('stops what is under way and trains nothing more, but tells what was trained', async () => {
    const begun = new Arrival('the training');
    const history = [built(5), trained(5, { accuracy: 0.6 }), answered(5, 'pi')];
    const during = async ({ signal }: { signal: AbortSignal }) => {
      begun.come();
      await untilAborted(signal);
    };
    const { run, runner, of } = trials({ during, history });
    const running = run(0);
    await begun.wait();
    runner.stopAll('the target was reached');
    const { status, reason, cost } = await running;
    assert.deepEqual([status, reason, cost], ['stopped', 'the target was reached', { seconds: 0, joules: 0 }]);
    const later = await run(1);
    assert.deepEqual([later.status, later.reason], ['stopped', 'the target was reached']);
    assert.equal(of('training-started').length, 1);
    const done = await run(5);
    assert.deepEqual([done.status, done.metrics.accuracy], ['ok', 0.6]);
    runner.giveUp(99, 'of no trial');
  });

  it('also where a trial waits for its devices, which are not asked any more', async () => {
    const { run, runner, on, inference, searched } = trials();
    const running = run(0);
    await searched(1);
    runner.stopAll('the target was reached');
    inference.cancel(0, 'the target was reached');
    await on('pi').fail(new Error('cancelled'));
    assert.equal((await running).status, 'stopped');
  });

  it('forgets trials that have come to an end', async () => {
    const signals: AbortSignal[] = [];
    const during = async ({ signal }: { signal: AbortSignal }) => void signals.push(signal);
    const { run, runner } = trials({ ...answering(), during });
    await run(0);
    runner.giveUp(0, 'too late');
    runner.stopAll('too late');
    assert.deepEqual(
      signals.map(({ aborted }) => aborted),
      [false],
    );
  });
});

describe('devices', () => {
  const only = (change: object) => ({ devices: ['pi'], objectives: [parseObjective('accuracy')], ...change });
  const target = (...limits: string[]) => ({ trials: 9, target: limits.map(parseConstraint) });

  it('are asked only about the highest rung, where the search asks nothing of them', async () => {
    const { run, on, searches, searched } = trials({ spec: only({}) });
    const told = await run(0, { budget: { epochs: 4, dataFraction: 0.5 } });
    await run(1, { budget: { epochs: 1, dataFraction: 1 } });
    await run(2, { budget: { epochs: 3, dataFraction: 1 } });
    assert.deepEqual([told.predicted, searches.length], [[], 0]);
    const running = run(3, { budget: full });
    await searched(1);
    await on('pi').answer(result(4));
    assert.equal((await running).metrics['latency.p50@pi'], 4, 'and waited for');
  });

  it('decide whether a target is reached, no prediction does', async () => {
    const spec = only({ stop: target('accuracy >= 0.1', 'latency.p50 <= 9 ms') });
    const history = [
      built(7, { coordinates: [2, 10, 10, 3, 0, 0] }),
      answered(7, 'pi', { metrics: { 'latency.p50': 1 } }),
    ];
    const { run, on, searched } = trials({ spec, history });
    const first = await run(0);
    assert.deepEqual(first.predicted, ['latency.p50@pi'], 'accuracy of 0.05: not reached');
    const second = run(1);
    await searched(1);
    let done = false;
    void second.then(() => {
      done = true;
    });
    await turn();
    assert.equal(done, false, 'it would be, by what is predicted');
    await on('pi').answer(result(20));
    const told = await second;
    assert.deepEqual([told.predicted, told.metrics['latency.p50@pi']], [[], 20]);
  });

  it('are asked about what reaches a target of accuracy alone, on any rung', async () => {
    const { run, on, searches, searched } = trials({ spec: only({ stop: target('accuracy >= 0.1') }) });
    assert.equal((await run(0)).metrics['latency.p50@pi'], undefined);
    assert.equal(searches.length, 0);
    const reached = run(1);
    await searched(1);
    await on('pi').answer(result(2));
    assert.equal((await reached).metrics['latency.p50@pi'], 2);
  });

  it('are not asked before the end in a mode that leaves them for it, nor do constraints hold until then', async () => {
    const constraints = ['parameters <= 10', 'latency.p50 <= 1 ms', 'accuracy >= 0.9'].map(parseConstraint);
    const { run, searches } = trials({ spec: { devices: ['pi'], constraints, tuner: { mode: 'accuracy-only' } } });
    const { status, violation, predicted } = await run(0, { budget: full });
    assert.deepEqual([status, violation, predicted, searches.length], ['ok', 0, [], 0]);
  });
});

describe('the mode hyperpower', () => {
  const coordinates = (size: number) => [size, 10, 10, 3, 0, 0];
  const spec = {
    devices: ['pi'],
    constraints: [parseConstraint('latency.p50 <= 4 ms')],
    tuner: { mode: 'hyperpower' },
  };
  /** So many architectures that were measured at 2 ms. */
  const profile = (count: number): StudyEventBody[] =>
    Array.from({ length: count }, (_, i) => [
      asked(20 + i),
      built(20 + i, { coordinates: coordinates(i + 1) }),
      answered(20 + i, 'pi', { best: CONFIG }),
    ]).flat();

  it('measures four architectures before their training', async () => {
    const { run, on, of, searches, searched } = trials({ spec, history: profile(3) });
    const running = run(0);
    await searched(1);
    for (let time = 0; time < 5; time++) await turn();
    assert.deepEqual([searches.length, of('training-started').length], [1, 0]);
    await on('pi').answer(result(3));
    assert.deepEqual((await running).predicted, []);
    const next = await run(1);
    assert.deepEqual([searches.length, next.status, next.predicted.length > 0], [1, 'ok', true]);
  });

  it('then refuses what it expects to violate a constraint, untrained', async () => {
    const slow = profile(4).map((body) =>
      body.type === 'inference-finished' ? { ...body, metrics: { 'latency.p50': 8 } } : body,
    );
    const { run, of, searches } = trials({ spec, history: slow });
    const { status, reason, violation } = await run(0);
    assert.equal(status, 'infeasible');
    assert.match(
      reason ?? '',
      /^predicted from other architectures: it violates the constraints by [\d.e+]+ of their limits$/,
    );
    assert.ok(violation > 0 && reason?.includes(` ${violation.toPrecision(2)} `), `${violation}`);
    assert.deepEqual([searches.length, of('training-started').length], [0, 0]);
  });
});
