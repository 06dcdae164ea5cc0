/** The searches of trials on the devices of a study: what is asked, what is made of the answers. */
import assert from 'node:assert/strict';
import { createHook } from 'node:async_hooks';
import { getEventListeners } from 'node:events';
import { describe, it } from 'node:test';
import type { DeviceView } from '@edgetune/shared/domain/device.ts';
import { parseConstraint, parseObjective } from '@edgetune/shared/domain/objective.ts';
import { parsePrefer } from '@edgetune/shared/domain/prefer.ts';
import type { StudyEventBody } from '@edgetune/shared/domain/study-event.ts';
import { JobFailedError } from '../../../../coordinator/fleet/fleet.ts';
import { predictDeviceMetrics } from '../../../../coordinator/study/trial/interim-prediction.ts';
import { TrialInference } from '../../../../coordinator/study/trial/trial-inference.ts';
import { storedMeasurement } from '../../../support/measurement.ts';
import { Arrival, turn, within } from '../../../support/waiting.ts';
import { askedDevices, result, unfit } from '../support/asked-devices.ts';
import { type ContextOptions, studyContext } from '../support/context.ts';
import { answered, asked, built, CONFIG, sha, told } from '../support/events.ts';
import { fakeFleet } from '../support/fakes.ts';

const coordinates = (size: number) => [size, 10, 10, 3, 0, 0];
/** Trials that were asked for and have an architecture of 2^(trial number) MACs. */
const trials = (count: number): StudyEventBody[] =>
  Array.from({ length: count }, (_, trialId) => [
    asked(trialId),
    built(trialId, { coordinates: coordinates(trialId + 1) }),
  ]).flat();

function searches(options: ContextOptions = {}) {
  const under = studyContext({ history: trials(4), ...options });
  const server = askedDevices();
  under.context.inference = options.inference ?? server.inference;
  const outcomes: string[] = [];
  const broken: string[] = [];
  const inference = new TrialInference(
    under.context,
    ({ trialId, device }) => {
      assert.equal(under.context.state.inference.get(trialId)?.get(device)?.device, device, 'it is told before');
      outcomes.push(`${trialId} ${device}`);
    },
    (error) => broken.push(error.message),
  );
  return { ...under, ...server, inference, outcomes, broken };
}

/** Whether a promise is settled once all that was ready to run has run. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const note = () => {
    settled = true;
  };
  promise.then(note, note);
  await turn();
  return settled;
}

describe('a trial', () => {
  it('is asked about on every device, once, with all that the study wants', async () => {
    const spec = {
      constraints: [parseConstraint('latency.p50 <= 5 ms on orin')],
      objectives: [parseObjective('accuracy'), parseObjective('latency.p50')],
      prefer: parsePrefer('at most 1 point of accuracy'),
      scenario: { kind: 'offline' },
    };
    const int8 = { signature: 'i1', modelSha256: sha('b'), modelBytes: 100 };
    const history = [asked(1), built(1, { coordinates: coordinates(1), int8 })];
    const { inference, context, emitted, devices, searches: begun } = searches({ spec, history });
    const { devices: members } = context.fleet;
    context.fleet.devices = () => members().map((device) => ({ ...device, name: `renamed ${device.name}` }));
    inference.start(1);
    inference.start(1);
    await turn();
    assert.deepEqual(devices(), ['pi', 'orin']);
    assert.deepEqual(begun[1]?.request, {
      studyId: 's-1',
      signature: 'w1',
      modelSha256: sha('a'),
      modelBytes: 400,
      variants: { int8 },
      device: { ...context.fleet.devices()[1], name: 'orin' },
      parameters: [{ name: 'batchSize', level: 'inference', type: 'ordinal', values: [1, 4] }],
      ...spec,
      purpose: 'search',
      seed: 7,
    });
    assert.deepEqual(emitted, [
      { type: 'inference-started', trialId: 1, signature: 'w1', device: 'pi' },
      { type: 'inference-started', trialId: 1, signature: 'w1', device: 'orin' },
    ]);
  });

  it('of a deterministic study is asked about with what earlier trials have measured on that device, and nothing else', async () => {
    const { inference, context, searches: begun } = searches({ spec: { deterministic: true } });
    const [{ id: deviceId } = { id: '' }] = context.fleet.devices();
    const measurement = storedMeasurement({ ...storedMeasurement(), id: 'm-of-0', deviceId });
    context.emit({ type: 'measured', trialId: 0, measurement, source: 'measured' }, told(0), asked(4), built(4));
    inference.start(4);
    inference.start(1);
    await turn();
    assert.deepEqual(
      begun.map(({ request }) => [request.signature, request.device.name, request.known?.map(({ id }) => id)]),
      [
        ['w4', 'pi', ['m-of-0']],
        ['w4', 'orin', []],
        ['w1', 'pi', []],
        ['w1', 'orin', []],
      ],
    );
  });

  it('is not asked about where a device has said what it thinks of it', async () => {
    const history = [
      ...trials(3),
      answered(0, 'pi'),
      answered(0, 'orin', { best: null, feasible: false }),
      answered(1, 'pi', { best: null, feasible: true }),
    ];
    const { inference, devices, searches: begun } = searches({ history });
    inference.start(0);
    inference.start(1);
    await turn();
    assert.deepEqual(
      begun.map(({ request }) => request.signature),
      ['w1', 'w1'],
    );
    assert.deepEqual(devices(), ['pi', 'orin']);
  });

  it('is only asked about once it is written that it is', async () => {
    const { inference, writing, searches: begun } = searches();
    const written = new Arrival('the events to be written');
    writing.wait = () => written.wait();
    inference.start(0);
    await turn();
    assert.equal(begun.length, 0);
    written.come();
    await turn();
    assert.equal(begun.length, 2);
  });

  it('without an architecture breaks the search', async () => {
    const { inference, broken } = searches();
    inference.start(9);
    await turn();
    assert.deepEqual(broken, ['trial 9 has no architecture yet', 'trial 9 has no architecture yet']);
  });

  it('is not asked about on a device that is left out', async () => {
    const { inference, context, devices } = searches();
    context.emit({ type: 'study-device', ...context.standing('pi'), standing: 'left-out' });
    inference.start(0);
    await turn();
    assert.deepEqual(devices(), ['orin']);
  });

  it('is asked about again on devices that are not being asked and have said nothing of it', async () => {
    const { inference, on, devices, clock } = searches();
    inference.start(0);
    await turn();
    await on('pi').answer(result(1));
    inference.start(0);
    await turn();
    assert.deepEqual(devices(), ['pi', 'orin'], 'who answers, and who has answered, is not asked again');
    const before = on('orin');
    inference.leave('orin', 'another has taken its place');
    assert.equal((before.signal.reason as Error).message, 'another has taken its place');
    inference.start(0);
    await turn();
    assert.deepEqual(devices(), ['pi', 'orin', 'orin']);
    assert.deepEqual(inference.started(), [0]);
    await before.fail(new Error('left'));
    inference.start(0);
    await turn();
    assert.deepEqual(devices(), ['pi', 'orin', 'orin'], 'the end of an old search is not that of the new one');
    for (let time = 0; time < 6; time++) {
      await on('orin').answer(unfit('throttled'));
      clock.advance(300_000);
      await turn();
    }
    const tries = devices().length;
    inference.start(0);
    clock.advance(300_000);
    await turn();
    assert.deepEqual(devices().slice(tries), ['orin'], 'who was asked in vain is asked again');
  });

  it('that was given up is none about which devices are asked again', async () => {
    const { inference, on, devices } = searches();
    inference.start(0);
    inference.start(1);
    await turn();
    inference.cancel(0, 'it is infeasible');
    await on('pi').answer(result(1));
    assert.deepEqual(inference.started(), [1]);
    for (const trialId of inference.started()) inference.start(trialId);
    await turn();
    assert.deepEqual(devices(), ['pi', 'orin', 'pi', 'orin']);
  });
});

describe('an answer', () => {
  it('is an event with the best config, its metrics and what was measured for it', async () => {
    const { inference, on, of, outcomes } = searches();
    inference.start(0);
    await turn();
    const measurement = storedMeasurement();
    for (const source of ['measured', 'reused-class', 'measured', 'reused-device'] as const)
      on('pi').onMeasured(measurement, source);
    assert.deepEqual(
      of('measured').map(({ trialId, measurement: { id }, source }) => [trialId, id, source]),
      [
        [0, 'm-1', 'measured'],
        [0, 'm-1', 'reused-class'],
        [0, 'm-1', 'measured'],
        [0, 'm-1', 'reused-device'],
      ],
    );
    await on('orin').answer(result(3, { possible: 8 }));
    await on('pi').answer(result(5, { feasible: false, violation: 0.5, reason: 'too slow' }));
    const [orin, pi] = of('inference-finished');
    assert.ok(pi);
    const { metrics, ...rest } = pi;
    assert.deepEqual(rest, {
      ...{ type: 'inference-finished', trialId: 0, signature: 'w0', device: 'pi', best: CONFIG },
      ...{ feasible: false, violation: 0.5, measurements: 2, reason: 'too slow' },
    });
    assert.deepEqual([metrics['latency.p50'], orin?.metrics['latency.p50'], orin?.possible], [5, 3, 8]);
    assert.deepEqual([orin?.measurements, orin?.feasible, orin?.reason], [0, true, null]);
    assert.deepEqual(outcomes, ['0 orin', '0 pi']);
  });

  it('of a device that cannot run it counts as the most that a violation counts', async () => {
    const { inference, on, of } = searches();
    inference.start(0);
    await turn();
    await on('pi').answer(result(1, { best: null, feasible: false, violation: Infinity, reason: 'out of memory' }));
    const [pi] = of('inference-finished');
    assert.deepEqual([pi?.best, pi?.feasible, pi?.violation, pi?.metrics], [null, false, 1e6, {}]);
    const { open, reason, violation } = inference.answers(0);
    assert.deepEqual([open, reason, violation], [['orin'], 'pi: out of memory', 1e6]);
  });

  it('that is no valid measurement, or a job that failed, is the trouble of that device: it is asked again', async () => {
    const { inference, on, of, broken, clock, devices } = searches();
    inference.start(0);
    await turn();
    await on('orin').answer(unfit('throttled'));
    await on('pi').fail(new JobFailedError('failed', 'socket hang up'));
    const standings = () => of('study-device').map(({ device, standing, reason }) => [device, standing, reason]);
    assert.deepEqual(standings(), [
      ['orin', 'retrying', 'orin gives no valid measurement: throttled; it is tried again in 5 s'],
      ['pi', 'retrying', 'pi: socket hang up; it is tried again in 5 s'],
    ]);
    assert.deepEqual([of('inference-finished'), broken, devices()], [[], [], ['pi', 'orin']]);
    clock.advance(5000);
    await turn();
    assert.deepEqual(devices().slice(2).sort(), ['orin', 'pi']);
    await on('pi').answer(result(4));
    assert.deepEqual(standings().at(-1), ['pi', 'expected', null]);
    assert.deepEqual(
      of('inference-finished').map(({ device, feasible }) => [device, feasible]),
      [['pi', true]],
    );
  });

  it('that a device has not given for minutes, where another one has, says nothing of the architecture', async () => {
    const { inference, on, of, clock } = searches();
    inference.start(0);
    await turn();
    await on('orin').answer(result(1));
    for (let time = 0; time < 6; time++) {
      await on('pi').answer(unfit(`throttled ${time}`));
      clock.advance(300_000);
      await turn();
    }
    const finished = of('inference-finished').find(({ device }) => device === 'pi');
    assert.deepEqual(
      [finished?.best, finished?.feasible, finished?.violation, finished?.metrics, finished?.reason],
      [null, true, 0, {}, 'pi gives no valid measurement: throttled 5'],
    );
    assert.deepEqual(inference.answers(0).open, ['pi']);
  });

  it('of a device that was removed is waited for until it is added again', async () => {
    const { inference, context, of, devices, clock } = searches({ spec: { devices: ['pi'] } });
    const fleet = context.fleet.devices;
    context.fleet.devices = () => [];
    inference.start(0);
    await turn();
    assert.match(of('study-device')[0]?.reason ?? '', /^pi was removed from the fleet: add it again under this name/);
    const [old] = fleet();
    context.fleet.devices = () => [{ ...(old as DeviceView), id: 'd-new', board: { logicalCores: 4 } as never }];
    clock.advance(5000);
    await turn();
    assert.deepEqual(devices(), ['pi']);
    const bound = of('study-device').find(({ deviceId }) => deviceId === 'd-new');
    assert.equal(bound?.reason, 'pi was added to the fleet again');
  });

  it('of a device that became unfit after it had measured something stands', async () => {
    const { inference, on, of } = searches();
    inference.start(0);
    await turn();
    await on('pi').answer(result(4, { feasible: false, violation: 0.25, unfit: 'throttled' }));
    const [pi] = of('inference-finished');
    assert.deepEqual([pi?.feasible, pi?.violation, pi?.metrics['latency.p50']], [false, 0.25, 4]);
  });
});

describe('a search that breaks', () => {
  it('is reported, unless the trial or the study was given up', async () => {
    const { inference, on, broken, end } = searches();
    for (const trialId of [0, 1, 2]) inference.start(trialId);
    await turn();
    const last = on('pi');
    await last.fail(new Error('the store is full'));
    assert.deepEqual(broken, ['the store is full']);
    inference.start(3);
    await turn();
    inference.cancel(3, 'not needed');
    assert.equal((on('pi').signal.reason as Error).message, 'not needed');
    assert.equal(on('orin').signal.aborted, true);
    assert.equal(last.signal.aborted, false);
    await on('pi').fail(new Error('given up'));
    end(new Error('stopped'));
    assert.equal((last.signal.reason as Error).message, 'stopped');
    await on('orin').fail(new Error('stopped'));
    assert.deepEqual(broken, ['the store is full']);
    inference.cancel(99, 'never asked about');
  });

  it('is reported also where another trial was given up, and not where the study is over', async () => {
    const { inference, searches: begun, broken, end } = searches();
    inference.start(0);
    inference.start(1);
    await turn();
    inference.cancel(0, 'not needed');
    await begun[2]?.fail(new Error('of another'));
    end(new Error('stopped'));
    await begun[3]?.fail(new Error('stopped'));
    assert.deepEqual(broken, ['of another']);
  });
});

describe('who waits', () => {
  it('for a trial waits for its searches, for all trials for all, and for none that was given up', async () => {
    const { inference, searches: begun } = searches();
    await inference.settled(0);
    for (const trialId of [0, 1, 2]) inference.start(trialId);
    await turn();
    const [first, all] = [inference.settled(0), inference.settled()];
    await begun[0]?.answer(result(1));
    assert.equal(await isSettled(first), false);
    await begun[1]?.answer(result(1));
    assert.deepEqual([await isSettled(first), await isSettled(all)], [true, false]);
    await begun[2]?.answer(result(1));
    await begun[3]?.answer(result(1));
    assert.equal(await isSettled(all), false);
    inference.cancel(2, 'not needed');
    await within('what was given up to be left out', inference.settled());
    await within('the same of the trial itself', inference.settled(2));
  });

  it('hears of a search that breaks, whichever it is: the study is over', async () => {
    const { inference, on, searches: begun } = searches();
    inference.start(0);
    inference.start(1);
    await turn();
    const waiting = [0, 1, undefined].map((trialId) => assert.rejects(inference.settled(trialId), /the store is full/));
    assert.equal(inference.fault, null);
    await begun[0]?.fail(new Error('the store is full'));
    await Promise.all(waiting);
    await on('orin').answer(result(1));
    await assert.rejects(inference.settled(0), /the store is full/);
    assert.equal((inference.fault as Error | null)?.message, 'the store is full');
  });

  it('keeps nothing of what happens in the fleet meanwhile', async () => {
    const members = fakeFleet(['pi', 'orin']);
    const { inference, on, context } = searches({ devices: members });
    inference.start(0);
    await turn();
    const waiting = inference.settled();
    await turn();
    let promises = 0;
    const hook = createHook({ init: (__, type) => void (type === 'PROMISE' && promises++) }).enable();
    const madeIn = async (happens: () => void) => {
      const before = promises;
      for (let time = 0; time < 50; time++) {
        happens();
        await turn();
      }
      return promises - before;
    };
    const quiet = await madeIn(() => {});
    const busy = await madeIn(() => members.tell(context.fleet.devices()[0] as DeviceView));
    hook.disable();
    assert.ok(busy < quiet + 10, `${busy} promises where as many as ${quiet} would do`);
    const listeners = getEventListeners(context.signal, 'abort').length;
    for (const device of ['pi', 'orin']) await on(device).answer(result(1));
    await within('the end', waiting);
    assert.ok(getEventListeners(context.signal, 'abort').length < listeners);
  });
});

describe('a prediction', () => {
  it('is made of what the device has measured, on its own cores', () => {
    const history = [...trials(4), answered(0, 'pi', { metrics: { 'latency.p50': 2 } })];
    const wide = { ...CONFIG, threads: 4 };
    history.push(answered(1, 'pi', { best: wide, metrics: { 'latency.p50': 3 } }));
    history.push(answered(2, 'pi', { best: null, feasible: true, metrics: {} }), answered(0, 'orin'));
    const { inference, context } = searches({ history });
    const [device] = context.fleet.devices();
    const known = [
      { coordinates: coordinates(1), config: CONFIG, metrics: { 'latency.p50': 2 } },
      { coordinates: coordinates(2), config: wide, metrics: { 'latency.p50': 3 } },
    ];
    const predicted = (cores: number) => predictDeviceMetrics(known, coordinates(4), cores)?.metrics['latency.p50'];
    assert.notEqual(predicted(4), predicted(1));
    const shown = () => inference.view(3).metrics['latency.p50@pi'];
    assert.equal(shown(), predicted(1), 'of a board that is not known');
    const members = (board: unknown) => () => [{ ...device, board } as DeviceView];
    context.fleet.devices = members({ logicalCores: 4 });
    assert.equal(shown(), predicted(4));
    context.fleet.devices = members(null);
    assert.equal(shown(), predicted(1));
    context.fleet.devices = () => [];
    assert.equal(shown(), predicted(1));
    const { predicted: names, intervals, pending, open, violation, reason } = inference.view(3);
    assert.deepEqual([names, pending, open], [['latency.p50@pi', 'latency.p50@orin'], [], ['pi', 'orin']]);
    const [low, high] = intervals['latency.p50@pi'] ?? [0, 0];
    assert.ok(low < (shown() as number) && (shown() as number) < high);
    assert.deepEqual([violation, reason], [0, null]);
  });

  it('is never what another device has measured: of one that has measured nothing, nothing is known', () => {
    const history = [...trials(2), answered(0, 'pi', { metrics: {} }), asked(5)];
    const devices = fakeFleet(['nano', 'pi', 'orin']);
    const { inference, context } = searches({ history, devices, spec: { devices: ['nano', 'pi', 'orin'] } });
    context.emit(answered(0, 'nano', { metrics: {} }), answered(0, 'pi', { metrics: { 'latency.p50': 9 } }));
    const { metrics, predicted, intervals, pending } = inference.view(0);
    assert.deepEqual(
      [metrics, predicted, intervals, pending],
      [{ 'latency.p50@pi': 9, modelSize: 400 }, [], {}, ['orin']],
    );
    context.emit(answered(0, 'orin', { metrics: { 'latency.p50': 5 } }));
    assert.deepEqual(inference.view(0).pending, []);
    assert.deepEqual(inference.view(5).metrics, {}, 'of no architecture');
    assert.deepEqual(inference.view(5).pending, ['nano', 'pi', 'orin']);
  });

  it('of a device that is left out is none, and what it has said counts no longer', () => {
    const history = [...trials(2), answered(0, 'pi'), answered(0, 'orin', { violation: 2, feasible: false })];
    const { inference, context } = searches({ history });
    context.emit({ type: 'study-device', ...context.standing('orin'), standing: 'left-out' });
    const { metrics, pending, violation, reason } = inference.view(0);
    assert.deepEqual(
      [metrics, pending, violation, reason],
      [{ 'latency.p50@pi': 2, modelSize: 400 }, ['orin'], 0, null],
    );
    assert.deepEqual(inference.view(1).pending, ['orin']);
    assert.equal(inference.leastMeasured(), 1, 'of those that count');
  });

  it('counts the architectures that the device with the fewest has measured', () => {
    const { inference, context } = searches();
    assert.equal(inference.leastMeasured(), 0);
    context.emit(answered(0, 'pi'), answered(1, 'pi'), answered(0, 'orin'));
    assert.equal(inference.leastMeasured(), 1);
    context.emit(answered(1, 'orin', { best: null, feasible: false }), answered(2, 'pi'));
    assert.equal(inference.leastMeasured(), 1);
    context.emit(asked(5), built(5, { coordinates: coordinates(1) }), answered(5, 'orin'));
    assert.equal(inference.leastMeasured(), 1, 'one of the same size is no other');
    context.emit(asked(6), built(6, { coordinates: undefined }), answered(6, 'orin'));
    assert.equal(inference.leastMeasured(), 1, 'nor one of which nothing is known');
    context.emit(answered(2, 'orin'));
    assert.equal(inference.leastMeasured(), 2);
  });
});

describe('what devices have answered', () => {
  const int8 = { signature: 'i0', modelSha256: sha('b'), modelBytes: 100 };
  const history = [asked(0), built(0, { int8 }), asked(1)];

  it('is summed up: their metrics, the sum of violations, the largest file, the first reason', () => {
    const { inference, context } = searches({ history });
    const nothing = { metrics: {}, violation: 0, open: ['pi', 'orin'], reason: null };
    assert.deepEqual(inference.answers(0), nothing);
    context.emit(answered(0, 'orin', { best: { ...CONFIG, precision: 'int8' }, violation: 0.25, feasible: false }));
    assert.deepEqual(inference.answers(0), {
      metrics: { 'latency.p50@orin': 2, modelSize: 100 },
      ...{ violation: 0.25, open: ['pi'], reason: 'orin: no inference config meets the constraints' },
    });
    context.emit(answered(0, 'pi', { violation: 0.5, feasible: false, reason: 'too slow' }));
    assert.deepEqual(inference.answers(0), {
      metrics: { 'latency.p50@orin': 2, 'latency.p50@pi': 2, modelSize: 400 },
      ...{ violation: 0.75, open: [], reason: 'pi: too slow' },
    });
  });

  it('of the size of files is nothing where no config was found, or the graph is not known', () => {
    const { inference, context } = searches({ history });
    context.emit(answered(0, 'pi', { best: null, feasible: false, metrics: {} }), answered(1, 'pi'));
    assert.deepEqual([inference.answers(0).metrics, inference.answers(1).metrics], [{}, { 'latency.p50@pi': 2 }]);
  });
});
