/** Each mode does in a study what it says: when devices are asked, what is refused, what is trained to the end. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { StudyEvent, StudyEventBody } from '@edgetune/shared/domain/study-event.ts';
import { hastyClock } from '../../../scripts/soak/hasty-clock.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { Arrival, untilAborted } from '../../support/waiting.ts';
import {
  fakeFleet,
  fakeInference,
  fakeTraining,
  space,
  studyService,
  untilEvent,
  untilState,
} from './support/fakes.ts';

const yaml = (mode: string, more = '') => `name: ${mode}
dataset: {format: synthetic-images}
devices: [pi, orin]
budget: {minEpochs: 1, maxEpochs: 4, minDataFraction: 0.5, reductionFactor: 2}
stop: {trials: 8}
recommend: 1
tuner: {mode: ${mode}, seed: 2}
${more}`;

type EventOf<T extends StudyEventBody['type']> = Extract<StudyEventBody, { type: T }>;

async function run(t: Parameters<typeof temporaryFolder>[0], text: string, presence?: 'offline') {
  const inference = fakeInference();
  const training = fakeTraining();
  const { fleet, setPresence } = fakeFleet(['pi', 'orin'], presence);
  const { service, close } = studyService({
    directory: temporaryFolder(t),
    inference: inference.service,
    training: training.service,
    fleet,
  });
  const { id } = await service.create(text);
  const askedWhenTrained: number[] = [];
  const end = service.subscribe(id, ({ body }) => {
    if (body.type === 'training-finished') askedWhenTrained.push(inference.asked.length);
    if (body.type === 'trial-told') setPresence('pi', 'online');
    if (body.type === 'trial-told') setPresence('orin', 'online');
  });
  const study = await untilState(service, id, 'succeeded', 'failed');
  end();
  assert.equal(study.state, 'succeeded', study.reason ?? '');
  const bodies = service.events(id, 0, 10_000).map(({ body }) => body);
  const of = <T extends StudyEventBody['type']>(type: T) => bodies.filter((body) => body.type === type) as EventOf<T>[];
  const model = study.recommendation?.models[0];
  assert.ok(model);
  await close();
  return { study, inference, training, of, model, askedWhenTrained };
}

describe('the mode of a study', () => {
  it('accuracy-only: no device is asked before the end, nor needed, and constraints are unknown until then', async (t) => {
    const found = await run(
      t,
      yaml('accuracy-only', "constraints: ['latency.p99 <= 2 ms', 'macs <= 3000000']"),
      'offline',
    );
    assert.ok(found.askedWhenTrained.length > 8);
    assert.ok(found.askedWhenTrained.every((asked) => asked === 0));
    assert.deepEqual(
      found.inference.asked.map(({ device, purpose }) => [device, purpose]),
      [
        ['pi', 'confirm'],
        ['orin', 'confirm'],
      ],
    );
    assert.equal(found.study.trials.infeasible, 0);
    const accuracies = found.study.trialViews.map(({ candidate }) => Number(candidate.width));
    assert.equal(found.model.candidate.width, Math.max(...accuracies), 'the most accurate, whatever its latency');
    assert.equal(found.model.feasible, false, 'at the end the constraints are held against it');
    const front = found.study.trialViews.filter(({ onFront }) => onFront);
    assert.ok(front.length > 0);
    for (const { candidate } of front) assert.equal(candidate.width, found.model.candidate.width, 'the most accurate');
    assert.ok(found.study.search.hypervolume?.length, 'of accuracy alone');
    for (const { trialId, metrics, violation } of found.study.trialViews) {
      const isRecommended = trialId === found.model.trialId;
      for (const device of ['pi', 'orin']) assert.equal(metrics[`latency.p99@${device}`] !== undefined, isRecommended);
      assert.equal((violation ?? 0) > 0, isRecommended, 'of the others nothing is known');
    }
    for (const { budget } of found.of('trial-asked')) assert.equal(budget.dataFraction, 1, 'one kind of budget');
  });

  it('hierarchical: hyper-parameters first; then the training cores of the best, then inference', async (t) => {
    space.system.trainingCores = { type: 'ordinal', values: [1, 2] };
    t.after(() => {
      delete space.system.trainingCores;
    });
    const found = await run(t, yaml('hierarchical'));
    const asks = found.of('trial-asked');
    const second = asks.filter(({ trialId }) => trialId >= 8);
    assert.ok(asks.filter(({ trialId }) => trialId < 8).every(({ candidate }) => candidate.trainingCores === 1));
    assert.deepEqual(second.map(({ candidate }) => candidate.trainingCores).sort(), [1, 2]);
    assert.ok(second.every(({ budget }) => budget.epochs === 1));
    for (const { candidate } of second) assert.equal(candidate.width, found.model.candidate.width);
    assert.ok(found.model.trialId < 8, 'the model is that of phase one');
    assert.ok(found.askedWhenTrained.every((asked) => asked === 0));
    assert.deepEqual(
      found.inference.asked.map(({ purpose }) => purpose),
      ['confirm', 'confirm'],
    );
  });

  it('hyperpower: after a profile of few architectures it refuses by prediction, before training', async (t) => {
    const found = await run(
      t,
      yaml('hyperpower', "constraints: ['latency.p99 <= 4 ms']").replace('trials: 8', 'trials: 30'),
    );
    const refused = found.of('trial-told').filter(({ reason }) => reason?.startsWith('predicted from other'));
    assert.ok(refused.length > 0, 'some were refused');
    const trained = new Set(found.of('training-started').map(({ trialId }) => trialId));
    for (const { trialId, status, violation } of refused) {
      assert.equal(status, 'infeasible');
      assert.ok(violation > 0);
      assert.ok(!trained.has(trialId), 'and never trained');
    }
    const searched = new Set(
      found.inference.asked.filter(({ purpose }) => purpose === 'search').map(({ signature }) => signature),
    );
    assert.ok(searched.size >= 4 && searched.size < 8, `${searched.size} architectures were profiled`);
    assert.ok(Number(found.model.candidate.width) <= 4);
  });

  it('top-k-after-one-epoch: one epoch for all, then the whole budget for the best 1/η', async (t) => {
    const found = await run(t, yaml('top-k-after-one-epoch', 'objectives: [maximize accuracy]'));
    const asks = found.of('trial-asked');
    assert.deepEqual(
      asks.slice(0, 8).map(({ rung, budget }) => [rung, budget.epochs]),
      asks.slice(0, 8).map(() => [0, 1]),
    );
    const promoted = asks.slice(8);
    assert.ok(promoted.every(({ rung, budget }) => rung === 1 && budget.epochs === 4));
    const widths = asks
      .slice(0, 8)
      .map(({ candidate }) => Number(candidate.width))
      .sort((a, b) => b - a);
    assert.deepEqual(
      promoted.map(({ candidate }) => Number(candidate.width)).sort((a, b) => b - a),
      widths.slice(0, 4),
    );
  });
});

describe('a study with a target', () => {
  it('stops what else is training when a trial reaches it, and trains the model no further', async (t) => {
    let stopped = 0;
    const training = fakeTraining({
      // Small models train for ever, unless they are stopped.
      beforeTraining: async ({ width, signal }) => {
        if (width >= 8) return;
        await untilAborted(signal).catch(() => {});
        stopped++;
      },
    });
    const { service, close } = studyService({ directory: temporaryFolder(t), training: training.service, cores: 8 });
    const { id } = await service.create(
      yaml('onefold')
        .replace('stop: {trials: 8}', "stop: {trials: 8, target: ['accuracy >= 0.35']}\nparallelTrials: 8")
        .replace('seed: 2', 'seed: 2, initialCandidates: [{width: 2}, {width: 8}]'),
    );
    const study = await untilState(service, id, 'succeeded', 'failed');
    assert.equal(study.state, 'succeeded', study.reason ?? '');
    const [model] = study.recommendation?.models ?? [];
    assert.equal(model?.candidate.width, 8);
    assert.equal(model?.epochs, 1);
    assert.ok(stopped > 0);
    assert.ok(study.trialViews.some(({ status, reason }) => status === 'stopped' && /target/.test(reason ?? '')));
    await close();
  });

  it('trains nothing more after a restart, once it was reached', async (t) => {
    const directory = temporaryFolder(t);
    // The small model is not done when the coordinator ends, a moment after the large one reached the target.
    const ending = new Arrival('the coordinator to end');
    const training = fakeTraining({ beforeTraining: async ({ width }) => void (width < 8 && (await ending.wait())) });
    const first = studyService({ directory, training: training.service, cores: 2 });
    const { id } = await first.service.create(
      yaml('onefold')
        .replace('stop: {trials: 8}', "stop: {trials: 8, target: ['accuracy >= 0.35']}\nparallelTrials: 2")
        .replace('seed: 2', 'seed: 2, initialCandidates: [{width: 2}, {width: 8}]'),
    );
    await untilEvent('a trial to be told', first.service, id, ({ body }) => body.type === 'trial-told');
    const closed = first.close();
    ending.come();
    await closed;
    const again = fakeTraining();
    const { service, close } = studyService({ directory, training: again.service });
    service.start();
    const study = await untilState(service, id, 'succeeded', 'failed');
    assert.equal(study.state, 'succeeded', study.reason ?? '');
    assert.deepEqual(again.trained, []);
    await close();
  });

  it('is ended by what was measured, never by a prediction', async (t) => {
    // The first model is fast; the second, by that, is expected to be, and is not.
    const trained = new Arrival('the second model to be trained');
    const inference = fakeInference({ beforeAnswer: async ({ width }) => void (width > 2 && (await trained.wait())) });
    const { service, close } = studyService({ directory: temporaryFolder(t), inference: inference.service, cores: 1 });
    const { id } = await service.create(
      yaml('onefold')
        .replace('stop: {trials: 8}', "stop: {trials: 2, target: ['accuracy >= 0.35', 'latency <= 7.9 ms']}")
        .replace('seed: 2', 'seed: 2, initialCandidates: [{width: 2}, {width: 8}]'),
    );
    const isTrained = ({ body }: StudyEvent) => body.type === 'training-finished' && body.trialId === 1;
    service.subscribe(id, (event) => isTrained(event) && trained.come());
    if (service.events(id, 0, 10_000).some(isTrained)) trained.come();
    const study = await untilState(service, id, 'succeeded', 'failed');
    assert.equal(study.state, 'succeeded', study.reason ?? '');
    const told = service.events(id, 0, 10_000).flatMap(({ body }) => (body.type === 'trial-told' ? [body] : []));
    const first = told.find(({ trialId }) => trialId === 1);
    assert.deepEqual([first?.predicted, first?.metrics['latency.p50@pi']], [[], 8]);
    assert.ok(study.recommendation?.models.every(({ epochs }) => epochs === 4));
    await close();
  });

  it('is not ended without a device that cannot be measured', async (t) => {
    const whyUnfit = ({ device, purpose }: { device: string; purpose: string }) =>
      device === 'orin' && purpose === 'search' ? 'disturbed: other programs' : null;
    const inference = fakeInference({ whyUnfit });
    const { service, close } = studyService({
      directory: temporaryFolder(t),
      inference: inference.service,
      clock: hastyClock(),
    });
    const { id } = await service.create(
      yaml('onefold').replace(
        'stop: {trials: 8}',
        "stop: {trials: 8, target: ['accuracy >= 0.1', 'latency <= 20 ms']}",
      ),
    );
    const study = await untilState(service, id, 'succeeded', 'failed');
    assert.equal(study.state, 'succeeded', study.reason ?? '');
    assert.ok(study.trialViews.every(({ metrics }) => metrics['latency.p50@orin'] === undefined));
    assert.deepEqual([study.trialViews.length, study.trialViews.filter(({ status }) => status === 'stopped')], [8, []]);
    assert.ok(study.recommendation?.models.every(({ epochs }) => epochs === 4));
    await close();
  });

  it('of accuracy alone has devices asked only about what is trained to the end, or has reached it', async (t) => {
    const target = (limit: number, rest = '') =>
      yaml('onefold').replace('stop: {trials: 8}', `stop: {trials: 8, target: ['accuracy >= ${limit}']${rest}}`);
    const searched = ({ inference: { asked } }: Awaited<ReturnType<typeof run>>) =>
      new Set(asked.flatMap(({ purpose, signature }) => (purpose === 'search' ? [signature] : [])));
    const built = ({ of }: Awaited<ReturnType<typeof run>>) =>
      new Set(of('architecture-built').map(({ signature }) => signature));

    const never = await run(t, target(1));
    const full = new Set(never.of('trial-asked').flatMap((ask) => (ask.budget.epochs === 4 ? [ask.trialId] : [])));
    const ofFull = never.of('architecture-built').filter(({ trialId }) => full.has(trialId));
    assert.deepEqual(searched(never), new Set(ofFull.map(({ signature }) => signature)));
    assert.ok(searched(never).size < built(never).size, `${searched(never).size} of ${built(never).size}`);
    assert.equal(never.model.epochs, 4);

    const soon = await run(t, target(0.35).replace('seed: 2', 'seed: 2, initialCandidates: [{width: 8}]'));
    assert.equal(soon.model.epochs, 1, 'reached on the lowest rung');
    assert.ok(
      soon.of('trial-told').some(({ metrics }) => metrics['latency.p50@pi'] === 8),
      'and measured for it',
    );

    const cut = await run(t, target(1, ', timeS: 0.001'));
    assert.ok(cut.of('trial-asked').every(({ budget }) => budget.epochs < 4));
    assert.ok(cut.model.trialId >= 0, 'what there is is measured at the end');
  });

  it('of accuracy alone asks again, after a restart, what devices had not answered', async (t) => {
    const directory = temporaryFolder(t);
    const text = yaml('onefold')
      .replace('minEpochs: 1, maxEpochs: 4, minDataFraction: 0.5', 'minEpochs: 2, maxEpochs: 4, minDataFraction: 1')
      .replace('stop: {trials: 8}', "stop: {trials: 8, target: ['accuracy >= 1']}");
    // Of the first trial that is trained to the end each device answers, of others none until the coordinator ends.
    let answers = 0;
    const inference = fakeInference({
      beforeAnswer: async ({ signal }) => void (answers++ >= 2 && (await untilAborted(signal).catch(() => {}))),
    });
    const first = studyService({ directory, inference: inference.service, cores: 1 });
    const { id } = await first.service.create(text);
    await untilEvent(
      'a trained model to be told by predictions',
      first.service,
      id,
      ({ body }) => body.type === 'trial-told' && body.metrics.epochs === 4 && body.predicted.length > 0,
    );
    await first.close();
    const { service, close } = studyService({ directory, cores: 1 });
    service.start();
    const study = await untilState(service, id, 'succeeded', 'failed');
    assert.equal(study.state, 'succeeded', study.reason ?? '');
    const full = study.trialViews.filter(({ epochs }) => epochs === 4);
    assert.ok(full.length > 1);
    for (const { predicted, metrics, candidate } of full)
      assert.deepEqual([predicted, metrics['latency.p50@pi']], [[], candidate.width]);
    await close();
  });

  it('is measured for it in a mode that predicts', async (t) => {
    const found = await run(
      t,
      // None of the profiled models is accurate enough.
      yaml('hyperpower')
        .replace('stop: {trials: 8}', "stop: {trials: 8, target: ['accuracy >= 0.7', 'latency <= 20 ms']}")
        .replace('seed: 2', 'seed: 2, initialCandidates: [{width: 1}, {width: 2}, {width: 3}, {width: 4}, {width: 8}]'),
    );
    assert.equal(found.model.candidate.width, 8);
    const last = found.of('trial-told').findLast(({ trialId }) => trialId === found.model.trialId);
    assert.deepEqual([last?.predicted, last?.metrics['latency.p50@pi']], [[], 8]);
  });
});
