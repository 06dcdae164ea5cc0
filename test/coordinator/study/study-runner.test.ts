/** A study's run over stand-ins: how much at once, what a restart finds, when it gives up, and whom it waits for. */
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { describe, it, type TestContext } from 'node:test';
import { parseConstraint, parseObjective } from '@edgetune/shared/domain/objective.ts';
import type { Candidate } from '@edgetune/shared/domain/search-space.ts';
import type { StudyEventBody } from '@edgetune/shared/domain/study-event.ts';
import type { InferenceServer } from '../../../coordinator/inference/inference-server.ts';
import { hasMeasured } from '../../../coordinator/study/state/unmeasured.ts';
import { StudyFailedError, StudyRunner } from '../../../coordinator/study/study-runner.ts';
import { ChildDiedError, DatasetError } from '../../../coordinator/training/training-service.ts';
import { Arrival, turn, until, untilAborted, within } from '../../support/waiting.ts';
import { askedDevices, result } from './support/asked-devices.ts';
import { type ContextOptions, studyContext } from './support/context.ts';
import { answered, asked, built, type EventOf, told, trained } from './support/events.ts';
import { fakeFleet, fakeInference, fakeTraining } from './support/fakes.ts';

const rounds = { scheduler: 'none', sampler: 'random', seed: 7 };

type Options = ContextOptions & Parameters<typeof fakeTraining>[0] & Parameters<typeof fakeInference>[0];

/** A study on pi without rungs, of six trials unless said otherwise. */
function study(options: Options = {}) {
  const training = fakeTraining(options);
  const devices = options.devices ?? fakeFleet(['pi', 'orin']);
  const inference = fakeInference(options);
  const under = studyContext({
    ...{ devices, inference: inference.service, ...options },
    spec: { devices: ['pi'], tuner: rounds, stop: { trials: 6 }, recommend: 1, ...options.spec },
    training: { ...training.service, ...options.training },
  });
  const runner = new StudyRunner(under.context, options.history ?? []);
  return { ...under, ...inference, trained: training.trained, devices, runner };
}

/** What the runner asks and is told, in order. */
const dealings = (emitted: readonly StudyEventBody[]) =>
  emitted.flatMap((body) =>
    body.type === 'trial-asked' || body.type === 'trial-told'
      ? [`${body.type.slice(6)} ${body.trialId}/${body.rung}`]
      : [],
  );
const statesOf = (emitted: readonly StudyEventBody[]) =>
  emitted.flatMap((body) => (body.type === 'study-state' ? [`${body.state}: ${body.reason}`] : []));
const initial = (...candidates: Candidate[]) => ({ ...rounds, initialCandidates: candidates });

/** Counts how many architectures are being built at once, at most. */
function counting() {
  let [now, most] = [0, 0];
  const { buildArchitecture } = fakeTraining().service;
  const counted: typeof buildArchitecture = async (task) => {
    now++;
    most = Math.max(most, now);
    for (let time = 0; time < 3; time++) await turn();
    now--;
    return buildArchitecture(task);
  };
  return { training: { buildArchitecture: counted }, most: () => most };
}

describe('the search', () => {
  it('asks for a trial, tells what came of it, and ends with a recommendation', async () => {
    const { runner, emitted, of, context } = study({ spec: { parallelTrials: 1, stop: { trials: 2 } } });
    const recommendation = await runner.run();
    assert.deepEqual(dealings(emitted), ['asked 0/0', 'told 0/0', 'asked 1/0', 'told 1/0']);
    assert.equal(context.state.recommendation, recommendation);
    assert.equal(recommendation.models.length, 1);
    const [ask] = of('trial-asked');
    assert.deepEqual([ask?.ask, ask?.bracket, ask?.budget], [0, 3, { epochs: 4, dataFraction: 1 }]);
    assert.deepEqual(statesOf(emitted), []);
  });

  it('runs as many trials at once as the study says, else as there are cores, and fills up what becomes free', async () => {
    const [limited, full] = [counting(), counting()];
    await study({ cores: 4, spec: { parallelTrials: 2 }, training: limited.training }).runner.run();
    await study({ cores: 3, training: full.training }).runner.run();
    assert.deepEqual([limited.most(), full.most()], [2, 3]);
    const first = new Arrival('the first trial to be trained');
    const { runner, emitted } = study({
      spec: { parallelTrials: 2, tuner: initial({ width: 1 }, { width: 2 }, { width: 3 }), stop: { trials: 3 } },
      beforeTraining: async ({ width }) => void (width === 1 ? await first.wait() : width === 3 && first.come()),
    });
    await within('the third beside the first', runner.run());
    assert.deepEqual(dealings(emitted).slice(0, 4), ['asked 0/0', 'asked 1/0', 'told 1/0', 'asked 2/0']);
  });

  it('in deterministic mode is done in batches of eight whatever the cores, and told in the order of the trials', async () => {
    const { training, most } = counting();
    const spec = { deterministic: true, stop: { trials: 10 } };
    const { runner, emitted } = study({ cores: 1, spec, training });
    await runner.run();
    assert.equal(most(), 8);
    const each = (what: string, from: number, to: number) =>
      Array.from({ length: to - from }, (_, i) => `${what} ${from + i}/0`);
    assert.deepEqual(dealings(emitted), [
      ...each('asked', 0, 8),
      ...each('told', 0, 8),
      ...each('asked', 8, 10),
      ...each('told', 8, 10),
    ]);
  });

  it('tells promoted trials in their order, too', async () => {
    const spec = {
      ...{ deterministic: true, stop: { trials: 4 }, objectives: [parseObjective('accuracy')] },
      tuner: { ...initial({ width: 2 }, { width: 4 }, { width: 8 }, { width: 6 }), scheduler: 'successive-halving' },
    };
    const { runner, emitted } = study({ spec });
    await runner.run();
    const promoted = dealings(emitted).filter((line) => line.endsWith('/1'));
    assert.deepEqual(
      promoted.filter((line) => line.startsWith('told')),
      ['told 2/1', 'told 3/1'],
    );
    assert.equal(promoted.length, 4);
  });

  it('proposes no architecture again that devices have refused', async () => {
    const { inference } = askedDevices();
    const ofPi = fakeInference().service;
    inference.tune = (request, onMeasured, signal) =>
      request.device.name === 'orin' && Number(request.signature.slice(1)) > 4
        ? untilAborted(signal)
        : ofPi.tune(request, onMeasured, signal);
    const spec = {
      ...{ devices: ['pi', 'orin'], constraints: [parseConstraint('latency.p50 <= 4 ms on pi')], parallelTrials: 1 },
      ...{ stop: { trials: 16 }, tuner: initial(...[5, 6, 7, 8].map((width) => ({ width }))) },
    };
    const { runner, of } = study({ spec, inference });
    await runner.run();
    const widths = of('trial-asked').map(({ candidate }) => Number(candidate.width));
    assert.deepEqual(widths.slice(0, 4), [5, 6, 7, 8]);
    assert.ok(
      widths.slice(4).every((width) => width <= 4),
      widths.join(' '),
    );
    assert.ok(new Set(widths.slice(4)).size > 2, 'but others, more than once');
  });
});

describe('a measurement that comes late', () => {
  it('amends what was told, with what the trial then violates', async () => {
    const constraints = ['latency.p50 <= 4 ms', 'modelSize <= 10 B'].map(parseConstraint);
    const server = askedDevices();
    const spec = { parallelTrials: 1, stop: { trials: 3 }, tuner: initial({ width: 1 }, { width: 2 }, { width: 3 }) };
    const { runner, of, context } = study({ spec, inference: server.inference });
    const run = runner.run();
    run.catch(() => {});
    const searched = (count: number) =>
      until(`search ${count}`, () => server.searches.length >= count, { everyTurn: true });
    await searched(1);
    await server.on('pi').answer(result(1));
    await searched(3);
    await until('all trials to be told', () => of('trial-told').length === 3, { everyTurn: true });
    const { emit } = context;
    context.spec.constraints.push(...constraints);
    await server.searches[1]?.answer(result(2));
    await server.searches[2]?.answer(result(9, { feasible: false, violation: 0.5, reason: 'too slow' }));
    const [second, third] = of('trial-amended');
    // 11 bytes of 10.
    assert.deepEqual([second?.trialId, second?.rung, second?.metrics['latency.p50@pi']], [1, 0, 2]);
    assert.ok(Math.abs((second?.violation ?? 0) - 0.1) < 1e-9, `${second?.violation}`);
    assert.ok(Math.abs((third?.violation ?? 0) - 0.6) < 1e-9, `${third?.violation}`);
    assert.equal(context.emit, emit);
    assert.equal(of('trial-amended').length, 2, 'and not what was told with its measurements');
    await until('the end', () => server.searches.length >= 4, { everyTurn: true });
  });

  it('and reaches the target ends what is trained', async () => {
    const server = askedDevices();
    const { runner, of } = study({
      spec: {
        ...{ parallelTrials: 1, tuner: initial({ width: 1 }, { width: 2 }, { width: 3 }) },
        stop: { trials: 3, target: [parseConstraint('latency.p50 <= 1 ms')] },
      },
      inference: server.inference,
      beforeTraining: ({ width, signal }) => (width === 2 ? untilAborted(signal) : Promise.resolve()),
    });
    const run = runner.run();
    await until('the second to be trained', () => of('training-started').length === 2, { everyTurn: true });
    await server.searches[0]?.answer(result(1));
    await until('the confirmation', () => server.on('pi').request.purpose === 'confirm', { everyTurn: true });
    assert.deepEqual(
      of('trial-told').map(({ status }) => status),
      ['ok', 'stopped'],
    );
    const answer = result(1);
    await server.on('pi').answer({ ...answer, all: [{ measurement: answer.front[0] as never, source: 'measured' }] });
    await run;
  });

  it('violates at most so much, and what cannot be amended ends the study', async () => {
    const server = askedDevices();
    const spec = { parallelTrials: 1, stop: { trials: 2 }, tuner: initial({ width: 1 }, { width: 2 }) };
    const { runner, of, context } = study({ spec, inference: server.inference });
    const run = runner.run();
    await until('a search', () => server.searches.length === 1, { everyTurn: true });
    await server.on('pi').answer(result(1));
    await until('the other trial to be told', () => of('trial-told').length === 2, { everyTurn: true });
    context.spec.constraints.push(parseConstraint('loss <= 0'));
    const { emit } = context;
    const amended: StudyEventBody[] = [];
    context.emit = (...bodies) => {
      const found = bodies.filter(({ type }) => type === 'trial-amended');
      amended.push(...found);
      if (found.length > 0) throw new Error('the disk is full');
      emit(...bodies);
    };
    const failing = assert.rejects(run, /the disk is full/);
    await server.on('pi').answer(result(2));
    await failing;
    assert.equal((amended[0] as EventOf<'trial-amended'>).violation, 1e6);
  });

  it('that refuses an architecture in training ends it with the name of the device', async () => {
    const server = askedDevices();
    const during = fakeTraining({
      beforeTraining: ({ width, signal }) => (width > 1 ? untilAborted(signal) : Promise.resolve()),
    });
    const spec = { parallelTrials: 1, stop: { trials: 3 }, tuner: initial({ width: 1 }, { width: 2 }, { width: 3 }) };
    const { runner, of } = study({ spec, inference: server.inference, training: during.service });
    runner.run().catch(() => {});
    const training = (count: number) =>
      until('a training', () => of('training-started').length === count, { everyTurn: true });
    await training(2);
    await server.on('pi').answer(result(1, { feasible: false, violation: 1, reason: 'too slow' }));
    await training(3);
    await server.on('pi').answer(result(1, { feasible: false, violation: 1, reason: null }));
    await until('all to be told', () => of('trial-told').length === 3, { everyTurn: true });
    assert.deepEqual(
      of('trial-told').map(({ reason }) => reason),
      [null, 'pi: too slow', 'pi: no inference config meets the constraints'],
    );
    assert.equal(of('trial-amended').length, 0, 'it was not told before');
  });
});

describe('what breaks', () => {
  it('ends the study at once, with the first fault, though trials train on', async () => {
    const server = askedDevices();
    const { runner } = study({ inference: server.inference, beforeTraining: ({ signal }) => untilAborted(signal) });
    const run = assert.rejects(within('the end', runner.run()), /the store is full/);
    await until('searches', () => server.searches.length === 2, { everyTurn: true });
    void server.searches[0]?.fail(new Error('the store is full'));
    void server.searches[1]?.fail(new Error('a consequence'));
    await run;
  });

  it('ends the study also where that shows when it waits for its devices', async () => {
    const server = askedDevices();
    const { runner, of } = study({ inference: server.inference, spec: { stop: { trials: 2 }, parallelTrials: 1 } });
    const run = assert.rejects(runner.run(), /the store is full/);
    await until('a search', () => server.searches.length === 1, { everyTurn: true });
    await server.on('pi').answer(result(1));
    await until('trials to be told', () => of('trial-told').length === 2, { everyTurn: true });
    await server.on('pi').fail(new Error('the store is full'));
    await run;
  });

  it('in deterministic mode is told of no trial, which has not failed', async () => {
    const server = askedDevices();
    const spec = { deterministic: true, devices: ['pi', 'orin'], stop: { trials: 2 } };
    const { runner, of } = study({ inference: server.inference, spec });
    const run = assert.rejects(within('the end', runner.run()), /the store is full/);
    await until('searches', () => server.searches.length === 4, { everyTurn: true });
    await server.searches[0]?.fail(new Error('the store is full'));
    await run;
    assert.deepEqual([of('training-failed'), of('trial-told')], [[], []]);
  });

  it('ends the study also while it recommends, or measures the rest', async () => {
    const confirming = new Arrival('the confirmation');
    const { runner, context } = study({
      spec: { devices: ['pi', 'orin'], stop: { trials: 1 } },
      beforeAnswer: async ({ signal }) => {
        if (context.state.trials.get(0)?.status !== 'finished') return;
        confirming.come();
        await untilAborted(signal);
      },
    });
    const { emit } = context;
    context.emit = (...bodies) => {
      if (bodies.some(({ type }) => type === 'trial-amended')) throw new Error('the disk is full');
      emit(...bodies);
    };
    const run = assert.rejects(within('the end', runner.run()), /the disk is full/);
    await confirming.wait();
    context.emit({ type: 'study-device', ...context.standing('orin'), standing: 'left-out' });
    await run;
  });

  it('when a trial is to be asked leaves those that train to nobody else', async () => {
    const goOn = new Arrival('the word to go on');
    const { service } = fakeTraining();
    const train = async () => {
      await goOn.wait();
      throw new DatasetError('the files are gone');
    };
    const under = studyContext({ spec: { parallelTrials: 2 }, training: { ...service, train } });
    const { emit } = under.context;
    let asks = 0;
    under.context.emit = (...bodies) => {
      if (bodies[0]?.type === 'trial-asked' && ++asks === 2) throw new Error('the disk cannot be read');
      emit(...bodies);
    };
    await assert.rejects(new StudyRunner(under.context, []).run(), /the disk cannot be read/);
    goOn.come();
    // A rejection that nobody hears of would end this process.
    for (let time = 0; time < 20; time++) await turn();
  });

  it('is said where the study is stopped', async () => {
    const { runner, end, of } = study({ beforeTraining: ({ signal }) => untilAborted(signal) });
    const run = assert.rejects(runner.run(), /^Error: stopped$/);
    await until('a training', () => of('training-started').length > 0, { everyTurn: true });
    end(new Error('stopped'));
    await run;
  });
});

describe('a restart', () => {
  const full = { budget: { epochs: 4, dataFraction: 1 } };

  it('goes on with what was asked and not told, and asks the tuner for nothing that it has', async () => {
    const history = [
      asked(0, { width: 3, learningRate: 0.5 }, full),
      asked(1, { width: 4, learningRate: 0.5 }, full),
      told(0, { accuracy: 0.3, 'latency.p50@pi': 3 }),
      asked(2, { width: 5, learningRate: 0.5 }, full),
    ];
    const { runner, emitted, trained: runs } = study({ history, spec: { stop: { trials: 4 }, parallelTrials: 1 } });
    await runner.run();
    assert.deepEqual(dealings(emitted), ['told 1/0', 'told 2/0', 'asked 3/0', 'told 3/0']);
    assert.deepEqual(runs.map(({ width }) => width).slice(0, 2), [4, 5]);
  });

  it('tells what it finds in the order of the trials in deterministic mode', async () => {
    const low = { budget: { epochs: 1, dataFraction: 0.5 } };
    const history = [
      ...[asked(0, { width: 3, learningRate: 0.5 }, low), asked(1, { width: 4, learningRate: 0.5 }, low)],
      ...[told(0, { accuracy: 0.3, 'latency.p50@pi': 3 })],
      asked(0, { width: 3, learningRate: 0.5 }, { ask: 2, rung: 1, ...full, proposedBy: 'promotion' }),
    ];
    const { runner, emitted } = study({ history, spec: { stop: { trials: 2 }, deterministic: true } });
    await runner.run();
    assert.deepEqual(dealings(emitted).slice(0, 2), ['told 0/1', 'told 1/0']);
  });

  it('knows what was amended', async () => {
    const history: StudyEventBody[] = [
      asked(0, { width: 3, learningRate: 0.5 }, full),
      told(0, { accuracy: 0.9, 'latency.p50@pi': 1 }, { predicted: ['latency.p50@pi'] }),
      asked(1, { width: 4, learningRate: 0.5 }, full),
      told(1, { accuracy: 0.4, 'latency.p50@pi': 4 }),
      { type: 'trial-amended', trialId: 0, rung: 0, metrics: { 'latency.p50@pi': 9 }, violation: 2 },
    ];
    const { runner } = study({ history, spec: { stop: { trials: 2 } } });
    const { models } = await runner.run();
    assert.deepEqual(
      models.map(({ trialId }) => trialId),
      [1],
    );
  });

  it('asks devices again that had not answered about trials that were told, and about no others', async () => {
    const ask = (trialId: number) =>
      ({ type: 'inference-started', trialId, signature: `w${trialId}`, device: 'pi' }) as const;
    const history: StudyEventBody[] = [
      ...[asked(0, { width: 1, learningRate: 0.5 }, full), asked(1, { width: 2, learningRate: 0.5 }, full)],
      ...[asked(2, { width: 3, learningRate: 0.5 }, full), asked(3, { width: 4, learningRate: 0.5 }, full)],
      ...[built(0), built(1), built(2), built(3), ask(0), ask(1), ask(3), answered(3, 'pi')],
      ...[told(0), told(2), told(3, { accuracy: 0.4, 'latency.p50@pi': 4 })],
    ];
    const signatures = async (mode: string) => {
      const { runner, context } = study({ history, spec: { tuner: { ...rounds, mode }, stop: { trials: 4 } } });
      const first = new Arrival<string[]>('what is asked first');
      const found: string[] = [];
      context.training.train = async () => {
        first.come([...found]);
        throw new Error('enough');
      };
      const { tune } = context.inference;
      context.inference.tune = (request, ...rest) => {
        if (request.purpose === 'search') found.push(request.signature);
        return tune(request, ...rest);
      };
      await runner.run().catch(() => {});
      return first.wait();
    };
    assert.deepEqual(await signatures('onefold'), ['w0', 'w1']);
    assert.deepEqual(await signatures('hyperpower'), ['w1']);
  });

  it('drops what is not needed any more where the target was reached before', async () => {
    const history: StudyEventBody[] = [
      asked(0, { width: 8, learningRate: 0.5 }, full),
      asked(1, { width: 2, learningRate: 0.5 }, full),
      ...[built(0), trained(0, { accuracy: 0.75, ...full.budget }, { checkpointSha256: '0'.repeat(64) })],
      told(0, { accuracy: 0.75, 'latency.p50@pi': 8 }),
    ];
    const spec = { stop: { trials: 6, target: [parseConstraint('accuracy >= 0.7')] } };
    const { runner, context, of, trained: runs } = study({ history, spec });
    await context.blobs.put(new TextEncoder().encode('{"width":8,"epochs":4}'));
    await runner.run();
    const [stopped] = of('trial-told');
    assert.deepEqual(
      [stopped?.trialId, stopped?.status, stopped?.reason],
      [1, 'stopped', 'the target of the study was reached'],
    );
    assert.deepEqual([runs, of('trial-asked')], [[], []]);
  });
});

describe('a study whose target is reached', () => {
  it('waits for no other measurement, and stops what else is training', async () => {
    const server = askedDevices();
    const mode = {
      ...initial({ width: 1 }, { width: 2 }, { width: 8 }),
      mode: 'top-k-after-one-epoch',
      scheduler: 'auto',
    };
    const spec = { stop: { trials: 3, target: [parseConstraint('accuracy >= 0.35')] }, tuner: mode, parallelTrials: 3 };
    const { runner, of, context } = study({
      ...{ spec, inference: server.inference, cores: 3 },
      beforeTraining: async ({ width, signal }) => void (width === 2 && (await untilAborted(signal))),
    });
    const run = runner.run();
    await until('three searches', () => server.searches.length === 3, { everyTurn: true });
    await server.searches.find(({ request }) => request.signature === 'w8')?.answer(result(8));
    await until('the confirmation', () => server.searches.length === 4, { everyTurn: true });
    const reason = 'the target of the study was reached';
    const statuses = Object.fromEntries(of('trial-told').map((each) => [each.trialId, [each.status, each.reason]]));
    assert.deepEqual(statuses[1], ['stopped', reason]);
    assert.deepEqual(statuses[2], ['ok', null]);
    const aborted = server.searches.flatMap(({ request, signal }) =>
      signal.aborted ? [`${request.signature}: ${(signal.reason as Error).message}`] : [],
    );
    assert.deepEqual(aborted.filter((line) => !line.startsWith('w8')).sort(), [`w1: ${reason}`, `w2: ${reason}`]);
    const confirmed = server.on('pi');
    assert.deepEqual([confirmed.request.purpose, confirmed.request.signature], ['confirm', 'w8']);
    const answer = result(8);
    await confirmed.answer({ ...answer, all: [{ measurement: answer.front[0] as never, source: 'measured' }] });
    assert.equal((await run).models[0]?.trialId, 2);
    assert.equal(context.state.warnings.length, 0);
  });
});

describe('a study that is hopeless', () => {
  const failing =
    (widths: number[]) =>
    async ({ width }: { width: number }) => {
      if (widths.includes(width)) throw new Error(`NaN loss of ${width}`);
    };
  const widths = (...list: number[]) => ({ parallelTrials: 1, tuner: initial(...list.map((width) => ({ width }))) });

  it('fails when its first three trials have failed', async () => {
    const { runner, of } = study({ spec: widths(1, 2, 3), beforeTraining: failing([1, 2, 3]) });
    await assert.rejects(runner.run(), (error: Error) => {
      assert.ok(error instanceof StudyFailedError);
      assert.equal(error.message, 'the first 3 trials all failed; the last one: NaN loss of 3');
      return true;
    });
    assert.equal(of('trial-asked').length, 3);
  });

  it('goes on where one of them has worked, is infeasible, or worked before a restart', async () => {
    const worked = study({ spec: widths(4, 1, 2, 3), beforeTraining: failing([1, 2, 3]) });
    await worked.runner.run();
    const refused = study({
      spec: { ...widths(8, 1, 2, 3), constraints: [parseConstraint('latency.p50 <= 7 ms')] },
      beforeTraining: failing([1, 2, 3]),
    });
    await refused.runner.run();
    const [ask, again] = [asked(0, { width: 4, learningRate: 0.5 }), asked(0, { width: 4, learningRate: 0.5 })];
    const history: StudyEventBody[] = [ask, built(0), told(0, { accuracy: 0.2, 'latency.p50@pi': 4 })];
    const before = study({
      ...{ spec: { ...widths(1, 2, 3), tuner: { ...widths(1, 2, 3).tuner, scheduler: 'asha' } }, history },
      beforeTraining: failing([1, 2, 3]),
    });
    // Under way to its next rung, it is neither finished nor infeasible.
    before.context.state.apply({ seq: 99, studyId: 's-1', at: '', body: { ...again, rung: 1 } });
    await before.runner.run();
    assert.ok(before.of('trial-told').length >= 3);
  });

  it('that is found stopped has not worked', async () => {
    const history: StudyEventBody[] = [
      ...[asked(0, { width: 4, learningRate: 0.5 }), told(0, {}, { status: 'stopped' })],
      ...[asked(1, { width: 5, learningRate: 0.5 }), told(1, {}, { status: 'failed', reason: 'x' })],
    ];
    const { runner } = study({ spec: widths(1, 2), beforeTraining: failing([1, 2]), history });
    await assert.rejects(runner.run(), /the first 3 trials all failed; the last one: NaN loss of 2/);
  });
});

describe('a study without a result', () => {
  const tooSmall = { constraints: [parseConstraint('accuracy >= 0.9'), parseConstraint('latency.p50 <= 5 ms')] };

  it('recommends what comes nearest, of what did not fail, and says what it misses by how much', async () => {
    const tuner = initial({ width: 1 }, { width: 8 }, { width: 7 }, { width: 2 });
    const { runner } = study({
      spec: {
        ...{ constraints: [parseConstraint('latency.p50 <= 800 us')], tuner, parallelTrials: 1, stop: { trials: 4 } },
        recommend: 2,
      },
      training: {
        // Of the second narrowest nothing is known but its latency.
        buildArchitecture: async ({ candidate }) => {
          if (candidate.width === 2) throw new Error('NaN loss');
          return { onnx: new TextEncoder().encode(`{"width":${candidate.width}}`), metadataBytes: 0 };
        },
      },
    });
    const { models, why } = await runner.run();
    assert.deepEqual(
      models.map(({ trialId, feasible, misses }) => [trialId, feasible, misses]),
      [
        [0, false, ['latency.p50 on pi is 1 ms, 25 % beyond the limit of 800 µs']],
        [2, false, ['latency.p50 on pi is 7 ms, 780 % beyond the limit of 800 µs']],
      ],
    );
    assert.match(
      why ?? '',
      /^No model meets the constraints; these come nearest\. Of trial 0 latency\.p50 on pi is 1 ms/,
    );
  });

  it('does so also where the constraint is one on the trial', async () => {
    const tuner = initial({ width: 3 }, { width: 5 }, { width: 4 });
    const { runner } = study({ spec: { ...tooSmall, tuner, stop: { trials: 3 }, parallelTrials: 1 } });
    const { models } = await runner.run();
    assert.deepEqual(
      models.map(({ trialId, misses }) => [trialId, misses]),
      [[1, ['accuracy is 50 %, 44 % beyond the limit of 90 %']]],
    );
  });

  it('fails where devices can run none of it, or all trials failed, and does not blame the constraints then', async () => {
    const cannot = fakeInference().service;
    cannot.tune = async () => result(1, { best: null, feasible: false, violation: Infinity, reason: 'out of memory' });
    const { runner } = study({ inference: cannot, spec: { stop: { trials: 2 } } });
    await assert.rejects(
      runner.run(),
      /^StudyFailedError: no trial could be run on every device; trial 0: pi: out of memory\. Widen the search space/,
    );
    const crashed = study({
      beforeTraining: () => Promise.reject(new ChildDiedError('the training process ended by SIGKILL')),
      spec: { stop: { trials: 2 }, trainingRetries: 0 },
    });
    await assert.rejects(
      crashed.runner.run(),
      /^StudyFailedError: all 2 trials failed; the last one: the training process ended by SIGKILL$/,
    );
    assert.deepEqual(
      crashed.of('trial-told').map(({ status, crashed: isCrashed }) => [status, isCrashed]),
      [
        ['failed', true],
        ['failed', true],
      ],
    );
  });
});

describe('what was not worth measuring during the search', () => {
  it('is measured at the end where there is nothing else', async () => {
    const spec = {
      ...{ objectives: ['maximize accuracy', 'minimize latency.p50'].map(parseObjective), parallelTrials: 1 },
      tuner: { ...initial({ width: 1 }, { width: 2 }, { width: 3 }), scheduler: 'asha' },
      constraints: [parseConstraint('accuracy >= 0.1')],
      stop: { trials: 3, timeS: 3.5, target: [parseConstraint('accuracy >= 1')] },
    };
    const { runner, asked: found, of } = study({ spec });
    const { models } = await runner.run();
    assert.ok(of('trial-asked').every(({ budget }) => budget.epochs < 4));
    const searched = found.filter(({ purpose }) => purpose === 'search').map(({ signature }) => signature);
    assert.deepEqual([...new Set(searched)], ['w2', 'w3'], 'of those that meet the constraints');
    assert.equal(models.length, 1);
  });
});

describe('a device that is away', () => {
  /** The clock is the test's; a minute passes when it says so. */
  function withClock(t: TestContext) {
    t.mock.timers.enable({ apis: ['Date'], now: 60_000 });
    return () => t.mock.timers.tick(60_000);
  }
  const waits = (emitted: readonly StudyEventBody[]) =>
    emitted.flatMap((body) =>
      body.type === 'span' && body.kind === 'waiting'
        ? [[body.lane, body.trialId, body.startMs / 60_000, body.endMs / 60_000]]
        : [],
    );

  it('is waited for where all are away, and the study says so', async (t) => {
    const aMinute = withClock(t);
    const devices = fakeFleet(['pi', 'orin'], 'offline');
    const { runner, emitted, context } = study({ devices, spec: { devices: ['pi', 'orin'], stop: { trials: 1 } } });
    const run = runner.run();
    await turn();
    aMinute();
    devices.setPresence('pi', 'pending');
    await turn();
    const no = 'waiting: no device of the study is online: start the agent on pi, orin';
    assert.deepEqual([statesOf(emitted), waits(emitted)], [[no], []]);
    devices.setPresence('pi', 'busy');
    await turn();
    assert.deepEqual(statesOf(emitted).slice(0, 2), [no, 'running: null']);
    assert.deepEqual(waits(emitted), [['study', null, 1, 2]]);
    devices.setPresence('orin', 'online');
    await run;
    context.deviceTroubles.close();
    assert.deepEqual([devices.listening(), getEventListeners(context.signal, 'abort').length], [0, 0]);
  });

  it('is waited for no longer when the study is stopped', async () => {
    const devices = fakeFleet(['pi', 'orin'], 'offline');
    const { runner, end, context, emitted } = study({ devices });
    const run = assert.rejects(runner.run(), /^Error: stopped$/);
    await turn();
    end(new Error('stopped'));
    await run;
    context.deviceTroubles.close();
    assert.deepEqual([devices.listening(), getEventListeners(context.signal, 'abort').length], [0, 0]);
    assert.equal(statesOf(emitted).length, 1);
    const before = study({ devices });
    before.end(new Error('stopped before'));
    await assert.rejects(within('the end', before.runner.run()), /stopped before/);
  });

  it('is warned of where others are there, and predicted', async () => {
    const devices = fakeFleet(['pi', 'orin', 'nano']);
    for (const name of ['orin', 'nano']) devices.setPresence(name, 'offline');
    const { runner, context, emitted } = study({
      devices,
      spec: { devices: ['pi', 'orin', 'nano'], stop: { trials: 1 } },
    });
    await runner.run();
    assert.deepEqual(
      context.state.warnings,
      ['orin', 'nano'].map(
        (name) =>
          `${name} is offline: until it is back its numbers are missing, or predicted from what it has measured`,
      ),
    );
    assert.equal(
      statesOf(emitted)[0],
      'waiting: waiting for orin, nano: start the agent there, or the study goes on without them in a few minutes',
    );
    const there = study();
    await there.runner.run();
    assert.deepEqual(there.context.state.warnings, []);
    const late = study({
      devices: fakeFleet(['pi'], 'offline'),
      spec: { tuner: { ...rounds, mode: 'accuracy-only' }, stop: { trials: 1 } },
    });
    await within('a mode that asks nobody before the end', late.runner.run());
    assert.deepEqual(
      new Set(statesOf(late.emitted)),
      new Set(['waiting: waiting for pi: start the agent there', 'running: null']),
    );
  });

  it('is no longer waited for where all are away and a person has another take its place, or leaves it out', async () => {
    const devices = fakeFleet(['pi', 'orin', 'nano', 'pi-2'], 'offline');
    devices.setPresence('pi-2', 'online');
    const spec = { devices: ['pi', 'orin', 'nano'], stop: { trials: 1 }, tuner: { ...rounds, mode: 'onefold' } };
    const { runner, context, emitted, of } = study({ devices, spec });
    const run = runner.run();
    await turn();
    context.emit({ type: 'study-device', ...context.standing('nano'), standing: 'left-out' });
    await turn();
    const no = (names: string) => `waiting: no device of the study is online: start the agent on ${names}`;
    assert.deepEqual(statesOf(emitted), [no('pi, orin, nano'), no('pi, orin')]);
    const by = devices.fleet.devices().find(({ name }) => name === 'pi-2') as { id: string };
    context.emit({ type: 'study-device', ...context.standing('pi'), deviceId: by.id });
    await until('the search', () => of('trial-asked').length > 0, { everyTurn: true });
    assert.equal(statesOf(emitted)[2], 'running: null');
    devices.setPresence('orin', 'online');
    await run;
  });

  const waitsForOrin =
    'waiting: waiting for orin: start the agent there, or the study goes on without it in a few minutes';

  it('is named where mode hyperpower has it profile architectures, and after four minutes it goes on without', async () => {
    const devices = fakeFleet(['pi', 'orin']);
    devices.setPresence('orin', 'offline');
    const { runner, emitted, of, clock, context } = study({
      devices,
      spec: {
        ...{ devices: ['pi', 'orin'], parallelTrials: 1, stop: { trials: 6 } },
        tuner: { ...initial(...[1, 2, 3, 4, 5, 6].map((width) => ({ width }))), mode: 'hyperpower' },
        objectives: ['maximize accuracy', 'minimize latency.p50'].map(parseObjective),
      },
      beforeAnswer: ({ device, signal }) => (device === 'orin' ? untilAborted(signal) : Promise.resolve()),
    });
    const run = runner.run();
    await until('the study to say so', () => statesOf(emitted).length > 0, { everyTurn: true });
    for (let time = 0; time < 9; time++) await turn();
    assert.deepEqual([statesOf(emitted), of('trial-told')], [[waitsForOrin], []]);
    clock.advance(240_000);
    await run;
    assert.equal(statesOf(emitted)[1], 'running: null');
    const [mark] = of('study-device');
    assert.deepEqual([mark?.standing, mark?.reason], ['marked', 'orin is offline: start its agent']);
    const askedOf = of('inference-started').filter(({ device }) => device === 'pi');
    assert.equal(askedOf.length, 4, 'of the others it is predicted by what pi has measured');
    assert.equal(context.state.recommendation?.models[0]?.missing[0]?.reason, 'orin is offline: start its agent');
  });

  it('is named where a rung would reach the target, and after four minutes it goes on without', async () => {
    const devices = fakeFleet(['pi', 'orin']);
    const { runner, emitted, of, clock } = study({
      devices,
      spec: {
        ...{ devices: ['pi', 'orin'], parallelTrials: 1 },
        stop: { trials: 3, target: ['accuracy >= 0.15', 'latency.p50 <= 1 s'].map(parseConstraint) },
        tuner: initial({ width: 1 }, { width: 2 }, { width: 3 }),
      },
      beforeAnswer: async ({ device, width, signal }) => {
        if (device !== 'orin' || width === 1) return;
        devices.setPresence('orin', 'offline');
        await untilAborted(signal);
      },
    });
    const run = runner.run();
    await until('the study to say so', () => statesOf(emitted).length > 0, { everyTurn: true });
    for (let time = 0; time < 9; time++) await turn();
    assert.deepEqual([statesOf(emitted), dealings(emitted).at(-1)], [[waitsForOrin], 'asked 1/0']);
    clock.advance(240_000);
    await run;
    const [, second] = of('trial-told');
    assert.deepEqual([second?.predicted.includes('latency.p50@orin'), of('trial-told').length], [true, 3]);
  });

  it('is waited for without an end in deterministic mode, which says so', async () => {
    const devices = fakeFleet(['pi', 'orin']);
    devices.setPresence('orin', 'offline');
    const back = new Arrival('orin');
    const { runner, emitted, of, clock } = study({
      devices,
      spec: { devices: ['pi', 'orin'], deterministic: true, stop: { trials: 1 } },
      beforeAnswer: ({ device }) => (device === 'orin' ? back.wait() : Promise.resolve()),
    });
    const run = runner.run();
    await until('the study to say so', () => statesOf(emitted).length > 0, { everyTurn: true });
    clock.advance(3_600_000);
    for (let time = 0; time < 9; time++) await turn();
    assert.deepEqual(statesOf(emitted), ['waiting: waiting for orin: start the agent there']);
    assert.deepEqual([of('study-device'), of('trial-told')], [[], []]);
    devices.setPresence('orin', 'online');
    back.come();
    await run;
  });

  it('is named while the end waits for it, and its time is no overhead', async (t) => {
    const aMinute = withClock(t);
    const devices = fakeFleet(['pi', 'orin']);
    const server = askedDevices();
    const spec = {
      devices: ['pi', 'orin'],
      stop: { trials: 1 },
      parallelTrials: 1,
      tuner: { ...rounds, mode: 'accuracy-only' },
    };
    const { runner, emitted, context } = study({ devices, spec, inference: server.inference });
    const run = runner.run();
    await until('the confirmations', () => server.searches.length === 2, { everyTurn: true });
    assert.deepEqual(statesOf(emitted), []);
    aMinute();
    devices.setPresence('orin', 'offline');
    devices.setPresence('orin', 'offline');
    aMinute();
    devices.setPresence('pi', 'offline');
    aMinute();
    devices.setPresence('orin', 'online');
    devices.setPresence('pi', 'online');
    aMinute();
    devices.setPresence('orin', 'offline');
    aMinute();
    const waiting = (names: string, others = ', or the study goes on without it in a few minutes') =>
      `waiting: waiting for ${names}: start the agent there${others}`;
    assert.deepEqual(statesOf(emitted), [
      waiting('orin'),
      waiting('pi, orin', ''),
      waiting('pi'),
      'running: null',
      waiting('orin'),
    ]);
    for (const search of server.searches) {
      const answer = result(1);
      await search.answer({ ...answer, all: [{ measurement: answer.front[0] as never, source: 'measured' }] });
    }
    await run;
    assert.deepEqual(waits(emitted), [
      ['study', null, 2, 4],
      ['study', null, 5, 6],
    ]);
    context.deviceTroubles.close();
    assert.equal(devices.listening(), 0);
  });

  it('is named while the answers of the search are waited for', async () => {
    const devices = fakeFleet(['pi']);
    const server = askedDevices();
    const spec = { stop: { trials: 2 }, parallelTrials: 1 };
    const { runner, emitted, of, context } = study({ devices, inference: server.inference, spec });
    const run = runner.run();
    await until('a search', () => server.searches.length === 1, { everyTurn: true });
    await server.on('pi').answer(result(1));
    await until('both to be told', () => of('trial-told').length === 2, { everyTurn: true });
    devices.setPresence('pi', 'offline');
    devices.setPresence('pi', 'online');
    assert.deepEqual(statesOf(emitted), ['waiting: waiting for pi: start the agent there', 'running: null']);
    await server.on('pi').answer(result(2));
    await until('the confirmation', () => server.searches.length === 3, { everyTurn: true });
    const answer = result(1);
    await server.on('pi').answer({ ...answer, all: [{ measurement: answer.front[0] as never, source: 'measured' }] });
    await run;
    context.deviceTroubles.close();
    assert.equal(devices.listening(), 0);
  });
});

describe('a board whose place another takes', () => {
  it('leaves none of its values, also where a batch was put together with them and the other has answered since', async () => {
    const devices = fakeFleet(['pi', 'orin', 'spare']);
    const spare = devices.fleet.devices()[2] as { id: string };
    const { service } = fakeInference();
    const inference: InferenceServer = {
      tune: (request, ...rest) => {
        const { device, signature } = request;
        return service.tune({ ...request, signature: device.id === spare.id ? `${signature}00` : signature }, ...rest);
      },
    };
    const { runner, context, emitted } = study({
      ...{ devices, inference },
      spec: {
        ...{ devices: ['pi', 'orin'], deterministic: true, stop: { trials: 2 } },
        tuner: initial({ width: 1 }, { width: 2 }),
      },
      beforeTraining: async ({ width }) => {
        if (width !== 2) return;
        const trained = () => emitted.some((body) => body.type === 'training-finished' && body.trialId === 0);
        await until('the first', trained, { everyTurn: true });
        for (let time = 0; time < 9; time++) await turn();
        context.emit({ type: 'study-device', ...context.standing('orin'), deviceId: spare.id });
        const answer = () => context.state.inference.get(0)?.get('orin');
        await until('the other to answer', answer, { everyTurn: true });
      },
    });
    await runner.run();
    for (const { candidate, metrics } of context.state.trials.values())
      assert.deepEqual(
        [metrics['latency.p50@pi'], metrics['latency.p50@orin']],
        [candidate.width, Number(candidate.width) * 100],
      );
  });

  it('leaves nothing that was predicted from its answers, either', async () => {
    const devices = fakeFleet(['pi', 'orin', 'spare']);
    const spare = devices.fleet.devices()[2]?.id as string;
    const name = 'latency.p50@orin';
    const history: StudyEventBody[] = [
      ...[asked(0, { width: 4, learningRate: 0.5 }), built(0), answered(0, 'pi'), answered(0, 'orin')],
      told(0, { accuracy: 0.2, 'latency.p50@pi': 4, [name]: 4 }),
      ...[asked(1, { width: 5, learningRate: 0.5 }), built(1), answered(1, 'pi')],
      { type: 'inference-started', trialId: 1, signature: 'w5', device: 'orin' },
      told(1, { accuracy: 0.2, 'latency.p50@pi': 5, [name]: 5 }, { predicted: [name], intervals: { [name]: [4, 6] } }),
      { type: 'study-device', device: 'orin', deviceId: spare, standing: 'expected', reason: 'by a person' },
    ];
    const { service } = fakeInference();
    const inference: InferenceServer = {
      tune: (request, ...rest) =>
        request.device.id === spare ? untilAborted(rest[1]) : service.tune(request, ...rest),
    };
    const { runner, context, end } = study({
      ...{ devices, inference },
      spec: { devices: ['pi', 'orin'], stop: { trials: 2 } },
      history,
    });
    const outcome = runner.run();
    await turn();
    for (const { metrics, predicted, intervals } of context.state.trials.values())
      assert.deepEqual([metrics[name], predicted, intervals], [undefined, [], {}]);
    end(new Error('stopped'));
    await assert.rejects(outcome, /stopped/);
  });
});

describe('a board that is removed and added again', () => {
  it('keeps what it has said, of trials and of what is recommended, and is not asked again', async () => {
    const {
      runner,
      context,
      emitted,
      asked: found,
      devices,
    } = study({
      spec: {
        ...{ devices: ['pi', 'orin'], parallelTrials: 1, stop: { trials: 2 }, recommend: 1 },
        tuner: initial({ width: 1 }, { width: 2 }),
      },
      beforeTraining: async ({ width }) => {
        if (width !== 2) return;
        await until('the first', () => context.state.inference.get(0)?.size === 2, { everyTurn: true });
        devices.remove('orin');
        await turn();
        devices.add('orin');
      },
    });
    const { models } = await runner.run();
    const { id: now } = devices.fleet.devices().find(({ name }) => name === 'orin') as { id: string };
    assert.equal(context.standing('orin').deviceId, now);
    for (const { metrics } of context.state.trials.values()) assert.ok('latency.p50@orin' in metrics);
    assert.ok(!emitted.some((body) => body.type === 'trial-amended' && body.withdrawn));
    const ofFirst = found.filter(({ signature, device }) => signature === 'w1' && device === 'orin');
    assert.equal(ofFirst.length, 1);
    devices.remove('orin');
    devices.add('orin');
    const orin = context.standing('orin');
    assert.deepEqual(orin.formerIds?.[0], now);
    assert.ok(models.every((model) => hasMeasured(model, orin)));
    assert.ok(!models.every((model) => hasMeasured(model, { ...orin, formerIds: [] })));
  });
});

describe('a device that is left out', () => {
  const two = { devices: ['pi', 'orin'], parallelTrials: 1, recommend: 5 };
  const on = (device: string, emitted: readonly StudyEventBody[]) =>
    emitted.flatMap((body) =>
      body.type === 'trial-amended'
        ? (body.withdrawn ?? []).filter((name) => name.endsWith(`@${device}`)).map((name) => `${body.trialId} ${name}`)
        : [],
    );

  it('while the study stood still counts for no trial when it goes on: none that lacks its values is left behind', async () => {
    const history: StudyEventBody[] = [
      ...[asked(0, { width: 4, learningRate: 0.5 }), built(0), answered(0, 'pi'), answered(0, 'orin')],
      told(0, { accuracy: 0.2, 'latency.p50@pi': 4, 'latency.p50@orin': 4 }),
    ];
    const devices = fakeFleet(['pi', 'orin']);
    const left = devices.fleet.devices().find(({ name }) => name === 'orin')?.id as string;
    const decision = { device: 'orin', deviceId: left, standing: 'left-out', reason: 'by a person' } as const;
    const { runner, emitted, context } = study({
      ...{ devices, spec: { ...two, stop: { trials: 1 } } },
      history: [...history, { type: 'study-device', ...decision }],
    });
    await runner.run();
    assert.deepEqual(on('orin', emitted), ['0 latency.p50@orin']);
    for (const { metrics } of context.state.trials.values())
      assert.ok(!Object.keys(metrics).some((name) => name.endsWith('@orin')));
  });

  it('while the study stood still is not needed for the target, either', async () => {
    const history: StudyEventBody[] = [
      ...[asked(0, { width: 4, learningRate: 0.5 }), built(0)],
      ...[trained(0, { accuracy: 0.4, epochs: 1, dataFraction: 0.5 }), answered(0, 'pi')],
      told(0, { accuracy: 0.4, 'latency.p50@pi': 2 }, { pending: ['orin'] }),
    ];
    const devices = fakeFleet(['pi', 'orin']);
    const deviceId = devices.fleet.devices()[1]?.id as string;
    const decision = { device: 'orin', deviceId, standing: 'left-out', reason: 'by a person' } as const;
    const stop = { trials: 3, target: ['accuracy >= 0.3', 'latency.p50 <= 1 s'].map(parseConstraint) };
    const { runner, of, context } = study({
      ...{ devices, spec: { ...two, stop } },
      history: [...history, { type: 'study-device', ...decision }],
    });
    context.blobs.get = async () => new TextEncoder().encode(JSON.stringify({ width: 4, epochs: 1 }));
    await runner.run();
    assert.deepEqual(
      [of('trial-asked'), of('training-started')],
      [[], []],
      'it is what was wanted, and is not trained on',
    );
  });

  it('is not needed for the target of the study any more: what has reached it without is enough', async () => {
    const { runner, of, context } = study({
      spec: {
        ...{ ...two, tuner: initial({ width: 1 }, { width: 2 }, { width: 3 }), stop: { trials: 3 } },
        stop: { trials: 3, target: ['accuracy >= 0.05', 'latency.p50 <= 1 s'].map(parseConstraint) },
      },
      beforeAnswer: ({ device, signal }) => (device === 'orin' ? untilAborted(signal) : Promise.resolve()),
      beforeTraining: async ({ width }) => {
        if (width === 2) context.emit({ type: 'study-device', ...context.standing('orin'), standing: 'left-out' });
      },
    });
    await runner.run();
    assert.deepEqual(
      of('trial-told').map(({ trialId, status }) => [trialId, status]),
      [
        [0, 'ok'],
        [1, 'stopped'],
      ],
    );
  });

  it('while a batch is trained counts for none of it, also where its answers were put together before', async () => {
    const { runner, emitted, context } = study({
      spec: { ...two, deterministic: true, tuner: initial({ width: 1 }, { width: 2 }), stop: { trials: 2 } },
      beforeTraining: async ({ width }) => {
        if (width !== 2) return;
        await until('the first to be measured', () => context.state.inference.get(0)?.size === 2, { everyTurn: true });
        for (let time = 0; time < 9; time++) await turn();
        context.emit({ type: 'study-device', ...context.standing('orin'), standing: 'left-out' });
      },
    });
    await runner.run();
    assert.ok(on('orin', emitted).includes('0 latency.p50@orin'));
    for (const { metrics } of context.state.trials.values())
      assert.ok(!Object.keys(metrics).some((name) => name.endsWith('@orin')));
  });
});

describe('a study that has another device since', () => {
  /** Four trials that were told at the lowest rung, before orin belonged to the study. */
  const before = (): StudyEventBody[] =>
    [0, 1, 2, 3].flatMap((trialId): StudyEventBody[] => {
      const metrics = { accuracy: 0.5 + trialId / 10, 'latency.p50@pi': 2 };
      return [
        ...[asked(trialId, { width: trialId + 1 }), built(trialId), trained(trialId, { accuracy: metrics.accuracy })],
        { type: 'inference-started', trialId, signature: `w${trialId}`, device: 'pi' },
        ...[answered(trialId, 'pi'), told(trialId, metrics)],
      ];
    });
  const extended: StudyEventBody = {
    type: 'study-extended',
    deviceIds: { orin: fakeFleet(['pi', 'orin']).fleet.devices()[1]?.id ?? '' },
  };
  const spec = {
    ...{ devices: ['pi', 'orin'], stop: { trials: 4 }, tuner: { ...rounds, scheduler: 'asha' } },
    objectives: [parseObjective('accuracy'), parseObjective('latency.p50')],
  };

  it('goes on with its trials of before while that has not answered: it is pending in them', async () => {
    const { runner, emitted, end, context } = study({
      ...{ spec, history: [...before(), extended] },
      beforeAnswer: async ({ device, signal }) => void (device === 'orin' && (await untilAborted(signal))),
    });
    const run = runner.run();
    await until('the best to be trained on', () => dealings(emitted).includes('asked 3/1'), {
      changes: (listener) => context.subscribe(listener),
    });
    end(new Error('enough'));
    await assert.rejects(run, /enough/);
  });

  it('asks it about one after the other in deterministic mode, as each informs the next', async () => {
    const [order, now]: [number[], Set<number>] = [[], new Set()];
    const { runner } = study({
      ...{ spec: { ...spec, deterministic: true }, history: [...before(), extended] },
      beforeAnswer: async ({ device, width }) => {
        if (device !== 'orin' || order.length >= 4) return;
        order.push(width);
        now.add(width);
        await turn();
        assert.equal(now.size, 1);
        now.delete(width);
      },
    });
    await runner.run();
    assert.deepEqual(order, [0, 1, 2, 3]);
  });
});
